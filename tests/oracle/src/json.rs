//! Documents: what is accepted is exactly what `serde_json` accepts and has one reading; views say what
//! the tree says; edits do what the same change does to the tree, byte for byte.

use bartizan_wire::json::{Document, EditError, Kind, Limits, Value, quote};
use bartizan_wire::{sse, stdio};

use crate::chunks::Noise;
use crate::tree::{Step, Text, Tree, pointer};

/// Limits that small inputs reach.
const TIGHT: Limits = Limits { bytes: 160, depth: 4, entries: 5 };
/// Beyond this the model, which recurses and opens each level anew, is too slow to be asked.
const MODEL_BYTES: usize = 1 << 16;
/// An edit is tried at so many places of a document.
const PLACES: usize = 20;

const NEW: &str = r#"{"new":1.10,"\u006eew2":"\/"}"#;

/// Checks bytes that may be a document.
pub fn check(input: &[u8]) {
    let model = model(input);
    for limits in [Limits::default(), TIGHT] {
        check_limits(input, model.as_ref(), &limits);
    }
    let (Ok(document), Some(tree)) = (Document::parse(input, &Limits::default()), model) else { return };
    check_view(document.root(), &tree);
    check_framing(&document);
    let all = tree.paths(PLACES);
    let mut noise = Noise::new(input);
    for path in &all {
        check_pointer(&document, &tree, path);
        check_replacing(&document, &tree, path);
        check_members(&document, &tree, path);
        check_elements(&document, &tree, path, &mut noise);
        check_removal(&document, &tree, path);
    }
}

/// What the input says, if it says one thing only.
fn model(input: &[u8]) -> Option<Tree> {
    let text = std::str::from_utf8(input).ok().filter(|text| text.len() <= MODEL_BYTES)?;
    Tree::read(text).ok().filter(|tree| !tree.has_duplicates())
}

fn check_limits(input: &[u8], model: Option<&Tree>, limits: &Limits) {
    let parsed = Document::parse(input, limits);
    if input.len() > MODEL_BYTES {
        return;
    }
    let within = |tree: &&Tree| {
        input.len() <= limits.bytes && tree.depth() <= limits.depth && tree.entries() <= limits.entries
    };
    match (parsed, model.filter(within)) {
        (Ok(document), Some(tree)) => {
            assert_eq!(document.as_str(), tree.text());
            assert!(!document.as_str().contains(|c: char| c < ' '), "a control character is left");
            check_strict(&document);
        }
        (Err(error), None) => assert!(error.offset() <= input.len(), "{error}"),
        (Ok(document), None) => panic!("accepted within {limits:?}: {document}"),
        (Err(error), Some(tree)) => panic!("refused within {limits:?}: {error}: {tree}"),
    }
}

/// A document parses to itself.
pub(crate) fn check_strict(document: &Document) {
    let limits = Limits { bytes: usize::MAX, depth: usize::MAX, entries: usize::MAX };
    assert_eq!(Document::parse(document.as_bytes(), &limits).as_ref(), Ok(document));
}

/// Checks that every accessor of a view agrees with the tree.
pub fn check_view(view: Value<'_>, tree: &Tree) {
    assert_eq!(view.text(), tree.text());
    assert_eq!(view.to_document().as_str(), view.text());
    let literal = match tree {
        Tree::Scalar(literal) => Some(literal.as_str()),
        _ => None,
    };
    assert_eq!(view.as_bool(), literal.and_then(|literal| literal.parse().ok()));
    let number = literal.filter(|literal| !["null", "true", "false"].contains(literal));
    let double = number.map(|literal| literal.parse::<f64>().expect("a JSON number is a Rust one").to_bits());
    assert_eq!(view.as_f64().map(f64::to_bits), double, "{view}");
    let integer = number.and_then(integer);
    assert_eq!(view.as_i64().map(i128::from), integer.filter(|n| i64::try_from(*n).is_ok()), "{view}");
    // `-0` is written with a sign.
    let unsigned = integer.filter(|_| !view.text().starts_with('-'));
    assert_eq!(view.as_u64().map(i128::from), unsigned.filter(|n| u64::try_from(*n).is_ok()), "{view}");
    assert_eq!(view.as_str().as_deref(), tree.characters());

    let elements: Vec<_> = view.elements().collect();
    let members: Vec<_> = view.members().collect();
    let kind = match tree {
        Tree::Scalar(literal) => match literal.as_str() {
            "null" => Kind::Null,
            "true" | "false" => Kind::Bool,
            _ => Kind::Number,
        },
        Tree::String(_) => Kind::String,
        Tree::Array(expected) => {
            assert_eq!(elements.len(), expected.len());
            elements.iter().zip(expected).for_each(|(view, tree)| check_view(*view, tree));
            Kind::Array
        }
        Tree::Object(expected) => {
            assert_eq!(members.len(), expected.len());
            for ((key, value), (text, tree)) in members.iter().zip(expected) {
                assert_eq!(key.as_ref(), text.characters);
                assert_eq!(view.get(key).map(Value::span), Some(value.span()), "{key:?}");
                check_view(*value, tree);
            }
            Kind::Object
        }
    };
    assert_eq!(view.kind(), kind);
    assert!(kind == Kind::Array || elements.is_empty());
    assert!(kind == Kind::Object || members.is_empty());
}

