//! Header values: what is accepted, told by the grammars; mirrored values there and back.

use std::net::Ipv6Addr;

use bartizan_wire::era::Revision;
use bartizan_wire::headers::{
    Accept, AllowedHosts, AllowedOrigins, HostError, OriginError, check_content_type, check_mirror,
    decode_mirror, encode_mirror, protocol_version,
};

const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];
const REVISIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const MARK: (&str, &str) = ("=?base64?", "?=");

/// Checks a value and, after a line feed, a second text: an entry of an allow-list, a body.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (value, other) = text.split_once('\n').unwrap_or((text, ""));
    check_accept(value);
    check_type(value);
    check_version(value);
    check_hosts(value, other);
    check_origins(value, other);
    check_mirrors(value, other);
}

fn check_accept(value: &str) {
    let accept = Accept::parse(Some(value));
    for same in [
        value.to_ascii_uppercase(),
        format!(" {value} "),
        format!("{value},x/y;q=1"),
        format!("x/y,,{value}"),
        value.replace(',', " , "),
    ] {
        assert_eq!(Accept::parse(Some(&same)), accept, "{same:?}");
    }
    assert_eq!(accept.json, takes(value, ["application/json", "application/*", "*/*"]), "{value:?}");
    assert_eq!(accept.event_stream, takes(value, ["text/event-stream", "text/*", "*/*"]), "{value:?}");
    assert_eq!(accept.both(), accept.json && accept.event_stream);
}

/// RFC 9110 §12.5.1: the first of these ranges, most specific first, that occurs decides, and refuses if
/// all its occurrences have a weight of zero.
fn takes(accept: &str, ranges: [&str; 3]) -> bool {
    let lower = accept.to_ascii_lowercase();
    let occurrences = |range: &str| -> Vec<bool> {
        let with_parameters =
            lower.split(',').map(|element| element.split(';').map(str::trim).collect::<Vec<_>>());
        with_parameters
            .filter(|parts| parts[0] == range)
            .map(|parts| !parts[1..].iter().any(is_zero))
            .collect()
    };
    let found = ranges.into_iter().map(occurrences).find(|occurrences| !occurrences.is_empty());
    found.is_some_and(|occurrences| occurrences.contains(&true))
}

/// `q=0`, `q=0.00`; what is no weight at all is none that refuses, unless it begins as one.
fn is_zero(parameter: &&str) -> bool {
    parameter.strip_prefix("q=0").is_some_and(|rest| rest.chars().all(|c| !('1'..='9').contains(&c)))
}

fn check_type(value: &str) {
    let lower = value.to_ascii_lowercase();
    let (media, parameter) = lower.split_once(';').map_or((lower.as_str(), None), |(m, p)| (m, Some(p)));
    let expected = media.trim() == "application/json"
        && parameter.is_none_or(|text| ["charset=utf-8", "charset=\"utf-8\""].contains(&text.trim()));
    assert_eq!(check_content_type(Some(value)).is_ok(), expected, "{value:?}");
}

fn check_version(value: &str) {
    let trimmed = value.trim_matches([' ', '\t']);
    match protocol_version(Some(value)) {
        Ok(revision) => assert_eq!(revision.map(Revision::as_str), Some(trimmed)),
        Err(_) => assert!(!REVISIONS.contains(&trimmed), "{trimmed} is refused"),
    }
}

/// A host in the form in which two that are equal are the same, with its port.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rfind(']') {
        Some(end) => (&text[..=end], &text[end + 1..]),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some(digits) if digits.chars().all(|c| c.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return Some((address.parse::<Ipv6Addr>().ok()?.to_string(), port));
    }
    let named = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    named.then(|| (host.to_ascii_lowercase(), port))
}

fn is_loopback(host: &str) -> bool {
    LOOPBACK.contains(&host) || host == "::1"
}

