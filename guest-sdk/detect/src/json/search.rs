//! A rule's search through arguments or a result.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::document::{Document, Kind};
use super::edit::{Edit, apply, settle};
use super::pointer::{Pointer, Segment, decoded, select};
use super::roots::Roots;
use super::string::{Decoded, encode, quoted};
use crate::{Detector, Finder};

/// How many times JSON is looked for in strings of JSON.
const MOST_NESTED: usize = 6;

/// Where a rule looks, and for what.
#[derive(Clone, Debug)]
pub struct Search {
    at: Vec<Pointer>,
    finder: Option<Finder>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What has to change in the text so that it is gone: in order, without overlaps.
    pub edits: Vec<Edit>,
    /// How many places those are.
    pub count: usize,
    /// The detectors that found something.
    pub detectors: BTreeSet<Detector>,
}

impl Search {
    /// Looks below the pointers, or everywhere if there is none, for what the finder finds. Without a finder
    /// the values at the pointers are what is looked for.
    pub fn new(at: Vec<Pointer>, finder: Option<Finder>) -> Self {
        Self { at, finder }
    }

    /// Searches the arguments of a call, or the params of a method without arguments. The edits put the
    /// replacement in the place of what is found; a value that is the replacement already is left alone.
    /// Without one, everything counts and the edits say nothing.
    pub fn arguments(&self, method: &str, text: &str, replacement: Option<&str>) -> Found {
        self.search(text, replacement, |document| Roots::of_arguments(document, method))
    }

    /// As [`Search::arguments`], of a result, or of the error object in its place.
    pub fn result(&self, text: &str, replacement: Option<&str>) -> Found {
        self.search(text, replacement, Roots::of_result)
    }

    fn search(
        &self,
        text: &str,
        replacement: Option<&str>,
        roots: impl FnOnce(&Document<'_>) -> Roots,
    ) -> Found {
        let mut walk = Walk {
            search: self,
            replacement: replacement.unwrap_or_default(),
            quoted: quoted(replacement.unwrap_or_default()),
            is_done: replacement.is_some(),
            found: Found::default(),
        };
        let Some(document) = Document::parse(text) else {
            walk.found.edits = walk.text(None, text, MOST_NESTED);
            return walk.found;
        };
        let roots = roots(&document);
        let edits = if self.at.is_empty() {
            walk.nodes(&document, document.within(0), &roots.protocol, 0)
        } else {
            walk.pointed_roots(&document, &roots)
        };
        walk.found.edits = settle(edits);
        walk.found
    }
}

struct Walk<'s> {
    search: &'s Search,
    replacement: &'s str,
    /// The replacement as a JSON string.
    quoted: String,
    /// Whether a value that is the replacement is done with.
    is_done: bool,
    found: Found,
}

impl<'s> Walk<'s> {
    fn pointed_roots(&mut self, document: &Document<'_>, roots: &Roots) -> Vec<Edit> {
        let pointers = || self.search.at.iter().map(Pointer::segments);
        let starts = roots
            .values
            .iter()
            .chain(&roots.wrapped)
            .flat_map(|root| pointers().map(|pointer| (*root, pointer)))
            .collect();
        let mut edits = self.pointed(document, starts, 0);
        for (number, text) in roots.texts.iter().enumerate() {
            let Some(decoded) = decoded(document, *text) else { continue };
            let inner = self.pointed_text(decoded.text(), number, document, roots);
            edits.extend(outer(document, *text, &decoded, inner));
        }
        edits
    }

