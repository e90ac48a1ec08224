//! JSON Pointers (RFC 6901), in which `*` as a whole segment stands for every element or member.

use std::fmt;

use super::document::{Document, Kind};
use super::string::Decoded;

/// A place in a JSON text, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Name(String),
    Every,
}

/// A text that is no pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPointer(String);

impl fmt::Display for BadPointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.0;
        write!(
            formatter,
            "`{text}` is no JSON Pointer: it must be empty or begin with `/`, and `~` must be followed by `0` or `1`"
        )
    }
}

impl std::error::Error for BadPointer {}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    ///
    /// When it does not begin with `/`, or has a `~` that is no escape.
    pub fn parse(text: &str) -> Result<Self, BadPointer> {
        let bad = || BadPointer(text.to_owned());
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let segments = text.strip_prefix('/').ok_or_else(bad)?.split('/').map(|segment| {
            let unescaped = segment.replace("~0", "").replace("~1", "");
            if unescaped.contains('~') {
                return Err(bad());
            }
            Ok(match segment {
                "*" => Segment::Every,
                name => Segment::Name(name.replace("~1", "/").replace("~0", "~")),
            })
        });
        segments.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }
}

impl Segment {
    /// Whether it leads from an array to this element.
    pub(crate) fn is_index(&self, index: usize) -> bool {
        match self {
            Self::Every => true,
            Self::Name(name) => *name == index.to_string(),
        }
    }
}

/// Where pointers lead in one text.
pub(crate) struct Selection<'p> {
    /// Nodes.
    pub(crate) nodes: Vec<usize>,
    /// Strings with what is left of a pointer. They may hold JSON themselves.
    pub(crate) strings: Vec<(usize, &'p [Segment])>,
}

/// Follows a pointer from a node.
pub(crate) fn select<'p>(document: &Document<'_>, root: usize, pointer: &'p [Segment]) -> Selection<'p> {
    let mut strings = Vec::new();
    let mut nodes = vec![root];
    for (depth, segment) in pointer.iter().enumerate() {
        let mut next = Vec::new();
        for node in nodes {
            match document.node(node).map(|node| node.kind) {
                Some(Kind::Object) => match segment {
                    Segment::Every => next.extend(document.children(node).map(|key| key + 1)),
                    Segment::Name(name) => next.extend(document.members(node, name)),
                },
                Some(Kind::Array) => next.extend(
                    document
                        .children(node)
                        .enumerate()
                        .filter(|(index, _)| segment.is_index(*index))
                        .map(|(_, element)| element),
                ),
                Some(Kind::String) => strings.push((node, pointer.get(depth..).unwrap_or_default())),
                _ => {}
            }
        }
        nodes = next;
    }
    Selection { nodes, strings }
}

/// The decoded text of a string.
pub(crate) fn decoded<'t>(document: &Document<'t>, index: usize) -> Option<Decoded<'t>> {
    let node = document.node(index).filter(|node| node.kind == Kind::String)?;
    Some(Decoded::new(document.inside(node)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_values() {
        let text = r#"{"a":[{"b":1},{"b":2},3],"*":4,"x/y":5,"m~n":6,"":7,"a\u0062":8,"s":"{}","01":9}"#;
        let document = Document::parse(text).unwrap();
        for (pointer, expected) in [
            ("/a/0/b", vec!["1"]),
            ("/a/*/b", vec!["1", "2"]),
            ("/a/2", vec!["3"]),
            ("/a/02", vec![]),
            ("/a/3", vec![]),
            ("/*/0/b", vec!["1"]),
            ("/x~1y", vec!["5"]),
            ("/m~0n", vec!["6"]),
            ("/", vec!["7"]),
            ("/ab", vec!["8"]),
            ("/01", vec!["9"]),
            ("/missing", vec![]),
            ("", vec![text]),
        ] {
            let pointer = Pointer::parse(pointer).unwrap();
            let selection = select(&document, 0, pointer.segments());
            let found: Vec<_> =
                selection.nodes.iter().map(|node| document.literal(document.node(*node).unwrap())).collect();
            assert_eq!(found, expected, "{pointer:?}");
        }
        let pointer = Pointer::parse("/s/t/u").unwrap();
        assert_eq!(select(&document, 0, pointer.segments()).strings.len(), 1);
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["a", "a/b", "/~", "/a~2", "#/a", "/~~0"] {
            assert!(Pointer::parse(text).is_err(), "{text}");
        }
    }
}
