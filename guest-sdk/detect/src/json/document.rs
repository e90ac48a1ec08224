//! A JSON text with its values and keys, in the order in which they stand.

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    /// The key of a member; its value is the next node.
    Key,
    Number,
    /// `true`, `false`, `null`.
    Word,
}

/// Indices and positions of a text that a plugin can hold fit into 32 bits.
type Index = u32;

const NONE: Index = Index::MAX;

/// A value or a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    start: Index,
    end: Index,
    /// The first node that is not inside of this one.
    next: Index,
    /// The object or array that it is in.
    parent: Index,
    /// The key that it is the value of, or that the array is the value of that it is an element of.
    key: Index,
}

/// The nodes of a text.
pub(crate) struct Document<'t> {
    text: &'t str,
    nodes: Vec<Node>,
}

impl<'t> Document<'t> {
    /// Reads one JSON value (RFC 8259) with white space around it. `None` if it is none.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        if text.len() >= NONE as usize {
            return None;
        }
        let mut parser = Parser { bytes: text.as_bytes(), position: 0, nodes: Vec::new(), open: NONE };
        parser.parse()?;
        Some(Self { text, nodes: parser.nodes })
    }

    /// As [`Document::parse`], if the text is an object or an array.
    pub(crate) fn parse_container(text: &'t str) -> Option<Self> {
        let looks_so = text.trim_start_matches(is_space).starts_with(['{', '[']);
        if looks_so { Self::parse(text) } else { None }
    }

    pub(crate) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The text of a node, with quotes.
    pub(crate) fn literal(&self, node: &Node) -> &'t str {
        self.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// The text between the quotes of a string or a key.
    pub(crate) fn inside(&self, node: &Node) -> &'t str {
        self.text.get(node.start as usize + 1..node.end as usize - 1).unwrap_or_default()
    }

    /// A node and all nodes in it.
    pub(crate) fn within(&self, index: usize) -> std::ops::Range<usize> {
        index..self.node(index).map_or(index, |node| node.next as usize)
    }

    /// The key that a value belongs to.
    pub(crate) fn key_of(&self, node: &Node) -> Option<&Node> {
        self.node(node.key as usize)
    }

    /// Whether a range of the text lies in one string, key, number or word.
    pub(crate) fn is_in_one_value(&self, range: &std::ops::Range<usize>) -> bool {
        let after = self.nodes.partition_point(|node| node.start as usize <= range.start);
        let last = after.checked_sub(1).and_then(|index| self.nodes.get(index));
        last.is_some_and(|node| {
            !matches!(node.kind, Kind::Object | Kind::Array) && range.end <= node.end as usize
        })
    }

    /// The keys of an object, or the elements of an array.
    pub(crate) fn children(&self, index: usize) -> impl Iterator<Item = usize> {
        let range = self.within(index);
        let step = move |current: usize| {
            let node = self.node(current)?;
            // A key is followed by its value, and that by the next key.
            if node.kind == Kind::Key {
                self.node(current + 1).map(|value| value.next as usize)
            } else {
                Some(node.next as usize)
            }
        };
        let is_container =
            self.node(index).is_some_and(|node| matches!(node.kind, Kind::Object | Kind::Array));
        std::iter::successors(is_container.then_some(range.start + 1), move |current| step(*current))
            .take_while(move |current| *current < range.end)
    }

    /// The values of the members of that name: in a text of no strict reader there may be several.
    pub(crate) fn members<'d>(&'d self, index: usize, name: &'d str) -> impl Iterator<Item = usize> + 'd {
        self.children(index)
            .filter(move |key| {
                self.node(*key).is_some_and(|node| {
                    node.kind == Kind::Key && super::string::Decoded::new(self.inside(node)).text() == name
                })
            })
            .map(|key| key + 1)
    }
}

impl Node {
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn parent(&self) -> usize {
        self.parent as usize
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

struct Parser<'t> {
    bytes: &'t [u8],
    position: usize,
    nodes: Vec<Node>,
    /// The innermost object or array that is not closed yet.
    open: Index,
}

impl Parser<'_> {
    fn parse(&mut self) -> Option<()> {
        loop {
            self.value_or_container()?;
            // What can follow a value, until the next value begins or everything is closed.
            loop {
                let Some(container) = self.nodes.get(self.open as usize).copied() else {
                    self.skip_space();
                    return (self.position == self.bytes.len()).then_some(());
                };
                self.skip_space();
                let is_empty = self.nodes.len() == self.open as usize + 1;
                let closing = if container.kind == Kind::Object { b'}' } else { b']' };
                match self.peek()? {
                    byte if byte == closing => {
                        self.position += 1;
                        self.close();
                    }
                    b',' if !is_empty => {
                        self.position += 1;
                        self.key_if_in_object(container.kind)?;
                        break;
                    }
                    _ if is_empty => {
                        self.key_if_in_object(container.kind)?;
                        break;
                    }
                    _ => return None,
                }
            }
        }
    }

