//! The members of an object while it is being read: each key once.

use std::collections::HashMap;

use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node, Span};

/// Collects members and reports the keys that come again.
#[derive(Default)]
pub(super) struct Members {
    members: Vec<Member>,
    seen: HashMap<String, Span>,
}

impl Members {
    /// Adds a member; of two with the same key the first is kept.
    pub(super) fn push(&mut self, key: String, key_span: Span, node: Node, report: &mut Report) {
        if let Some(&first) = self.seen.get(&key) {
            report.push(duplicate_key(&key, key_span, Some(first), report));
            return;
        }
        self.seen.insert(key.clone(), key_span);
        self.members.push(Member { key, key_span, node });
    }

    pub(super) fn into_vec(self) -> Vec<Member> {
        self.members
    }
}

/// The problem of a key that is given again; `first` is where it was given before, if that is known.
pub(super) fn duplicate_key(key: &str, again: Span, first: Option<Span>, report: &Report) -> Problem {
    let before = first.map_or_else(String::new, |first| {
        format!("; it is first given on line {}", report.source().position(first.start).line)
    });
    Problem::error("duplicate-key", again, format!("the key `{}` is given twice{before}", key.escape_debug()))
        .help("keep one of them: parsers differ in which one they read")
}
