//! Inputs that two parsers read differently. Each of them made some official MCP SDK execute what a
//! naive filter in front of it would not have seen, or is close kin of one that did.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use bartizan_wire::json::{Document, JsonErrorKind, Kind, Limits};
use bartizan_wire::message::{IdError, Incoming, Message, MessageError};
use bartizan_wire::stdio;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_run"}}"#;

fn parse(input: &[u8]) -> Result<Message, MessageError> {
    Message::parse(input, &Limits::default())
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn inputs_that_are_not_strict_json() {
    use JsonErrorKind as K;
    let duplicate = |key: &str| K::DuplicateKey(key.to_owned());
    let with_params = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#).into_bytes()
    };
    let with_arguments =
        |arguments: &str| with_params(&format!(r#"{{"name":"get_run","arguments":{arguments}}}"#));
    let concatenated = |parts: &[&[u8]]| parts.concat();
    let cases: Vec<(&str, Vec<u8>, K)> = vec![
        ("duplicate name", with_params(r#"{"name":"get_run","name":"delete_run"}"#), duplicate("name")),
        (
            "escaped duplicate name",
            with_params(r#"{"name":"get_run","na\u006de":"delete_run"}"#),
            duplicate("name"),
        ),
        ("two escapes of one name", with_params(r#"{"\u006eame":"a","n\u0061me":"b"}"#), duplicate("name")),
        (
            "duplicate params",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{"name":"x"}}"#.to_vec(),
            duplicate("params"),
        ),
        (
            "duplicate method",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#.to_vec(),
            duplicate("method"),
        ),
        ("duplicate id", br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_vec(), duplicate("id")),
        ("duplicate in arguments", with_arguments(r#"{"run_id":"a","run_id":"b"}"#), duplicate("run_id")),
        (
            "duplicate deep in arguments",
            with_arguments(r#"{"x":[{"y":{"z":1,"\u007a":2}}]}"#),
            duplicate("z"),
        ),
        ("duplicate __proto__", with_arguments(r#"{"__proto__":1,"__proto__":2}"#), duplicate("__proto__")),
        ("byte order mark", concatenated(&[b"\xef\xbb\xbf", CALL.as_bytes()]), K::ByteOrderMark),
        ("UTF-16 LE with mark", concatenated(&[b"\xff\xfe", &utf16(CALL, u16::to_le_bytes)]), K::NotUtf8),
        ("UTF-16 BE with mark", concatenated(&[b"\xfe\xff", &utf16(CALL, u16::to_be_bytes)]), K::NotUtf8),
        (
            "UTF-16 LE",
            utf16(CALL, u16::to_le_bytes),
            K::Unexpected { expected: "a key in quotes", found: '\0' },
        ),
        ("UTF-16 BE", utf16(CALL, u16::to_be_bytes), K::Unexpected { expected: "a value", found: '\0' }),
        ("NaN", with_arguments(r#"{"x":NaN}"#), K::Unexpected { expected: "a value", found: 'N' }),
        ("Infinity", with_arguments(r#"{"x":Infinity}"#), K::Unexpected { expected: "a value", found: 'I' }),
        ("-Infinity", with_arguments(r#"{"x":-Infinity}"#), K::InvalidNumber),
        ("lone high surrogate", with_arguments(r#"{"x":"\ud800"}"#), K::LoneSurrogate),
        ("lone low surrogate", with_arguments(r#"{"x":"\udc00"}"#), K::LoneSurrogate),
        ("lone surrogate in a key", with_arguments(r#"{"\ud800x":1}"#), K::LoneSurrogate),
        ("invalid UTF-8", concatenated(&[b"{\"x\":\"\xff\"}"]), K::NotUtf8),
        ("overlong UTF-8", concatenated(&[b"{\"x\":\"\xc0\xaf\"}"]), K::NotUtf8),
        ("surrogate in UTF-8", concatenated(&[b"{\"x\":\"\xed\xa0\x80\"}"]), K::NotUtf8),
        ("gzip", b"\x1f\x8b\x08\0".to_vec(), K::NotUtf8),
        ("second document", [CALL, CALL].concat().into_bytes(), K::TrailingData),
        ("second document on a line of its own", [CALL, "\n", CALL].concat().into_bytes(), K::TrailingData),
        ("trailing NUL", [CALL, "\0"].concat().into_bytes(), K::TrailingData),
        (
            "no-break space in front",
            ["\u{a0}", CALL].concat().into_bytes(),
            K::Unexpected { expected: "a value", found: '\u{a0}' },
        ),
        ("raw CR in a string", with_arguments("{\"x\":\"a\rb\"}"), K::ControlCharacter),
        ("raw LF in a string", with_arguments("{\"x\":\"a\nb\"}"), K::ControlCharacter),
        ("comment", ["/**/", CALL].concat().into_bytes(), K::Unexpected { expected: "a value", found: '/' }),
        ("depth 1000", with_arguments(&"[".repeat(1000)), K::TooDeep { limit: 64 }),
        (
            "depth 1000, balanced",
            with_arguments(&["[".repeat(1000), "]".repeat(1000)].concat()),
            K::TooDeep { limit: 64 },
        ),
        ("depth 3,000,000", vec![b'['; 3_000_000], K::TooDeep { limit: 64 }),
    ];
    for (name, input, kind) in cases {
        match parse(&input) {
            Err(MessageError::Json(error)) => assert_eq!(error.kind(), &kind, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        // Nor does a batch hide them. (The kind may differ: U+FEFF is a byte order mark only in front.)
        let batch = [b"[".as_slice(), CALL.as_bytes(), b",", &input, b"]"].concat();
        match Incoming::parse(&batch, &Limits::default()) {
            Err(MessageError::Json(_)) => {}
            other => panic!("{name} in a batch: {other:?}"),
        }
        assert_eq!(Incoming::parse(&input, &Limits::default()), parse(&input).map(Incoming::One), "{name}");
    }
}

#[test]
fn inputs_that_are_not_one_message() {
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
    let cases = [
        ("batch", format!("[{CALL}]"), MessageError::Batch),
        ("batch of two", format!("[{CALL},{CALL}]"), MessageError::Batch),
        ("nested batch", format!("[[{CALL}]]"), MessageError::Batch),
        ("id null", with_id("null"), MessageError::Id(IdError::Kind { found: Kind::Null })),
        ("id true", with_id("true"), MessageError::Id(IdError::Kind { found: Kind::Bool })),
        ("id 1.5", with_id("1.5"), MessageError::Id(IdError::NotAnInteger)),
        ("id 1.0", with_id("1.0"), MessageError::Id(IdError::NotAnInteger)),
        ("id 1e0", with_id("1e0"), MessageError::Id(IdError::NotAnInteger)),
    ];
    for (name, input, error) in cases {
        assert_eq!(parse(input.as_bytes()), Err(error), "{name}");
    }
}

#[test]
fn batches_are_read_element_by_element() {
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
    let batch = |text: &str| match Incoming::parse(text.as_bytes(), &Limits::default()).unwrap() {
        Incoming::Batch(elements) => elements,
        Incoming::One(message) => panic!("{message:?} is no batch"),
    };
    let call = parse(CALL.as_bytes());
    assert!(call.is_ok());
    let cases = [
        ("one", format!("[{CALL}]"), vec![call.clone()]),
        ("two", format!("[{CALL},{CALL}]"), vec![call.clone(), call.clone()]),
        ("nested", format!("[[{CALL}],{CALL}]"), vec![Err(MessageError::Batch), call.clone()]),
        (
            "id null",
            format!("[{},{CALL}]", with_id("null")),
            vec![Err(MessageError::Id(IdError::Kind { found: Kind::Null })), call.clone()],
        ),
        (
            "id 1.0",
            format!("[{CALL},{}]", with_id("1.0")),
            vec![call.clone(), Err(MessageError::Id(IdError::NotAnInteger))],
        ),
        ("between line ends", format!("\r[\r{CALL}\r,\n{CALL}\r\n]\r"), vec![call.clone(), call.clone()]),
    ];
    for (name, text, elements) in cases {
        assert_eq!(batch(&text), elements, "{name}");
    }
    let twice = r#"[{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"tools/call"}]"#;
    let refused = Incoming::parse(twice.as_bytes(), &Limits::default());
    let Err(MessageError::Json(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.kind(), &JsonErrorKind::DuplicateKey("method".into()));
}

/// One line, one JSON document, a harmless ping: but a server that ends lines at CR read a call in it.
#[test]
fn a_message_smuggled_behind_a_carriage_return() {
    for line_end in ["\r", "\n", "\r\n"] {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"x":{line_end}{CALL}{line_end}}}}}}}"#
        );
        let Message::Request(ping) = parse(text.as_bytes()).unwrap() else { panic!("no request") };
        assert_eq!(ping.method(), "ping");
        let forwarded = stdio::frame(ping.document());
        assert_eq!(forwarded.iter().filter(|b| b.is_ascii_control()).count(), 1);
        let first = forwarded.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap();
        assert_eq!(first, ping.document().as_bytes());
    }
}

#[test]
fn literals_that_a_number_type_would_change() {
    let literals = [
        "1.10",
        "1e400",
        "-1e-400",
        "12345678901234567890123",
        "9007199254740993",
        "0.1000000000000000055",
        "-0",
        "1E+2",
        "18446744073709551616",
    ];
    for literal in literals {
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":9007199254740993,"method":"m","params":{{"x":[{literal}]}}}}"#);
        let Message::Request(request) = parse(text.as_bytes()).unwrap() else { panic!("no request") };
        assert_eq!(request.document().as_str(), text);
        assert_eq!(request.params().unwrap().pointer("/x/0").unwrap().text(), literal);
        assert_eq!(request.id().as_json(), "9007199254740993");
    }
}

#[test]
fn escapes_are_judged_decoded_and_forwarded_as_written() {
    let text = r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\u002fcall","params":{"na\u006de":"delete\u005frun"}}"#;
    let Message::Request(request) = parse(text.as_bytes()).unwrap() else { panic!("no request") };
    assert_eq!(request.method(), "tools/call");
    assert_eq!(request.params().unwrap().get("name").unwrap().as_str().unwrap(), "delete_run");
    assert_eq!(request.document().as_str(), text);
}

#[test]
fn line_separators_inside_strings_stay() {
    let text = "{\"x\":\"a\u{2028}b\u{85}c\u{7f}\"}";
    assert_eq!(Document::parse(text.as_bytes(), &Limits::default()).unwrap().as_str(), text);
}
