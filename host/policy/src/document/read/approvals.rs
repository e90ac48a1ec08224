//! `approvals`.

use super::super::vocabulary::{APPROVAL_MODES, DEFAULT_HOLD, DEFAULT_TIMEOUT, GREATEST, LONGEST_HOLD};
use super::super::{ApprovalMode, Approvals};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::Member;

pub(super) fn approvals(member: &Member, report: &mut Report) -> Option<Approvals> {
    let mut object = Object::read(&member.node, member.key_span, "`approvals`", report)?;
    let mode_member = object.take("mode");
    let mode = match mode_member {
        Some(member) => decode::word(&member.node, "`mode`", APPROVAL_MODES, &[], report),
        None => Some(ApprovalMode::Ticket),
    };
    let hold_member = object.take("hold");
    let hold = hold_member
        .and_then(|member| decode::integer(&member.node, "`hold` (seconds)", &(1..=LONGEST_HOLD), report));
    let timeout = object
        .take("timeout")
        .and_then(|member| decode::integer(&member.node, "`timeout` (seconds)", &(1..=GREATEST), report));
    object.finish(&[], report);
    if let (Some(ApprovalMode::Ticket), Some(member)) = (mode, hold_member) {
        let message = "`hold` has no effect: calls are held only where the mode is \"hold\"";
        let add = report.source().format().assignment("mode", "\"hold\"");
        let problem = Problem::warning("idle-hold", member.key_span, message);
        report.push(problem.help(format!("add {add}, or remove it")));
    }
    let mode = match mode.unwrap_or(ApprovalMode::Ticket) {
        ApprovalMode::Ticket => ApprovalMode::Ticket,
        ApprovalMode::Hold(_) => ApprovalMode::Hold(hold.unwrap_or(DEFAULT_HOLD)),
    };
    Some(Approvals { mode, timeout: timeout.unwrap_or(DEFAULT_TIMEOUT) })
}
