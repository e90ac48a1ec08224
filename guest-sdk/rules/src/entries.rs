//! Entries by name: which of them apply to a call.

use bartizan_guest::{Call, PatternMap, settings};
use serde::Deserialize;

use crate::Listed;

/// The settings of a rule family: what it says of targets and methods by name.
///
/// `T` is what the family says of one pattern, a struct with `#[settings]`. Of each list only the most
/// specific pattern applies, so entries without rules of the family have to be listed as well.
#[settings]
#[derive(Clone, Debug)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Lists<T> {
    /// Tools by name.
    #[serde(default)]
    pub tools: Vec<Listed<T>>,
    /// Prompts by name.
    #[serde(default)]
    pub prompts: Vec<Listed<T>>,
    /// Resources by URI.
    #[serde(default)]
    pub resources: Vec<Listed<T>>,
    /// Messages by MCP method, in addition.
    #[serde(default)]
    pub methods: Vec<Listed<T>>,
    /// What applies to every tool call as well.
    pub all_tools: Option<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            methods: Vec::new(),
            all_tools: None,
        }
    }
}

impl<T> Lists<T> {
    /// Makes entries of the lists, turning what is said into what is evaluated.
    ///
    /// # Errors
    ///
    /// The first error of `compile`, after the list and the pattern that it is about.
    pub fn compile<U>(self, mut compile: impl FnMut(T) -> Result<U, String>) -> Result<Entries<U>, String> {
        let mut map = |list: &str, entries: Vec<Listed<T>>| -> Result<PatternMap<U>, String> {
            let compiled = entries.into_iter().map(|Listed { pattern, rules }| match compile(rules) {
                Ok(rules) => Ok((pattern, rules)),
                Err(error) => Err(format!("`{list}`, `{pattern}`: {error}")),
            });
            compiled.collect()
        };
        Ok(Entries {
            tools: map("tools", self.tools)?,
            prompts: map("prompts", self.prompts)?,
            resources: map("resources", self.resources)?,
            methods: map("methods", self.methods)?,
            all_tools: self
                .all_tools
                .map(|rules| compile(rules).map_err(|error| format!("`all_tools`: {error}")))
                .transpose()?,
        })
    }
}

/// What is said of targets and methods, ready to be looked up.
#[derive(Clone, Debug)]
pub struct Entries<T> {
    tools: PatternMap<T>,
    prompts: PatternMap<T>,
    resources: PatternMap<T>,
    methods: PatternMap<T>,
    all_tools: Option<T>,
}

impl<T> From<Lists<T>> for Entries<T> {
    /// As [`Lists::compile`], with the settings as they are.
    fn from(lists: Lists<T>) -> Self {
        let map = |entries: Vec<Listed<T>>| -> PatternMap<T> {
            entries.into_iter().map(|Listed { pattern, rules }| (pattern, rules)).collect()
        };
        Self {
            tools: map(lists.tools),
            prompts: map(lists.prompts),
            resources: map(lists.resources),
            methods: map(lists.methods),
            all_tools: lists.all_tools,
        }
    }
}

