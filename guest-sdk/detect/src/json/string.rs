//! Strings between their quotes: decoded, with the way back to where each character stands.

use std::borrow::Cow;
use std::ops::Range;

/// What an escaped text says.
pub(crate) struct Decoded<'t> {
    text: Cow<'t, str>,
    /// Where each escape ends: in the decoded text, and as it is written.
    escapes: Vec<(usize, usize)>,
}

impl<'t> Decoded<'t> {
    /// Decodes the escapes of JSON. What is no escape stays as it stands, and half a surrogate pair becomes
    /// U+FFFD, so any text can be read.
    pub(crate) fn new(written: &'t str) -> Self {
        if !written.contains('\\') {
            return Self { text: Cow::Borrowed(written), escapes: Vec::new() };
        }
        let mut text = String::with_capacity(written.len());
        let mut escapes = Vec::new();
        let mut position = 0;
        while let Some(offset) = written.get(position..).and_then(|rest| rest.find('\\')) {
            let start = position + offset;
            text.push_str(written.get(position..start).unwrap_or_default());
            let (character, length) = escape(written.get(start..).unwrap_or_default());
            text.push(character);
            position = start + length;
            escapes.push((text.len(), position));
        }
        text.push_str(written.get(position..).unwrap_or_default());
        Self { text: Cow::Owned(text), escapes }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn has_escapes(&self) -> bool {
        !self.escapes.is_empty()
    }

    /// Where a range of the decoded text stands in the written one.
    pub(crate) fn written(&self, range: &Range<usize>) -> Range<usize> {
        self.position(range.start)..self.position(range.end)
    }

    fn position(&self, decoded: usize) -> usize {
        let before = self.escapes.partition_point(|(end, _)| *end <= decoded);
        match before.checked_sub(1).and_then(|index| self.escapes.get(index)) {
            Some((end, written)) => written + (decoded - end),
            None => decoded,
        }
    }
}

/// The character of the escape at the beginning, and its length as written.
fn escape(written: &str) -> (char, usize) {
    match written.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(byte @ (b'"' | b'\\' | b'/')) => (char::from(*byte), 2),
        Some(b'u') => unicode_escape(written),
        _ => ('\\', 1),
    }
}

fn unicode_escape(written: &str) -> (char, usize) {
    let Some(first) = unit(written, 0) else { return ('\\', 1) };
    if let Some(character) = char::from_u32(first) {
        return (character, 6);
    }
    let pair = unit(written, 6).and_then(|second| {
        char::decode_utf16([u16::try_from(first).ok()?, u16::try_from(second).ok()?]).next()?.ok()
    });
    pair.map_or((char::REPLACEMENT_CHARACTER, 6), |character| (character, 12))
}

/// The number of a `\uXXXX` at an offset.
fn unit(written: &str, offset: usize) -> Option<u32> {
    let digits = written.get(offset..offset + 6)?.strip_prefix("\\u")?;
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

/// A text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", encode(text))
}

/// Writes a text so that it can stand between quotes.
pub(crate) fn encode(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            ..' ' => written.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => written.push(character),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_finds_the_way_back() {
        for (written, decoded) in [
            ("plain", "plain"),
            (r"a\nb", "a\nb"),
            (r"\u0041\u00e9", "Aé"),
            (r"x\ud83d\ude00y", "x\u{1f600}y"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"C:\x\", r"C:\x\"),
            (r"\u00", r"\u00"),
            (r#"\"\\\/"#, r#""\/"#),
            ("é\\u00e9é", "ééé"),
        ] {
            let text = Decoded::new(written);
            assert_eq!(text.text(), decoded, "{written}");
            // Every character stands where its own escape does.
            for (start, character) in text.text().char_indices() {
                let range = text.written(&(start..start + character.len_utf8()));
                let again = Decoded::new(&written[range]);
                assert_eq!(again.text(), character.to_string(), "{written}");
            }
        }
    }

    #[test]
    fn encodes_what_serde_json_reads_back() {
        let text: String = (0..0x100).filter_map(char::from_u32).collect();
        let read: String = serde_json::from_str(&format!("\"{}\"", encode(&text))).unwrap();
        assert_eq!(read, text);
    }
}
