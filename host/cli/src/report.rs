//! Diagnostics for people: where, what, and what to do, with the lines they are about.

use std::io::IsTerminal as _;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use bartizan_gateway::StartError;
use bartizan_policy::diagnostics::{Diagnostic, Diagnostics, Severity};

/// Writes an error of starting to standard error.
pub(crate) fn error(error: &StartError) {
    match error {
        StartError::Diagnostics(diagnostics) => write(diagnostics),
        other => eprintln!("bartizan: {other}"),
    }
}

/// Writes diagnostics to standard error.
pub(crate) fn write(diagnostics: &Diagnostics) {
    let renderer = if std::io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() };
    for diagnostic in diagnostics {
        eprintln!("{}\n", render(diagnostic, &renderer));
    }
}

/// How many problems there are, in words.
pub(crate) fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity() == severity).count();
    let number = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    format!("{}, {}", number(count(Severity::Error), "error"), number(count(Severity::Warning), "warning"))
}

fn render(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let source = diagnostic.source();
    let title = level.primary_title(diagnostic.message()).id(diagnostic.code());
    let mut group = match diagnostic.span() {
        Some(span) => title.element(
            Snippet::source(source.text())
                .path(source.name())
                .annotation(AnnotationKind::Primary.span(span.start..span.end)),
        ),
        None => title.element(Origin::path(source.name())),
    };
    if let Some(help) = diagnostic.help() {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}
