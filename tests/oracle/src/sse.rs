//! Event streams: the same whatever the chunks, those that the WHATWG standard gives, and unchanged by
//! being written and read again.

use bartizan_wire::sse::{Event, Parser, SseError, encode};

use crate::chunks::chunkings;

const NO_LIMIT: usize = usize::MAX / 2;
/// Limits that inputs reach.
const LIMITS: [usize; 3] = [0, 7, 24];

type Outcome = (Vec<Event>, Option<SseError>);

/// Checks a stream.
pub fn check(stream: &[u8]) {
    let whole = read(&[stream], NO_LIMIT);
    assert_eq!(whole, model(stream), "differs from the standard");
    for limit in LIMITS.into_iter().chain([NO_LIMIT]) {
        let expected = read(&[stream], limit);
        for chunks in chunkings(stream) {
            assert_eq!(read(&chunks, limit), expected, "{chunks:?}, {limit}");
        }
    }
    let written: String = whole.0.iter().map(encode).collect();
    assert_eq!(read(&[written.as_bytes()], NO_LIMIT), (whole.0, None), "{written:?}");
    if let Ok(text) = std::str::from_utf8(stream) {
        check_any_event(text);
    }
}

/// Whatever an event holds, writing it gives that one event and no other.
fn check_any_event(text: &str) {
    let third = |n: usize| text.split('|').nth(n).map(str::to_owned);
    let retry = Some(text.len() as u64).filter(|length| length % 3 == 0);
    for event in [
        Event { id: third(0), event: third(1), retry, data: third(2) },
        Event { id: third(1), event: third(0), retry: None, data: third(3) },
        Event { data: Some(text.to_owned()), ..Event::default() },
    ] {
        let single_line = |field: &Option<String>| field.clone().filter(|text| !text.contains(['\r', '\n']));
        let expected = Event {
            id: single_line(&event.id).filter(|id| !id.contains('\0')),
            event: single_line(&event.event),
            retry: event.retry,
            data: event.data.as_ref().map(|data| data.replace("\r\n", "\n").replace('\r', "\n")),
        };
        let silent = expected.id.is_none() && expected.retry.is_none() && expected.data.is_none();
        let expected = if silent { Vec::new() } else { vec![expected] };
        let written = encode(&event);
        assert_eq!(read(&[written.as_bytes()], NO_LIMIT), (expected, None), "{written:?}");
    }
}

fn read(chunks: &[&[u8]], limit: usize) -> Outcome {
    let mut parser = Parser::new(limit);
    let error = chunks.iter().find_map(|chunk| parser.push(chunk).err());
    (parser.events().collect(), error)
}

/// WHATWG HTML §9.2.6 on the whole stream, with the three differences that the parser documents.
fn model(stream: &[u8]) -> Outcome {
    let mut events = Vec::new();
    let mut event = Event::default();
    for line in complete_lines(stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream)) {
        let Ok(line) = std::str::from_utf8(line) else { return (events, Some(SseError::NotUtf8)) };
        if line.is_empty() {
            let event = std::mem::take(&mut event);
            if event.id.is_some() || event.retry.is_some() || event.data.is_some() {
                events.push(event);
            }
            continue;
        }
        let (field, value) = match line.find(':') {
            Some(0) => continue,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, ""),
        };
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "event" => event.event = Some(value),
            "data" => {
                event.data = Some(match event.data.take() {
                    Some(data) => format!("{data}\n{value}"),
                    None => value,
                });
            }
            "id" if !value.contains('\0') => event.id = Some(value),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                if let Ok(milliseconds) = value.parse() {
                    event.retry = Some(milliseconds);
                }
            }
            _ => {}
        }
    }
    (events, None)
}

/// The lines that have their end: CR LF, LF or CR.
fn complete_lines(stream: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = stream;
    while let Some(end) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
        lines.push(&rest[..end]);
        let ending = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + ending..];
    }
    lines
}
