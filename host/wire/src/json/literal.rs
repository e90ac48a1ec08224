//! String literals: writing one, and reading one that is known to be valid.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `value` as a JSON string literal, quotes included. Escapes what RFC 8259 §7 says must be: quotation
/// mark, backslash and the characters below U+0020.
pub fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    let mut rest = value;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, escaped) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = escaped.chars();
        if let Some(c) = chars.next() {
            push_escaped(&mut out, c);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        // Writing to a String cannot fail.
        other => drop(write!(out, "\\u{:04x}", u32::from(other))),
    }
}

/// The characters a valid literal stands for, given without its quotes. Borrows unless there is an
/// escape to undo.
pub(super) fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        let (c, after) = match chars.next() {
            Some('u') => unicode(chars.as_str()),
            Some(c) => (simple(c), chars.as_str()),
            None => break,
        };
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// How many bytes stand in front of the first one that `stops`. Looks at 16 at a time without branching,
/// which the compiler turns into vector instructions: most of a message is the inside of strings.
pub(super) fn plain_length(bytes: &[u8], stops: impl Fn(u8) -> bool) -> usize {
    let (blocks, tail) = bytes.as_chunks::<16>();
    let clear = blocks.iter().take_while(|block| !block.iter().fold(false, |hit, &b| hit | stops(b))).count();
    let rest = blocks.get(clear).map_or(tail, <[u8; 16]>::as_slice);
    clear * 16 + rest.iter().position(|&b| stops(b)).unwrap_or(rest.len())
}

fn simple(escape: char) -> char {
    match escape {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}

/// The character after a `\u`, and what follows it.
fn unicode(digits: &str) -> (char, &str) {
    let (high, after) = unit(digits);
    if let Some(c) = char::from_u32(high) {
        return (c, after);
    }
    let (low, after) = unit(after.strip_prefix("\\u").unwrap_or_default());
    (char::from_u32(pair(high, low)).unwrap_or(char::REPLACEMENT_CHARACTER), after)
}

fn unit(digits: &str) -> (u32, &str) {
    let (hex, after) = digits.split_at_checked(4).unwrap_or((digits, ""));
    (u32::from_str_radix(hex, 16).unwrap_or_default(), after)
}

/// The code point of a UTF-16 surrogate pair.
fn pair(high: u32, low: u32) -> u32 {
    0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_only_what_it_must() {
        let cases = [
            ("", r#""""#),
            ("plain é \u{2028}", "\"plain é \u{2028}\""),
            ("q\"b\\s/", r#""q\"b\\s/""#),
            ("\n\r\t\u{8}\u{c}\0\u{1f}", r#""\n\r\t\b\f\u0000\u001f""#),
        ];
        for (value, literal) in cases {
            assert_eq!(quote(value), literal);
            assert_eq!(serde_json::from_str::<String>(literal).unwrap(), value);
        }
    }

    #[test]
    fn plain_length_finds_the_first_stop_anywhere() {
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 100] {
            for stop in 0..length {
                let mut bytes = vec![b'a'; length];
                bytes[stop..].fill(b'"');
                assert_eq!(plain_length(&bytes, |b| b == b'"'), stop, "{stop} of {length}");
            }
            assert_eq!(plain_length(&vec![b'a'; length], |b| b == b'"'), length);
        }
    }

    #[test]
    fn unescaping_agrees_with_serde_json() {
        let cases = [
            r"",
            r"plain",
            r"\n\r\t\b\f\/\\\u0022",
            r"na\u006de",
            r"\ud83d\ude00!",
            r"\uD83D\uDE00x\u00e9",
            r"\u0000",
            r"a\\u0041",
            r"\u2028é\\",
        ];
        for inner in cases {
            let expected: String = serde_json::from_str(&format!("\"{inner}\"")).unwrap();
            assert_eq!(unescape(inner), expected, "{inner}");
        }
        assert!(matches!(unescape("plain"), Cow::Borrowed(_)));
    }
}