    /// Follows the pointers into a text of the content. Servers put into the text what `structuredContent`
    /// has as `result`, as a whole or element by element, and a pointer may be meant for either.
    fn pointed_text(&mut self, text: &str, number: usize, result: &Document<'_>, roots: &Roots) -> Vec<Edit> {
        let inner = Document::parse_container(text);
        let kind = inner.as_ref().and_then(|inner| inner.node(0)).map(|node| node.kind);
        let has_result = inner.as_ref().is_some_and(|inner| inner.members(0, "result").next().is_some());
        let is_list = roots
            .wrapped
            .and_then(|wrapped| result.node(wrapped))
            .is_some_and(|node| node.kind == Kind::Array);
        let mut pointers: Vec<&'s [Segment]> = Vec::new();
        for pointer in &self.search.at {
            let pointer = pointer.segments();
            pointers.push(pointer);
            let mut may_be_element = is_list;
            let bare = match pointer.split_first() {
                Some((Segment::Name(name), rest)) if name == "result" && !has_result => {
                    may_be_element = may_be_element || roots.values.is_empty();
                    pointers.push(rest);
                    rest
                }
                _ => pointer,
            };
            if let Some((element, rest)) = bare.split_first()
                && may_be_element
                && kind != Some(Kind::Array)
                && element.is_index(number)
            {
                pointers.push(rest);
            }
        }
        match inner {
            Some(inner) => {
                self.pointed(&inner, pointers.into_iter().map(|pointer| (0, pointer)).collect(), 1)
            }
            None if pointers.iter().any(|pointer| pointer.is_empty()) => self.whole_text(text),
            None => Vec::new(),
        }
    }

    /// A text that is no JSON, of which everything is meant.
    fn whole_text(&mut self, text: &str) -> Vec<Edit> {
        if self.search.finder.is_some() {
            return self.text(None, text, MOST_NESTED);
        }
        if self.is_done && text == self.replacement {
            return Vec::new();
        }
        self.found.count += 1;
        vec![Edit { range: 0..text.len(), text: self.replacement.to_owned() }]
    }

