//! The maps of entries.

use super::super::patterns::pattern;
use super::super::vocabulary::{ACTIONS, GREATEST, MISPLACED_IN_OTHERS, MISPLACED_IN_TOOL};
use super::super::{Action, Entry, Subject};
use super::{condition, misplaced, rules, spanned};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::Member;

pub(super) fn entries(map: Option<&Member>, subject: Subject, report: &mut Report) -> Vec<Entry> {
    let Some(map) = map else { return Vec::new() };
    let name = format!("`{}`", subject.as_str());
    let members = decode::members(&map.node, &name, report).unwrap_or_default();
    members.iter().filter_map(|member| entry(member, subject, report)).collect()
}

/// None also if only a part could not be read: what the rest of the entry is worth depends on it.
fn entry(member: &Member, subject: Subject, report: &mut Report) -> Option<Entry> {
    let errors_before = report.errors();
    let pattern = pattern(&member.key, member.key_span, &format!("`{}`", subject.as_str()), report);
    let what = match subject {
        Subject::Tools => "an entry of `tools`",
        Subject::Prompts => "an entry of `prompts`",
        Subject::Resources => "an entry of `resources`",
        Subject::Methods => "an entry of `methods`",
    };
    let mut object = Object::read(&member.node, member.key_span, what, report)?;
    let action_member = object.take("action");
    let action = action_member
        .and_then(|member| spanned(member, decode::word(&member.node, "`action`", ACTIONS, &[], report)?));
    let conditions_member = object.take("conditions");
    let conditions = conditions_member
        .map(|member| condition::conditions(&member.node, "`conditions`", report))
        .unwrap_or_default();
    let reason = object
        .take("reason")
        .and_then(|member| spanned(member, decode::string(&member.node, "`reason`", report)?.to_owned()));
    let timeout_member = object.take("timeout");
    let timeout = timeout_member.and_then(|member| {
        spanned(member, decode::integer(&member.node, "`timeout` (seconds)", &(1..=GREATEST), report)?)
    });
    let rules = match subject {
        Subject::Tools => {
            misplaced(&mut object, MISPLACED_IN_TOOL, what, report);
            rules::of_tools(&mut object, report)
        }
        Subject::Prompts | Subject::Resources | Subject::Methods => {
            misplaced(&mut object, MISPLACED_IN_OTHERS, what, report);
            rules::of_others(&mut object, report)
        }
    };
    object.finish(&[], report);
    let entry = Entry { pattern: pattern?, action, conditions, reason, timeout, rules };
    // Of a misspelt action nobody knows what goes with it.
    if action_member.is_none() || action.is_some() {
        meaningless(&entry, conditions_member, timeout_member, report);
    }
    (report.errors() == errors_before).then_some(entry)
}

/// Keys that go with other actions only.
fn meaningless(entry: &Entry, conditions: Option<&Member>, timeout: Option<&Member>, report: &mut Report) {
    let action = entry.effective_action();
    if let (Action::Allow, Some(member)) = (action, conditions) {
        let message =
            "`conditions` are those of a refusal, and this entry allows: it would allow without them";
        let format = report.source().format();
        let help = format!(
            "use `require` for what must hold, or add {} or {}",
            format.assignment("action", "\"deny\""),
            format.assignment("action", "\"require_approval\"")
        );
        report.push(Problem::error("conditions-without-refusal", member.key_span, message).help(help));
    }
    if let (Action::Allow | Action::Deny, Some(member)) = (action, timeout) {
        let message = "`timeout` is how long a request for approval waits, and this entry asks nobody";
        let add = report.source().format().assignment("action", "\"require_approval\"");
        let help = format!("remove it, or write {add}");
        report.push(Problem::error("timeout-without-approval", member.key_span, message).help(help));
    }
}
