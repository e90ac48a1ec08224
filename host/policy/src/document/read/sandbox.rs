//! `sandbox` of a plugin.

use super::super::sandbox::{Isolation, NUMBERS, Sandbox};
use super::super::vocabulary::{CLASSES, ISOLATIONS};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::Member;

pub(super) fn sandbox(member: &Member, report: &mut Report) -> Option<Sandbox> {
    let mut object = Object::read(&member.node, member.key_span, "`sandbox`", report)?;
    let class =
        object.take("class").and_then(|member| decode::word(&member.node, "`class`", CLASSES, &[], report));
    let deadline_ms = number(object.take("deadline_ms"), report);
    let load_deadline_ms = number(object.take("load_deadline_ms"), report);
    let memory_mib = number(object.take("memory_mib"), report);
    let output_kib = number(object.take("output_kib"), report);
    let log_lines = number(object.take("log_lines"), report);
    let invocations = number(object.take("invocations"), report);
    let isolation = object.take("isolation");
    let invocations_key = object.take("invocations").map(|member| member.key_span);
    object.finish(&[], report);
    let isolation = match isolation {
        None => None,
        Some(member) => Some(decode::word(&member.node, "`isolation`", ISOLATIONS, &[], report)?),
    };
    if let Some(span) = invocations_key
        && isolation != Some(Isolation::Reuse)
    {
        let message = "`invocations` is for instances that are used again, and these are not";
        let reuse = report.source().format().assignment("isolation", "\"reuse\"");
        let problem = Problem::error("misplaced-invocations", span, message);
        report.push(problem.help(format!("add {reuse}, or remove it")));
    }
    Some(Sandbox {
        class,
        deadline_ms,
        load_deadline_ms,
        memory_mib,
        output_kib,
        log_lines,
        isolation,
        invocations,
    })
}

/// A number in the range that its key has in the table.
fn number(member: Option<&Member>, report: &mut Report) -> Option<u32> {
    let member = member?;
    let (_, range) = NUMBERS.iter().find(|(key, _)| *key == member.key)?;
    decode::integer(&member.node, &format!("`{}`", member.key), range, report)
}
