//! The strict scanner: one pass that validates and cuts the whitespace between tokens.
//!
//! Tokens are never rebuilt. The output is the input with whitespace runs left out, so that literals
//! stay verbatim by construction. Nesting lives in `frames`, not on the stack.

use std::borrow::Cow;
use std::collections::HashSet;

use super::error::{JsonError, JsonErrorKind};
use super::literal::{plain_length, unescape};
use super::{Kind, Limits};

/// Objects up to this size are searched for a duplicate key; larger ones get a hash set.
const SEARCHED_KEYS: usize = 16;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The compact text of the one value in `input`.
pub(super) fn compact(input: &[u8], limits: &Limits) -> Result<String, JsonError> {
    if input.len() > limits.bytes {
        return Err(JsonError::new(JsonErrorKind::TooLarge { limit: limits.bytes }, limits.bytes));
    }
    if input.starts_with(BYTE_ORDER_MARK) {
        return Err(JsonError::new(JsonErrorKind::ByteOrderMark, 0));
    }
    let text =
        std::str::from_utf8(input).map_err(|e| JsonError::new(JsonErrorKind::NotUtf8, e.valid_up_to()))?;
    let scanner = Scanner {
        text,
        bytes: input,
        limits,
        at: 0,
        kept: String::with_capacity(input.len()),
        cut: 0,
        frames: Vec::new(),
        keys: Vec::new(),
    };
    scanner.run()
}

/// A container that is open.
struct Frame<'a> {
    kind: Kind,
    entries: usize,
    /// Where this object's keys begin in [`Scanner::keys`].
    first_key: usize,
    /// This object's keys once there are more than [`SEARCHED_KEYS`]; randomly seeded, so that a sender
    /// cannot choose keys that collide.
    hashed: Option<HashSet<Cow<'a, str>>>,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    limits: &'a Limits,
    at: usize,
    /// Output up to `cut`; what lies between `cut` and `at` is kept but not copied yet.
    kept: String,
    cut: usize,
    frames: Vec<Frame<'a>>,
    /// Keys of all open small objects, innermost last.
    keys: Vec<Cow<'a, str>>,
}

impl<'a> Scanner<'a> {
    fn run(mut self) -> Result<String, JsonError> {
        loop {
            self.skip_whitespace();
            match self.peek() {
                Some(b'{') => {
                    self.open(Kind::Object)?;
                    if !self.closes(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(Kind::Array)?;
                    if !self.closes(b']') {
                        self.entry()?;
                        continue;
                    }
                }
                Some(b'"') => drop(self.string()?),
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => return Err(self.unexpected("a value")),
            }
            if self.after_value()? == Next::End {
                self.cut_to(self.at);
                return Ok(self.kept);
            }
        }
    }

    /// Closes whatever ends here, then moves to the next value or to the end of the input.
    fn after_value(&mut self) -> Result<Next, JsonError> {
        loop {
            self.skip_whitespace();
            let Some(frame) = self.frames.last() else {
                return match self.peek() {
                    None => Ok(Next::End),
                    Some(_) => Err(self.fail(JsonErrorKind::TrailingData)),
                };
            };
            match (frame.kind, self.peek()) {
                (Kind::Object, Some(b'}')) | (Kind::Array, Some(b']')) => self.close(),
                (Kind::Object, Some(b',')) => {
                    self.at += 1;
                    self.skip_whitespace();
                    self.key()?;
                    return Ok(Next::Value);
                }
                (Kind::Array, Some(b',')) => {
                    self.at += 1;
                    self.entry()?;
                    return Ok(Next::Value);
                }
                (Kind::Object, _) => return Err(self.unexpected("',' or '}'")),
                _ => return Err(self.unexpected("',' or ']'")),
            }
        }
    }

    fn open(&mut self, kind: Kind) -> Result<(), JsonError> {
        if self.frames.len() >= self.limits.depth {
            return Err(self.fail(JsonErrorKind::TooDeep { limit: self.limits.depth }));
        }
        self.frames.push(Frame { kind, entries: 0, first_key: self.keys.len(), hashed: None });
        self.at += 1;
        self.skip_whitespace();
        Ok(())
    }

    /// Closes the container just opened if it is empty.
    fn closes(&mut self, end: u8) -> bool {
        let empty = self.peek() == Some(end);
        if empty {
            self.close();
        }
        empty
    }

    fn close(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.keys.truncate(frame.first_key);
        }
        self.at += 1;
    }