fn check_hosts(value: &str, listed: &str) {
    let ours = AllowedHosts::loopback().check(Some(value));
    match authority(value) {
        None => assert!(matches!(ours, Err(HostError::Invalid(_))), "{value:?}: {ours:?}"),
        Some((host, _)) => assert_eq!(ours.is_ok(), is_loopback(&host), "{value:?}: {ours:?}"),
    }
    let hosts = AllowedHosts::new([listed]);
    assert_eq!(hosts.is_ok(), authority(listed).is_some(), "{listed:?}");
    if let (Ok(hosts), Some((host, port))) = (hosts, authority(listed)) {
        let expected = authority(value).is_some_and(|(h, p)| h == host && (port.is_none() || p == port));
        assert_eq!(hosts.check(Some(value)).is_ok(), expected, "{value:?} with {listed:?} listed");
    }
}

/// Scheme, host, and the port that is meant.
fn origin(text: &str) -> Option<(String, String, Option<u16>)> {
    let (scheme, rest) = text.split_at(text.find("://")?);
    let (host, port) = authority(&rest[3..])?;
    let mut letters = scheme.chars();
    let begins = letters.next()?.is_ascii_alphabetic();
    if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let own = [("http", 80), ("https", 443)].into_iter().find(|(name, _)| *name == scheme);
    Some((scheme, host, port.or(own.map(|(_, port)| port))))
}

fn check_origins(value: &str, listed: &str) {
    let ours = AllowedOrigins::loopback().check(Some(value));
    let read = origin(value);
    match &read {
        None => assert!(matches!(ours, Err(OriginError::Invalid { .. })), "{value:?}: {ours:?}"),
        Some((scheme, host, _)) => {
            let expected = is_loopback(host) && ["http", "https"].contains(&scheme.as_str());
            assert_eq!(ours.is_ok(), expected, "{value:?}: {ours:?}");
        }
    }
    let origins = AllowedOrigins::new([listed]);
    assert_eq!(origins.is_ok(), origin(listed).is_some(), "{listed:?}");
    if let Ok(origins) = origins {
        let same = read.is_some() && read == origin(listed);
        assert_eq!(origins.check(Some(value)).is_ok(), same, "{value:?} with {listed:?} listed");
        let with_loopback = same || ours.is_ok();
        assert_eq!(origins.and_loopback().check(Some(value)).is_ok(), with_loopback, "{value:?}, {listed:?}");
    }
}

fn check_mirrors(value: &str, body: &str) {
    for body in [value, body] {
        let encoded = encode_mirror(body);
        assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{encoded:?} is no header value");
        assert_eq!(encoded.trim(), encoded, "an HTTP reader would trim {encoded:?}");
        assert_eq!(decode_mirror(&encoded).as_deref(), Some(body), "{encoded:?}");
        assert_eq!(check_mirror("Mcp-Name", Some(&encoded), body), Ok(()));
    }
    let digits = value.strip_prefix(MARK.0).and_then(|rest| rest.strip_suffix(MARK.1));
    let expected = match digits {
        None => Some(value.to_owned()),
        Some(digits) => bytes_of(digits).and_then(|bytes| String::from_utf8(bytes).ok()),
    };
    let decoded = decode_mirror(value);
    if value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        assert_eq!(decoded.as_deref(), expected.as_deref(), "{value:?}");
    } else {
        // RFC 9110 §5.5: no field value, which is refused if not by us then by the HTTP library.
        assert!(decoded.is_none() || decoded.as_deref() == Some(value), "{value:?}: {decoded:?}");
    }
    let repeats = decoded.as_deref() == Some(body);
    assert_eq!(check_mirror("Mcp-Name", Some(value), body).is_ok(), repeats, "{value:?} for {body:?}");
}

/// RFC 4648 §4 with padding and without stray bits, by way of a text of bits.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let significant = digits.trim_end_matches('=');
    let padding = digits.len() - significant.len();
    let bits: Option<String> =
        significant.chars().map(|digit| ALPHABET.find(digit).map(|value| format!("{value:06b}"))).collect();
    let bits = bits?;
    let (bytes, stray) = bits.split_at(bits.len() / 8 * 8);
    if !digits.len().is_multiple_of(4) || padding > 2 || stray.contains('1') || stray.len() >= 6 {
        return None;
    }
    bytes
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 2).ok())
        .collect()
}
