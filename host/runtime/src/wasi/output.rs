//! Standard output and error: bounded lines in the gateway's log, with the plugin's name.

/// The longest line that is kept, in bytes.
const LINE: usize = 1024;
/// What a plugin is called before it said its name.
const UNNAMED: &str = "(being loaded)";
/// Lines of a plugin that is being loaded.
const LINES: u32 = 16;

/// What one instance writes.
pub(super) struct Output {
    plugin: String,
    /// Lines for each call.
    lines: u32,
    left: u32,
    dropped: u32,
    /// What was written since the last end of a line.
    partial: [(&'static str, Vec<u8>); 2],
}

impl Default for Output {
    fn default() -> Self {
        Self::new(UNNAMED, LINES)
    }
}

impl Output {
    pub(super) fn new(plugin: &str, lines: u32) -> Self {
        let partial = ["stdout", "stderr"].map(|stream| (stream, Vec::new()));
        Self { plugin: plugin.to_owned(), lines, left: lines, dropped: 0, partial }
    }

    /// A new call begins.
    pub(super) fn begin(&mut self) {
        self.end();
        (self.left, self.dropped) = (self.lines, 0);
    }

    /// The guest wrote to `stdout` or `stderr`.
    pub(super) fn write(&mut self, stream: &'static str, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            self.append(stream, part);
            self.line(stream);
        }
        self.append(stream, last);
    }

    fn append(&mut self, stream: &str, bytes: &[u8]) {
        if let Some((_, partial)) = self.partial.iter_mut().find(|(name, _)| *name == stream) {
            let room = LINE.saturating_sub(partial.len()).min(bytes.len());
            partial.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
    }

    /// A line has ended.
    fn line(&mut self, stream: &'static str) {
        let Some((_, partial)) = self.partial.iter_mut().find(|(name, _)| *name == stream) else { return };
        let line = std::mem::take(partial);
        if self.left == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.left -= 1;
        tracing::info!(plugin = self.plugin, stream, line = printable(&line), "a plugin wrote");
    }

    /// Nothing more comes for this call.
    fn end(&mut self) {
        for stream in ["stdout", "stderr"] {
            if self.partial.iter().any(|(name, partial)| *name == stream && !partial.is_empty()) {
                self.line(stream);
            }
        }
        if self.dropped > 0 {
            tracing::info!(
                plugin = self.plugin,
                dropped = self.dropped,
                kept = self.lines,
                "a plugin wrote more lines than are kept of one call"
            );
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.end();
    }
}

/// As text in which nothing controls a terminal or begins a line.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_up_to_their_number_and_length() {
        let mut output = Output::new("p", 2);
        output.write("stdout", b"one\ntw");
        output.write("stderr", b"other");
        assert_eq!((output.left, output.dropped), (1, 0));
        output.write("stdout", b"o\nthree\nfour\n");
        assert_eq!((output.left, output.dropped), (0, 2));
        output.write("stdout", &[b'x'; 10 * LINE]);
        assert_eq!(output.partial[0].1.len(), LINE);
        output.begin();
        assert_eq!((output.left, output.dropped), (2, 0));
        assert!(
            output.partial.iter().all(|(_, partial)| partial.is_empty()),
            "begun lines belong to their call"
        );
    }

    #[test]
    fn nothing_controls_a_terminal() {
        assert_eq!(printable(b"a\x1b[31m\r\xffb"), "a\u{fffd}[31m\u{fffd}\u{fffd}b");
    }
}
