//! What is forwarded means the same to everybody.
//!
//! The gateway judges its own view of a message ([`Value`]) and forwards the text under it. A server in
//! front of which it stands parses that text again, with a parser of its own language. For every text
//! that is forwarded (a document as parsed; the same with another id; a list with nothing left in it),
//! with `V` our view of it:
//!
//! | reader | must equal `V` | may differ |
//! |---|---|---|
//! | `serde_json`, one level at a time | everything: kinds, order and keys of members, characters and literals of strings, literals of numbers | nothing |
//! | `serde_json::Value` | kinds, keys, characters; integers of 64 bits exactly, other numbers within [`NEARLY`] | the order of members, and the last bits of a double. It refuses a number beyond the range of doubles |
//! | Python's `json` | kinds, order and keys of members, characters; whether a number is an `int` or a `float`, its literal, and its double, bit for bit | nothing. Without the hooks used here, it refuses an `int` of more than 4300 digits |
//! | JavaScript's `JSON.parse` | kinds, the set of keys, characters by UTF-16 unit; of each number the nearest double, bit for bit | the order of members, and numbers that no double holds |
//!
//! What may differ, and why that is no way past a policy:
//! - *The order of members* has no meaning in JSON, and no rule can ask for it. Keys are unique, so there
//!   is no "first" and "last" to choose between. `__proto__` is a key like any other to all readers.
//! - *A refusal* is an error that the client sees: nothing is executed.
//! - *Rounding* is the one that matters. `9007199254740993` is that number to us, to Python and to
//!   `serde_json`, and `9007199254740992` to a server in JavaScript; `1e400` is infinite to both Python and
//!   JavaScript. Forwarding a rounded literal would break the servers that read it exactly, so the text
//!   stays as it is, and a rule has to know: one that compares a number for equality must hold for the
//!   literal's exact value *and* for its double, or it can be passed with a neighbour. [`rounded`] tells
//!   which numbers those are. Order comparisons with a limit that a double holds cannot be passed:
//!   rounding to nearest never crosses such a number, though it may reach it (`<` then reads `=`).
//! - *The last bits*: `serde_json` without its feature `float_roundtrip` does not round to nearest where a
//!   literal has many digits or a large exponent. A plugin that reads arguments with it may see another
//!   double than the server; one that has to be exact compares literals, or enables the feature.

use std::cell::RefCell;
use std::io;

use bartizan_wire::json::{Document, Kind, Limits, Value};
use bartizan_wire::listing::{Listing, recognise};
use bartizan_wire::message::{Id, Message};

use crate::json::check_view;
use crate::readers::Reader;
pub use crate::reading::rounded;
use crate::reading::{Language, expected};
use crate::tree::Tree;

/// How far from the nearest double `serde_json::Value` may be, in units in the last place. Fuzzing has seen
/// 2, at `51111111111111111111111111111111111111111111111111111111111111111340`.
pub const NEARLY: u64 = 4;

/// From here on a double that is nearly right may be infinite.
const NEARLY_INFINITE: f64 = f64::MAX * (1.0 - 16.0 * f64::EPSILON);

thread_local! {
    static READERS: RefCell<Option<[(Language, Reader); 2]>> = const { RefCell::new(None) };
}

/// Checks bytes that may be a document, and what is forwarded in its place.
pub fn check(input: &[u8]) {
    let Ok(document) = Document::parse(input, &Limits::default()) else { return };
    compare(&document);
    variants(&document).iter().for_each(compare);
}

/// Compares the readings of one document.
///
/// # Panics
/// If they differ, or if an interpreter ends each time it reads the document.
pub fn compare(document: &Document) {
    let tree = Tree::read(document.as_str()).unwrap_or_else(|error| panic!("refused: {error}: {document}"));
    check_view(document.root(), &tree);
    compare_values(document);
    READERS.with_borrow_mut(|readers| {
        let readers = readers.get_or_insert_with(|| {
            [Language::Python, Language::JavaScript].map(|language| (language, Reader::start(language)))
        });
        let answers = ask(readers, document).unwrap_or_else(|_ended| {
            readers.iter_mut().for_each(|(_, reader)| reader.restart());
            ask(readers, document).unwrap_or_else(|error| panic!("a reader ends: {error}: {document}"))
        });
        for ((language, _), answer) in readers.iter().zip(answers) {
            let ours = expected(document.root(), *language);
            assert_eq!(answer.as_deref(), Ok(ours.as_str()), "{language:?} reads {document}");
        }
    });
}

