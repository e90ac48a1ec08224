//! Event streams (`text/event-stream`), incremental and without I/O.
//!
//! Implements the WHATWG HTML standard §9.2, *Server-sent events*: all three line ends, also split over
//! chunks; a byte order mark in front; several `data` lines; comments. A filter that knew less would be
//! passed by a stream framed with CR alone. It differs from a browser in three points, all of which a
//! proxy needs:
//! - an event without a `data` line is reported if it has an `id` or a `retry` (a browser only
//!   remembers those), since both are to be forwarded; so is one with empty data, such as the priming
//!   event of MCP 2025-11-25 (`id: X`, `data:`), which is no JSON;
//! - [`Event::id`] is the id in that event, not the last one seen in the stream;
//! - invalid UTF-8 is an error instead of U+FFFD: what was judged must be what is forwarded.

use std::collections::VecDeque;

/// A stream that says nothing but that it is alive; to be sent verbatim.
pub const KEEP_ALIVE: &str = ":\n\n";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The `id` field, if this event has one; empty resets a reader's last id.
    pub id: Option<String>,
    /// The `event` field: the type, `message` if absent.
    pub event: Option<String>,
    /// The `retry` field: milliseconds to wait before reconnecting.
    pub retry: Option<u64>,
    /// The `data` lines joined by LF; `None` if there was no such line.
    pub data: Option<String>,
}

impl Event {
    /// An event of type `message` with this data.
    pub fn message(data: impl Into<String>) -> Self {
        Self { data: Some(data.into()), ..Self::default() }
    }

    /// The data of an event that carries a JSON-RPC message: of type `message`, and not empty.
    pub fn payload(&self) -> Option<&str> {
        match self.event.as_deref() {
            None | Some("" | "message") => self.data.as_deref().filter(|data| !data.is_empty()),
            Some(_) => None,
        }
    }

    fn is_reportable(&self) -> bool {
        self.id.is_some() || self.retry.is_some() || self.data.is_some()
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event, or one comment, is longer than the parser's limit.
    #[error("an event in the stream is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A line is not UTF-8.
    #[error("invalid UTF-8 in the event stream")]
    NotUtf8,
}

/// Turns chunks of bytes into events, whatever the chunks' boundaries.
///
/// What is left at the end of the stream without its blank line is discarded, as the standard says:
/// just drop the parser.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    line: Vec<u8>,
    /// Bytes of the current event's finished lines.
    size: usize,
    event: Event,
    ready: VecDeque<Event>,
    position: Position,
    failed: Option<SseError>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Position {
    FirstLine,
    /// The line ended with CR; an LF that follows belongs to it.
    AfterCarriageReturn,
    Elsewhere,
}

impl Parser {
    /// A parser that refuses events longer than `limit` bytes (their lines, without line ends).
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            size: 0,
            event: Event::default(),
            ready: VecDeque::new(),
            position: Position::FirstLine,
            failed: None,
        }
    }

    /// Takes the next bytes of the stream. Events they complete wait in [`Parser::next_event`].
    ///
    /// # Errors
    /// [`SseError`], and the same for every later call. Events completed before the fault can still be
    /// taken.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.read(chunk).inspect_err(|error| self.failed = Some(*error))
    }

    /// The next complete event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// Takes all complete events.
    pub fn events(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.ready.drain(..)
    }

    fn read(&mut self, chunk: &[u8]) -> Result<(), SseError> {
        let mut rest = chunk;
        while let Some(&first) = rest.first() {
            if self.position == Position::AfterCarriageReturn {
                self.position = Position::Elsewhere;
                if first == b'\n' {
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
            }
            let end = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            if self.size + self.line.len() + part.len() > self.limit {
                return Err(SseError::TooLong { limit: self.limit });
            }
            self.line.extend_from_slice(part);
            let Some((&ended_by, after)) = after.split_first() else { break };
            self.end_line()?;
            if ended_by == b'\r' {
                self.position = Position::AfterCarriageReturn;
            }
            rest = after;
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), SseError> {
        let bytes = std::mem::take(&mut self.line);
        let bytes = match self.position {
            Position::FirstLine => bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes),
            _ => &bytes,
        };
        self.position = Position::Elsewhere;
        let line = std::str::from_utf8(bytes).map_err(|_| SseError::NotUtf8)?;
        if line.is_empty() {
            self.dispatch();
        } else if !line.starts_with(':') {
            self.size += line.len();
            self.field(line);
        }
        Ok(())
    }

    fn dispatch(&mut self) {
        self.size = 0;
        let event = std::mem::take(&mut self.event);
        if event.is_reportable() {
            self.ready.push_back(event);
        }
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => match &mut self.event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            "event" => self.event.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|b| b.is_ascii_digit()) => {
                self.event.retry = value.parse().ok().or(self.event.retry);
            }
            _ => {}
        }
    }
}