    /// Counts one more member or element of the innermost container.
    fn entry(&mut self) -> Result<(), JsonError> {
        let limit = self.limits.entries;
        if let Some(frame) = self.frames.last_mut() {
            frame.entries += 1;
            if frame.entries > limit {
                return Err(self.fail(JsonErrorKind::TooManyEntries { limit }));
            }
        }
        Ok(())
    }

    /// A member's key and its colon.
    fn key(&mut self) -> Result<(), JsonError> {
        self.entry()?;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in quotes"));
        }
        let start = self.at;
        let key = unescape(self.string()?);
        if !self.remember(key.clone()) {
            return Err(JsonError::new(JsonErrorKind::DuplicateKey(key.into_owned()), start));
        }
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("':'"));
        }
        self.at += 1;
        Ok(())
    }

    /// Notes a key of the innermost object; false if that object has it already.
    fn remember(&mut self, key: Cow<'a, str>) -> bool {
        let Some(frame) = self.frames.last_mut() else { return true };
        if let Some(hashed) = &mut frame.hashed {
            return hashed.insert(key);
        }
        let siblings = self.keys.get(frame.first_key..).unwrap_or_default();
        if siblings.contains(&key) {
            return false;
        }
        if siblings.len() < SEARCHED_KEYS {
            self.keys.push(key);
        } else {
            let mut hashed: HashSet<_> = self.keys.drain(frame.first_key..).collect();
            hashed.insert(key);
            frame.hashed = Some(hashed);
        }
        true
    }

    /// A string literal; gives what stands between its quotes.
    fn string(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at + 1;
        self.at = start;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += plain_length(rest, |b| (b < 0x20) | (b == b'"') | (b == b'\\'));
            match self.peek() {
                Some(b'"') => {
                    let inner = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(inner);
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.fail(JsonErrorKind::ControlCharacter)),
                None => return Err(self.unexpected("'\"'")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.unit(self.at)? {
                0xd800..=0xdbff => {
                    let second = self.at + 6;
                    let pairs = self.bytes.get(second..second + 2) == Some(b"\\u".as_slice())
                        && matches!(self.unit(second)?, 0xdc00..=0xdfff);
                    if !pairs {
                        return Err(self.fail(JsonErrorKind::LoneSurrogate));
                    }
                    self.at += 12;
                    Ok(())
                }
                0xdc00..=0xdfff => Err(self.fail(JsonErrorKind::LoneSurrogate)),
                _ => {
                    self.at += 6;
                    Ok(())
                }
            },
            _ => Err(self.fail(JsonErrorKind::InvalidEscape)),
        }
    }

    /// The UTF-16 unit of the `\uXXXX` that starts at `start`.
    fn unit(&self, start: usize) -> Result<u32, JsonError> {
        let invalid = || JsonError::new(JsonErrorKind::InvalidEscape, start);
        let hex = self.bytes.get(start + 2..start + 6).ok_or_else(invalid)?;
        hex.iter().try_fold(0, |unit, &digit| {
            char::from(digit).to_digit(16).map(|value| unit * 16 + value).ok_or_else(invalid)
        })
    }

    /// RFC 8259 §6: `[-] (0 | 1-9 digits) [. digits] [e [+-] digits]`.
    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.eat(b"-");
        let whole = if self.eat(b"0") { 1 } else { self.digits() };
        let fraction = if self.eat(b".") { self.digits() } else { 1 };
        let exponent = if self.eat(b"eE") {
            self.eat(b"+-");
            self.digits()
        } else {
            1
        };
        let runs_on = self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
        if whole == 0 || fraction == 0 || exponent == 0 || runs_on {
            return Err(JsonError::new(JsonErrorKind::InvalidNumber, start));
        }
        Ok(())
    }

    /// Skips digits and says how many there were.
    fn digits(&mut self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn eat(&mut self, any_of: &[u8]) -> bool {
        let found = self.peek().is_some_and(|b| any_of.contains(&b));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        let start = self.at;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            self.cut_to(start);
        }
    }

    /// Copies what was read up to `end`, and goes on keeping from `at`.
    fn cut_to(&mut self, end: usize) {
        self.kept.push_str(self.text.get(self.cut..end).unwrap_or_default());
        self.cut = self.at;
    }

    fn fail(&self, kind: JsonErrorKind) -> JsonError {
        JsonError::new(kind, self.at)
    }

    fn unexpected(&self, expected: &'static str) -> JsonError {
        let found = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        self.fail(match found {
            Some(found) => JsonErrorKind::Unexpected { expected, found },
            None => JsonErrorKind::UnexpectedEnd { expected },
        })
    }
}