fn integer(literal: &str) -> Option<i128> {
    (!literal.contains(['.', 'e', 'E'])).then(|| literal.parse().ok()).flatten()
}

/// A document is one line and one event to every reader.
fn check_framing(document: &Document) {
    let event = sse::encode(&sse::Event::message(document.as_str()));
    assert_eq!(event, format!("data: {document}\n\n"));
    let line = stdio::frame(document);
    assert_eq!(line, [document.as_bytes(), b"\n"].concat());
    assert!(!document.as_str().contains(['\r', '\n']));
}

fn new_document() -> (Document, Tree) {
    let document = Document::parse(NEW.as_bytes(), &Limits::default()).expect("it is strict JSON");
    (document, Tree::read(NEW).expect("it is JSON"))
}

fn expect(edited: &Document, expected: &Tree) {
    assert_eq!(edited.as_str(), expected.text());
    check_strict(edited);
}

fn check_pointer(document: &Document, tree: &Tree, path: &[Step]) {
    let pointer = pointer(path);
    let mut tree = tree.clone();
    let found = document.pointer(&pointer).unwrap_or_else(|| panic!("nothing at {pointer:?}"));
    assert_eq!(found.text(), tree.at_mut(path).text(), "{pointer:?}");
    assert_eq!(document.as_str().get(found.span()), Some(found.text()));
}

fn check_replacing(document: &Document, tree: &Tree, path: &[Step]) {
    let (new, new_tree) = new_document();
    let pointer = pointer(path);
    let mut expected = tree.clone();
    *expected.at_mut(path) = new_tree;
    expect(&document.replace(&pointer, &new).expect("the pointer leads somewhere"), &expected);
    expect(&document.set(&pointer, &new).expect("the pointer leads somewhere"), &expected);
}

fn check_members(document: &Document, tree: &Tree, path: &[Step]) {
    let (new, new_tree) = new_document();
    let pointer = pointer(path);
    for (key, token) in [("new/~\n\"é", "new~1~0\n\"é"), ("name", "name")] {
        let set = document.set(&format!("{pointer}/{token}"), &new);
        let inserted = document.insert(&pointer, key, &new);
        let mut expected = tree.clone();
        match expected.at_mut(path) {
            Tree::Object(members) => {
                match members.iter_mut().find(|(name, _)| name.characters == key) {
                    Some((_, value)) => *value = new_tree.clone(),
                    None => {
                        let added = Text::new(key);
                        assert_eq!(added.literal, quote(key));
                        members.push((added, new_tree.clone()));
                    }
                }
                expect(&set.expect("an object takes members"), &expected);
                expect(&inserted.expect("an object takes members"), &expected);
            }
            Tree::Array(_) => {
                assert!(matches!(set, Err(EditError::NotFound { .. })), "{set:?}");
                assert!(matches!(inserted, Err(EditError::WrongKind { found: Kind::Array, .. })));
            }
            _ => {
                assert!(matches!(set, Err(EditError::WrongKind { .. })), "{set:?}");
                assert!(matches!(inserted, Err(EditError::WrongKind { .. })), "{inserted:?}");
            }
        }
    }
}

fn check_elements(document: &Document, tree: &Tree, path: &[Step], noise: &mut Noise) {
    let pointer = pointer(path);
    let mut expected = tree.clone();
    let Tree::Array(elements) = expected.at_mut(path) else {
        let wrong = document.retain(&pointer, &[]);
        assert!(matches!(wrong, Err(EditError::WrongKind { expected: Kind::Array, .. })), "{wrong:?}");
        return;
    };
    let keep = noise.decisions(elements.len());
    let too_many = [keep.as_slice(), &[true]].concat();
    assert!(matches!(document.retain(&pointer, &too_many), Err(EditError::Length { .. })));
    let mut decisions = keep.iter();
    elements.retain(|_| decisions.next() == Some(&true));
    expect(&document.retain(&pointer, &keep).expect("there is a decision for each"), &expected);
}

fn check_removal(document: &Document, tree: &Tree, path: &[Step]) {
    let removed = document.remove(&pointer(path));
    if path.is_empty() {
        assert_eq!(removed, Err(EditError::Root));
        return;
    }
    let mut expected = tree.clone();
    expected.remove(path);
    expect(&removed.expect("the pointer leads somewhere"), &expected);
}
