//! The MCP methods of both eras, as data.
//!
//! A gateway that denies by default needs to know each method it lets through: what it is, what it
//! names, where the part to judge stands. What is not in [`METHODS`] is unknown, and unknown is denied.

use std::borrow::Cow;

use crate::era::Era;
use crate::json::Value;

/// What a method is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Opens or describes the connection: `initialize`, `server/discover`.
    Lifecycle,
    /// Plumbing with no effect of its own: `ping`, `logging/setLevel`.
    Utility,
    /// Lists what there is; the result is to be filtered.
    Listing(Shape),
    /// Acts on one tool, prompt or resource.
    Target,
    /// Follows up a call that runs as a task.
    Task,
    /// Opens a stream of notifications: `subscriptions/listen`.
    Subscription,
    /// The server asks the client for something: `sampling/createMessage`.
    Ask,
    /// Tells, and wants no answer.
    Notification,
}

/// The shape of a list result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The member of `result` that is the list, such as `tools`.
    pub array: &'static str,
    /// The member of an element that identifies it, such as `name`.
    pub name: &'static str,
    /// The method an element is an argument of: who may not call it does not see it.
    pub judged: &'static str,
}

/// Who sends a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The client.
    ClientToServer,
    /// The server.
    ServerToClient,
    /// Either.
    Both,
}

impl Direction {
    /// Whether a message may travel in `direction` (not [`Direction::Both`]).
    pub fn includes(self, direction: Direction) -> bool {
        self == Self::Both || self == direction
    }
}

/// In which eras a method may be sent as a message of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Eras {
    /// Only in the legacy era. (Modern servers ask by `input_required` results instead, whose
    /// `inputRequests` carry the same method names.)
    Legacy,
    /// Only in the modern era.
    Modern,
    /// In both.
    Both,
}

impl Eras {
    /// Whether the method exists in `era`.
    pub fn includes(self, era: Era) -> bool {
        match self {
            Self::Legacy => era == Era::Legacy,
            Self::Modern => era == Era::Modern,
            Self::Both => true,
        }
    }
}

/// What happens to a method that no rule mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// Needed to hold a conversation, and harmless by itself: passes also under a default of deny.
    /// A list is in here because its elements are filtered.
    Session,
    /// Has an effect or discloses something: a rule or the default decides.
    Judged,
    /// Continues a call that was judged (a task): as allowed as that call was. Whoever does not know the
    /// call treats it as [`Treatment::Judged`].
    Follows,
}

/// What a target is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noun {
    /// A tool's name.
    Tool,
    /// A prompt's name.
    Prompt,
    /// A resource's URI, or the URI template of several.
    Resource,
    /// A task's id.
    Task,
}

/// Where a method says what it acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What stands there.
    pub noun: Noun,
    /// RFC 6901 pointer within `params`.
    pub pointer: &'static str,
}

/// What a message acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a> {
    /// What it is.
    pub noun: Noun,
    /// Its name, URI or id, unescaped, exactly as sent.
    pub name: Cow<'a, str>,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The name on the wire. Case and spelling matter.
    pub name: &'static str,
    /// What it is for.
    pub kind: Kind,
    /// Who sends it.
    pub direction: Direction,
    /// When it exists.
    pub eras: Eras,
    /// What happens without a rule.
    pub treatment: Treatment,
    /// Where the target may stand; exactly one of the places is filled in a valid message. Empty if the
    /// method has no target.
    pub places: &'static [Place],
    /// RFC 6901 pointer within `params` to what policies judge as the arguments; `""` is `params`.
    pub arguments: &'static str,
}

impl Method {
    /// What a message with these `params` acts on. `None` if the method has no target, or if the message
    /// does not name exactly one by a string; a method with [`Method::places`] must be refused then.
    pub fn target<'a>(&self, params: Option<Value<'a>>) -> Option<Target<'a>> {
        let params = params?;
        let mut named = self.places.iter().filter_map(|place| Some((place, params.pointer(place.pointer)?)));
        let (place, value) = named.next()?;
        match named.next() {
            None => Some(Target { noun: place.noun, name: value.as_str()? }),
            Some(_) => None,
        }
    }

    /// The target, if the modern era has it repeated in the `Mcp-Name` header.
    pub fn header_target<'a>(&self, params: Option<Value<'a>>) -> Option<Cow<'a, str>> {
        let has_target =
            matches!(self.name, "tools/call" | "prompts/get" | "resources/read") || self.kind == Kind::Task;
        if has_target && self.eras.includes(Era::Modern) {
            self.target(params).map(|target| target.name)
        } else {
            None
        }
    }

    /// What policies judge as the arguments, if the message has them.
    pub fn arguments<'a>(&self, params: Option<Value<'a>>) -> Option<Value<'a>> {
        params?.pointer(self.arguments)
    }

    /// The list's shape, if this is a [`Kind::Listing`].
    pub fn shape(&self) -> Option<&Shape> {
        match &self.kind {
            Kind::Listing(shape) => Some(shape),
            _ => None,
        }
    }
}

