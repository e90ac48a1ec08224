//! What a case expects.

use bartizan_audit::record::Verdict;
use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::{Member, Node, Value};

use super::{Json, VERDICTS};
use crate::call::{is_null, read_object};

/// What is expected of words: which rule, and what is said. What is `None` is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    /// The rule; `Some(None)` expects that there is none.
    pub rule: Option<Option<String>>,
    /// The exact text; `Some(None)` expects that there is none.
    pub text: Option<Option<String>>,
    /// Parts of the text.
    pub text_contains: Vec<String>,
}

/// What is expected of a call. What is `None` is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// What is decided.
    pub verdict: Option<Verdict>,
    /// In which words.
    pub wording: Wording,
    /// Seconds until it may succeed; `Some(None)` expects that nothing is said of that.
    pub retry_after: Option<Option<u32>>,
    /// The arguments with which the call goes on.
    pub arguments: Option<Json>,
    /// What becomes of the reply.
    pub reply: Option<ReplyExpectation>,
}

/// What is expected of a list.
#[derive(Clone, Debug, Default)]
pub struct ListExpectation {
    /// Whether it may be had.
    pub verdict: Option<Verdict>,
    /// In which words it is refused.
    pub wording: Wording,
    /// What is on it, in any order.
    pub visible: Option<Vec<String>>,
    /// What is not.
    pub hidden: Option<Vec<String>>,
}

/// What is expected of a reply.
#[derive(Clone, Debug, Default)]
pub struct ReplyExpectation {
    /// What becomes of it.
    pub verdict: Option<ReplyVerdict>,
    /// In which words it is withheld.
    pub wording: Wording,
    /// What the caller gets.
    pub result: Option<Json>,
}

/// What becomes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyVerdict {
    /// The caller gets it.
    Allow,
    /// The caller does not get it.
    Deny,
    /// The caller gets something else.
    Rewrite,
}

impl ReplyVerdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Rewrite => "rewrite",
        }
    }
}

const REPLY_VERDICTS: [(&str, ReplyVerdict); 3] =
    [("allow", ReplyVerdict::Allow), ("deny", ReplyVerdict::Deny), ("rewrite", ReplyVerdict::Rewrite)];
const LIST_VERDICTS: [(&str, Verdict); 2] = [("allow", Verdict::Allow), ("deny", Verdict::Deny)];

impl Expectation {
    pub(super) fn read(member: &Member, report: &mut Report) -> Option<Self> {
        let node = &member.node;
        if let Value::String(_) = node.value {
            let verdict = decode::word(node, "`expect`", &VERDICTS, &[], report)?;
            return Some(Self { verdict: Some(verdict), ..Self::default() });
        }
        let mut object = Object::read(node, member.key_span, "`expect`", report)?;
        let expectation = Self {
            verdict: word(&mut object, &VERDICTS, report),
            wording: Wording::read(&mut object, report),
            retry_after: object.take("retry_after").and_then(|member| match &member.node {
                node if is_null(node) => Some(None),
                node => decode::integer(node, "`retry_after`", &(0..=u32::MAX), report).map(Some),
            }),
            arguments: object
                .take("arguments")
                .and_then(|member| read_object(&member.node, "`arguments`", report)),
            reply: object.take("reply").and_then(|member| ReplyExpectation::read(member, report)),
        };
        for key in ["visible", "hidden"] {
            misplaced(
                object.refuse(key),
                "is expected of a list",
                "give the case `list` in place of `call`",
                report,
            );
        }
        finish(object, member, report);
        Some(expectation)
    }
}

impl ListExpectation {
    pub(super) fn read(member: &Member, report: &mut Report) -> Option<Self> {
        let node = &member.node;
        if let Value::String(_) = node.value {
            let verdict = decode::word(node, "`expect` of a list", &LIST_VERDICTS, &[], report)?;
            return Some(Self { verdict: Some(verdict), ..Self::default() });
        }
        let mut object = Object::read(node, member.key_span, "`expect` of a list", report)?;
        let expectation = Self {
            verdict: word(&mut object, &LIST_VERDICTS, report),
            wording: Wording::read(&mut object, report),
            visible: object.take("visible").and_then(|member| names(member, "`visible`", report)),
            hidden: object.take("hidden").and_then(|member| names(member, "`hidden`", report)),
        };
        for key in ["retry_after", "arguments", "reply"] {
            misplaced(
                object.refuse(key),
                "is expected of a call",
                "give the case `call` in place of `list`",
                report,
            );
        }
        finish(object, member, report);
        Some(expectation)
    }
}

impl ReplyExpectation {
    fn read(member: &Member, report: &mut Report) -> Option<Self> {
        let node = &member.node;
        if let Value::String(_) = node.value {
            let verdict = decode::word(node, "`reply`", &REPLY_VERDICTS, &[], report)?;
            return Some(Self { verdict: Some(verdict), ..Self::default() });
        }
        let mut object = Object::read(node, member.key_span, "`reply`", report)?;
        let expectation = Self {
            verdict: word(&mut object, &REPLY_VERDICTS, report),
            wording: Wording::read(&mut object, report),
            result: object.take("result").and_then(|member| read_object(&member.node, "`result`", report)),
        };
        finish(object, member, report);
        Some(expectation)
    }
}

impl Wording {
    fn read(object: &mut Object<'_>, report: &mut Report) -> Self {
        let mut nullable = |key: &'static str, report: &mut Report| {
            let member = object.take(key)?;
            if is_null(&member.node) {
                return Some(None);
            }
            decode::string(&member.node, &format!("`{key}`"), report).map(|text| Some(text.to_owned()))
        };
        let rule = nullable("rule", report);
        let text = nullable("text", report);
        let text_contains = match object.take("text_contains").map(|member| &member.node) {
            None => Vec::new(),
            Some(node @ Node { value: Value::Array(_), .. }) => {
                strings(node, "`text_contains`", report).unwrap_or_default()
            }
            Some(node) => {
                decode::string(node, "`text_contains`", report).into_iter().map(str::to_owned).collect()
            }
        };
        Self { rule, text, text_contains }
    }
}

fn word<T: Copy>(object: &mut Object<'_>, words: &[(&'static str, T)], report: &mut Report) -> Option<T> {
    decode::word(&object.take("verdict")?.node, "`verdict`", words, &[], report)
}

fn names(member: &Member, name: &str, report: &mut Report) -> Option<Vec<String>> {
    strings(&member.node, name, report)
}

fn strings(node: &Node, name: &str, report: &mut Report) -> Option<Vec<String>> {
    let items = decode::list(node, name, report)?;
    let read: Vec<Option<String>> = items
        .iter()
        .map(|item| decode::string(item, &format!("an item of {name}"), report).map(str::to_owned))
        .collect();
    read.into_iter().collect()
}

fn misplaced(member: Option<&Member>, of: &str, help: &str, report: &mut Report) {
    if let Some(member) = member {
        let message = format!("`{}` {of}", member.key);
        report.push(Problem::error("misplaced-key", member.key_span, message).help(help));
    }
}

/// Ends reading. An expectation that looks at nothing would hold of anything.
fn finish(object: Object<'_>, member: &Member, report: &mut Report) {
    object.finish(&[], report);
    if member.node.as_object().is_some_and(<[Member]>::is_empty) {
        let problem =
            Problem::error("expects-nothing", member.key_span, format!("`{}` expects nothing", member.key));
        report.push(problem.help("give it for example `verdict`"));
    }
}
