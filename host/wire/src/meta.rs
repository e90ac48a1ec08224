//! What a request of the modern era says of itself, in `params._meta`: its revision and what its client
//! can do. (Who the client says it is, is there as well, and is nobody's business: it is a claim.)

use crate::era::{Era, Revision};
use crate::json::{Document, Kind, Value};
use crate::message::{Id, Request};

/// The member of `_meta` that names the revision.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The member of `_meta` that says what the client can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The member of `_meta` that says which `subscriptions/listen` a notification belongs to, by its id.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The member of `_meta` by which a request asks for the server's log.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// The extension for calls whose result comes later.
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

/// What a request says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a> {
    revision: Revision,
    capabilities: Value<'a>,
}

/// Why a request of the modern era is refused before anything else is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// `_meta` lacks a member that each request must have, or has something else there.
    #[error("`params._meta` needs `{key}`, {expected}")]
    Invalid {
        /// The member.
        key: &'static str,
        /// What has to be there.
        expected: &'static str,
    },
    /// The revision is none that is known, or not of the modern era.
    #[error("unsupported protocol version")]
    Unsupported {
        /// What the request named.
        requested: String,
    },
}

/// The era that a request is of, by what it says of itself.
pub fn era(request: &Request) -> Era {
    match member(request, PROTOCOL_VERSION) {
        Some(_) => Era::Modern,
        None => Era::Legacy,
    }
}

fn member<'a>(request: &'a Request, key: &str) -> Option<Value<'a>> {
    request.params()?.get("_meta")?.get(key)
}

/// The id of the `subscriptions/listen` that the params of a notification, or the result of the
/// subscription itself, belong to.
pub fn subscription_id(value: Value<'_>) -> Option<Id> {
    Id::from_value(value.get("_meta")?.get(SUBSCRIPTION_ID)?).ok()
}

impl<'a> Meta<'a> {
    /// Reads what a request of the modern era must say.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn read(request: &'a Request) -> Result<Self, MetaError> {
        let expected = "a revision such as \"2026-07-28\"";
        let version = member(request, PROTOCOL_VERSION)
            .and_then(Value::as_str)
            .ok_or(MetaError::Invalid { key: PROTOCOL_VERSION, expected })?;
        let revision = Revision::parse(&version)
            .ok()
            .filter(|revision| revision.era() == Era::Modern)
            .ok_or_else(|| MetaError::Unsupported { requested: version.into_owned() })?;
        let capabilities = member(request, CLIENT_CAPABILITIES)
            .filter(|capabilities| capabilities.kind() == Kind::Object)
            .ok_or(MetaError::Invalid { key: CLIENT_CAPABILITIES, expected: "an object" })?;
        Ok(Self { revision, capabilities })
    }

    /// The request's revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The path of the capability that a client needs for a question of the server (`method` and
    /// `params` of an input request), unless it has declared it.
    pub fn lacks(&self, method: &str, params: Option<Value<'_>>) -> Option<&'static [&'static str]> {
        let needed: &[&str] = match method {
            "sampling/createMessage" => &["sampling"],
            "roots/list" => &["roots"],
            "elicitation/create" => {
                let mode = params.and_then(|params| params.get("mode")).and_then(Value::as_str);
                match mode.as_deref() {
                    Some("url") => &["elicitation", "url"],
                    _ => &["elicitation"],
                }
            }
            _ => return None,
        };
        (!self.declares(needed)).then_some(needed)
    }

    /// Whether the client takes a task for an answer.
    pub fn takes_tasks(&self) -> bool {
        self.declares(&["extensions", TASKS])
    }

    fn declares(&self, path: &[&str]) -> bool {
        path.iter().try_fold(self.capabilities, |value, key| value.get(key)).is_some()
    }
}

/// The `_meta` of a request by `name` itself that wants to see everything a server has to offer.
pub fn of_everything(revision: Revision, name: &str, version: &str) -> Document {
    Document::from(&serde_json::json!({
        PROTOCOL_VERSION: revision.as_str(),
        "io.modelcontextprotocol/clientInfo": {"name": name, "version": version},
        CLIENT_CAPABILITIES: {
            "roots": {},
            "sampling": {"tools": {}, "context": {}},
            "elicitation": {"form": {}, "url": {}},
            "extensions": {TASKS: {}},
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use crate::message::Message;

    fn request(meta: &str) -> Request {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{meta}}}}}"#);
        match Message::parse(text.as_bytes(), &Limits::default()).unwrap() {
            Message::Request(request) => request,
            other => panic!("{other:?} is no request"),
        }
    }

    const VERSION: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    const CAPABILITIES: &str = r#""io.modelcontextprotocol/clientCapabilities""#;

    #[test]
    fn what_must_be_said_is_said() {
        let cases = [
            ("{}".to_owned(), Era::Legacy, Err(PROTOCOL_VERSION)),
            (
                r#"{"io.modelcontextprotocol/protocolVersion":7}"#.to_owned(),
                Era::Modern,
                Err(PROTOCOL_VERSION),
            ),
            (format!("{{{VERSION}}}"), Era::Modern, Err(CLIENT_CAPABILITIES)),
            (format!("{{{VERSION},{CAPABILITIES}:[]}}"), Era::Modern, Err(CLIENT_CAPABILITIES)),
            (format!("{{{VERSION},{CAPABILITIES}:{{}}}}"), Era::Modern, Ok(Revision::V2026_07_28)),
        ];
        for (meta, expected_era, expected) in cases {
            let request = request(&meta);
            assert_eq!(era(&request), expected_era, "{meta}");
            let read = Meta::read(&request).map(|meta| meta.revision()).map_err(|error| match error {
                MetaError::Invalid { key, .. } => key,
                MetaError::Unsupported { .. } => "unsupported",
            });
            assert_eq!(read, expected, "{meta}");
        }
    }

    #[test]
    fn revisions_that_are_not_of_this_era_are_told_apart() {
        for version in ["2025-11-25", "2099-01-01", ""] {
            let request = request(&format!(
                r#"{{"io.modelcontextprotocol/protocolVersion":"{version}",{CAPABILITIES}:{{}}}}"#
            ));
            let error = Meta::read(&request).unwrap_err();
            assert_eq!(error, MetaError::Unsupported { requested: version.to_owned() });
        }
    }

    #[test]
    fn questions_need_capabilities() {
        let request = request(&format!(
            r#"{{{VERSION},{CAPABILITIES}:{{"elicitation":{{}},"extensions":{{"{TASKS}":{{}}}}}}}}"#
        ));
        let meta = Meta::read(&request).unwrap();
        let url = Document::from(&serde_json::json!({"mode": "url"}));
        assert_eq!(meta.lacks("elicitation/create", None), None);
        assert_eq!(
            meta.lacks("elicitation/create", Some(url.root())),
            Some(&["elicitation", "url"] as &[&str])
        );
        assert_eq!(meta.lacks("sampling/createMessage", None), Some(&["sampling"] as &[&str]));
        assert_eq!(meta.lacks("roots/list", None), Some(&["roots"] as &[&str]));
        assert!(meta.takes_tasks());
    }

    #[test]
    fn our_own_requests_say_what_they_must() {
        let own = of_everything(Revision::LATEST, "bartizan", "1");
        let request = request(own.as_str());
        let meta = Meta::read(&request).unwrap();
        assert_eq!(meta.revision(), Revision::LATEST);
        assert!(meta.takes_tasks());
        for method in ["sampling/createMessage", "roots/list", "elicitation/create"] {
            assert_eq!(meta.lacks(method, None), None);
        }
    }
}
