//! Tests of a policy without Wasm: build a [`TestCall`], let the policy judge it.
//!
//! What a policy is granted in the gateway is there as well: a [`TestMemory`] that calls share as those of a
//! session do, answers to requests ([`TestCall::http`]), and the lines it writes ([`logged`]).

mod interfaces;

pub use interfaces::{Line, TestMemory, logged};
pub(crate) use interfaces::{exchange, write_line};

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::{Call, Entry, Flow, Reply};
use crate::decision::{Decision, Verdict};
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
    /// JSON text: a [`Value`] would round numbers.
    arguments: String,
    entry: Option<Entry>,
    session: String,
    principal: Option<String>,
    claims: Value,
    time: u64,
    /// JSON text, as the arguments.
    reply: String,
    memory: interfaces::View,
    http: interfaces::Stub,
}

impl TestCall {
    /// A call of an MCP method without a target.
    pub fn method(method: impl Into<String>) -> Self {
        Self(Source {
            method: method.into(),
            direction: Flow::ClientToServer,
            server: "server".to_owned(),
            target: None,
            arguments: "{}".to_owned(),
            entry: None,
            session: "session".to_owned(),
            principal: None,
            claims: Value::Null,
            time: 0,
            reply: "null".to_owned(),
            memory: interfaces::View::default(),
            http: interfaces::Stub::default(),
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
    #[expect(clippy::needless_pass_by_value, reason = "reads better with `json!`, as the other setters do")]
    pub fn arguments(mut self, arguments: Value) -> Self {
        self.0.arguments = arguments.to_string();
        self
    }

    /// Sets the arguments as JSON text, in which numbers keep their literals as they do in the gateway.
    ///
    /// Text that is not JSON has nothing in it.
    #[must_use]
    pub fn arguments_text(mut self, arguments: impl Into<String>) -> Self {
        self.0.arguments = arguments.into();
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
    #[expect(clippy::needless_pass_by_value, reason = "reads better with `json!`, as the other setters do")]
    pub fn reply(mut self, result: Value) -> Self {
        self.0.reply = result.to_string();
        self
    }

    /// Reads the call as a policy does.
    ///
    /// ```
    /// use bartizan_guest::testing::TestCall;
    ///
    /// let call = TestCall::tool("get_run").arguments_text(r#"{"amount": 12345678901234567890.10}"#);
    /// assert_eq!(call.read(|call| call.argument("/amount")).as_deref(), Some("12345678901234567890.10"));
    /// ```
    pub fn read<T>(&self, reader: impl FnOnce(&Call) -> T) -> T {
        self.0.memory.begin();
        reader(&Call(self.0.clone()))
    }

    /// Sets the result as JSON text, in which numbers keep their literals as they do in the gateway.
    #[must_use]
    pub fn reply_text(mut self, result: impl Into<String>) -> Self {
        self.0.reply = result.into();
        self
    }

    /// Sets what the policy remembers of the session. What it changes is kept there if it lets the call (or the
    /// reply) through, as in the gateway; if it asks for approval it is not, since the call does not go on yet.
    #[must_use]
    pub fn memory(mut self, memory: &TestMemory) -> Self {
        self.0.memory = interfaces::View::of(memory);
        self
    }

    /// Answers the policy's requests. Without it they fail. There is an example at [`crate::http`].
    #[must_use]
    pub fn http(
        mut self,
        answer: impl Fn(&crate::http::Request) -> Result<crate::http::Response, String> + 'static,
    ) -> Self {
        self.0.http = interfaces::Stub::new(answer);
        self
    }

    /// Lets a policy judge the call.
    pub fn check<P: CallPolicy>(&self, policy: &P) -> Decision {
        self.evaluate(|call| policy.check(call))
    }

    /// Lets a policy judge the reply.
    pub fn check_reply<P: ReplyPolicy>(&self, policy: &P) -> Decision {
        self.evaluate(|call| policy.check_reply(call, &Reply(&call.0)))
    }

    fn evaluate(&self, judge: impl FnOnce(&Call) -> Decision) -> Decision {
        let call = Call(self.0.clone());
        call.0.memory.begin();
        let decision = call.0.http.during(|| judge(&call));
        if matches!(decision.verdict, Verdict::Pass | Verdict::Rewrite(_)) {
            call.0.memory.keep();
        }
        decision
    }
}

/// Whether a policy lets the caller know of a tool with this definition, which has a `name`. There is an
/// example at [`ListingPolicy`].
pub fn is_visible<P: ListingPolicy>(policy: &P, definition: &Value) -> bool {
    let name = definition.get("name").and_then(Value::as_str).unwrap_or_default();
    policy.is_visible(&Call(TestCall::method("tools/list").0), &entry(name, definition))
}

/// As [`is_visible`], of an entry with this digest, in a list of this method.
pub fn is_entry_visible<P: ListingPolicy>(policy: &P, method: &str, name: &str, digest: &str) -> bool {
    let entry = Entry { name: name.to_owned(), digest: digest.to_owned(), definition: "{}".to_owned() };
    policy.is_visible(&Call(TestCall::method(method).0), &entry)
}

fn entry(name: &str, definition: &Value) -> Entry {
    // Any text that changes with the definition will do here; the host uses SHA-256.
    let definition = definition.to_string();
    Entry { name: name.to_owned(), digest: format!("test-digest-of-{definition}"), definition }
}

fn at(value: &Value, pointer: &str) -> Option<String> {
    if value.is_null() { None } else { value.pointer(pointer).map(Value::to_string) }
}

/// What stands at a pointer in a JSON text.
fn at_text(text: &str, pointer: &str) -> Option<String> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    let tokens = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
    let found = tokens.into_iter().try_fold(whole, |value, token| member(value, &token))?;
    (whole.get() != "null").then(|| found.get().to_owned())
}

/// A member or an element, with its text as it stands.
fn member<'t>(value: &'t RawValue, token: &str) -> Option<&'t RawValue> {
    if value.get().starts_with('[') {
        let plain = token == "0" || !token.starts_with(['0', '+']);
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        return elements.get(token.parse::<usize>().ok().filter(|_index| plain)?).copied();
    }
    serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(value.get()).ok()?.get(token).copied()
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
        at_text(&self.arguments, pointer)
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
        self.value("/isError").as_deref() == Some("true")
    }
    pub(crate) fn value(&self, pointer: &str) -> Option<String> {
        at_text(&self.reply, pointer)
    }
    pub(crate) fn remembered(&self, key: &str) -> Option<String> {
        self.memory.get(key, self.time)
    }
    pub(crate) fn remember(&self, key: &str, json: &str, seconds: u32) {
        self.memory.set(key, json, seconds, self.time);
    }
    pub(crate) fn forget(&self, key: &str) {
        self.memory.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::TestCall;

    #[test]
    fn arguments_given_as_text_are_read_as_they_stand() {
        let text = r#"{"a":{"b~c/d":[10,1.10,12345678901234567890123]},"na\u006de":"\u0041"}"#;
        for (pointer, expected) in [
            ("", Some(text)),
            ("/a/b~0c~1d/1", Some("1.10")),
            ("/a/b~0c~1d/2", Some("12345678901234567890123")),
            ("/a/b~0c~1d/3", None),
            ("/a/b~0c~1d/00", None),
            ("/name", Some(r#""\u0041""#)),
            ("/name/0", None),
            ("/missing", None),
        ] {
            let found = TestCall::tool("x").arguments_text(text).read(|call| call.argument(pointer));
            assert_eq!(found.as_deref(), expected, "{pointer:?}");
        }
        for nothing in ["null", "{"] {
            let found = TestCall::tool("x").arguments_text(nothing).read(|call| call.argument(""));
            assert_eq!(found, None, "{nothing}");
        }
    }
}