    fn pointed(
        &mut self,
        document: &Document<'_>,
        starts: Vec<(usize, &'s [Segment])>,
        depth: usize,
    ) -> Vec<Edit> {
        let mut nodes = BTreeSet::new();
        let mut strings: BTreeMap<usize, Vec<&'s [Segment]>> = BTreeMap::new();
        for (root, pointer) in starts {
            let selection = select(document, root, pointer);
            nodes.extend(selection.nodes);
            for (string, rest) in selection.strings {
                strings.entry(string).or_default().push(rest);
            }
        }
        let mut edits = Vec::new();
        let mut done = 0;
        for node in nodes {
            // What is inside of a value that was selected is done with it.
            if node >= done {
                let range = document.within(node);
                done = range.end;
                edits.extend(self.selected(document, range));
            }
        }
        for (string, pointers) in strings {
            let Some(decoded) = decoded(document, string).filter(|_| depth < MOST_NESTED) else { continue };
            let Some(inner) = Document::parse_container(decoded.text()) else { continue };
            let starts = pointers.into_iter().map(|pointer| (0, pointer)).collect();
            let inner = self.pointed(&inner, starts, depth + 1);
            edits.extend(outer(document, string, &decoded, inner));
        }
        settle(edits)
    }

    /// A value that a pointer led to.
    fn selected(&mut self, document: &Document<'_>, range: Range<usize>) -> Vec<Edit> {
        if self.search.finder.is_some() {
            return self.nodes(document, range, &BTreeSet::new(), 0);
        }
        let Some(node) = document.node(range.start) else { return Vec::new() };
        if self.is_done && document.literal(node) == self.quoted {
            return Vec::new();
        }
        self.found.count += 1;
        vec![Edit { range: node.range(), text: self.quoted.clone() }]
    }

    /// Looks for matches in nodes.
    fn nodes(
        &mut self,
        document: &Document<'_>,
        range: Range<usize>,
        protocol: &BTreeSet<usize>,
        depth: usize,
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut renamed: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
        let mut index = range.start;
        while let Some(node) = document.node(index).filter(|_| index < range.end) {
            if protocol.contains(&index) {
                index = if node.kind == Kind::Key { index + 1 } else { document.within(index).end };
                continue;
            }
            let name = document.key_of(node).map(|key| Decoded::new(document.inside(key)));
            let name = name.as_ref().map(Decoded::text);
            match node.kind {
                Kind::String => {
                    let decoded = Decoded::new(document.inside(node));
                    let inner = self.text(name, decoded.text(), depth);
                    edits.extend(outer(document, index, &decoded, inner));
                }
                Kind::Number => {
                    let inner = self.plain(name, document.literal(node));
                    if !inner.is_empty() {
                        let text = quoted(&apply(document.literal(node), &inner));
                        edits.push(Edit { range: node.range(), text });
                    }
                }
                Kind::Key => {
                    let decoded = Decoded::new(document.inside(node));
                    let inner = self.plain(None, decoded.text());
                    if !inner.is_empty() {
                        let key = apply(decoded.text(), &inner);
                        renamed.entry(node.parent()).or_default().push((index, key));
                    }
                }
                Kind::Object | Kind::Array | Kind::Word => {}
            }
            index += 1;
        }
        for (object, keys) in renamed {
            edits.extend(rename(document, object, keys));
        }
        settle(edits)
    }

    /// Looks for matches in a text, which may be JSON itself.
    fn text(&mut self, name: Option<&str>, text: &str, depth: usize) -> Vec<Edit> {
        let nested = if depth < MOST_NESTED { Document::parse_container(text) } else { None };
        let Some(document) = nested else { return self.plain(name, text) };
        let mut edits = self.nodes(&document, document.within(0), &BTreeSet::new(), depth + 1);
        // A pattern may be written for the text as it stands. What lies in one value was looked at.
        let matches = self.search.finder.as_ref().map(|finder| finder.find_pattern(text)).unwrap_or_default();
        let across = matches.into_iter().filter(|range| !document.is_in_one_value(range));
        let across: Vec<_> = across.map(|range| Edit { range, text: encode(self.replacement) }).collect();
        self.found.count += across.len();
        edits.extend(across);
        settle(edits)
    }

    /// Looks for matches in a text, as it stands and with its escapes decoded: parts of it may be JSON.
    fn plain(&mut self, name: Option<&str>, text: &str) -> Vec<Edit> {
        let Some(finder) = &self.search.finder else { return Vec::new() };
        let mut ranges = finder.find(name, text, &mut self.found.detectors);
        let decoded = Decoded::new(text);
        if decoded.has_escapes() {
            let more = finder.find(name, decoded.text(), &mut self.found.detectors);
            ranges.extend(more.iter().map(|range| decoded.written(range)));
            ranges = crate::ranges::merge(ranges);
        }
        self.found.count += ranges.len();
        ranges.into_iter().map(|range| Edit { range, text: self.replacement.to_owned() }).collect()
    }
}

/// Edits of a string's decoded text as edits of the text that the string stands in.
fn outer(document: &Document<'_>, string: usize, decoded: &Decoded<'_>, edits: Vec<Edit>) -> Vec<Edit> {
    let Some(start) = document.node(string).map(|node| node.range().start + 1) else { return Vec::new() };
    edits
        .into_iter()
        .map(|edit| {
            let range = decoded.written(&edit.range);
            Edit { range: start + range.start..start + range.end, text: encode(&edit.text) }
        })
        .collect()
}

/// Gives keys of an object other names. Where two would be the same, a number tells them apart.
fn rename(document: &Document<'_>, object: usize, keys: Vec<(usize, String)>) -> Vec<Edit> {
    let going: HashSet<usize> = keys.iter().map(|(index, _)| *index).collect();
    let mut taken: HashSet<String> = document
        .children(object)
        .filter(|key| !going.contains(key))
        .filter_map(|key| document.node(key))
        .map(|key| Decoded::new(document.inside(key)).text().to_owned())
        .collect();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut edits = Vec::new();
    for (index, wanted) in keys {
        let number = numbers.entry(wanted.clone()).or_insert(1);
        let mut name = wanted.clone();
        while !taken.insert(name.clone()) {
            *number += 1;
            name = format!("{wanted} ({number})");
        }
        if let Some(key) = document.node(index) {
            edits.push(Edit { range: key.range(), text: quoted(&name) });
        }
    }
    edits
}
