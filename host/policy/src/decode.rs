//! Reading typed values out of a [`Node`] while collecting everything that is wrong.
//!
//! For policies and for any other document of the gateway. Each function reports what is wrong and
//! gives None, so that the caller reads on and all problems come at once. `name` is what the value is
//! called in messages: its key in backquotes, as in `` `rate_limit` ``.
//!
//! ```
//! use bartizan_policy::decode::{self, Object};
//! use bartizan_policy::diagnostics::Report;
//! use bartizan_policy::source::{Format, Source};
//!
//! let source = Source::new("bartizan.json", r#"{"listen": "127.0.0.1:8750", "plugin": {}}"#, Format::Json);
//! let mut report = Report::new(&source);
//! let root = source.parse(&mut report).unwrap();
//! let mut object = Object::read(&root, root.span, "the configuration", &mut report).unwrap();
//! let listen = object.take("listen").and_then(|member| decode::string(&member.node, "`listen`", &mut report));
//! let plugins = object.take("plugins");
//! object.finish(&[], &mut report);
//! assert_eq!((listen, plugins), (Some("127.0.0.1:8750"), None));
//! assert_eq!(
//!     report.finish().to_string(),
//!     "bartizan.json:1:30: error: unknown key `plugin` in the configuration\n  help: did you mean `plugins`?"
//! );
//! ```

mod suggestion;

use std::ops::RangeInclusive;

pub use suggestion::closest;

use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node, Span, Value};

/// A word of the vocabulary that this version does not know what to do with: refused with a reason
/// instead of as a typing error, and never ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The key, or the word where one of a set of words is expected.
    pub word: &'static str,
    /// What to do without it.
    pub instead: &'static str,
}

impl Unsupported {
    fn find(table: &[Self], word: &str) -> Option<Self> {
        table.iter().find(|unsupported| unsupported.word == word).copied()
    }

    fn problem(self, span: Span, shown: &str) -> Problem {
        let message =
            format!("{shown} is not supported yet by this version of Bartizan; it is refused, not ignored");
        Problem::error("unsupported", span, message).help(self.instead)
    }
}

/// An object being read. It remembers which keys were asked for, and reports all others in the end.
#[derive(Debug)]
pub struct Object<'a> {
    members: &'a [Member],
    place: Span,
    what: &'static str,
    asked: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// Begins to read. `place` is where a missing key is reported: the object's own key, or its start.
    /// `what` names the object in messages: "a policy", "an entry of `tools`".
    pub fn read(node: &'a Node, place: Span, what: &'static str, report: &mut Report) -> Option<Self> {
        let members = members(node, what, report)?;
        Some(Self { members, place, what, asked: Vec::new(), refused: Vec::new() })
    }

    /// The member with this key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Member> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.members.iter().find(|member| member.key == key)
    }

    /// The member with this key, which must be there; `example` is a value for it, as JSON text.
    pub fn require(&mut self, key: &'static str, example: &str, report: &mut Report) -> Option<&'a Member> {
        let member = self.take(key);
        if member.is_none() {
            let message = format!("{} must have the key `{key}`", self.what);
            let help = format!("add for example {}", report.source().format().assignment(key, example));
            report.push(Problem::error("missing-key", self.place.head(), message).help(help));
        }
        member
    }

    /// The member with this key, for a key that is known elsewhere and has no place here: the caller reports it.
    pub fn refuse(&mut self, key: &'static str) -> Option<&'a Member> {
        self.refused.push(key);
        self.members.iter().find(|member| member.key == key)
    }

    /// Ends reading: reports every key that was not asked for.
    pub fn finish(self, unsupported: &[Unsupported], report: &mut Report) {
        let unread = |member: &&Member| {
            let key = member.key.as_str();
            !self.asked.contains(&key) && !self.refused.contains(&key)
        };
        for member in self.members.iter().filter(unread) {
            let shown = format!("`{}`", member.key.escape_debug());
            if let Some(known) = Unsupported::find(unsupported, &member.key) {
                report.push(known.problem(member.key_span, &shown));
                continue;
            }
            let message = format!("unknown key {shown} in {}", self.what);
            let problem = Problem::error("unknown-key", member.key_span, message);
            let known = self.asked.iter().copied().chain(unsupported.iter().map(|known| known.word));
            report.push(match closest(&member.key, known) {
                Some(key) => problem.help(format!("did you mean `{key}`?")),
                None => problem.help(format!("known keys: {}", listed(&self.asked))),
            });
        }
    }
}

/// The members of an object whose keys are free, such as names.
pub fn members<'a>(node: &'a Node, name: &str, report: &mut Report) -> Option<&'a [Member]> {
    let members = node.as_object();
    if members.is_none() {
        let problem = wrong_value(node, name, "an object");
        report.push(if node.value == Value::Null {
            problem.help("write {} for one without keys")
        } else {
            problem
        });
    }
    members
}

