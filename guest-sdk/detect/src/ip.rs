//! Addresses of IPv4 and IPv6. Of IPv6 only what IANA has given out for a use: so `a::b` of a program and
//! `1::2` of an array are not taken for addresses.

use std::net::Ipv6Addr;
use std::ops::Range;

use crate::text::Text;

/// The longest text of an address, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
const LONGEST: usize = 45;

pub(crate) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut position = 0;
    while position < text.len() {
        let end = text.run(position, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        if end == position {
            position += 1;
            continue;
        }
        if !version6(text, position, end, found) {
            version4(text, position, end, found);
        }
        position = end;
    }
}

/// The run as an address of IPv6, without what ends a sentence.
fn version6(text: Text<'_>, start: usize, end: usize, found: &mut Vec<Range<usize>>) -> bool {
    let run = text.part(start, end).trim_end_matches('.');
    let run = if run.ends_with("::") { run } else { run.trim_end_matches(':') };
    let whole_word = text.is_word_start(start) && (start + run.len() < end || text.is_word_end(end));
    if run.len() > LONGEST || !whole_word {
        return false;
    }
    let Ok(address) = run.parse::<Ipv6Addr>() else { return false };
    let is_identifier = !run.contains("::") && run.split(':').all(|group| group.len() == 2);
    if is_identifier || !is_in_use(address) {
        return false;
    }
    found.push(start..start + run.len());
    true
}

fn is_in_use(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2000..=0x3fff, ..]                       // global unicast
        | [0xfc00..=0xfdff, ..]                     // unique local
        | [0xfe80..=0xfebf, ..]                     // link-local
        | [0xff00..=0xffff, ..]                     // multicast
        | [0x64, 0xff9b, ..]                        // IPv4/IPv6 translation
        | [0x100, 0, 0, 0, ..]                      // discard
        | [0, 0, 0, 0, 0, 0xffff, ..]               // IPv4-mapped
        | [0, 0, 0, 0, 0, 0, 0, 1] => true,         // loopback
        _ => false,
    }
}

/// The addresses of IPv4 in a run. Five numbers with points between them are something else.
fn version4(text: Text<'_>, start: usize, end: usize, found: &mut Vec<Range<usize>>) {
    let is_dotted = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let mut position = start;
    while position < end {
        let dotted_end = text.run(position, is_dotted).min(end);
        if dotted_end == position {
            position += 1;
            continue;
        }
        let dotted = text.part(position, dotted_end);
        let address = dotted.trim_matches('.');
        let offset = position + (dotted.len() - dotted.trim_start_matches('.').len());
        let until = offset + address.len();
        if is_version4(address) && text.is_word_start(offset) && text.is_word_end(until) {
            found.push(offset..until);
        }
        position = dotted_end;
    }
}

fn is_version4(text: &str) -> bool {
    let mut count = 0;
    text.len() <= 15
        && text.split('.').all(|octet| {
            count += 1;
            (1..=3).contains(&octet.len()) && octet.parse::<u8>().is_ok()
        })
        && count == 4
}

#[cfg(test)]
mod tests {
    use crate::Detector;

    #[test]
    fn addresses_are_found() {
        for (text, expected) in [
            ("192.168.0.1", "192.168.0.1"),
            ("10.0.0.1.", "10.0.0.1"),
            ("http://10.0.0.1:8080/x", "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0"),
            ("(255.255.255.255)", "255.255.255.255"),
            ("host=8.8.8.8,", "8.8.8.8"),
            ("地址192.168.0.1。", "192.168.0.1"),
            ("010.001.000.255", "010.001.000.255"),
            ("ip_10.1.2.3", "10.1.2.3"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
            ("fe80::1%eth0", "fe80::1"),
            ("::1", "::1"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("FD00:ABCD::1", "FD00:ABCD::1"),
            ("connect to 2a00:1450:4001:81b::200e: timed out", "2a00:1450:4001:81b::200e"),
            ("2001:db8::/32", "2001:db8::"),
            ("ff02::1.", "ff02::1"),
            ("64:ff9b::192.0.2.33", "64:ff9b::192.0.2.33"),
        ] {
            let found: Vec<_> = Detector::Ip.find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, [expected], "{text}");
        }
        assert_eq!(Detector::Ip.find("10.0.0.1-10.0.0.9, 10.0.0.20").len(), 3);
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "v1.2.3.4",
            "1.2.3.4a",
            "256.1.1.1",
            "1.2.3.1000",
            "1..2.3.4",
            "12:34:56",
            "2026-01-02T12:34:56",
            "00:1a:2b:3c:4d:5e",
            "00:11:22:33:44:55:66:77",
            "std::vector",
            "a::b",
            "dead::beef",
            "face::",
            "array[1::2]",
            "::",
            ":::1",
            "2001:db8::1::2",
            "x2001:db8::1",
            "sha256:0123456789abcdef0123456789abcdef",
            "3.14159",
        ] {
            assert!(Detector::Ip.find(text).is_empty(), "{text}");
        }
    }
}
