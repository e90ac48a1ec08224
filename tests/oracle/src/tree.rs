//! JSON as a tree that keeps every literal, read by `serde_json`: the model of documents and edits.
//!
//! `serde_json`'s own numbers and strings would forget how they were written, so each value is taken as
//! raw text and opened one level at a time. [`Tree::text`] writes the tree without whitespace: what
//! [`Document::parse`](bartizan_wire::json::Document::parse) should give, and, after the same change was
//! made to the tree, what an edit should give, byte for byte.

use std::fmt;
use std::fmt::Write as _;

use serde::de::Error as _;
use serde_json::value::RawValue;

/// The model recurses: it goes deeper than any limit in use, and no deeper.
pub const DEEPEST: usize = 256;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// `null`, `true`, `false` or a number, as written.
    Scalar(String),
    /// A string.
    String(Text),
    /// The elements.
    Array(Vec<Tree>),
    /// The members in their order, equal keys included.
    Object(Vec<(Text, Tree)>),
}

/// A string literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As written, quotes included.
    pub literal: String,
    /// What it stands for.
    pub characters: String,
}

impl Text {
    fn read(literal: &str) -> Result<Self, serde_json::Error> {
        Ok(Self { literal: literal.to_owned(), characters: serde_json::from_str(literal)? })
    }

    /// A literal of our own.
    pub fn new(characters: &str) -> Self {
        let literal = serde_json::Value::from(characters).to_string();
        Self { literal, characters: characters.to_owned() }
    }
}

impl Tree {
    /// Reads text as `serde_json` reads it.
    ///
    /// # Errors
    /// `serde_json`'s, and beyond [`DEEPEST`] one of its own.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Self::open(raw, DEEPEST)
    }

    fn open(raw: &RawValue, deeper: usize) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        let below =
            || deeper.checked_sub(1).ok_or_else(|| serde_json::Error::custom("deeper than the model"));
        match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text)?;
                let open = |(key, value): (&RawValue, &RawValue)| {
                    Ok((Text::read(key.get())?, Self::open(value, below()?)?))
                };
                members.into_iter().map(open).collect::<Result<_, _>>().map(Self::Object)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text)?;
                elements
                    .into_iter()
                    .map(|element| Self::open(element, below()?))
                    .collect::<Result<_, _>>()
                    .map(Self::Array)
            }
            Some(b'"') => Text::read(text).map(Self::String),
            _ => Ok(Self::Scalar(text.to_owned())),
        }
    }

    /// The tree as compact text, literals as written.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// The characters of a string.
    pub fn characters(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(&text.characters),
            _ => None,
        }
    }

    /// The member of an object; the last one if there are several.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(name, _)| name.characters == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The same member, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        match self {
            Self::Object(members) => {
                members.iter_mut().rev().find(|(name, _)| name.characters == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Sets a member of an object where it is, or adds it last; does nothing to another value.
    pub fn set(&mut self, key: &str, value: Tree) {
        if let Some(present) = self.get_mut(key) {
            *present = value;
        } else if let Self::Object(members) = self {
            members.push((Text::new(key), value));
        }
    }

    /// The value at a path.
    pub fn at_mut(&mut self, path: &[Step]) -> &mut Tree {
        path.iter().fold(self, |tree, step| match (tree, step) {
            (Self::Object(members), Step { at, .. }) => &mut members[*at].1,
            (Self::Array(elements), Step { at, .. }) => &mut elements[*at],
            _ => panic!("a path leads into a scalar"),
        })
    }

    /// Takes out what is at a path, which must not be empty.
    pub fn remove(&mut self, path: &[Step]) {
        let (last, parent) = path.split_last().expect("the path is not empty");
        match self.at_mut(parent) {
            Self::Object(members) => drop(members.remove(last.at)),
            Self::Array(elements) => drop(elements.remove(last.at)),
            _ => panic!("a path leads into a scalar"),
        }
    }

    /// Paths to the first `most` values in the order of the text, the whole first.
    pub fn paths(&self, most: usize) -> Vec<Vec<Step>> {
        let mut paths = Vec::new();
        self.add_paths(&mut Vec::new(), &mut paths, most);
        paths
    }

    fn add_paths(&self, here: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>, most: usize) {
        if paths.len() >= most {
            return;
        }
        paths.push(here.clone());
        self.children().into_iter().enumerate().for_each(|(at, (token, child))| {
            here.push(Step { at, token });
            child.add_paths(here, paths, most);
            here.pop();
        });
    }

    /// The values inside, each with its pointer token, not escaped yet.
    fn children(&self) -> Vec<(String, &Tree)> {
        match self {
            Self::Array(elements) => elements.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
            Self::Object(members) => members.iter().map(|(k, v)| (k.characters.clone(), v)).collect(),
            _ => Vec::new(),
        }
    }

    /// Containers open at once: 0 for a scalar, 1 for `[]`.
    pub fn depth(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::String(_) => 0,
            _ => 1 + self.children().into_iter().map(|(_, child)| child.depth()).max().unwrap_or_default(),
        }
    }

    /// Members or elements of the largest container.
    pub fn entries(&self) -> usize {
        let children = self.children();
        children.iter().map(|(_, child)| child.entries()).max().unwrap_or_default().max(children.len())
    }

    /// Some object has two members of one key.
    pub fn has_duplicates(&self) -> bool {
        let children = self.children();
        if matches!(self, Self::Object(_)) {
            let mut keys: Vec<_> = children.iter().map(|(key, _)| key).collect();
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                return true;
            }
        }
        children.iter().any(|(_, child)| child.has_duplicates())
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(literal) => f.write_str(literal),
            Self::String(text) => f.write_str(&text.literal),
            Self::Array(elements) => {
                f.write_char('[')?;
                for (n, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if n > 0 { "," } else { "" })?;
                }
                f.write_char(']')
            }
            Self::Object(members) => {
                f.write_char('{')?;
                for (n, (key, value)) in members.iter().enumerate() {
                    write!(f, "{}{}:{value}", if n > 0 { "," } else { "" }, key.literal)?;
                }
                f.write_char('}')
            }
        }
    }
}

/// One step of a path: which child it is, and its pointer token, not escaped.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which child.
    pub at: usize,
    /// The key, or the index in decimal.
    pub token: String,
}

/// The RFC 6901 pointer of a path.
pub fn pointer(path: &[Step]) -> String {
    path.iter().map(|step| format!("/{}", step.token.replace('~', "~0").replace('/', "~1"))).collect()
}

/// An object's members as raw text, in order and with equal keys.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> serde::de::Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
