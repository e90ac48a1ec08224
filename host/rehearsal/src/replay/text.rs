//! A replay for people: a table, and what it comes to.

use std::fmt::{self, Display, Formatter};

use super::{Change, Decided, Replay};
use crate::text::{count, line};

/// What the columns are called.
const COLUMNS: [&str; 5] = ["time", "server", "call", "before", "after"];

/// A table of what is decided differently, and a summary; each line with its line break.
impl Display for Replay {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.changes.is_empty() {
            table(&self.changes, f)?;
            writeln!(f)?;
        }
        writeln!(
            f,
            "{}: {} as before, {} different, {} unknown",
            count(self.decisions, "decision"),
            self.same + self.other_rule,
            self.different,
            self.unknown()
        )?;
        let mut remark = |number: usize, what: &str| match number {
            0 => Ok(()),
            number => writeln!(f, "  {number} {what}"),
        };
        remark(self.other_rule, "as before, by another rule")?;
        remark(
            self.unrecorded,
            "unknown: the policy looks at arguments, claims or definitions, which were not recorded \
             (\"record\": \"full\" keeps them)",
        )?;
        remark(self.redacted, "unknown: the policy looks at arguments that were redacted in the log")?;
        remark(self.withheld_replies, "unknown: the reply was withheld, and replies are not recorded")?;
        remark(self.by_gateway, "besides: decided by the gateway itself, whatever the policy")?;
        remark(self.unreadable, "besides: cannot be read by this version")
    }
}

fn table(changes: &[Change], f: &mut Formatter<'_>) -> fmt::Result {
    let rows: Vec<[String; 5]> =
        std::iter::once(COLUMNS.map(str::to_owned)).chain(changes.iter().map(row)).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let [time_width, server_width, call_width, before_width, _] = widths;
    for (index, [time, server, call, before, after]) in rows.iter().enumerate() {
        let arrow = if index == 0 { " " } else { "→" };
        writeln!(
            f,
            "{time:time_width$}  {server:server_width$}  {call:call_width$}  {before:before_width$}  {arrow} {after}"
        )?;
    }
    Ok(())
}

fn row(change: &Change) -> [String; 5] {
    let call = match &change.target {
        Some(target) => format!("{} {target}", change.method),
        None => change.method.clone(),
    };
    [change.time.clone(), line(&change.server), line(&call), decided(&change.before), decided(&change.after)]
}

fn decided(decided: &Decided) -> String {
    match &decided.rule {
        Some(rule) => line(&format!("{} {rule}", decided.verdict)),
        None => decided.verdict.to_owned(),
    }
}