    fn key_if_in_object(&mut self, kind: Kind) -> Option<()> {
        self.skip_space();
        if kind == Kind::Object {
            self.string(Kind::Key)?;
            self.skip_space();
            self.take(b':')?;
        }
        Some(())
    }

    fn value_or_container(&mut self) -> Option<()> {
        self.skip_space();
        match self.peek()? {
            b'{' => self.open(Kind::Object),
            b'[' => self.open(Kind::Array),
            b'"' => self.string(Kind::String),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.position += 1)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| is_space(char::from(byte))) {
            self.position += 1;
        }
    }

    fn add(&mut self, kind: Kind, start: usize) -> Option<Index> {
        let index = Index::try_from(self.nodes.len()).ok()?;
        let key = match self.nodes.last() {
            Some(last) if last.kind == Kind::Key && kind != Kind::Key => index - 1,
            _ => self
                .nodes
                .get(self.open as usize)
                .filter(|container| container.kind == Kind::Array)
                .map_or(NONE, |array| array.key),
        };
        self.nodes.push(Node {
            kind,
            start: Index::try_from(start).ok()?,
            end: Index::try_from(self.position).ok()?,
            next: index + 1,
            parent: self.open,
            key,
        });
        Some(index)
    }

    fn open(&mut self, kind: Kind) -> Option<()> {
        self.position += 1;
        self.open = self.add(kind, self.position - 1)?;
        Some(())
    }

    fn close(&mut self) {
        let next = self.nodes.len() as Index;
        if let Some(container) = self.nodes.get_mut(self.open as usize) {
            container.end = self.position as Index;
            container.next = next;
            self.open = container.parent;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let start = self.position;
        self.bytes.get(start..)?.starts_with(word).then_some(())?;
        self.position += word.len();
        self.add(Kind::Word, start).map(|_| ())
    }

    fn string(&mut self, kind: Kind) -> Option<()> {
        let start = self.position;
        self.take(b'"')?;
        loop {
            let byte = self.peek()?;
            self.position += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    let escape = self.peek()?;
                    self.position += 1;
                    match escape {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let digits = self.bytes.get(self.position..self.position + 4)?;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                            self.position += 4;
                        }
                        _ => return None,
                    }
                }
                ..0x20 => return None,
                _ => {}
            }
        }
        self.add(kind, start).map(|_| ())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.position;
        let _sign = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digits()?;
        }
        self.add(Kind::Number, start).map(|_| ())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.position;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        (self.position > start).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_serde_json_accepts() {
        for text in [
            "{}",
            "[]",
            "0",
            "-0.5e+3",
            "\"\"",
            "true",
            " [ 1 , {\"a\" : [ ] } , null ] ",
            "{\"a\":1,\"b\":{}}",
            "\"\\u00e9\\n\"",
            "[[[[]]]]",
            "1E5",
            "{\"\":\"\"}",
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "+1",
            ".5",
            "1e",
            "tru",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "[1 2]",
            "{} {}",
            "{,}",
            "[,]",
            "nullx",
            "'a'",
            "[1}",
            "{\"a\":1]",
            "\"a",
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(Document::parse(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let depth = 1 << 20;
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Document::parse(&text).map(|document| document.nodes.len()), Some(depth));
    }

    #[test]
    fn nodes_know_what_is_in_them() {
        let document = Document::parse(r#"{"a":[1,{"b":2}],"a":3,"c":{}}"#).unwrap();
        let text = |index: usize| document.literal(document.node(index).unwrap());
        assert_eq!(document.members(0, "a").map(text).collect::<Vec<_>>(), ["[1,{\"b\":2}]", "3"]);
        assert_eq!(document.children(0).map(text).collect::<Vec<_>>(), ["\"a\"", "\"a\"", "\"c\""]);
        assert_eq!(document.children(2).map(text).collect::<Vec<_>>(), ["1", "{\"b\":2}"]);
        assert_eq!(document.members(0, "c").flat_map(|index| document.children(index)).count(), 0);
    }
}