/// Both at the same time.
fn ask(
    readers: &mut [(Language, Reader); 2],
    document: &Document,
) -> io::Result<[Result<String, String>; 2]> {
    let [(_, first), (_, second)] = readers;
    first.send(document.as_bytes())?;
    second.send(document.as_bytes())?;
    Ok([first.receive()?, second.receive()?])
}

/// What the gateway makes of a message before it forwards it.
fn variants(document: &Document) -> Vec<Document> {
    let id = Id::from("b\u{e9}\n1");
    match Message::read(document) {
        Ok(Message::Request(request)) => request.with_id(&id).map(|message| message.document().clone()),
        Ok(Message::Response(response)) => {
            if let Some(shape) = recognise(&response).and_then(|method| method.shape())
                && let Ok(listing) = Listing::read(&response, shape)
            {
                let nothing = vec![false; listing.entries().count()];
                return listing.filter(&nothing, std::time::Duration::ZERO).into_iter().collect();
            }
            response.with_id(&id).map(|message| message.document().clone())
        }
        _ => return Vec::new(),
    }
    .into_iter()
    .collect()
}

fn compare_values(document: &Document) {
    match serde_json::from_str::<serde_json::Value>(document.as_str()) {
        Ok(value) => compare_value(document.root(), &value),
        Err(error) => assert!(has_huge_number(document.root()), "refused: {error}: {document}"),
    }
}

fn compare_value(ours: Value<'_>, theirs: &serde_json::Value) {
    match (ours.kind(), theirs) {
        (Kind::Null, serde_json::Value::Null) => {}
        (Kind::Bool, serde_json::Value::Bool(value)) => assert_eq!(ours.as_bool(), Some(*value)),
        (Kind::String, serde_json::Value::String(value)) => {
            assert_eq!(ours.as_str().as_deref(), Some(value.as_str()));
        }
        (Kind::Number, serde_json::Value::Number(number)) => compare_number(ours, number),
        (Kind::Array, serde_json::Value::Array(elements)) => {
            assert_eq!(ours.elements().count(), elements.len());
            ours.elements().zip(elements).for_each(|(ours, theirs)| compare_value(ours, theirs));
        }
        (Kind::Object, serde_json::Value::Object(members)) => {
            assert_eq!(ours.members().count(), members.len());
            for (key, value) in ours.members() {
                let theirs = members.get(key.as_ref()).unwrap_or_else(|| panic!("no member {key:?}: {ours}"));
                compare_value(value, theirs);
            }
        }
        (kind, other) => panic!("{kind} is read as {other}"),
    }
}

fn compare_number(ours: Value<'_>, theirs: &serde_json::Number) {
    if let Some(integer) = ours.as_i64().filter(|_| ours.text() != "-0") {
        assert_eq!(theirs.as_i64(), Some(integer), "{ours}");
    }
    if let Some(integer) = ours.as_u64() {
        assert_eq!(theirs.as_u64(), Some(integer), "{ours}");
    }
    let nearest = ours.as_f64().expect("it is a number");
    let theirs = theirs.as_f64().expect("it is a number");
    let apart = nearest.abs().to_bits().abs_diff(theirs.abs().to_bits());
    let same_sign = nearest.is_sign_negative() == theirs.is_sign_negative();
    assert!(same_sign && apart <= NEARLY, "{ours} is read as {theirs:?} and not {nearest:?}");
}

/// Some number is beyond the range of doubles, or so near its end that it may be rounded out of it.
fn has_huge_number(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Number => value.as_f64().is_some_and(|number| number.abs() >= NEARLY_INFINITE),
        Kind::Array => value.elements().any(has_huge_number),
        Kind::Object => value.members().any(|(_, value)| has_huge_number(value)),
        _ => false,
    }
}
