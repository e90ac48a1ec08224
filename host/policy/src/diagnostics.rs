//! What is wrong with a document, where, and what to do about it.
//!
//! Invariants: a [`Diagnostics`] is sorted by source name and position, whatever the order in which
//! problems were found; every message can stand alone after "error: " and begins in lower case.

use std::fmt;

use crate::source::{Position, Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The document is not accepted.
    Error,
    /// The document is accepted, but probably does not do what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Something wrong at a place of a document whose source the [`Report`] knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    severity: Severity,
    code: &'static str,
    message: String,
    span: Option<Span>,
    help: Option<String>,
}

impl Problem {
    /// An error. `code` is in kebab-case and stays the same when the wording changes.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), span: Some(span), help: None }
    }

    /// An error of a file as a whole.
    pub fn error_in_file(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), span: None, help: None }
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Says where it is.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        Self { span: Some(span), ..self }
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// A problem in its source.
///
/// Displayed as `file:line:column: error: message`, with a second line `  help: …` if there is help;
/// no line break at the end.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    problem: Problem,
    source: Source,
}

impl Diagnostic {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.problem.severity
    }

    /// The kind of problem, in kebab-case; stable.
    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.problem.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.problem.help.as_deref()
    }

    /// Where: a range of bytes in the source's text. None if it is the file as a whole.
    pub fn span(&self) -> Option<Span> {
        self.problem.span
    }

    /// Where the span begins, as editors count.
    pub fn position(&self) -> Option<Position> {
        self.span().map(|span| self.source.position(span.start))
    }

    /// The document: its name, and its text for showing the place.
    pub fn source(&self) -> &Source {
        &self.source
    }

    fn order(&self) -> (&str, Option<Span>) {
        (self.source.name(), self.problem.span)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source.name())?;
        if let Some(position) = self.position() {
            write!(f, ":{position}")?;
        }
        write!(f, ": {}: {}", self.severity(), self.message())?;
        match self.help() {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// All diagnostics of one or several documents, sorted by source name and position.
///
/// Displayed one after the other, each on its own lines.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sorted: Vec<Diagnostic>,
}

impl Diagnostics {
    /// In order of position.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.sorted.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.sorted.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
    }

    /// Adds those of another collection.
    pub fn extend(&mut self, other: Self) {
        self.sorted.extend(other.sorted);
        self.sort();
    }

    fn sort(&mut self) {
        // Stable: what was found first at a place comes first.
        self.sorted.sort_by(|left, right| left.order().cmp(&right.order()));
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.sorted.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The diagnostics of one source in the making.
#[derive(Debug)]
pub struct Report {
    source: Source,
    found: Vec<Problem>,
    elsewhere: Diagnostics,
    errors: usize,
}

impl Report {
    /// An empty report.
    pub fn new(source: &Source) -> Self {
        Self { source: source.clone(), found: Vec::new(), elsewhere: Diagnostics::default(), errors: 0 }
    }

    /// The source that the problems' spans point into.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Adds a problem; the order does not matter.
    pub fn push(&mut self, problem: Problem) {
        if problem.severity == Severity::Error {
            self.errors += 1;
        }
        self.found.push(problem);
    }

    /// Adds what was found in another document that this one names.
    pub fn include(&mut self, other: Diagnostics) {
        self.errors += other.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).count();
        self.elsewhere.extend(other);
    }

    /// How many of the problems so far are errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Whether any problem so far is an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Everything that was found.
    pub fn finish(self) -> Diagnostics {
        let Self { source, found, elsewhere, .. } = self;
        let sorted =
            found.into_iter().map(|problem| Diagnostic { problem, source: source.clone() }).collect();
        let mut diagnostics = Diagnostics { sorted };
        diagnostics.extend(elsewhere);
        diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;

    fn report(name: &str, problems: Vec<Problem>) -> Diagnostics {
        let mut report = Report::new(&Source::new(name, "ab\ncd", Format::Json));
        problems.into_iter().for_each(|problem| report.push(problem));
        report.finish()
    }

    #[test]
    fn sorts_by_source_and_position_and_displays_each_with_its_help() {
        let mut all = report(
            "b.json",
            vec![
                Problem::warning("late", Span::new(4, 5), "second line"),
                Problem::error("early", Span::new(0, 1), "first line").help("mend it"),
                Problem::error_in_file("file", "the whole file"),
            ],
        );
        all.extend(report("a.json", vec![Problem::error("other", Span::new(1, 2), "another file")]));
        assert_eq!(
            all.to_string(),
            "a.json:1:2: error: another file\n\
             b.json: error: the whole file\n\
             b.json:1:1: error: first line\n  help: mend it\n\
             b.json:2:2: warning: second line"
        );
        assert!(all.has_errors());
        assert_eq!(all.iter().map(Diagnostic::code).collect::<Vec<_>>(), ["other", "file", "early", "late"]);
    }
}
