//! YAML 1.2 with the core schema, from the events of `saphyr-parser`.
//!
//! The subset is what JSON can say. Anchors, aliases, tags, merge keys and several documents are
//! refused: they let a document say something other than what a reader of the line sees, and parsers
//! differ in them.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use super::members::Members;
use super::number::decimal;
use super::{MAX_DEPTH, Node, Span, Value, empty, too_deep};
use crate::diagnostics::{Problem, Report};

pub(super) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    let mut builder = Builder { offsets: Offsets::of(text), open: Vec::new(), root: None, report };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, marks)) => builder.event(event, marks).ok()?,
            Err(error) => {
                let at = builder.offsets.byte(error.marker().index());
                let span = Span::new(at, at);
                let problem = if error.info().contains("recursion limit") {
                    too_deep(span)
                } else {
                    Problem::error("syntax", span, error.info())
                };
                builder.report.push(problem);
                return None;
            }
        }
    }
    if builder.root.is_none() {
        builder.report.push(empty());
    }
    builder.root
}

/// The problem is in the report and there is no way to go on.
struct Stop;

struct Builder<'r> {
    offsets: Offsets,
    open: Vec<Collection>,
    root: Option<Node>,
    report: &'r mut Report,
}

/// A collection whose end has not come yet. `end` is where its last part ended.
enum Collection {
    List { start: usize, end: usize, items: Vec<Node> },
    Object { start: usize, end: usize, members: Members, key: Option<(String, Span)> },
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Stop> {
        let span = self.offsets.span(marks);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                let problem = Problem::error("several-documents", span, "a second YAML document");
                self.stop(problem.help("put each document into a file of its own"))
            }
            Event::Alias(_) => self.stop(refused(span, "an alias").help("repeat what it stands for")),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(span, anchor, tag.as_deref());
                self.scalar(text, style, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_properties(span, anchor, tag.as_deref());
                self.open(Collection::List { start: span.start, end: span.end, items: Vec::new() }, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_properties(span, anchor, tag.as_deref());
                let (start, end) = (span.start, span.end);
                self.open(Collection::Object { start, end, members: Members::default(), key: None }, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn stop(&mut self, problem: Problem) -> Result<(), Stop> {
        self.report.push(problem);
        Err(Stop)
    }

    fn refuse_properties(&mut self, span: Span, anchor: usize, tag: Option<&Tag>) {
        if anchor != 0 {
            self.report.push(refused(span, "an anchor").help("write the value where it is used instead"));
        }
        if tag.is_some() {
            let help = "remove it; put the value in quotes if it is text";
            self.report.push(refused(span, "a tag").help(help));
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, span: Span) -> Result<(), Stop> {
        let plain = style == ScalarStyle::Plain;
        if let Some(Collection::Object { key: key @ None, .. }) = self.open.last_mut() {
            if plain && text == "<<" {
                self.report.push(refused(span, "a merge key").help("repeat the keys that it stands for"));
            } else if plain && !matches!(resolve(&text), Plain::Text) {
                let problem =
                    Problem::error("key-not-text", span, format!("the key `{text}` is not text in YAML"));
                self.report.push(problem.help(format!("put it in quotes: \"{text}\"")));
            }
            *key = Some((text.into_owned(), span));
            return Ok(());
        }
        let value = if plain { self.plain(text, span) } else { Value::String(text.into_owned()) };
        self.value(Node { span, value })
    }

    fn plain(&mut self, text: Cow<'_, str>, span: Span) -> Value {
        match resolve(&text) {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Number(literal) => Value::Number(literal),
            Plain::Text => Value::String(text.into_owned()),
            Plain::Ambiguous => {
                let message = format!("parsers differ in what `{text}` is");
                let help = "write a number in plain decimal digits, or put text in quotes";
                self.report.push(Problem::error("ambiguous-number", span, message).help(help));
                Value::String(text.into_owned())
            }
            Plain::NotFinite => {
                let message = format!("`{text}` is not a finite number");
                self.report
                    .push(Problem::error("not-json", span, message).help("put it in quotes if it is text"));
                Value::String(text.into_owned())
            }
        }
    }

    fn open(&mut self, collection: Collection, span: Span) -> Result<(), Stop> {
        if let Some(Collection::Object { key: None, .. }) = self.open.last() {
            let problem = Problem::error("key-not-text", span, "a list or an object as a key");
            return self.stop(problem.help("keys are text"));
        }
        if self.open.len() >= MAX_DEPTH {
            return self.stop(too_deep(span.head()));
        }
        self.open.push(collection);
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), Stop> {
        // The end of a block has no text of its own: it is seen at whatever comes next.
        let end_of = |end: usize| if span.start < span.end { span.end } else { end };
        let node = match self.open.pop() {
            Some(Collection::List { start, end, items }) => {
                Node { span: Span::new(start, end_of(end)), value: Value::Array(items) }
            }
            Some(Collection::Object { start, end, members, .. }) => {
                Node { span: Span::new(start, end_of(end)), value: Value::Object(members.into_vec()) }
            }
            None => return Ok(()),
        };
        self.value(node)
    }

    fn value(&mut self, node: Node) -> Result<(), Stop> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Collection::List { end, items, .. }) => {
                *end = node.span.end;
                items.push(node);
            }
            Some(Collection::Object { end, members, key, .. }) => {
                *end = node.span.end;
                let Some((key, key_span)) = key.take() else {
                    let problem = Problem::error("key-not-text", node.span, "a list or an object as a key");
                    return self.stop(problem.help("keys are text"));
                };
                members.push(key, key_span, node, self.report);
            }
        }
        Ok(())
    }
}

fn refused(span: Span, what: &str) -> Problem {
    Problem::error("yaml-feature", span, format!("{what}: Bartizan reads only what JSON can say, too"))
}

/// What a plain scalar is in the core schema (YAML 1.2.2 §10.3.2).
enum Plain {
    Null,
    Bool(bool),
    Number(String),
    NotFinite,
    /// A number to some parsers, another number or text to others.
    Ambiguous,
    Text,
}

fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::NotFinite,
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Plain::NotFinite;
    }
    if let Some(literal) = decimal(text) {
        return Plain::Number(literal);
    }
    if in_another_base(unsigned) || zero_padded(unsigned) { Plain::Ambiguous } else { Plain::Text }
}

/// `0x1f`, `0o17`, `0b1`: not all are numbers in every version of YAML.
fn in_another_base(unsigned: &str) -> bool {
    [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().any(|(prefix, base)| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(base)))
    })
}

/// `010`: ten in YAML 1.2, eight in YAML 1.1.
fn zero_padded(unsigned: &str) -> bool {
    let rest = unsigned.trim_start_matches('0');
    rest.len() < unsigned.len()
        && (rest.is_empty() || (rest.starts_with(|c: char| c.is_ascii_digit()) && decimal(rest).is_some()))
}

/// From the parser's positions, in characters, to bytes. Empty if the two are the same.
struct Offsets {
    bytes: Vec<usize>,
    len: usize,
}

impl Offsets {
    fn of(text: &str) -> Self {
        let bytes =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self { bytes, len: text.len() }
    }

    fn byte(&self, index: usize) -> usize {
        if self.bytes.is_empty() {
            index.min(self.len)
        } else {
            self.bytes.get(index).copied().unwrap_or(self.len)
        }
    }

    fn span(&self, marks: Marks) -> Span {
        Span::new(self.byte(marks.start.index()), self.byte(marks.end.index()))
    }
}
