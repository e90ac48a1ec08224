//! How much the gateway takes, and how long it waits: the object `limits` of the configuration.
//!
//! Every limit has a default that fits one machine with some hundred agents, and a range: none can be
//! switched off. Lengths are bytes, times are strings such as `"10s"`.

use std::ops::RangeInclusive;
use std::time::Duration;

use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::{Member, Node};
use bartizan_wire::json;

/// How many times more entries a server's message may have than a client's: results are larger.
const SERVER_ENTRIES: usize = 10;
/// How many times deeper a server's message may be: a result holds documents.
const SERVER_DEPTH: usize = 2;

/// How much the gateway takes, and how long it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message of a client, whitespace included. Default 4 MiB.
    pub body: usize,
    /// Bytes of one message of a server, whitespace included. Default 64 MiB.
    pub response: usize,
    /// Objects and lists that may be open at once in a client's message; a server's may be twice as deep.
    /// Default 64.
    pub depth: usize,
    /// Members of one object, or elements of one list, in a client's message; a server's may have ten
    /// times as many. Default 100,000.
    pub entries: usize,
    /// Header lines of a request. Default 100.
    pub headers: usize,
    /// Bytes of a request's headers together. Default 64 KiB.
    pub header_bytes: usize,
    /// Connections of clients at once. Default 4,096.
    pub connections: usize,
    /// Sessions at once. Default 4,096.
    pub sessions: usize,
    /// Sessions of one client at once. A client is an IP address as long as there is no authentication.
    /// Default 1,024.
    pub sessions_per_client: usize,
    /// Event streams that are open at once, of all clients. Default 4,096.
    pub streams: usize,
    /// Requests of one session that are worked on at once. Default 256.
    pub in_flight: usize,
    /// How long a client may take for a TLS handshake, and for a request's headers. Default 10 s.
    pub header_timeout: Duration,
    /// How long a client may take for a request's body. Default 30 s.
    pub body_timeout: Duration,
    /// How long a server may take until its answer to a request begins. Streams that only listen have no
    /// such limit. Default 10 min.
    pub first_byte_timeout: Duration,
    /// How long a connection may be without a request under way, and how long a client may not read what
    /// it is sent. Default 2 min.
    pub idle_connection: Duration,
    /// How long a session may be without a sign of its client. Default 30 min.
    pub session_idle: Duration,
    /// How long requests under way may take when the gateway is told to end. Default 10 s.
    pub shutdown: Duration,
    /// How often a silent event stream, and a silent HTTP/2 connection, says that it is alive. Default 15 s.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            response: 64 << 20,
            depth: 64,
            entries: 100_000,
            headers: 100,
            header_bytes: 64 << 10,
            connections: 4_096,
            sessions: 4_096,
            sessions_per_client: 1_024,
            streams: 4_096,
            in_flight: 256,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            first_byte_timeout: Duration::from_mins(10),
            idle_connection: Duration::from_mins(2),
            session_idle: Duration::from_mins(30),
            shutdown: Duration::from_secs(10),
            keep_alive: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// What the JSON of a client's message may be.
    pub fn client(&self) -> json::Limits {
        json::Limits { bytes: self.body, depth: self.depth, entries: self.entries }
    }

    /// What the JSON of a server's message may be.
    pub fn server(&self) -> json::Limits {
        json::Limits {
            bytes: self.response,
            depth: self.depth.saturating_mul(SERVER_DEPTH),
            entries: self.entries.saturating_mul(SERVER_ENTRIES),
        }
    }

    pub(super) fn read(member: &Member, report: &mut Report) -> Self {
        let mut limits = Self::default();
        let Some(mut object) = Object::read(&member.node, member.key_span, "`limits`", report) else {
            return limits;
        };
        for Number { key, name, range, place } in numbers(&mut limits) {
            if let Some(member) = object.take(key)
                && let Some(number) = decode::integer(&member.node, name, &range, report)
                && let Ok(number) = usize::try_from(number)
            {
                *place = number;
            }
        }
        for Time { key, name, range, place } in times(&mut limits) {
            if let Some(member) = object.take(key)
                && let Some(time) = read_time(&member.node, name, &range, report)
            {
                *place = time;
            }
        }
        object.finish(&[], report);
        limits
    }
}

