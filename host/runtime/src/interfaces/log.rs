//! `log`: lines in the gateway's log, under the target `plugin`.
//!
//! Lines are kept until the evaluation (or `describe`, or `configure`) ends, however it ends, and written
//! then. Whatever a plugin writes is one line: what could begin another one, or move a terminal's cursor, is
//! escaped.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Misuse;
use crate::limits::Limits;

/// The longest line, in bytes.
const LINE_BYTES: usize = 1024;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// The lines of one evaluation. Written when it ends or is dropped.
pub(crate) struct Lines {
    writer: Writer,
    lines: Vec<(Level, String)>,
    dropped: usize,
    most: usize,
}

enum Writer {
    /// Has no grant.
    Nobody,
    /// Is about to say who it is.
    Unnamed,
    Plugin(Arc<str>),
}

impl Lines {
    pub(crate) fn new(plugin: Option<Arc<str>>, limits: &Limits) -> Self {
        Self::of(plugin.map_or(Writer::Nobody, Writer::Plugin), limits)
    }

    /// Lines that are written only once the plugin has a name.
    pub(crate) fn unnamed(limits: &Limits) -> Self {
        Self::of(Writer::Unnamed, limits)
    }

    fn of(writer: Writer, limits: &Limits) -> Self {
        let most = usize::try_from(limits.log_lines).unwrap_or(usize::MAX);
        Self { writer, lines: Vec::new(), dropped: 0, most }
    }

    /// From now on they have a writer.
    pub(crate) fn name(&mut self, plugin: &str) {
        self.writer = Writer::Plugin(plugin.into());
    }

    pub(crate) fn write(&mut self, level: Level, message: &str) -> Result<(), Misuse> {
        if matches!(self.writer, Writer::Nobody) {
            return Err(Misuse::NotGranted("log"));
        }
        if self.lines.len() < self.most {
            self.lines.push((level, one_line(message)));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        Ok(())
    }

    /// Forgets what was written until now.
    pub(crate) fn discard(&mut self) {
        self.lines.clear();
        self.dropped = 0;
    }

    /// Writes the lines to the log.
    pub(crate) fn flush(&mut self) {
        let (lines, dropped) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.dropped));
        let Writer::Plugin(plugin) = &self.writer else { return };
        for (level, line) in lines {
            match level {
                Level::Debug => tracing::debug!(target: "plugin", %plugin, "{line}"),
                Level::Info => tracing::info!(target: "plugin", %plugin, "{line}"),
                Level::Warn => tracing::warn!(target: "plugin", %plugin, "{line}"),
                Level::Error => tracing::error!(target: "plugin", %plugin, "{line}"),
            }
        }
        if dropped != 0 {
            tracing::warn!(
                target: "plugin",
                %plugin,
                dropped,
                "the plugin wrote more than {} lines in one evaluation; the others are dropped",
                self.most
            );
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.flush();
    }
}

/// A message as one line of at most [`LINE_BYTES`], before its ellipsis.
pub(crate) fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len().min(LINE_BYTES));
    for character in message.chars() {
        let end = line.len();
        if is_plain(character) {
            line.push(character);
        } else {
            // Writing to a `String` does not fail.
            let _infallible = write!(line, "{}", character.escape_default());
        }
        if line.len() > LINE_BYTES {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

/// Whether a character can stand in a log as it is: no control, no line break, none that turns the direction
/// of what follows.
fn is_plain(character: char) -> bool {
    !(character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_bounded_line() {
        let long = "ü".repeat(LINE_BYTES);
        for (name, message, expected) in [
            ("plain", "a tool was called", "a tool was called".to_owned()),
            ("other scripts", "naïve 検査", "naïve 検査".to_owned()),
            ("a forged line", "ok\n2026-01-01 ERROR", r"ok\n2026-01-01 ERROR".to_owned()),
            ("a terminal's commands", "\u{1b}[2Jgone\u{7f}", r"\u{1b}[2Jgone\u{7f}".to_owned()),
            ("turned around", "a\u{202e}b\u{2028}c", r"a\u{202e}b\u{2028}c".to_owned()),
            ("long", &long, format!("{}…", "ü".repeat(LINE_BYTES / 2))),
            (
                "long when it is escaped",
                &"\0".repeat(LINE_BYTES),
                format!("{}…", r"\u{0}".repeat(LINE_BYTES / 5)),
            ),
        ] {
            assert_eq!(one_line(message), expected, "{name}");
        }
    }

    #[test]
    fn what_is_over_the_bound_is_counted_and_not_kept() {
        for most in [16, 2, 0] {
            let limits = Limits { log_lines: most, ..Limits::default() };
            let mut lines = Lines::new(Some("chatty".into()), &limits);
            for number in 0..most + 3 {
                lines.write(Level::Info, &number.to_string()).unwrap();
            }
            assert_eq!((lines.lines.len(), lines.dropped), (most as usize, 3), "{most}");
            lines.flush();
            assert_eq!((lines.lines.len(), lines.dropped), (0, 0), "{most}: each evaluation has its own");
        }
    }

    #[test]
    fn nobody_writes_without_a_grant() {
        let mut lines = Lines::new(None, &Limits::default());
        assert!(matches!(lines.write(Level::Info, "x"), Err(Misuse::NotGranted("log"))));
        let mut unnamed = Lines::unnamed(&Limits::default());
        unnamed.write(Level::Info, "x").unwrap();
        unnamed.flush();
        assert!(unnamed.lines.is_empty(), "what never had a name is not written");
    }
}
