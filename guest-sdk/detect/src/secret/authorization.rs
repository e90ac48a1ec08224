//! Credentials of HTTP: `Authorization: Scheme credentials`, and `Bearer token` anywhere.

use std::ops::Range;

use super::randomness;
use crate::text::Text;

const HEADERS: [&str; 2] = ["authorization", "proxy-authorization"];
const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "apikey", "negotiate", "digest"];

/// The fewest characters of a `Basic` credential that says something: `a:b` in base64.
const SHORTEST: usize = 4;
/// What is read of a value before it is known to be one.
const SAMPLE: usize = 128;

pub(super) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut position = 0;
    while position < text.len() {
        let word_end = text.run(position, |byte| byte.is_ascii_alphabetic());
        if word_end == position {
            position += 1;
            continue;
        }
        let word = text.part(position, word_end);
        let starts = text.is_word_start(position);
        if starts && word.eq_ignore_ascii_case("authorization") {
            found.extend(header_value(text, word_end));
        } else if starts && word.eq_ignore_ascii_case("bearer") {
            found.extend(credentials(text, word_end).filter(|token| {
                let token = text.part(token.start, token.end);
                token.len() >= 16 && randomness::is_token(token)
            }));
        }
        position = word_end;
    }
}

pub(super) fn find_in_member(name: &str, value: &str) -> Option<Range<usize>> {
    let is_header = HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name));
    if is_header { after_scheme(Text::new(value), 0) } else { None }
}

/// What follows the name of the header: `": "`, and perhaps quotes around the name or the value.
fn header_value(text: Text<'_>, name_end: usize) -> Option<Range<usize>> {
    let is_quote = |byte| matches!(byte, b'"' | b'\'' | b'\\');
    let is_space = |byte| matches!(byte, b' ' | b'\t');
    let separator = text.run(name_end, |byte| is_quote(byte) || is_space(byte));
    if !matches!(text.at(separator), Some(b':' | b'=')) {
        return None;
    }
    let value = text.run(separator + 1, |byte| is_quote(byte) || is_space(byte));
    after_scheme(text, value)
}

fn after_scheme(text: Text<'_>, start: usize) -> Option<Range<usize>> {
    if let Some(scheme) = SCHEMES.iter().find(|scheme| text.follows_ignoring_case(start, scheme)) {
        return credentials(text, start + scheme.len()).filter(|found| found.len() >= SHORTEST);
    }
    let sample = text.part(start, text.run_within(start, SAMPLE, belongs));
    let plausible = sample.len() >= 16 && randomness::is_token(sample);
    plausible.then(|| start..text.run(start, belongs))
}

/// One word after white space.
fn credentials(text: Text<'_>, scheme_end: usize) -> Option<Range<usize>> {
    let start = text.run(scheme_end, |byte| matches!(byte, b' ' | b'\t'));
    let end = text.run(start, belongs);
    (start > scheme_end && end > start).then_some(start..end)
}

/// The alphabet of `token68` (RFC 9110, section 11.2), and `:` for those who do not encode.
fn belongs(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b':')
}