/// The event as text, normalised: LF line ends, `event`, `id`, `retry`, then one `data` line for each
/// line of the data (a single one for compact JSON), then a blank line.
///
/// A `event` or `id` that holds a line end, or an `id` that holds NUL, cannot be written and is left
/// out; the parser never gives one.
pub fn encode(event: &Event) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.extend([name, ": ", value, "\n"]);
    };
    if let Some(kind) = event.event.as_deref().filter(|kind| !kind.contains(['\r', '\n'])) {
        line("event", kind);
    }
    if let Some(id) = event.id.as_deref().filter(|id| !id.contains(['\r', '\n', '\0'])) {
        line("id", id);
    }
    if let Some(retry) = event.retry {
        line("retry", &retry.to_string());
    }
    if let Some(data) = &event.data {
        let data = data.replace("\r\n", "\n");
        for part in data.split(['\r', '\n']) {
            line("data", part);
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1000;

    fn parse(stream: &[u8]) -> Result<Vec<Event>, SseError> {
        let mut parser = Parser::new(LIMIT);
        parser.push(stream)?;
        Ok(parser.events().collect())
    }

    fn event(id: Option<&str>, kind: Option<&str>, retry: Option<u64>, data: Option<&str>) -> Event {
        Event { id: id.map(Into::into), event: kind.map(Into::into), retry, data: data.map(Into::into) }
    }

    #[test]
    fn reads_what_the_standard_says() {
        let data = |text| event(None, None, None, Some(text));
        let cases: &[(&str, &str, &[Event])] = &[
            ("LF", "data: a\n\ndata: b\n\n", &[data("a"), data("b")]),
            ("CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", &[data("a"), data("b")]),
            ("CR", "data: a\r\rdata: b\r\r", &[data("a"), data("b")]),
            ("mixed", "data: a\r\n\ndata: b\n\r\r\n", &[data("a"), data("b")]),
            ("byte order mark", "\u{feff}data: a\n\n", &[data("a")]),
            ("byte order mark later is a field name", "\n\u{feff}data: a\n\n", &[]),
            ("several lines", "data: a\ndata\ndata: b\n\n", &[data("a\n\nb")]),
            ("no space", "data:a\n\n", &[data("a")]),
            ("one space only", "data:  a \n\n", &[data(" a ")]),
            ("comments", ":\n: data: x\ndata: a\n:\n\n", &[data("a")]),
            ("keep-alive", KEEP_ALIVE, &[]),
            ("empty data", "data\n\n", &[data("")]),
            ("unknown fields and case", "Data: x\nfoo: y\n data: z\ndata: a\n\n", &[data("a")]),
            ("type alone is nothing", "event: x\n\ndata: a\n\n", &[data("a")]),
            ("colon in value", "data: a: b\n\n", &[data("a: b")]),
            ("incomplete is discarded", "data: a\n\ndata: b\n", &[data("a")]),
            (
                "all fields",
                "event: e\nid: 1\nretry: 10\ndata: a\n\n",
                &[event(Some("1"), Some("e"), Some(10), Some("a"))],
            ),
            ("priming event", "id: X\ndata: \n\n", &[event(Some("X"), None, None, Some(""))]),
            ("id alone", "id: X\n\n", &[event(Some("X"), None, None, None)]),
            ("empty id", "id\n\n", &[event(Some(""), None, None, None)]),
            ("id with NUL", "id: a\0b\ndata: a\n\n", &[data("a")]),
            ("retry alone", "retry: 5\n\n", &[event(None, None, Some(5), None)]),
            ("retry that is no number", "retry: 5s\nretry: -1\nretry:\ndata: a\n\n", &[data("a")]),
            (
                "last wins",
                "id: 1\nid: 2\nevent: a\nevent: b\nretry: 1\nretry: 2\n\n",
                &[event(Some("2"), Some("b"), Some(2), None)],
            ),
        ];
        for (name, stream, events) in cases {
            assert_eq!(parse(stream.as_bytes()).as_deref(), Ok(*events), "{name}");
            let mut parser = Parser::new(LIMIT);
            for byte in stream.as_bytes() {
                parser.push(&[*byte]).unwrap();
            }
            assert_eq!(parser.events().collect::<Vec<_>>(), *events, "{name}, bytewise");
        }
    }

    #[test]
    fn an_event_is_ready_as_soon_as_its_blank_line_is() {
        let mut parser = Parser::new(LIMIT);
        parser.push(b"data: a\r\r").unwrap();
        assert_eq!(parser.next_event(), Some(Event::message("a")));
        parser.push(b"\ndata: \xc3").unwrap();
        parser.push(b"\xa9\r\n").unwrap();
        assert_eq!(parser.next_event(), None);
        parser.push(b"\r").unwrap();
        assert_eq!(parser.next_event(), Some(Event::message("é")));
    }

    #[test]
    fn faults_stay_and_keep_what_was_complete() {
        let mut parser = Parser::new(LIMIT);
        assert_eq!(parser.push(b"data: a\n\ndata: \xff\n"), Err(SseError::NotUtf8));
        assert_eq!(parser.push(b"data: b\n\n"), Err(SseError::NotUtf8));
        assert_eq!(parser.events().collect::<Vec<_>>(), [Event::message("a")]);
    }

    #[test]
    fn the_limit_is_for_one_event() {
        let too_long = Err(SseError::TooLong { limit: 10 });
        let cases: &[(&str, Result<(), SseError>)] = &[
            ("data:56789\n\ndata:56789\n\n", Ok(())),
            ("data:567890", too_long),
            ("data:\ndata:\n\n", Ok(())),
            ("data:\ndata:\na", too_long),
            (":234567890\n:234567890\n:234567890\n", Ok(())),
            (":2345678901", too_long),
        ];
        for (stream, outcome) in cases {
            assert_eq!(Parser::new(10).push(stream.as_bytes()), *outcome, "{stream}");
        }
    }

    #[test]
    fn encodes_normalised() {
        let cases = [
            (Event::message("{}"), "data: {}\n\n"),
            (Event::message("a\r\nb\rc\n"), "data: a\ndata: b\ndata: c\ndata: \n\n"),
            (event(Some("X"), None, None, Some("")), "id: X\ndata: \n\n"),
            (
                event(Some("7"), Some("message"), Some(3), Some("{}")),
                "event: message\nid: 7\nretry: 3\ndata: {}\n\n",
            ),
            (event(Some("a\nb"), Some("a\rb"), Some(3), None), "retry: 3\n\n"),
        ];
        for (event, text) in cases {
            assert_eq!(encode(&event), text);
        }
    }

    #[test]
    fn payload_is_what_may_be_json() {
        assert_eq!(Event::message("{}").payload(), Some("{}"));
        assert_eq!(event(None, Some("message"), None, Some("{}")).payload(), Some("{}"));
        assert_eq!(event(None, Some("endpoint"), None, Some("/x")).payload(), None);
        assert_eq!(event(Some("X"), None, None, Some("")).payload(), None);
        assert_eq!(event(Some("X"), None, None, None).payload(), None);
    }
}
