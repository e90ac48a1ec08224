//! Tests of a policy without Wasm: build a [`TestCall`], let the policy judge it.

use serde_json::{Value, json};

use crate::call::{Call, Entry, Flow, Reply};
use crate::decision::Decision;
use crate::policy::{CallPolicy, ListingPolicy, Policy, ReplyPolicy};

/// Makes a policy from JSON settings, as the host does.
///
/// # Errors
///
/// What the host would be told: the settings do not parse, or the policy refuses them.
pub fn configure<P: Policy>(settings: &str) -> Result<P, String> {
    P::configure(serde_json::from_str(settings).map_err(|error| error.to_string())?)
}

/// A call to judge.
///
/// ```
/// use bartizan_guest::testing::TestCall;
///
/// let call = TestCall::tool("set_run_tag").arguments(serde_json::json!({"run_id": "1"})).principal("ci");
/// ```
#[derive(Clone, Debug)]
pub struct TestCall(Source);

/// What [`Call`] and [`Reply`] read from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    method: String,
    direction: Flow,
    server: String,
    target: Option<String>,
    arguments: Value,
    entry: Option<Entry>,
    session: String,
    principal: Option<String>,
    claims: Value,
    time: u64,
    reply: Value,
}

impl TestCall {
    /// A call of an MCP method without a target.
    pub fn method(method: impl Into<String>) -> Self {
        Self(Source {
            method: method.into(),
            direction: Flow::ClientToServer,
            server: "server".to_owned(),
            target: None,
            arguments: json!({}),
            entry: None,
            session: "session".to_owned(),
            principal: None,
            claims: Value::Null,
            time: 0,
            reply: Value::Null,
        })
    }

    /// A `tools/call` of this tool.
    pub fn tool(name: impl Into<String>) -> Self {
        Self::method("tools/call").target(name)
    }

    /// Sets the tool or prompt name or the resource URI.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.0.target = Some(target.into());
        self
    }

    /// Sets the arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: Value) -> Self {
        self.0.arguments = arguments;
        self
    }

    /// Sets the server's definition of the target.
    #[must_use]
    pub fn definition(mut self, definition: &Value) -> Self {
        self.0.entry = Some(entry(self.0.target.as_deref().unwrap_or_default(), definition));
        self
    }

    /// Sets the session.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.0.session = session.into();
        self
    }

    /// Sets the server's name.
    #[must_use]
    pub fn server(mut self, server: impl Into<String>) -> Self {
        self.0.server = server.into();
        self
    }

    /// Sets the authenticated caller.
    #[must_use]
    pub fn principal(mut self, principal: impl Into<String>) -> Self {
        self.0.principal = Some(principal.into());
        self
    }

    /// Sets the caller's claims: an object.
    #[must_use]
    pub fn claims(mut self, claims: Value) -> Self {
        self.0.claims = claims;
        self
    }

    /// Sets the time: milliseconds since the Unix epoch.
    #[must_use]
    pub fn time(mut self, milliseconds: u64) -> Self {
        self.0.time = milliseconds;
        self
    }

    /// Sets which way the message travels.
    #[must_use]
    pub fn direction(mut self, direction: Flow) -> Self {
        self.0.direction = direction;
        self
    }

    /// Sets the result that a [`ReplyPolicy`] judges.
    #[must_use]
    pub fn reply(mut self, result: Value) -> Self {
        self.0.reply = result;
        self
    }

    /// Lets a policy judge the call.
    pub fn check<P: CallPolicy>(&self, policy: &P) -> Decision {
        policy.check(&Call(self.0.clone()))
    }

    /// Lets a policy judge the reply.
    pub fn check_reply<P: ReplyPolicy>(&self, policy: &P) -> Decision {
        policy.check_reply(&Call(self.0.clone()), &Reply(&self.0))
    }
}

/// Whether a policy lets the caller know of a tool with this definition, which has a `name`.
pub fn is_visible<P: ListingPolicy>(policy: &P, definition: &Value) -> bool {
    let name = definition.get("name").and_then(Value::as_str).unwrap_or_default();
    policy.is_visible(&Call(TestCall::method("tools/list").0), &entry(name, definition))
}

fn entry(name: &str, definition: &Value) -> Entry {
    // Any text that changes with the definition will do here; the host uses SHA-256.
    let definition = definition.to_string();
    Entry { name: name.to_owned(), digest: format!("test-digest-of-{definition}"), definition }
}

fn at(value: &Value, pointer: &str) -> Option<String> {
    if value.is_null() { None } else { value.pointer(pointer).map(Value::to_string) }
}

impl Source {
    pub(crate) fn method(&self) -> String {
        self.method.clone()
    }
    pub(crate) fn direction(&self) -> Flow {
        self.direction
    }
    pub(crate) fn server(&self) -> String {
        self.server.clone()
    }
    pub(crate) fn target(&self) -> Option<String> {
        self.target.clone()
    }
    pub(crate) fn argument(&self, pointer: &str) -> Option<String> {
        at(&self.arguments, pointer)
    }
    pub(crate) fn entry(&self) -> Option<Entry> {
        self.entry.clone()
    }
    pub(crate) fn session(&self) -> String {
        self.session.clone()
    }
    pub(crate) fn principal(&self) -> Option<String> {
        self.principal.clone()
    }
    pub(crate) fn claim(&self, pointer: &str) -> Option<String> {
        at(&self.claims, pointer)
    }
    pub(crate) fn time(&self) -> u64 {
        self.time
    }
    pub(crate) fn is_error(&self) -> bool {
        self.reply.get("isError").and_then(Value::as_bool).unwrap_or(false)
    }
    pub(crate) fn value(&self, pointer: &str) -> Option<String> {
        at(&self.reply, pointer)
    }
}
