//! What came of the runs, for people.

use super::Revision;
use super::comparison::Finding;
use super::suite::Tally;
use super::targets::Target;

/// A run.
pub(super) struct Row {
    pub(super) target: Target,
    pub(super) revision: Revision,
    pub(super) tally: Tally,
    pub(super) differences: Option<usize>,
}

const TITLES: [&str; 5] = ["target", "requirements", "scored", "unscored", "differences"];

pub(super) fn table(rows: &[Row]) -> String {
    let mut cells = vec![TITLES.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let passed = |(passed, total): (usize, usize)| format!("{passed}/{total}");
        [
            row.target.title().to_owned(),
            row.revision.name().to_owned(),
            passed(row.tally.scored),
            passed(row.tally.unscored),
            row.differences.map_or_else(|| "-".to_owned(), |differences| differences.to_string()),
        ]
    }));
    let mut widths = [0; TITLES.len()];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    cells.iter().fold(String::new(), |text, row| {
        let line: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text + line.join("  ").trim_end() + "\n"
    })
}

/// What is to be said of the runs, failures last.
pub(super) fn list(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.explanation.is_none());
    sorted.into_iter().fold(String::new(), |text, Finding { place, what, explanation }| {
        let sign = if explanation.is_some() { '·' } else { '✗' };
        let because = explanation.map(|because| format!("\n      as it should be: {because}"));
        format!("{text}\n{sign} {place}\n    {what}{}\n", because.unwrap_or_default())
    })
}