#[derive(PartialEq)]
enum Next {
    Value,
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(input: &str) -> Result<String, JsonError> {
        compact(input.as_bytes(), &Limits::default())
    }

    #[test]
    fn keeps_literals_and_cuts_whitespace() {
        let cases = [
            ("scalar", " 1 ", "1"),
            ("empty containers", " { \"a\" : { } , \"b\" : [ ] } ", r#"{"a":{},"b":[]}"#),
            ("all line ends", "[1\r\n,\t2\r]", "[1,2]"),
            ("whitespace in strings stays", r#"[" a  b "]"#, r#"[" a  b "]"#),
            ("escapes stay", r#"{ "na\u006de" : "\ud83d\ude00\/" }"#, r#"{"na\u006de":"\ud83d\ude00\/"}"#),
            ("trailing zero", "[ 1.10 ]", "[1.10]"),
            ("huge exponent", "[ 1e400, -1E-400 ]", "[1e400,-1E-400]"),
            ("many digits", " 12345678901234567890123 ", "12345678901234567890123"),
            ("negative zero", "[-0,-0.0e+0]", "[-0,-0.0e+0]"),
            ("words", "[true , false , null]", "[true,false,null]"),
            ("same key at two levels", r#"{"a":{"a":1},"b":{"a":2}}"#, r#"{"a":{"a":1},"b":{"a":2}}"#),
        ];
        for (name, input, output) in cases {
            assert_eq!(compacted(input).as_deref(), Ok(output), "{name}");
        }
    }

    #[test]
    fn refuses_with_kind_and_offset() {
        use JsonErrorKind as K;
        let unexpected = |expected, found| K::Unexpected { expected, found };
        let ends = |expected| K::UnexpectedEnd { expected };
        let cases: &[(&str, K, usize)] = &[
            ("", ends("a value"), 0),
            ("  ", ends("a value"), 2),
            ("nul", unexpected("a value", 'n'), 0),
            ("nullx", K::TrailingData, 4),
            ("[NaN]", unexpected("a value", 'N'), 1),
            ("[-Infinity]", K::InvalidNumber, 1),
            ("[01]", K::InvalidNumber, 1),
            ("[1.]", K::InvalidNumber, 1),
            ("[.5]", unexpected("a value", '.'), 1),
            ("[+1]", unexpected("a value", '+'), 1),
            ("[1e]", K::InvalidNumber, 1),
            ("[-]", K::InvalidNumber, 1),
            ("[0x1]", K::InvalidNumber, 1),
            ("[1,]", unexpected("a value", ']'), 3),
            ("[1 2]", unexpected("',' or ']'", '2'), 3),
            ("[1}", unexpected("',' or ']'", '}'), 2),
            ("{\"a\":1]", unexpected("',' or '}'", ']'), 6),
            ("{\"a\":1,}", unexpected("a key in quotes", '}'), 7),
            ("{a:1}", unexpected("a key in quotes", 'a'), 1),
            ("{\"a\" 1}", unexpected("':'", '1'), 5),
            ("{\"a\":1", ends("',' or '}'"), 6),
            ("[", ends("a value"), 1),
            ("\"a", ends("'\"'"), 2),
            ("\"a\nb\"", K::ControlCharacter, 2),
            ("\"\\x\"", K::InvalidEscape, 1),
            ("\"\\u00g0\"", K::InvalidEscape, 1),
            ("\"\\u00", K::InvalidEscape, 1),
            ("\"\\ud800\"", K::LoneSurrogate, 1),
            ("\"\\ud800\\n\"", K::LoneSurrogate, 1),
            ("\"\\ud800\\ud800\"", K::LoneSurrogate, 1),
            ("\"\\udc00\"", K::LoneSurrogate, 1),
            ("{} {}", K::TrailingData, 3),
            ("[]\u{a0}", K::TrailingData, 2),
            ("// x\n1", unexpected("a value", '/'), 0),
            ("\u{feff}{}", K::ByteOrderMark, 0),
            (r#"{"a":1,"a":2}"#, K::DuplicateKey("a".into()), 7),
            (r#"{"a":1,"\u0061":2}"#, K::DuplicateKey("a".into()), 7),
            (r#"{"x":[{"b":{},"b":1}]}"#, K::DuplicateKey("b".into()), 14),
        ];
        for (input, kind, offset) in cases {
            assert_eq!(compacted(input), Err(JsonError::new(kind.clone(), *offset)), "{input}");
        }
        let invalid = compact(b"[\"ab\xff\"]", &Limits::default()).unwrap_err();
        assert_eq!((invalid.kind(), invalid.offset()), (&K::NotUtf8, 4));
    }

    #[test]
    fn duplicate_keys_are_found_in_objects_of_any_size() {
        for size in [1, SEARCHED_KEYS - 1, SEARCHED_KEYS, SEARCHED_KEYS + 1, 500] {
            let members: Vec<_> = (0..size).map(|n| format!("\"k{n}\":{{\"k0\":1}}")).collect();
            let unique = format!("{{{}}}", members.join(","));
            assert_eq!(compacted(&unique).as_deref(), Ok(unique.as_str()), "{size}");
            for repeated in [0, size / 2, size - 1] {
                let doubled = format!("{{{},\"k{repeated}\":0}}", members.join(","));
                let error = compacted(&doubled).unwrap_err();
                assert_eq!(error.kind(), &JsonErrorKind::DuplicateKey(format!("k{repeated}")), "{size}");
            }
        }
    }

    #[test]
    fn limits_hold_exactly() {
        let limits = Limits { bytes: 12, depth: 2, entries: 3 };
        for input in ["[[1],[2]]", "[1,2,3]", "{\"a\":[1,2]}", "123456789012"] {
            assert!(compact(input.as_bytes(), &limits).is_ok(), "{input}");
        }
        let refused = [
            ("[[[]]]", JsonErrorKind::TooDeep { limit: 2 }, 2),
            ("[1,2,3,4]", JsonErrorKind::TooManyEntries { limit: 3 }, 7),
            ("1234567890123", JsonErrorKind::TooLarge { limit: 12 }, 12),
        ];
        for (input, kind, offset) in refused {
            assert_eq!(compact(input.as_bytes(), &limits), Err(JsonError::new(kind, offset)), "{input}");
        }
        let limits = Limits { entries: 1, ..Limits::default() };
        let error = compact(br#"{"a":1,"b":2}"#, &limits).unwrap_err();
        assert_eq!(error.kind(), &JsonErrorKind::TooManyEntries { limit: 1 });
    }
}
