//! Values assigned to names such as `password`, `API_KEY` or `client-secret`: in configuration files,
//! command lines, code and JSON. The value must look like a secret: `password: required` does not.

use std::ops::Range;

use super::randomness;
use crate::text::{Text, is_url_safe};

/// What kind of secret a name promises, which says how a value has to look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Chosen by people.
    Password,
    /// Made by machines.
    Token,
}

/// Names, in lower case without separators, and what ends with one of them.
const NAMES: [(&str, Kind); 23] = [
    ("password", Kind::Password),
    ("passwd", Kind::Password),
    ("passphrase", Kind::Password),
    ("pwd", Kind::Password),
    ("secret", Kind::Password),
    ("secretvalue", Kind::Password),
    ("apikey", Kind::Token),
    ("apitoken", Kind::Token),
    ("apisecret", Kind::Password),
    ("accesskey", Kind::Token),
    ("accountkey", Kind::Token),
    ("authkey", Kind::Token),
    ("clientkey", Kind::Token),
    ("encryptionkey", Kind::Token),
    ("masterkey", Kind::Token),
    ("privatekey", Kind::Token),
    ("secretkey", Kind::Token),
    ("secretaccesskey", Kind::Token),
    ("sharedaccesskey", Kind::Token),
    ("signingkey", Kind::Token),
    ("token", Kind::Token),
    ("credential", Kind::Token),
    ("credentials", Kind::Token),
];

/// Names that end like one and hold nothing secret: places in lists, and counts.
const OTHERS: [&str; 12] = [
    "nextpagetoken",
    "nexttoken",
    "pagetoken",
    "continuationtoken",
    "synctoken",
    "canceltoken",
    "progresstoken",
    "cancellationtoken",
    "paginationtoken",
    "startpagetoken",
    "eostoken",
    "padtoken",
];

const LONGEST_NAME: usize = 64;
/// A quoted value longer than this is read up to its first space.
const LONGEST_QUOTED: usize = 256;
/// What is read of a value without quotes at once. The rest of it belongs to the secret as well.
const SAMPLE: usize = 128;

pub(super) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut position = 0;
    while let Some(byte) = text.at(position) {
        if matches!(byte, b'=' | b':')
            && let Some(kind) = name_before(text, position)
            && let Some(value) = value_after(text, position + 1, kind)
        {
            position = value.end;
            found.push(value);
        } else {
            position += 1;
        }
    }
}

pub(super) fn find_in_member(name: &str, value: &str) -> Option<Range<usize>> {
    let kind = kind(name)?;
    let value_range = 0..value.len();
    (!value.contains(char::is_whitespace) || kind == Kind::Password)
        .then_some(value)
        .filter(|value| is_secret(value, kind, Quotes::Around))
        .map(|_| value_range)
}

fn kind(name: &str) -> Option<Kind> {
    let name: String = name
        .chars()
        .rev()
        .take(LONGEST_NAME)
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    // The characters are in reverse order.
    let ends_with = |ending: &str| {
        name.len() >= ending.len()
            && ending.bytes().rev().zip(name.bytes()).all(|(left, right)| left == right)
    };
    if OTHERS.iter().any(|other| ends_with(other)) {
        return None;
    }
    NAMES.iter().find(|(ending, _)| ends_with(ending)).map(|(_, kind)| *kind)
}

/// The kind of the name before a separator.
fn name_before(text: Text<'_>, separator: usize) -> Option<Kind> {
    let end = text.run_back(separator, 3, |byte| matches!(byte, b' ' | b'\t' | b':'));
    let end = text.run_back(end, 2, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']'));
    let start = text.run_back(end, LONGEST_NAME, |byte| is_url_safe(byte) || byte == b'.');
    if start == end { None } else { kind(text.part(start, end)) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Around,
    None,
}

fn value_after(text: Text<'_>, separator_end: usize, kind: Kind) -> Option<Range<usize>> {
    // `=>` and `==`.
    let start = text.run(separator_end, |byte| matches!(byte, b'=' | b'>')).min(separator_end + 2);
    let spaces_end = text.run(start, |byte| matches!(byte, b' ' | b'\t')).min(start + 8);
    let start = if text.at(spaces_end) == Some(b'\\') { spaces_end + 1 } else { spaces_end };
    if let Some(quote @ (b'"' | b'\'' | b'`')) = text.at(start) {
        let start = start + 1;
        let is_inside = |byte: u8| byte != quote && byte != b'\n';
        let end = text.run_within(start, LONGEST_QUOTED, is_inside);
        if text.at(end) == Some(quote) {
            let escaped = usize::from(end > start && text.before(end) == Some(b'\\'));
            let value = start..end - escaped;
            return is_secret(text.part(value.start, value.end), kind, Quotes::Around).then_some(value);
        }
        return bare_value(text, start, kind);
    }
    bare_value(text, start, kind)
}

fn bare_value(text: Text<'_>, start: usize, kind: Kind) -> Option<Range<usize>> {
    let mut end = text.run_within(start, SAMPLE, is_bare);
    while !text.is_boundary(end) {
        end -= 1;
    }
    // A full stop after the value is not part of it.
    let sample = text.part(start, end).trim_end_matches(['.', ':', '!', '?']);
    if !is_secret(sample, kind, Quotes::None) {
        return None;
    }
    let rest = text.run(end, is_bare);
    Some(start..if rest > end { rest } else { start + sample.len() })
}

fn is_bare(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !matches!(
            byte,
            b'"' | b'\'' | b'`' | b',' | b';' | b'&' | b'<' | b'>' | b')' | b']' | b'}' | b'\\'
        )
}

fn is_secret(value: &str, kind: Kind, quotes: Quotes) -> bool {
    // Placeholders, templates and expressions.
    let is_placeholder =
        value.starts_with(['$', '<', '{', '[', '*', '%', '(']) || value.contains(['(', '[', '{', '\u{1}']);
    if is_placeholder {
        return false;
    }
    let has = |belongs: fn(char) -> bool| value.chars().any(belongs);
    match kind {
        Kind::Token => value.len() >= 16 && randomness::is_token(value),
        Kind::Password => {
            let special = has(|character| "!@#$%^&*+=~?|".contains(character) || !character.is_ascii());
            let mixed = has(|character| character.is_ascii_lowercase())
                && has(|character| character.is_ascii_uppercase())
                && !value.contains(['.', ' ']);
            let strong =
                has(|character| character.is_ascii_digit()) || special || mixed && quotes == Quotes::Around;
            value.len() >= 6 && strong && randomness::entropy(value) >= 2.0
        }
    }
}