/// The schema of the object.
pub(super) fn schema() -> serde_json::Value {
    let mut limits = Limits::default();
    let mut properties = serde_json::Map::new();
    for Number { key, range, place, .. } in numbers(&mut limits) {
        let (least, most) = (range.start(), range.end());
        let number =
            serde_json::json!({"type": "integer", "minimum": least, "maximum": most, "default": *place});
        properties.insert(key.to_owned(), number);
    }
    for Time { key, place, .. } in times(&mut limits) {
        let default = show_time(*place);
        let time = serde_json::json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$", "default": default});
        properties.insert(key.to_owned(), time);
    }
    serde_json::json!({
        "description": "How much Bartizan takes, and how long it waits.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// A limit that is a number: its key, its name in messages, and what it may be.
struct Number<'l> {
    key: &'static str,
    name: &'static str,
    range: RangeInclusive<u32>,
    place: &'l mut usize,
}

/// A limit that is a time.
struct Time<'l> {
    key: &'static str,
    name: &'static str,
    range: RangeInclusive<Duration>,
    place: &'l mut Duration,
}

macro_rules! rows {
    ($limits:ident: $($row:ident $field:ident $range:expr;)*) => {
        [$($row {
            key: stringify!($field),
            name: concat!("`limits.", stringify!($field), "`"),
            range: $range,
            place: &mut $limits.$field,
        }),*]
    };
}

fn numbers(limits: &mut Limits) -> [Number<'_>; 11] {
    rows! { limits:
        Number body 1 << 10..=1 << 30;
        Number response 1 << 10..=1 << 30;
        Number depth 8..=512;
        Number entries 100..=100_000_000;
        Number headers 16..=1_000;
        // Less than 8 KiB is refused by the HTTP library.
        Number header_bytes 8 << 10..=1 << 20;
        Number connections 1..=1_000_000;
        Number sessions 1..=1_000_000;
        Number sessions_per_client 1..=1_000_000;
        Number streams 1..=1_000_000;
        Number in_flight 1..=100_000;
    }
}

fn times(limits: &mut Limits) -> [Time<'_>; 7] {
    const SHORTEST: Duration = Duration::from_millis(100);
    rows! { limits:
        Time header_timeout SHORTEST..=Duration::from_mins(10);
        Time body_timeout SHORTEST..=Duration::from_hours(1);
        Time first_byte_timeout SHORTEST..=Duration::from_hours(24);
        Time idle_connection SHORTEST..=Duration::from_hours(24);
        Time session_idle Duration::from_secs(1)..=Duration::from_hours(24 * 7);
        Time shutdown SHORTEST..=Duration::from_hours(1);
        Time keep_alive Duration::from_secs(1)..=Duration::from_mins(10);
    }
}

/// The units of a time, the longest first, in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A time: a whole number with its unit, as in `"10s"`.
fn read_time(
    node: &Node,
    name: &str,
    range: &RangeInclusive<Duration>,
    report: &mut Report,
) -> Option<Duration> {
    let help = "write a whole number and a unit (ms, s, m or h), for example \"10s\"";
    let Some(text) = node.as_str() else {
        report.push(decode::wrong_value(node, name, "a time").help(help));
        return None;
    };
    let Some(time) = parse_time(text) else {
        report.push(decode::wrong_value(node, name, "a time").help(help));
        return None;
    };
    if range.contains(&time) {
        return Some(time);
    }
    let (shortest, longest) = (show_time(*range.start()), show_time(*range.end()));
    let message = format!("{name} must be from \"{shortest}\" to \"{longest}\", not \"{text}\"");
    report.push(Problem::error("wrong-value", node.span, message));
    None
}

fn parse_time(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_millis(number.checked_mul(*milliseconds)?))
}

