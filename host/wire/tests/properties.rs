//! Properties that hold for all inputs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

mod strategies;

use bartizan_wire::json::{Document, EditError, Kind, Limits, Value as View, quote};
use bartizan_wire::message::{self, BATCH, Incoming, Message, MessageError};
use bartizan_wire::{headers, sse, stdio};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use strategies::{text, values};

/// What may stand in a batch: messages of each kind, near misses, anything else.
fn elements() -> impl Strategy<Value = String> {
    let envelopes = [
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":VALUE}}"#,
        r#"{"jsonrpc":"2.0","method":"m","params":{"x":VALUE}}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":VALUE}"#,
        r#"{"jsonrpc":"2.0","id":"a","error":VALUE}"#,
        r#"{"jsonrpc":"2.0","id":VALUE,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":VALUE}"#,
        "VALUE",
    ];
    (proptest::sample::select(envelopes.to_vec()), values(), vec(any::<u8>(), 1..50)).prop_map(
        |(envelope, value, noise)| {
            envelope.replace("VALUE", &rendered(&value, &mut noise.into_iter().cycle()))
        },
    )
}

/// `value` as text with whitespace between all tokens and some characters escaped, as `noise` says.
fn rendered(value: &Value, noise: &mut impl Iterator<Item = u8>) -> String {
    let mut gap = |out: &mut String| {
        let n = noise.next().unwrap();
        out.extend(
            [" ", "\t", "\n", "\r"].iter().cycle().skip(usize::from(n)).take(usize::from(n % 3)).copied(),
        );
        n
    };
    let mut out = String::new();
    gap(&mut out);
    match value {
        Value::String(string) => {
            let escape_all = gap(&mut out) % 2 == 0;
            out.push_str(&if escape_all { escaped(string) } else { quote(string) });
        }
        Value::Array(elements) => {
            out.push('[');
            gap(&mut out);
            let parts: Vec<_> = elements.iter().map(|element| rendered(element, noise)).collect();
            out.push_str(&parts.join(","));
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            gap(&mut out);
            let parts: Vec<_> = members
                .iter()
                .map(|(key, member)| {
                    let key = rendered(&Value::from(key.as_str()), noise);
                    format!("{key}:{}", rendered(member, noise))
                })
                .collect();
            out.push_str(&parts.join(","));
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    out.push_str(["", " ", "\r\n", "\t"][usize::from(noise.next().unwrap() % 4)]);
    out
}

fn escaped(string: &str) -> String {
    let units: String = string.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{units}\"")
}

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Pointers to every value below `value`, itself included.
fn pointers(value: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut below = |token: String, value: &Value| {
        all.extend(pointers(value).into_iter().map(|rest| format!("/{token}{rest}")));
    };
    match value {
        Value::Array(elements) => elements.iter().enumerate().for_each(|(n, v)| below(n.to_string(), v)),
        Value::Object(members) => {
            members.iter().for_each(|(key, v)| below(key.replace('~', "~0").replace('/', "~1"), v));
        }
        _ => {}
    }
    all
}

/// A view read back through its own accessors.
fn rebuilt(view: View<'_>) -> Value {
    match view.kind() {
        Kind::String => Value::from(view.as_str().unwrap().into_owned()),
        Kind::Array => view.elements().map(rebuilt).collect(),
        Kind::Object => {
            Value::Object(view.members().map(|(key, value)| (key.into_owned(), rebuilt(value))).collect())
        }
        Kind::Null | Kind::Bool | Kind::Number => read(view.text()),
    }
}

/// `bytes` cut at the given places.
fn chunks(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

fn events(chunks: &[Vec<u8>], limit: usize) -> (Vec<sse::Event>, Option<sse::SseError>) {
    let mut parser = sse::Parser::new(limit);
    let error = chunks.iter().find_map(|chunk| parser.push(chunk).err());
    (parser.events().collect(), error)
}

fn lines(chunks: &[Vec<u8>], max: usize) -> Vec<stdio::Line> {
    let mut lines = stdio::Lines::new(max);
    chunks.iter().for_each(|chunk| lines.push(chunk));
    lines.finish();
    lines.lines().collect()
}

/// Bytes made of pieces that mean something to a parser, with some that mean nothing in between.
fn pieces(pieces: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..3),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

const JSON_PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"a\"",
    b"\"",
    b"\\",
    b"\\u0061",
    b"\\ud83d",
    b"\\ude00",
    b"0",
    b"-",
    b"1",
    b".5",
    b"e9",
    b"true",
    b"null",
    b" ",
    b"\r",
    b"\"jsonrpc\":\"2.0\"",
    b"\"id\":1",
    b"\"method\":\"m\"",
];
const SSE_PIECES: &[&[u8]] = &[
    b"data",
    b":",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"id",
    b"event",
    b"retry",
    b"7",
    b"x",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"\xe2\x82",
    b"\xac",
    b"\0",
];

proptest! {
    #[test]
    fn compaction_keeps_the_meaning(value in values(), noise in vec(any::<u8>(), 1..50)) {
        let text = rendered(&value, &mut noise.into_iter().cycle());
        let document = parse(&text);
        prop_assert_eq!(read(document.as_str()), read(&text));
        prop_assert_eq!(rebuilt(document.root()), read(&text));
        prop_assert_eq!(parse(document.as_str()), document.clone());
        prop_assert!(!document.as_str().contains(|c: char| c < ' '));
    }

    #[test]
    fn compaction_of_compact_text_changes_nothing(value in values()) {
        let text = value.to_string();
        let document = parse(&text);
        prop_assert_eq!(document.as_str(), text);
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop_oneof![vec(any::<u8>(), 0..200), pieces(JSON_PIECES)]) {
        let _ = Message::parse(&bytes, &Limits::default());
        if let Ok(document) = Document::parse(&bytes, &Limits { depth: 100, ..Limits::default() }) {
            let ours = serde_json::from_str::<&serde_json::value::RawValue>(document.as_str());
            prop_assert!(ours.is_ok(), "accepted what serde_json refuses: {}", document);
            prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_a_batch_or_read_as_one_message(
        bytes in prop_oneof![vec(any::<u8>(), 0..200), pieces(JSON_PIECES)],
    ) {
        let alone = Message::parse(&bytes, &Limits::default());
        match Incoming::parse(&bytes, &Limits::default()) {
            Ok(Incoming::One(message)) => prop_assert_eq!(alone, Ok(message)),
            Ok(Incoming::Batch(elements)) => {
                prop_assert_eq!(alone, Err(MessageError::Batch));
                prop_assert!((1..=BATCH).contains(&elements.len()));
            }
            Err(MessageError::EmptyBatch | MessageError::LongBatch { .. }) => {
                prop_assert_eq!(alone, Err(MessageError::Batch));
            }
            Err(error) => prop_assert_eq!(alone, Err(error)),
        }
    }

    #[test]
    fn elements_parse_the_same_alone_and_in_a_batch(
        texts in vec(elements(), 1..8),
        gaps in vec(proptest::sample::select(&["", " ", "\r", "\n", "\t\r\n"][..]), 16),
    ) {
        let gapped: Vec<_> =
            texts.iter().zip(gaps.chunks(2)).map(|(text, gap)| format!("{}{text}{}", gap[0], gap[1])).collect();
        let batch = Incoming::parse(format!("[{}]", gapped.join(",")).as_bytes(), &Limits::default());
        let alone: Vec<_> =
            texts.iter().map(|text| Message::parse(text.as_bytes(), &Limits::default())).collect();
        let documents: Vec<_> =
            alone.iter().filter_map(|message| Some(message.as_ref().ok()?.document().clone())).collect();
        prop_assert_eq!(batch, Ok(Incoming::Batch(alone)));
        let joined = message::join(&documents);
        prop_assert_eq!(parse(joined.as_str()), joined.clone());
        prop_assert_eq!(joined.root().elements().map(View::to_document).collect::<Vec<_>>(), documents);
    }

    #[test]
    fn any_text_is_a_header_value_or_refused(text in any::<String>(), body in any::<String>()) {
        let _ = headers::Accept::parse(Some(&text));
        let _ = headers::check_content_type(Some(&text));
        let _ = headers::protocol_version(Some(&text));
        let _ = headers::AllowedHosts::default().check(Some(&text));
        let _ = headers::AllowedOrigins::default().check(Some(&text));
        let _ = headers::decode_mirror(&text);
        let encoded = headers::encode_mirror(&body);
        prop_assert!(encoded.bytes().all(|b| matches!(b, b' '..=b'~')));
        prop_assert_eq!(headers::check_mirror("Mcp-Name", Some(&encoded), &body), Ok(()));
    }

    #[test]
    fn pointers_agree_with_serde_json(value in values(), stray in text()) {
        let document = parse(&value.to_string());
        let value = read(document.as_str());
        for pointer in pointers(&value) {
            let found = document.pointer(&pointer).map(|view| read(view.text()));
            prop_assert_eq!(found.as_ref(), value.pointer(&pointer), "{}", pointer);
        }
        let _ = document.pointer(&stray);
    }

    #[test]
    fn edits_agree_with_serde_json(
        value in values(),
        replacement in values(),
        key in text(),
        pick in any::<proptest::sample::Index>(),
        decisions in vec(any::<bool>(), 6),
    ) {
        let document = parse(&value.to_string());
        let new = parse(&replacement.to_string());
        let (value, replacement) = (read(document.as_str()), read(new.as_str()));
        let all = pointers(&value);
        let pointer = pick.get(&all).as_str();
        let strict = |edited: &Document| parse(edited.as_str()) == *edited;

        let mut expected = value.clone();
        *expected.pointer_mut(pointer).unwrap() = replacement.clone();
        for edited in [document.replace(pointer, &new).unwrap(), document.set(pointer, &new).unwrap()] {
            prop_assert_eq!(read(edited.as_str()), expected.clone());
            prop_assert!(strict(&edited));
        }

        let mut expected = value.clone();
        match expected.pointer_mut(pointer).unwrap() {
            Value::Object(members) => {
                members.insert(key.clone(), replacement);
                let edited = document.insert(pointer, &key, &new).unwrap();
                prop_assert!(strict(&edited));
                prop_assert_eq!(read(edited.as_str()), expected);
            }
            Value::Array(elements) => {
                let keep = &decisions[..elements.len()];
                let mut each = keep.iter();
                elements.retain(|_| *each.next().unwrap());
                let edited = document.retain(pointer, keep).unwrap();
                prop_assert!(strict(&edited));
                prop_assert_eq!(read(edited.as_str()), expected);
            }
            _ => prop_assert!(document.insert(pointer, &key, &new).is_err()),
        }

        let mut expected = value;
        match pointer.rsplit_once('/') {
            None => prop_assert_eq!(document.remove(pointer), Err(EditError::Root)),
            Some((parent, token)) => {
                match expected.pointer_mut(parent).unwrap() {
                    Value::Array(elements) => drop(elements.remove(token.parse().unwrap())),
                    Value::Object(members) => {
                        drop(members.remove(&token.replace("~1", "/").replace("~0", "~")));
                    }
                    other => panic!("{other} holds nothing"),
                }
                let edited = document.remove(pointer).unwrap();
                prop_assert!(strict(&edited));
                prop_assert_eq!(read(edited.as_str()), expected);
            }
        }
    }

    #[test]
    fn event_streams_do_not_depend_on_chunks(
        stream in pieces(SSE_PIECES),
        cuts in vec(any::<usize>(), 0..8),
        limit in prop_oneof![Just(usize::MAX / 2), 0..40_usize],
    ) {
        let whole = events(std::slice::from_ref(&stream), limit);
        prop_assert_eq!(events(&chunks(&stream, &cuts), limit), whole.clone());
        let encoded: String = whole.0.iter().map(sse::encode).collect();
        prop_assert_eq!(events(&[encoded.into_bytes()], usize::MAX / 2), (whole.0, None));
    }

    #[test]
    fn lines_do_not_depend_on_chunks(
        input in pieces(&[b"\n", b"\r\n", b"\r", b"{}", b" ", b"0123456789"]),
        cuts in vec(any::<usize>(), 0..8),
        max in 0..40_usize,
    ) {
        let whole = lines(std::slice::from_ref(&input), max);
        prop_assert_eq!(lines(&chunks(&input, &cuts), max), whole);
    }
}
