//! Who calls, where and when.

use std::sync::Arc;

use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::Report;

use super::{is_null, read_object};
use crate::time;

/// Who calls, where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The authenticated caller.
    pub principal: Option<Arc<str>>,
    /// The caller's claims: JSON text of an object.
    pub claims: Option<Arc<str>>,
    /// The session.
    pub session: Arc<str>,
    /// The server's configured name.
    pub server: Arc<str>,
    /// Milliseconds since the Unix epoch.
    pub time: u64,
}

impl Default for Circumstances {
    /// Nobody in particular, at the beginning of 2026.
    fn default() -> Self {
        Self {
            principal: None,
            claims: None,
            session: "session".into(),
            server: "server".into(),
            time: time::BEGINNING,
        }
    }
}

/// What a part of a document says of the circumstances. A principal or claims of `null` are none, whatever
/// was said before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    principal: Option<Option<Arc<str>>>,
    claims: Option<Option<Arc<str>>>,
    session: Option<Arc<str>>,
    server: Option<Arc<str>>,
    time: Option<u64>,
}

impl Changes {
    /// Reads `principal`, `claims`, `session`, `server` and `time`.
    pub fn read(object: &mut Object<'_>, report: &mut Report) -> Self {
        let principal = object.take("principal").and_then(|member| match &member.node {
            node if is_null(node) => Some(None),
            node => decode::string(node, "`principal`", report).map(|name| Some(name.into())),
        });
        let claims = object.take("claims").and_then(|member| match &member.node {
            node if is_null(node) => Some(None),
            node => read_object(node, "`claims`", report).map(|claims| Some(claims.as_str().into())),
        });
        let mut text = |key: &'static str, report: &mut Report| {
            let member = object.take(key)?;
            decode::string(&member.node, &format!("`{key}`"), report).map(Into::into)
        };
        let session = text("session", report);
        let server = text("server", report);
        let time = object.take("time").and_then(|member| time::read_instant(&member.node, "`time`", report));
        Self { principal, claims, session, server, time }
    }

    /// Applies them.
    pub fn apply(&self, circumstances: &mut Circumstances) {
        if let Some(principal) = &self.principal {
            circumstances.principal.clone_from(principal);
        }
        if let Some(claims) = &self.claims {
            circumstances.claims.clone_from(claims);
        }
        if let Some(session) = &self.session {
            circumstances.session = Arc::clone(session);
        }
        if let Some(server) = &self.server {
            circumstances.server = Arc::clone(server);
        }
        if let Some(time) = self.time {
            circumstances.time = time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_policy::source::{Format, Source};

    fn read(text: &str) -> (Changes, String) {
        let source = Source::new("case", text, Format::Yaml);
        let mut report = Report::new(&source);
        let node = source.parse(&mut report).unwrap();
        let mut object = Object::read(&node, node.span, "a case", &mut report).unwrap();
        let changes = Changes::read(&mut object, &mut report);
        object.finish(&[], &mut report);
        (changes, report.finish().to_string())
    }

    #[test]
    fn what_is_said_later_counts() {
        let mut circumstances = Circumstances::default();
        for text in [
            "{principal: alice, claims: {groups: [ops], age: 1.0}, session: s, server: mlflow}",
            "{principal: null, time: '2026-01-01T00:00:00.001Z'}",
        ] {
            let (changes, problems) = read(text);
            assert_eq!(problems, "", "{text}");
            changes.apply(&mut circumstances);
        }
        assert_eq!(
            circumstances,
            Circumstances {
                principal: None,
                claims: Some(r#"{"groups":["ops"],"age":1.0}"#.into()),
                session: "s".into(),
                server: "mlflow".into(),
                time: time::BEGINNING + 1,
            }
        );
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let (_, problems) = read("{principal: 7, claims: [], session: true, time: noon, sever: x}");
        assert_eq!(
            problems,
            "case:1:13: error: `principal` must be a string, not the number 7\n  help: put it in quotes: \"7\"\n\
             case:1:24: error: `claims` must be an object, not a list\n\
             case:1:37: error: `session` must be a string, not true\n  help: put it in quotes: \"true\"\n\
             case:1:49: error: `time` must be a time in RFC 3339, not before 1970, not \"noon\"\n  \
             help: write for example 2026-01-01T12:00:00Z\n\
             case:1:55: error: unknown key `sever` in a case\n  help: did you mean `server`?"
        );
    }
}
