//! Newline-delimited framing, incremental and without I/O.
//!
//! MCP, *Transports*, stdio: one message a line, UTF-8, no newline inside. Only LF ends a line here; a
//! lone CR is part of the line (and no valid JSON outside of whitespace, which compaction drops).

use std::collections::VecDeque;

use crate::json::Document;

/// One line of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The line's bytes without its line end. Not parsed yet.
    Message(Vec<u8>),
    /// A line longer than the limit; its bytes are gone but for a few, the lines after it are not.
    TooLong {
        /// Its first bytes, [`EDGE`] at most.
        begin: Vec<u8>,
        /// Its last bytes, as many at most.
        end: Vec<u8>,
    },
}

/// How much is kept of either end of a line that is too long.
pub const EDGE: usize = 256;

/// Turns chunks of bytes into lines, whatever the chunks' boundaries.
#[derive(Debug)]
pub struct Lines {
    max: usize,
    partial: Vec<u8>,
    state: State,
    ready: VecDeque<Line>,
}

#[derive(Debug, PartialEq)]
enum State {
    Reading,
    /// Dropping the rest of a line that is too long, of which these are the first bytes and the last until
    /// now.
    Skipping {
        begin: Vec<u8>,
        end: Vec<u8>,
    },
}

impl Lines {
    /// A reader for lines of up to `max` bytes, a CR before the LF included.
    pub fn new(max: usize) -> Self {
        Self { max, partial: Vec::new(), state: State::Reading, ready: VecDeque::new() }
    }

    /// Takes the next bytes of the input. Lines they complete wait in [`Lines::next_line`].
    pub fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|&b| b == b'\n') {
            let (part, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.extend(part);
            self.end_line();
            rest = after.get(1..).unwrap_or_default();
        }
        self.extend(rest);
    }

    /// The next complete line. Lines of nothing but spaces, tabs and CR are skipped.
    pub fn next_line(&mut self) -> Option<Line> {
        self.ready.pop_front()
    }

    /// Takes all complete lines.
    pub fn lines(&mut self) -> impl Iterator<Item = Line> + '_ {
        self.ready.drain(..)
    }

    /// Ends the input: a last line without a newline becomes ready as if it had one.
    pub fn finish(&mut self) {
        self.end_line();
    }

    fn extend(&mut self, part: &[u8]) {
        match &mut self.state {
            State::Skipping { begin, end } => {
                // A limit below the edge leaves the beginning short.
                begin.extend(part.iter().take(EDGE.saturating_sub(begin.len())));
                keep_end(end, part);
            }
            State::Reading if self.partial.len() + part.len() > self.max => {
                let partial = std::mem::take(&mut self.partial);
                let begin = partial.iter().chain(part).take(EDGE).copied().collect();
                let mut end = Vec::new();
                keep_end(&mut end, &partial);
                keep_end(&mut end, part);
                self.state = State::Skipping { begin, end };
            }
            State::Reading => self.partial.extend_from_slice(part),
        }
    }

    fn end_line(&mut self) {
        if let State::Skipping { begin, end } = std::mem::replace(&mut self.state, State::Reading) {
            self.ready.push_back(Line::TooLong { begin, end });
            return;
        }
        let mut line = std::mem::take(&mut self.partial);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if !line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
            self.ready.push_back(Line::Message(line));
        }
    }
}

/// Adds bytes to the last ones.
fn keep_end(end: &mut Vec<u8>, part: &[u8]) {
    end.extend_from_slice(part.get(part.len().saturating_sub(EDGE)..).unwrap_or_default());
    end.drain(..end.len().saturating_sub(EDGE));
}

/// The document as a line: its compact text, which holds no newline, and an LF.
pub fn frame(document: &Document) -> Vec<u8> {
    let mut line = Vec::with_capacity(document.as_bytes().len() + 1);
    line.extend_from_slice(document.as_bytes());
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    fn read(input: &str, max: usize, chunk: usize) -> Vec<Line> {
        let mut lines = Lines::new(max);
        input.as_bytes().chunks(chunk).for_each(|chunk| lines.push(chunk));
        lines.finish();
        lines.lines().collect()
    }

    #[test]
    fn lines_end_at_newlines_only() {
        let message = |text: &str| Line::Message(text.into());
        let too_long = Line::TooLong { begin: b"01234567890123".into(), end: b"01234567890123".into() };
        let cases: &[(&str, &str, &[Line])] = &[
            ("plain", "{}\n[]\n", &[message("{}"), message("[]")]),
            ("CRLF", "{}\r\n[]\r\n", &[message("{}"), message("[]")]),
            ("lone CR stays", "{}\r[]\n", &[message("{}\r[]")]),
            ("one CR is dropped", "{}\r\r\n", &[message("{}\r")]),
            ("other separators stay", "a\u{2028}b\u{85}c\u{b}d\n", &[message("a\u{2028}b\u{85}c\u{b}d")]),
            ("blank lines", "\n\r\n \t\r\n{}\n\n", &[message("{}")]),
            ("no last newline", "{}\n[]", &[message("{}"), message("[]")]),
            ("only blanks at the end", "{}\n  ", &[message("{}")]),
            ("longest", "0123456789012\n", &[message("0123456789012")]),
            ("too long", "01234567890123\n{}\n", &[too_long.clone(), message("{}")]),
            ("too long at the end", "{}\n01234567890123", &[message("{}"), too_long.clone()]),
            ("twice too long", "01234567890123\n01234567890123\n", &[too_long.clone(), too_long.clone()]),
            ("nothing", "", &[]),
        ];
        for (name, input, lines) in cases {
            for chunk in [1, 2, 7, 100] {
                assert_eq!(read(input, 13, chunk), *lines, "{name} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn both_ends_of_a_line_that_is_too_long_are_kept() {
        let long = format!("{}{}{}", "a".repeat(EDGE), "b".repeat(10_000), "c".repeat(EDGE));
        for chunk in [1, 100, 5_000, 20_000] {
            let expected = Line::TooLong { begin: vec![b'a'; EDGE], end: vec![b'c'; EDGE] };
            assert_eq!(read(&format!("{long}\n"), 1_000, chunk), [expected], "in chunks of {chunk}");
        }
    }

    #[test]
    fn a_line_is_ready_with_its_newline() {
        let mut lines = Lines::new(100);
        lines.push(b"{");
        assert_eq!(lines.next_line(), None);
        lines.push(b"}\n[");
        assert_eq!(lines.next_line(), Some(Line::Message(b"{}".to_vec())));
        assert_eq!(lines.next_line(), None);
    }

    #[test]
    fn frames_are_single_lines() {
        let document = Document::parse(b"{\r\"a\"\n:\t\"\\n\"}", &Limits::default()).unwrap();
        assert_eq!(frame(&document), b"{\"a\":\"\\n\"}\n");
    }
}