impl<T> Entries<T> {
    /// What applies to a call. Iterates in the order of the fields of [`Applicable`].
    pub fn applicable(&self, call: &Call) -> Applicable<'_, T> {
        let method = call.method();
        let own = self.own(&method, call).and_then(|own| own.get(&call.target()?));
        let all_tools = if method == "tools/call" { self.all_tools.as_ref() } else { None };
        Applicable { own, all_tools, method: self.methods.get(&method) }
    }

    /// The map that speaks of the call's target.
    fn own(&self, method: &str, call: &Call) -> Option<&PatternMap<T>> {
        match method {
            "tools/call" => Some(&self.tools),
            "prompts/get" => Some(&self.prompts),
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "notifications/resources/updated" => Some(&self.resources),
            "completion/complete" => match call.argument_as::<String>("/ref/type").ok()??.as_str() {
                "ref/prompt" => Some(&self.prompts),
                "ref/resource" => Some(&self.resources),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The entries that apply to one call, each the most specific of its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicable<'e, T> {
    /// The entry of the call's target: of a tool, a prompt or a resource.
    pub own: Option<&'e T>,
    /// What applies to all tools, if it is a tool that is called.
    pub all_tools: Option<&'e T>,
    /// The entry of the call's method.
    pub method: Option<&'e T>,
}

impl<'e, T> Iterator for Applicable<'e, T> {
    type Item = &'e T;

    fn next(&mut self) -> Option<Self::Item> {
        self.own.take().or_else(|| self.all_tools.take()).or_else(|| self.method.take())
    }
}

#[cfg(test)]
mod tests {
    use super::{Entries, Lists};
    use bartizan_guest::settings;
    use bartizan_guest::testing::TestCall;
    use serde_json::json;

    #[settings]
    #[derive(Debug)]
    struct Family {
        rule: Option<String>,
    }

    fn entries() -> Entries<Family> {
        let settings = json!({
            "tools": [{"pattern": "get_*", "rule": "t*"}, {"pattern": "get_run"}, {"pattern": "x", "rule": "tx"}],
            "prompts": [{"pattern": "x", "rule": "px"}],
            "resources": [{"pattern": "file:*", "rule": "rf"}, {"pattern": "x", "rule": "rx"}],
            "methods": [{"pattern": "tools/*", "rule": "mt"}, {"pattern": "resources/read", "rule": "mr"}],
            "all_tools": {"rule": "all"},
        });
        serde_json::from_value::<Lists<Family>>(settings).unwrap().into()
    }

    #[test]
    fn the_entries_that_apply_in_order() {
        let completion = |kind: &str| {
            TestCall::method("completion/complete")
                .target("x")
                .arguments(json!({"ref": {"type": kind, "name": "x"}}))
        };
        let untyped = TestCall::method("completion/complete").target("x");
        for (name, call, expected) in [
            ("a glob", TestCall::tool("get_metric"), vec!["t*", "all", "mt"]),
            ("a more specific entry without rules", TestCall::tool("get_run"), vec!["-", "all", "mt"]),
            ("no entry", TestCall::tool("health"), vec!["all", "mt"]),
            ("a prompt", TestCall::method("prompts/get").target("x"), vec!["px"]),
            ("another prompt", TestCall::method("prompts/get").target("get_run"), vec![]),
            ("a resource", TestCall::method("resources/read").target("file:///x"), vec!["rf", "mr"]),
            ("a subscription", TestCall::method("resources/subscribe").target("x"), vec!["rx"]),
            ("its end", TestCall::method("resources/unsubscribe").target("x"), vec!["rx"]),
            ("its news", TestCall::method("notifications/resources/updated").target("x"), vec!["rx"]),
            ("a prompt's completion", completion("ref/prompt"), vec!["px"]),
            ("a resource's completion", completion("ref/resource"), vec!["rx"]),
            ("another completion", completion("ref/tool"), vec![]),
            ("a completion of nothing", untyped, vec![]),
            ("a list", TestCall::method("tools/list"), vec!["mt"]),
            ("a task", TestCall::method("tasks/get").target("x"), vec![]),
        ] {
            let entries = entries();
            let found: Vec<_> = call.read(|call| {
                entries.applicable(call).map(|family| family.rule.as_deref().unwrap_or("-")).collect()
            });
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn errors_say_which_entry() {
        let lists = |text: &str| serde_json::from_str::<Lists<Family>>(text).unwrap();
        let refuse = |_: Family| Err::<(), _>("no".to_owned());
        for (text, expected) in [
            (r#"{"prompts":[{"pattern":"p*"}]}"#, "`prompts`, `p*`: no"),
            (r#"{"all_tools":{}}"#, "`all_tools`: no"),
        ] {
            assert_eq!(lists(text).compile(refuse).unwrap_err(), expected);
        }
        assert!(lists("{}").compile(refuse).is_ok());
        let error = serde_json::from_str::<Lists<Family>>(r#"{"tool":[]}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `tool`"), "{error}");
    }
}