/// The method of this name, compared exactly; `None` if MCP has none.
pub fn lookup(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

const TOOL: &[Place] = &[Place { noun: Noun::Tool, pointer: "/name" }];
const PROMPT: &[Place] = &[Place { noun: Noun::Prompt, pointer: "/name" }];
const RESOURCE: &[Place] = &[Place { noun: Noun::Resource, pointer: "/uri" }];
const TASK: &[Place] = &[Place { noun: Noun::Task, pointer: "/taskId" }];
const REFERENCE: &[Place] = &[
    Place { noun: Noun::Prompt, pointer: "/ref/name" },
    Place { noun: Noun::Resource, pointer: "/ref/uri" },
];

const fn list(array: &'static str, name: &'static str, judged: &'static str) -> Kind {
    Kind::Listing(Shape { array, name, judged })
}

const fn row(name: &'static str, kind: Kind, direction: Direction, eras: Eras) -> Method {
    let treatment = match kind {
        Kind::Target | Kind::Ask => Treatment::Judged,
        Kind::Task => Treatment::Follows,
        Kind::Lifecycle | Kind::Utility | Kind::Listing(_) | Kind::Subscription | Kind::Notification => {
            Treatment::Session
        }
    };
    Method { name, kind, direction, eras, treatment, places: &[], arguments: "" }
}

impl Method {
    const fn on(self, places: &'static [Place]) -> Self {
        Self { places, ..self }
    }

    const fn with(self, arguments: &'static str) -> Self {
        Self { arguments, ..self }
    }
}

/// Every method of the published revisions (2024-11-05 to 2026-07-28, tasks extension included).
pub static METHODS: &[Method] = {
    use Direction::{Both as Either, ClientToServer as Client, ServerToClient as Server};
    use Eras::{Both, Legacy, Modern};
    use Kind::{Ask, Lifecycle, Notification, Subscription, Target, Task, Utility};
    &[
        row("initialize", Lifecycle, Client, Legacy),
        row("server/discover", Lifecycle, Client, Modern),
        row("ping", Utility, Either, Legacy),
        row("logging/setLevel", Utility, Client, Legacy),
        row("tools/list", list("tools", "name", "tools/call"), Client, Both),
        row("prompts/list", list("prompts", "name", "prompts/get"), Client, Both),
        row("resources/list", list("resources", "uri", "resources/read"), Client, Both),
        row(
            "resources/templates/list",
            list("resourceTemplates", "uriTemplate", "resources/read"),
            Client,
            Both,
        ),
        row("tasks/list", list("tasks", "taskId", "tasks/get"), Either, Legacy),
        row("tools/call", Target, Client, Both).on(TOOL).with("/arguments"),
        row("prompts/get", Target, Client, Both).on(PROMPT).with("/arguments"),
        row("resources/read", Target, Client, Both).on(RESOURCE),
        row("resources/subscribe", Target, Client, Legacy).on(RESOURCE),
        row("resources/unsubscribe", Target, Client, Legacy).on(RESOURCE),
        row("completion/complete", Target, Client, Both).on(REFERENCE),
        row("tasks/get", Task, Either, Both).on(TASK),
        row("tasks/result", Task, Either, Legacy).on(TASK),
        row("tasks/update", Task, Client, Modern).on(TASK),
        row("tasks/cancel", Task, Either, Both).on(TASK),
        row("subscriptions/listen", Subscription, Client, Modern),
        row("sampling/createMessage", Ask, Server, Legacy),
        row("elicitation/create", Ask, Server, Legacy),
        row("roots/list", Ask, Server, Legacy),
        row("notifications/initialized", Notification, Client, Legacy),
        row("notifications/cancelled", Notification, Either, Both),
        row("notifications/progress", Notification, Either, Both),
        row("notifications/message", Notification, Server, Both),
        row("notifications/tools/list_changed", Notification, Server, Both),
        row("notifications/prompts/list_changed", Notification, Server, Both),
        row("notifications/resources/list_changed", Notification, Server, Both),
        row("notifications/resources/updated", Notification, Server, Both).on(RESOURCE),
        row("notifications/roots/list_changed", Notification, Client, Legacy),
        row("notifications/elicitation/complete", Notification, Server, Legacy),
        row("notifications/tasks/status", Notification, Either, Legacy).on(TASK),
        row("notifications/tasks", Notification, Server, Modern).on(TASK),
        row("notifications/subscriptions/acknowledged", Notification, Server, Modern),
    ]
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::json::{Document, Limits};

    #[test]
    fn the_table_is_consistent() {
        let names: HashSet<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len());
        for method in METHODS {
            assert_eq!(lookup(method.name), Some(method));
            let named_so = method.name.starts_with("notifications/");
            assert_eq!(named_so, method.kind == Kind::Notification, "{}", method.name);
            if let Some(shape) = method.shape() {
                assert!(!lookup(shape.judged).unwrap().places.is_empty(), "{}", method.name);
            }
            if method.kind == Kind::Target {
                assert!(!method.places.is_empty(), "{}", method.name);
            }
        }
    }

    #[test]
    fn names_are_exact() {
        for name in ["", "Tools/Call", "tools/call ", "tools\\/call", "x/call_tool", "notifications/vendor"] {
            assert_eq!(lookup(name), None, "{name:?}");
        }
    }

    #[test]
    fn treatment_follows_effect() {
        let cases = [
            ("initialize", Treatment::Session),
            ("tools/list", Treatment::Session),
            ("subscriptions/listen", Treatment::Session),
            ("notifications/cancelled", Treatment::Session),
            ("tools/call", Treatment::Judged),
            ("completion/complete", Treatment::Judged),
            ("resources/subscribe", Treatment::Judged),
            ("sampling/createMessage", Treatment::Judged),
            ("roots/list", Treatment::Judged),
            ("tasks/result", Treatment::Follows),
        ];
        for (name, treatment) in cases {
            assert_eq!(lookup(name).unwrap().treatment, treatment, "{name}");
        }
        assert!(Eras::Legacy.includes(Era::Legacy) && !Eras::Legacy.includes(Era::Modern));
        assert!(Eras::Modern.includes(Era::Modern) && !Eras::Modern.includes(Era::Legacy));
        assert!(Direction::Both.includes(Direction::ServerToClient));
        assert!(!Direction::ClientToServer.includes(Direction::ServerToClient));
    }

    #[test]
    fn targets_and_arguments() {
        let cases = [
            (
                "tools/call",
                r#"{"n\u0061me":"a\u0062","arguments":{"x":1}}"#,
                Some((Noun::Tool, "ab")),
                r#"{"x":1}"#,
            ),
            ("tools/call", r#"{"name":1}"#, None, ""),
            ("tools/call", r#"{"Name":"x"}"#, None, ""),
            ("prompts/get", r#"{"name":"p"}"#, Some((Noun::Prompt, "p")), ""),
            ("resources/read", r#"{"uri":"x:/y"}"#, Some((Noun::Resource, "x:/y")), r#"{"uri":"x:/y"}"#),
            (
                "completion/complete",
                r#"{"ref":{"name":"p"}}"#,
                Some((Noun::Prompt, "p")),
                r#"{"ref":{"name":"p"}}"#,
            ),
            (
                "completion/complete",
                r#"{"ref":{"uri":"u"}}"#,
                Some((Noun::Resource, "u")),
                r#"{"ref":{"uri":"u"}}"#,
            ),
            (
                "completion/complete",
                r#"{"ref":{"name":"p","uri":"u"}}"#,
                None,
                r#"{"ref":{"name":"p","uri":"u"}}"#,
            ),
            ("tasks/get", r#"{"taskId":"t"}"#, Some((Noun::Task, "t")), r#"{"taskId":"t"}"#),
            ("ping", "{}", None, "{}"),
        ];
        for (name, params, target, arguments) in cases {
            let document = Document::parse(params.as_bytes(), &Limits::default()).unwrap();
            let method = lookup(name).unwrap();
            let expected = target.map(|(noun, name)| Target { noun, name: name.into() });
            assert_eq!(method.target(Some(document.root())), expected, "{name} {params}");
            let found = method.arguments(Some(document.root())).map_or("", Value::text);
            assert_eq!(found, arguments, "{name} {params}");
            assert_eq!(method.target(None), None);
        }
    }
}
