//! What came of suites, for people.

use std::fmt::Write as _;

use crate::run::{CaseResult, Difference, Results};
use crate::text::{count, line, whole};

/// The results as text: one line for each file, and every failure in full. Why files could not be read is
/// for the caller to show, who has the better means.
pub fn text(results: &Results) -> String {
    let mut text = String::new();
    for file in &results.files {
        // Writing to a string cannot fail.
        let _ = match &file.outcome {
            Err(problems) => {
                writeln!(text, "error {}: {}", line(&file.file), count(problems.len(), "problem"))
            }
            Ok(cases) if cases.is_empty() => continue,
            Ok(cases) => {
                let failed = cases.iter().filter(|case| case.failure.is_some()).count();
                let passed = cases.len() - failed;
                match failed {
                    0 => writeln!(text, "ok    {}: {passed} passed", line(&file.file)),
                    _ => writeln!(
                        text,
                        "FAIL  {}: {passed} passed, {failed} failed (- expected, + actual)",
                        line(&file.file)
                    ),
                }
            }
        };
        let failures = || file.outcome.iter().flatten().filter(|case| case.failure.is_some());
        for case in failures() {
            if let Some(difference) = &case.failure {
                text.push('\n');
                text.push_str(&failure(&file.file, case, difference));
            }
        }
        if failures().next().is_some() {
            text.push('\n');
        }
    }
    text.push_str(&summary(results));
    text.push('\n');
    text
}

/// `3 files, 40 cases: 39 passed, 1 failed`
fn summary(results: &Results) -> String {
    let (passed, failed) = results.counts();
    let unread = results.files.iter().filter(|file| file.outcome.is_err()).count();
    let mut summary = format!(
        "{}, {}: {passed} passed, {failed} failed",
        count(results.files.len(), "file"),
        count(passed + failed, "case")
    );
    if unread > 0 {
        let _ = write!(summary, "; {} could not be read", count(unread, "file"));
    }
    summary
}

/// A failure in full, indented.
pub(crate) fn failure(file: &str, case: &CaseResult, difference: &Difference) -> String {
    let mut text = format!("  {}:{}: {}", line(file), difference.position, line(&case.name));
    if let Some(step) = difference.step {
        let _ = write!(text, ", step {step}");
    }
    if let Some((time, times)) = difference.time {
        let _ = write!(text, ", time {time} of {times}");
    }
    let _ = writeln!(text, "\n      {}", difference.done);
    for change in &difference.lines {
        let (field, value) = change.parts();
        let _ = writeln!(text, "    {} {field}: {}", change.mark(), whole(value));
    }
    let _ = match difference.spoke.as_slice() {
        [] => writeln!(text, "      no rule spoke"),
        _ => writeln!(text, "      rules that spoke:"),
    };
    for spoke in &difference.spoke {
        let _ = writeln!(text, "        {spoke}");
    }
    text
}
