//! The lock file: the definitions of tools that were accepted, by digest.
//!
//! `bartizan lock` writes it; a policy names it with `pin`. JSON, in one form: keys sorted, indented, a line
//! break at the end, so that a changed definition is a line in a diff.
//!
//! ```
//! use bartizan_policy::lock::Lock;
//!
//! let mut lock = Lock::new("mlflow");
//! assert!(lock.insert("get_run", &"0f".repeat(32)));
//! assert_eq!(
//!     lock.to_string(),
//!     format!(
//!         "{{\n  \"version\": \"1\",\n  \"server\": \"mlflow\",\n  \"tools\": {{\n    \"get_run\": [\n      \"{}\"\n    ]\n  }}\n}}\n",
//!         "0f".repeat(32)
//!     )
//! );
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::decode::{self, Object};
use crate::diagnostics::{Diagnostics, Problem, Report};
use crate::json::Json;
use crate::source::{Member, Node, Source};

/// What a lock file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    server: String,
    tools: BTreeMap<String, BTreeSet<String>>,
}

impl Lock {
    /// One without tools, for the server of this name.
    pub fn new(server: &str) -> Self {
        Self { server: server.to_owned(), tools: BTreeMap::new() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, or why it cannot be read; with the warnings. Without errors the
    /// warnings come with the lock.
    pub fn read(path: &Path) -> Result<(Self, Diagnostics), Diagnostics> {
        Self::parse(&Source::read(path)?)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As for [`Lock::read`].
    pub fn parse(source: &Source) -> Result<(Self, Diagnostics), Diagnostics> {
        let mut report = Report::new(source);
        let lock = source.parse(&mut report).and_then(|node| lock(&node, &mut report));
        match lock {
            Some(lock) if !report.has_errors() => Ok((lock, report.finish())),
            _ => Err(report.finish()),
        }
    }

    /// The server whose tools these are, as it was called when they were accepted.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The names of the tools with the digests that each may have, all sorted. A server may define a tool in
    /// several ways, such as one for each era of the protocol.
    pub fn tools(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.tools.iter().map(|(name, digests)| (name.as_str(), digests.iter().map(String::as_str)))
    }

    /// Whether a tool of this name with this digest is accepted.
    pub fn accepts(&self, name: &str, digest: &str) -> bool {
        self.tools.get(name).is_some_and(|digests| digests.contains(digest))
    }

    /// Accepts a definition. False, and nothing is changed, if the digest is none: 64 digits in lower-case
    /// hex.
    pub fn insert(&mut self, name: &str, digest: &str) -> bool {
        let fits = is_digest(digest);
        if fits {
            self.tools.entry(name.to_owned()).or_default().insert(digest.to_owned());
        }
        fits
    }

    pub(crate) fn to_json(&self) -> Json {
        Json::object(
            self.tools
                .iter()
                .map(|(name, digests)| (name.as_str(), Json::strings(digests.iter().map(String::as_str)))),
        )
    }
}

/// The text of the file.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = Json::object([
            ("version", Json::from("1")),
            ("server", Json::from(self.server.as_str())),
            ("tools", self.to_json()),
        ]);
        writeln!(f, "{}", document.pretty())
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn lock(node: &Node, report: &mut Report) -> Option<Lock> {
    let mut object = Object::read(node, node.span, "a lock file", report)?;
    if let Some(member) = object.require("version", "\"1\"", report) {
        decode::word(&member.node, "`version`", &[("1", ())], &[], report);
    }
    let server = object
        .require("server", "\"mlflow\"", report)
        .and_then(|member| decode::string(&member.node, "`server`", report));
    let tools = object.require("tools", "{}", report);
    object.finish(&[], report);
    let members = tools.and_then(|member| decode::members(&member.node, "`tools`", report))?;
    if let (Some(tools), []) = (tools, members) {
        let problem =
            Problem::warning("empty-lock", tools.key_span, "no tool is accepted, so every tool is hidden");
        report.push(problem.help("accept the server's tools with `bartizan lock`"));
    }
    let tools = members.iter().map(|member| (member.key.clone(), digests(member, report))).collect();
    Some(Lock { server: server?.to_owned(), tools })
}

fn digests(member: &Member, report: &mut Report) -> BTreeSet<String> {
    let items = decode::list(&member.node, "the digests of a tool", report).unwrap_or_default();
    let mut read = BTreeSet::new();
    for item in items {
        let Some(text) = decode::string(item, "a digest", report) else { continue };
        if is_digest(text) {
            read.insert(text.to_owned());
            continue;
        }
        let message = format!("a digest must be 64 digits in lower-case hex, not {}", item.description());
        let problem = Problem::error("wrong-digest", item.span, message);
        report.push(problem.help("let `bartizan lock` write the file anew"));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;

    #[test]
    fn reads_what_it_writes() {
        let [low, high] = ["0a".repeat(32), "ff".repeat(32)];
        let mut lock = Lock::new("a \"server\"");
        for (name, digest) in [("set_tag", &high), ("get_run", &high), ("get_run", &low), ("get_run", &high)]
        {
            assert!(lock.insert(name, digest));
        }
        let text = lock.to_string();
        let source = Source::new("server.lock.json", &text, Format::Json);
        let (read, warnings) = Lock::parse(&source).unwrap();
        assert!(warnings.is_empty(), "{warnings}");
        assert_eq!(read, lock);
        assert_eq!(read.to_string(), text);
        assert_eq!(read.server(), "a \"server\"");
        let tools: Vec<(&str, Vec<&str>)> =
            read.tools().map(|(name, digests)| (name, digests.collect())).collect();
        assert_eq!(tools, [("get_run", vec![low.as_str(), high.as_str()]), ("set_tag", vec![high.as_str()])]);
        assert!(read.accepts("get_run", &low) && !read.accepts("set_tag", &low) && !read.accepts("x", &low));
    }

    #[test]
    fn takes_no_digest_that_is_none() {
        let mut lock = Lock::new("s");
        for digest in ["", "abc", &"AB".repeat(32), &"0g".repeat(32), &"0a".repeat(33)] {
            assert!(!lock.insert("x", digest), "{digest}");
        }
        assert_eq!(lock, Lock::new("s"));
    }
}