/// A time as it would be written, in the longest unit that it is a whole number of.
fn show_time(time: Duration) -> String {
    let all = time.as_millis();
    let whole = UNITS.iter().find(|(_, unit)| all.is_multiple_of(u128::from(*unit)));
    let (name, unit) = whole.unwrap_or(&("ms", 1));
    format!("{}{name}", all / u128::from(*unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_policy::source::{Format, Source};

    fn read(text: &str) -> (Limits, String) {
        let source = Source::new("bartizan.json", &format!(r#"{{"limits": {text}}}"#), Format::Json);
        let mut report = Report::new(&source);
        let root = source.parse(&mut report).unwrap();
        let limits = Limits::read(&root.as_object().unwrap()[0], &mut report);
        (limits, report.finish().to_string())
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(read("{}"), (Limits::default(), String::new()));
        assert_eq!(Limits::default().client(), json::Limits::default());
    }

    /// Defaults that are out of range could be written nowhere.
    #[test]
    fn every_default_is_in_its_range() {
        let mut limits = Limits::default();
        for Number { key, range, place, .. } in numbers(&mut limits) {
            assert!(range.contains(&u32::try_from(*place).unwrap()), "{key}");
        }
        for Time { key, range, place, .. } in times(&mut limits) {
            assert!(range.contains(place), "{key}");
        }
    }

    #[test]
    fn every_limit_can_be_set() {
        let text = r#"{
            "body": 2048, "response": 4096, "depth": 10, "entries": 200, "headers": 20, "header_bytes": 8192,
            "connections": 5, "sessions": 6, "sessions_per_client": 7, "streams": 8, "in_flight": 9,
            "header_timeout": "250ms", "body_timeout": "2s", "first_byte_timeout": "3m",
            "idle_connection": "4h", "session_idle": "5s", "shutdown": "6s", "keep_alive": "7s"
        }"#;
        let (limits, problems) = read(text);
        assert_eq!(problems, "");
        let expected = Limits {
            body: 2048,
            response: 4096,
            depth: 10,
            entries: 200,
            headers: 20,
            header_bytes: 8192,
            connections: 5,
            sessions: 6,
            sessions_per_client: 7,
            streams: 8,
            in_flight: 9,
            header_timeout: Duration::from_millis(250),
            body_timeout: Duration::from_secs(2),
            first_byte_timeout: Duration::from_mins(3),
            idle_connection: Duration::from_hours(4),
            session_idle: Duration::from_secs(5),
            shutdown: Duration::from_secs(6),
            keep_alive: Duration::from_secs(7),
        };
        assert_eq!(limits, expected);
        assert_eq!(limits.server(), json::Limits { bytes: 4096, depth: 20, entries: 2_000 });
    }

    #[test]
    fn says_what_a_limit_must_be() {
        let time = "help: write a whole number and a unit (ms, s, m or h), for example \"10s\"";
        for (text, expected) in [
            (
                r#"{"body": 12}"#,
                "`limits.body` must be a whole number from 1024 to 1073741824, not the number 12",
            ),
            (r#"{"depth": "64"}"#, "`limits.depth` must be a whole number from 8 to 512, not \"64\""),
            (r#"{"conections": 1}"#, "help: did you mean `connections`?"),
            (r#"{"sesion_idle": "1m"}"#, "help: did you mean `session_idle`?"),
            (r#"{"shutdown": 10}"#, "`limits.shutdown` must be a time, not the number 10"),
            (r#"{"shutdown": 10}"#, time),
            (r#"{"shutdown": "10"}"#, time),
            (r#"{"shutdown": "s"}"#, time),
            (r#"{"shutdown": ""}"#, time),
            (r#"{"shutdown": "1.5s"}"#, time),
            (r#"{"shutdown": "-1s"}"#, time),
            (r#"{"shutdown": "10 s"}"#, time),
            (r#"{"shutdown": "10S"}"#, time),
            (r#"{"shutdown": "99999999999999999999s"}"#, time),
            (r#"{"shutdown": "9999999999999999999h"}"#, time),
            (r#"{"shutdown": "0s"}"#, "`limits.shutdown` must be from \"100ms\" to \"1h\", not \"0s\""),
            (r#"{"session_idle": "8h8"}"#, time),
            (r#"{"session_idle": "169h"}"#, "must be from \"1s\" to \"168h\", not \"169h\""),
            ("[]", "`limits` must be an object"),
        ] {
            let (_, problems) = read(text);
            assert!(problems.contains(expected), "{text}: {problems}");
        }
    }
}
