//! What came of suites, as JUnit XML: the form that CI systems read.
//!
//! One `testsuite` for each file, one `testcase` for each case. A file that could not be read is a test
//! case with an `error`.

use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::report;
use crate::run::{CaseResult, FileResult, Results};

/// Writes the results.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn write(results: &Results, out: impl Write) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let (passed, failed) = results.counts();
    let errors = results.files.iter().filter(|file| file.outcome.is_err()).count();
    let time: Duration = results.files.iter().map(duration).sum();
    writer
        .create_element("testsuites")
        .with_attributes([
            ("name", "bartizan test"),
            ("tests", (passed + failed + errors).to_string().as_str()),
            ("failures", failed.to_string().as_str()),
            ("errors", errors.to_string().as_str()),
            ("time", seconds(time).as_str()),
        ])
        .write_inner_content(|writer| {
            results.files.iter().filter(|file| !is_empty(file)).try_for_each(|file| suite(file, writer))
        })?;
    writer.get_mut().write_all(b"\n")
}

fn suite<W: Write>(file: &FileResult, writer: &mut Writer<W>) -> io::Result<()> {
    let (tests, failures, errors) = match &file.outcome {
        Ok(cases) => (cases.len(), cases.iter().filter(|case| case.failure.is_some()).count(), 0),
        Err(_) => (1, 0, 1),
    };
    let name = clean(&file.file);
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", name.as_str()),
            ("tests", tests.to_string().as_str()),
            ("failures", failures.to_string().as_str()),
            ("errors", errors.to_string().as_str()),
            ("skipped", "0"),
            ("time", seconds(duration(file)).as_str()),
        ])
        .write_inner_content(|writer| match &file.outcome {
            Ok(cases) => cases.iter().try_for_each(|case| test_case(&name, case, writer)),
            Err(problems) => {
                let case =
                    [("name", "(the suite can be read)"), ("classname", name.as_str()), ("time", "0.000")];
                writer.create_element("testcase").with_attributes(case).write_inner_content(|writer| {
                    told("error", "unreadable", "the suite cannot be read", &problems.to_string(), writer)
                })?;
                Ok(())
            }
        })?;
    Ok(())
}

fn test_case<W: Write>(file: &str, case: &CaseResult, writer: &mut Writer<W>) -> io::Result<()> {
    let name = clean(&case.name);
    let (line, time) = (case.position.line.to_string(), seconds(case.duration));
    let element = writer.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", file),
        ("file", file),
        ("line", line.as_str()),
        ("time", time.as_str()),
    ]);
    let Some(difference) = &case.failure else {
        element.write_empty()?;
        return Ok(());
    };
    let changed = difference.lines.iter().filter(|line| line.mark() != ' ');
    let message = changed.map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let text = report::failure(file, case, difference);
    element.write_inner_content(|writer| told("failure", "difference", &message, &text, writer))?;
    Ok(())
}

fn told<W: Write>(
    element: &str,
    kind: &str,
    message: &str,
    text: &str,
    writer: &mut Writer<W>,
) -> io::Result<()> {
    writer
        .create_element(element)
        .with_attributes([("message", clean(message).as_str()), ("type", kind)])
        .write_text_content(BytesText::new(&clean(text)))?;
    Ok(())
}

fn duration(file: &FileResult) -> Duration {
    file.outcome.iter().flatten().map(|case| case.duration).sum()
}

fn is_empty(file: &FileResult) -> bool {
    file.outcome.as_ref().is_ok_and(Vec::is_empty)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// XML 1.0 has no way to write some characters, not even escaped.
fn clean(text: &str) -> String {
    let is_allowed = |character: char| {
        matches!(character, '\t' | '\n' | '\r')
            || (character >= ' ' && !matches!(character, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().map(|character| if is_allowed(character) { character } else { '\u{fffd}' }).collect()
}
