//! Where a rule stands in its document.

use bartizan_policy::diagnostics::Report;
use bartizan_policy::source::{Node, Source, Span, Value};
use serde::Serialize;

use super::Rule;

/// A place in a file, as editors count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The places of a policy's document.
pub(crate) struct Places {
    source: Source,
    root: Option<Node>,
}

impl Places {
    /// Of a document that is a policy alone.
    pub(crate) fn of(source: &Source) -> Self {
        let root = source.parse(&mut Report::new(source));
        Self { source: source.clone(), root }
    }

    /// A rule by its id.
    pub(crate) fn rule(&self, id: &str) -> Rule {
        Rule { id: id.to_owned(), at: self.find(id).map(|span| self.place(span)) }
    }

    /// A span as a place.
    pub(crate) fn place(&self, span: Span) -> Place {
        let position = self.source.position(span.start);
        Place { file: self.source.name().to_owned(), line: position.line, column: position.column }
    }

    /// The span at a JSON Pointer: that of the last key, or of the item.
    fn find(&self, pointer: &str) -> Option<Span> {
        let mut node = self.root.as_ref()?;
        let mut span = node.span;
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            (node, span) = match &node.value {
                Value::Object(members) => {
                    let member = members.iter().find(|member| member.key == token)?;
                    (&member.node, member.key_span)
                }
                Value::Array(items) => {
                    let item = items.get(token.parse::<usize>().ok()?)?;
                    (item, item.span)
                }
                _ => return None,
            };
        }
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_policy::source::Format;

    #[test]
    fn rules_are_found_by_their_pointers() {
        let text = "{\n  \"tools\": {\n    \"a/b~c\": {\"deny_if\": [{}, {}]}\n  }\n}\n";
        let places = Places::of(&Source::new("p.json", text, Format::Json));
        for (id, expected) in [
            ("/tools", Some("p.json:2:3")),
            ("/tools/a~1b~0c/deny_if", Some("p.json:3:15")),
            ("/tools/a~1b~0c/deny_if/1", Some("p.json:3:31")),
            ("/tools/a~1b~0c/deny_if/2", None),
            ("/tools/a~1b~0c/deny_if/x", None),
            ("/tools/gone/action", None),
            ("(hidden)", None),
        ] {
            assert_eq!(places.rule(id).at.map(|place| place.to_string()).as_deref(), expected, "{id}");
        }
    }
}