/// A string.
pub fn string<'a>(node: &'a Node, name: &str, report: &mut Report) -> Option<&'a str> {
    let text = node.as_str();
    if text.is_none() {
        let problem = wrong_value(node, name, "a string");
        report.push(match unquoted(node) {
            Some(text) => problem.help(format!("put it in quotes: \"{text}\"")),
            None => problem,
        });
    }
    text
}

/// The items of a list.
pub fn list<'a>(node: &'a Node, name: &str, report: &mut Report) -> Option<&'a [Node]> {
    match &node.value {
        Value::Array(items) => Some(items),
        _ => {
            let problem = wrong_value(node, name, "a list");
            report.push(match node.as_str() {
                Some(_) => problem.help(format!("write [{}]", node.to_json())),
                None => problem,
            });
            None
        }
    }
}

/// True or false.
pub fn boolean(node: &Node, name: &str, report: &mut Report) -> Option<bool> {
    if let Value::Bool(value) = &node.value {
        return Some(*value);
    }
    let problem = wrong_value(node, name, "true or false");
    report.push(match node.as_str() {
        Some(text @ ("true" | "false")) => problem.help(format!("write it without quotes: {text}")),
        _ => problem,
    });
    None
}

/// A whole number within a range, written without fraction or exponent.
pub fn integer(node: &Node, name: &str, range: &RangeInclusive<u32>, report: &mut Report) -> Option<u32> {
    let number = match &node.value {
        Value::Number(literal) => literal.parse().ok().filter(|number| range.contains(number)),
        _ => None,
    };
    if number.is_none() {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        report.push(wrong_value(node, name, &wanted));
    }
    number
}

/// One of a set of words, and what it stands for.
pub fn word<T: Copy>(
    node: &Node,
    name: &str,
    words: &[(&'static str, T)],
    unsupported: &[Unsupported],
    report: &mut Report,
) -> Option<T> {
    let found = node.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
    if let Some((_, value)) = found {
        return Some(*value);
    }
    if let Some(known) = node.as_str().and_then(|text| Unsupported::find(unsupported, text)) {
        report.push(known.problem(node.span, &format!("{name}: {}", node.description())));
        return None;
    }
    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let wanted: Vec<_> = known.iter().map(|word| format!("\"{word}\"")).collect();
    let problem = wrong_value(node, name, &alternatives(&wanted));
    let meant = match (node.as_str(), unquoted(node)) {
        (Some(text), _) => closest(text, known).map(|word| format!("did you mean \"{word}\"?")),
        (None, Some(text)) => known.contains(&text.as_str()).then(|| format!("put it in quotes: \"{text}\"")),
        (None, None) => None,
    };
    report.push(match meant {
        Some(help) => problem.help(help),
        None => problem,
    });
    None
}

/// The problem of a value that is not what it must be, such as "a string".
pub fn wrong_value(node: &Node, name: &str, wanted: &str) -> Problem {
    // A collection can be pages long; where it begins says enough.
    let span = match node.value {
        Value::Array(_) | Value::Object(_) => node.span.head(),
        _ => node.span,
    };
    Problem::error("wrong-value", span, format!("{name} must be {wanted}, not {}", node.description()))
}

/// The text of a number or of true or false, which were perhaps meant as text.
fn unquoted(node: &Node) -> Option<String> {
    match &node.value {
        Value::Number(literal) => Some(literal.clone()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Values for a sentence: `"a" or "b" or "c"`, with commas if there are many.
fn alternatives(wanted: &[String]) -> String {
    match wanted {
        [most @ .., last] if most.len() > 2 => format!("{} or {last}", most.join(", ")),
        few => few.join(" or "),
    }
}

/// Keys for a sentence: `` `a`, `b` and `c` ``.
fn listed(keys: &[&str]) -> String {
    match keys {
        [] => "none".into(),
        [only] => format!("`{only}`"),
        [most @ .., last] => {
            let most: Vec<_> = most.iter().map(|key| format!("`{key}`")).collect();
            format!("{} and `{last}`", most.join(", "))
        }
    }
}
