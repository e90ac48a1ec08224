//! The message being judged.

use serde::de::DeserializeOwned;

use crate::memory::Memory;

#[cfg(target_family = "wasm")]
mod source {
    //! In a plugin: the host's functions.
    use super::{Entry, Flow};
    use crate::bindings::{call, memory, reply, types};

    pub(crate) struct Source;

    impl Source {
        pub(crate) fn method(&self) -> String {
            call::method()
        }
        pub(crate) fn direction(&self) -> Flow {
            match call::direction() {
                types::Flow::ClientToServer => Flow::ClientToServer,
                types::Flow::ServerToClient => Flow::ServerToClient,
            }
        }
        pub(crate) fn server(&self) -> String {
            call::server()
        }
        pub(crate) fn target(&self) -> Option<String> {
            call::target()
        }
        pub(crate) fn argument(&self, pointer: &str) -> Option<String> {
            call::argument(pointer)
        }
        pub(crate) fn entry(&self) -> Option<Entry> {
            call::tool().map(|entry| Entry {
                name: entry.name,
                digest: entry.digest,
                definition: entry.definition,
            })
        }
        pub(crate) fn session(&self) -> String {
            call::session()
        }
        pub(crate) fn principal(&self) -> Option<String> {
            call::principal()
        }
        pub(crate) fn claim(&self, pointer: &str) -> Option<String> {
            call::claim(pointer)
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the host sends whole milliseconds since 1970"
        )]
        pub(crate) fn time(&self) -> u64 {
            call::time() as u64
        }
        pub(crate) fn is_error(&self) -> bool {
            reply::is_error()
        }
        pub(crate) fn value(&self, pointer: &str) -> Option<String> {
            reply::value(pointer)
        }
        pub(crate) fn remembered(&self, key: &str) -> Option<String> {
            memory::get(key)
        }
        pub(crate) fn remember(&self, key: &str, json: &str, seconds: u32) {
            memory::set(key, json, seconds);
        }
        pub(crate) fn forget(&self, key: &str) {
            memory::remove(key);
        }
    }
}

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::Source;
#[cfg(target_family = "wasm")]
pub(crate) use source::Source;

/// Which way a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From the MCP client (the agent) to the MCP server.
    ClientToServer,
    /// From the MCP server to the MCP client.
    ServerToClient,
}

/// The server's own definition of a tool, prompt, resource or resource template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tool's or prompt's name, the resource's URI, the template's URI template.
    pub name: String,
    /// SHA-256 of the definition, lower-case hex.
    pub digest: String,
    /// The definition: JSON text of an object.
    pub definition: String,
}

impl Entry {
    /// A boolean of the tool's `annotations`, such as `destructiveHint`. `None` if the server does not
    /// say; the MCP specification then assumes the worse.
    ///
    /// ```
    /// use bartizan_guest::testing::TestCall;
    ///
    /// let definition = serde_json::json!({"name": "get_run", "annotations": {"readOnlyHint": true}});
    /// let call = TestCall::tool("get_run").definition(&definition);
    /// let hint = call.read(|call| call.entry().and_then(|entry| entry.annotation("readOnlyHint")));
    /// assert_eq!(hint, Some(true));
    /// ```
    pub fn annotation(&self, hint: &str) -> Option<bool> {
        #[derive(serde::Deserialize)]
        struct Definition {
            #[serde(default)]
            annotations: serde_json::Map<String, serde_json::Value>,
        }
        let definition: Definition = serde_json::from_str(&self.definition).ok()?;
        definition.annotations.get(hint)?.as_bool()
    }
}

