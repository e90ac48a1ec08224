//! The text of a document, where in it things are, and the tree it parses to.
//!
//! A [`Source`] is one file (or one piece of text) in one of three [`Format`]s. [`Source::parse`]
//! turns it into a [`Node`]: the same tree for all formats, each part with the [`Span`] it came from.
//! What two parsers could read differently is refused, in every format: duplicate keys, and in YAML
//! anchors, aliases, tags, merge keys and several documents.
//!
//! Invariants: a source is at most [`MAX_BYTES`] long and has no byte order mark; a tree is at most
//! [`MAX_DEPTH`] deep; spans lie on character boundaries of the text.

mod jsonc;
mod members;
mod node;
mod number;
mod toml;
mod yaml;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use node::{Member, Node, Value};

use crate::diagnostics::{Diagnostics, Problem, Report};

/// The longest document that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// How many objects and lists may lie within each other, the outermost included.
pub const MAX_DEPTH: usize = 64;

/// The syntax of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON with `//` and `/* */` comments (`.json`, `.jsonc`). Nothing else beyond RFC 8259: a
    /// trailing comma is refused, since most JSON tools refuse it too.
    Json,
    /// YAML 1.2 with the core schema (`.yaml`, `.yml`).
    Yaml,
    /// TOML 1.1 (`.toml`). Dates and times become strings.
    Toml,
}

impl Format {
    /// The format that a file's ending says, in whatever case. None for other endings.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "json" | "jsonc" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// How a key is given a scalar value in this format, for help texts. `value` is JSON text.
    pub fn assignment(self, key: &str, value: &str) -> String {
        match self {
            Self::Json => format!("\"{key}\": {value}"),
            Self::Yaml => format!("{key}: {value}"),
            Self::Toml => format!("{key} = {value}"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
        })
    }
}

/// A range of bytes in a source, the end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Just the place where the span begins.
    pub fn head(self) -> Self {
        Self { start: self.start, end: self.start }
    }
}

/// A place in a text, as editors count: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A named text. Clones share it.
#[derive(Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Arc<[usize]>,
    format: Format,
    directory: Option<Arc<Path>>,
}

impl Source {
    /// A text that is at hand. A leading byte order mark is dropped.
    pub fn new(name: impl Into<Arc<str>>, text: &str, format: Format) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text: text.into(), line_starts, format, directory: None }
    }

    /// The same text, with the directory from which the paths in it are taken. Without one they are taken from the
    /// directory in which the process runs.
    #[must_use]
    pub fn in_directory(self, directory: &Path) -> Self {
        Self { directory: Some(directory.into()), ..self }
    }

    /// The directory from which the paths in the text are taken: the file's own, if it was read from a file.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Reads a file; its ending says the format.
    ///
    /// # Errors
    /// One diagnostic if the ending is unknown, the file cannot be read, is longer than
    /// [`MAX_BYTES`] or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let Some(format) = Format::of(path) else {
            let source = Self::new(name, "", Format::Json);
            let problem =
                Problem::error_in_file("unknown-format", "cannot tell the format from the file's ending");
            return Err(source.alone(problem.help("name it .json or .jsonc, .yaml or .yml, or .toml")));
        };
        let bytes = read_bounded(path).map_err(|error| {
            let (what, help) = explain(&error);
            let problem = Problem::error_in_file("unreadable-file", format!("cannot read the file: {what}"));
            Self::new(name.as_str(), "", format).alone(problem.help(help))
        })?;
        match String::from_utf8(bytes) {
            Ok(text) => {
                let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
                Ok(Self::new(name, &text, format).in_directory(&directory))
            }
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                // The text up to there makes the position of the fault exact.
                let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
                let source = Self::new(name, &before, format);
                let end = source.text().len();
                let problem =
                    Problem::error("not-utf8", Span::new(end, end), "the text is not valid UTF-8 here");
                Err(source.alone(problem.help("save the file as UTF-8")))
            }
        }
    }

    /// What the text is called in diagnostics: usually the path as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The syntax of the text.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The line and column of a byte offset; offsets past the end count as the end.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let end = self.text.floor_char_boundary(offset);
        let column = self.text.get(start..end).map_or(0, |before| before.chars().count()) + 1;
        Position { line, column }
    }

    /// Parses the text. None if there is no tree to go on with; what is wrong is in the report in any
    /// case. Duplicate keys are reported and the first one kept, so that more can be found wrong in
    /// one go: a tree is sound only if the report has no errors.
    pub fn parse(&self, report: &mut Report) -> Option<Node> {
        if self.text.len() > MAX_BYTES {
            let message = format!("the document is longer than {MAX_BYTES} bytes");
            report.push(Problem::error("too-long", Span::default(), message).help(TOO_LONG));
            return None;
        }
        match self.format {
            Format::Json => jsonc::parse(&self.text, report),
            Format::Yaml => yaml::parse(&self.text, report),
            Format::Toml => toml::parse(&self.text, report),
        }
    }

    fn alone(self, problem: Problem) -> Diagnostics {
        let mut report = Report::new(&self);
        report.push(problem);
        report.finish()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

const TOO_LONG: &str = "use globs instead of many names, or a plugin with its own data";

/// Reported by the adapters for what is nested deeper than [`MAX_DEPTH`].
fn too_deep(span: Span) -> Problem {
    Problem::error("too-deep", span, format!("objects and lists are nested deeper than {MAX_DEPTH} levels"))
}

/// Reported by the adapters for a text without a value.
fn empty() -> Problem {
    Problem::error("empty-document", Span::default(), "the document is empty")
}

/// Reads a file, and of one that is too long just enough to notice.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 8).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// What went wrong with a file, in words that do not depend on the system, and what to do.
fn explain(error: &io::Error) -> (String, &'static str) {
    match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file".into(),
            "check the path; it is taken from the directory in which Bartizan runs",
        ),
        io::ErrorKind::PermissionDenied => {
            ("permission denied".into(), "let the user that runs Bartizan read it")
        }
        io::ErrorKind::IsADirectory => ("it is a directory".into(), "name a file in it"),
        io::ErrorKind::FileTooLarge => (format!("it is longer than {MAX_BYTES} bytes"), TOO_LONG),
        _ => (error.to_string(), "check that it is a regular file on a healthy disk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_ending_says_the_format() {
        for (path, expected) in [
            ("a.json", Some(Format::Json)),
            ("a.jsonc", Some(Format::Json)),
            ("dir.toml/a.YAML", Some(Format::Yaml)),
            ("a.yml", Some(Format::Yaml)),
            ("a.toml", Some(Format::Toml)),
            ("a.json5", None),
            ("json", None),
            (".json", None),
        ] {
            assert_eq!(Format::of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source::new("a", "\u{feff}äb\r\nc\n\nd", Format::Json);
        for (offset, expected) in
            [(0, "1:1"), (1, "1:1"), (2, "1:2"), (3, "1:3"), (5, "2:1"), (7, "3:1"), (8, "4:1"), (99, "4:2")]
        {
            assert_eq!(source.position(offset).to_string(), expected, "offset {offset}");
        }
    }
}