/// The call being judged. Each method asks the host, so a policy pays only for what it reads.
///
/// ```
/// use bartizan_guest::prelude::*;
///
/// fn is_large(call: &Call) -> bool {
///     call.method() == "tools/call"
///         && call.target().as_deref() == Some("transfer")
///         && call.argument_as::<f64>("/amount").ok().flatten().is_none_or(|amount| amount > 1_000.0)
/// }
///
/// use bartizan_guest::testing::TestCall;
/// let transfer = |arguments| TestCall::tool("transfer").arguments(arguments).read(is_large);
/// assert!(!transfer(serde_json::json!({"amount": 10})));
/// assert!(transfer(serde_json::json!({"amount": 10_000})));
/// assert!(transfer(serde_json::json!({})), "what is not there is not small");
/// ```
pub struct Call(pub(crate) Source);

impl Call {
    /// The MCP method, such as `tools/call`. In a [`crate::ListingPolicy`] the list method, such as
    /// `tools/list`.
    pub fn method(&self) -> String {
        self.0.method()
    }

    /// Which way the message travels.
    pub fn direction(&self) -> Flow {
        self.0.direction()
    }

    /// The upstream server's name in the gateway's configuration.
    pub fn server(&self) -> String {
        self.0.server()
    }

    /// The tool or prompt name or the resource URI, where the method has one.
    pub fn target(&self) -> Option<String> {
        self.0.target()
    }

    /// The JSON text at a JSON Pointer (RFC 6901) into the arguments (`tools/call`, `prompts/get`) or
    /// params; the empty pointer gives the whole. Numbers keep the literal that the client wrote.
    ///
    /// ```
    /// use bartizan_guest::testing::TestCall;
    ///
    /// let call = TestCall::tool("tag").arguments_text(r#"{"tags": [{"key": "a/b", "value": 1.10}]}"#);
    /// call.read(|call| {
    ///     assert_eq!(call.argument("/tags/0/value").as_deref(), Some("1.10"));
    ///     assert_eq!(call.argument("/tags/0/key").as_deref(), Some(r#""a/b""#));
    ///     assert_eq!(call.argument("/tags/1"), None);
    /// });
    /// ```
    pub fn argument(&self, pointer: &str) -> Option<String> {
        self.0.argument(pointer)
    }

    /// As [`Call::argument`], deserialized.
    ///
    /// # Errors
    ///
    /// When the value is there but not a `T`.
    pub fn argument_as<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>, serde_json::Error> {
        self.argument(pointer).map(|text| serde_json::from_str(&text)).transpose()
    }

    /// The server's definition of the target, where the gateway knows one.
    pub fn entry(&self) -> Option<Entry> {
        self.0.entry()
    }

    /// The gateway's identifier of the MCP session; opaque.
    pub fn session(&self) -> String {
        self.0.session()
    }

    /// The authenticated caller's name, if there is one.
    pub fn principal(&self) -> Option<String> {
        self.0.principal()
    }

    /// The JSON text at a JSON Pointer into the caller's claims.
    ///
    /// ```
    /// use bartizan_guest::testing::TestCall;
    ///
    /// let call = TestCall::tool("deploy").principal("ci").claims(serde_json::json!({"team": "ml"}));
    /// assert_eq!(call.read(|call| call.claim("/team")).as_deref(), Some(r#""ml""#));
    /// ```
    pub fn claim(&self, pointer: &str) -> Option<String> {
        self.0.claim(pointer)
    }

    /// The time of the call: milliseconds since the Unix epoch.
    pub fn time(&self) -> u64 {
        self.0.time()
    }

    /// What the policy remembers of the session. Needs [`crate::Ask::Memory`], granted.
    pub fn memory(&self) -> Memory<'_> {
        Memory(&self.0)
    }
}

/// The result being judged, in a [`ReplyPolicy`](crate::ReplyPolicy).
pub struct Reply<'c>(pub(crate) &'c Source);

impl Reply<'_> {
    /// Whether the server reports a failure: `isError` of a tool result, or a JSON-RPC error.
    pub fn is_error(&self) -> bool {
        self.0.is_error()
    }

    /// The JSON text at a JSON Pointer into the result; the empty pointer gives the whole.
    pub fn value(&self, pointer: &str) -> Option<String> {
        self.0.value(pointer)
    }
}
