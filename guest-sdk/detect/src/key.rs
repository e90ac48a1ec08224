//! Private keys: blocks between `-----BEGIN … PRIVATE KEY-----` and its end, or as much of one as there is;
//! the same in base64, as in a kubeconfig; PuTTY's files; keys of age.

use std::ops::Range;

use crate::text::Text;

/// Whether an encoded text that begins like one is a key.
type Check = fn(&str) -> bool;

/// Base64 of `-----BEGIN `, and of the magic words of an OpenSSH key, with what makes a key of it.
const ENCODED: [(&str, Check); 2] =
    [("LS0tLS1CRUdJTi", is_encoded_block), ("b3BlbnNzaC1rZXktdjE", |encoded| encoded.len() >= 64)];
/// The fewest characters of base64 that make a key of a block without an end.
const SHORTEST_BODY: usize = 32;

pub(crate) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    blocks(text, found);
    encoded(text, found);
    age(text, found);
    putty(text, found);
}

struct Marker {
    range: Range<usize>,
    is_begin: bool,
    is_private: bool,
}

fn blocks(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut markers = markers(text).into_iter().peekable();
    while let Some(begin) = markers.next() {
        if !begin.is_begin || !begin.is_private {
            continue;
        }
        match markers.peek() {
            Some(end) if !end.is_begin && end.is_private => {
                found.push(begin.range.start..end.range.end);
            }
            next => {
                let limit = next.map_or(text.len(), |marker| marker.range.start);
                if let Some(end) = cut_short(text, begin.range.end, limit) {
                    found.push(begin.range.start..end);
                }
            }
        }
    }
}

/// Lines such as `-----BEGIN RSA PRIVATE KEY-----` or `---- END SSH2 ENCRYPTED PRIVATE KEY ----`.
fn markers(text: Text<'_>) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let dashes = text.run(position, |byte| byte == b'-');
        if dashes - position < 4 {
            position = dashes.max(position + 1);
            continue;
        }
        let word = dashes + usize::from(text.at(dashes) == Some(b' '));
        let is_begin = text.follows(word, "BEGIN ");
        if is_begin || text.follows(word, "END ") {
            let label =
                text.run(word, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
            // Not more dashes than close this line: the next block may begin right after them.
            let end = text.run_within(label, 5, |byte| byte == b'-');
            if end - label >= 4 {
                let is_private = text.part(word, label).contains("PRIVATE KEY");
                markers.push(Marker { range: position..end, is_begin, is_private });
                position = end;
                continue;
            }
            position = label;
            continue;
        }
        position = dashes;
    }
    markers
}

/// Where the body of a block without an end ends. Nothing if there is none, as where someone only writes
/// about such blocks.
fn cut_short(text: Text<'_>, start: usize, limit: usize) -> Option<usize> {
    let mut end = None;
    let mut position = start;
    while position < limit {
        // Line ends, also as `\n` that was not decoded, and the header lines of old formats.
        let line = text.run(position, |byte| byte.is_ascii_whitespace()).min(limit);
        if text.follows(line, "\\n") || text.follows(line, "\\r") {
            position = line + 2;
            continue;
        }
        let line_end =
            text.run(line, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        let line_end = line_end.min(limit);
        // A word that something else follows, as in `Private-MAC:`, is no base64.
        let ends = !matches!(text.at(line_end), Some(b'-' | b':' | b'_'));
        if line_end > line && ends && (end.is_some() || line_end - line >= SHORTEST_BODY) {
            end = Some(line_end);
            position = line_end;
            continue;
        }
        let is_header = text.follows(line, "Proc-Type:")
            || text.follows(line, "DEK-Info:")
            || text.follows(line, "Comment:")
            || text.follows(line, "Version:");
        if !is_header {
            return end;
        }
        position = text.run(line, |byte| !matches!(byte, b'\n' | b'\\')).min(limit);
    }
    end
}

fn encoded(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let is_base64 =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    for (marker, is_key) in ENCODED {
        let mut done = 0;
        for (start, _) in text.part(0, text.len()).match_indices(marker) {
            if start < done || !text.is_word_start(start) {
                continue;
            }
            done = text.run(start, is_base64);
            if is_key(text.part(start, done)) {
                found.push(start..done);
            }
        }
    }
}

/// The label stands in the first characters of a block.
fn is_encoded_block(encoded: &str) -> bool {
    decode(encoded.get(..64).unwrap_or(encoded)).windows(11).any(|window| window == b"PRIVATE KEY")
}

/// Base64, as far as it goes.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = 0_u32;
    let mut bits = 0;
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(((buffer >> bits) & 0xff) as u8);
        }
    }
    bytes
}

fn age(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    const PREFIX: &str = "AGE-SECRET-KEY-1";
    for (start, _) in text.part(0, text.len()).match_indices(PREFIX) {
        let end = text.run(start + PREFIX.len(), |byte| byte.is_ascii_alphanumeric());
        if end - start - PREFIX.len() >= 50 {
            found.push(start..end);
        }
    }
}

/// `Private-Lines: 14` and the lines that follow.
fn putty(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    const HEADER: &str = "Private-Lines:";
    for (start, _) in text.part(0, text.len()).match_indices(HEADER) {
        let line_end = text.run_within(start, HEADER.len() + 9, |byte| !matches!(byte, b'\n' | b'\\'));
        if line_end - start <= HEADER.len() + 8
            && let Some(end) = cut_short(text, line_end, text.len())
        {
            found.push(start..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Detector;

    /// No secret: 64 characters of base64.
    const LINE: &str = "MIIEpAIBAAKCAQEA0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL";

    /// A block with that label. Written in parts, so that no scanner takes this file for a key.
    fn block(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{LINE}\n{LINE}==\n-----END {label}-----")
    }

    #[test]
    fn private_keys_are_found_as_a_whole() {
        let private = ["PRIVATE", "KEY"].join(" ");
        for label in [
            private.clone(),
            format!("RSA {private}"),
            format!("EC {private}"),
            format!("DSA {private}"),
            format!("OPENSSH {private}"),
            format!("ENCRYPTED {private}"),
            format!("PGP {private} BLOCK"),
            format!("ANY {private}"),
        ] {
            let block = block(&label);
            let text = format!("é{block}é");
            let expected = 2..2 + block.len();
            assert_eq!(Detector::Key.find(&text), [expected], "{label}");
        }
        let begin = format!("-----BEGIN {private}-----");
        let ssh2 = format!("---- BEGIN SSH2 {private} ----\n{LINE}\n---- END SSH2 {private} ----");
        let pem = encode(&block(&private));
        for (name, before, key, after) in [
            ("cut short", "", format!("{begin}\n{LINE}\n{LINE}"), " "),
            ("cut short in escapes", "", format!("{begin}\\n{LINE}\\nabc"), "\""),
            (
                "with headers",
                "",
                format!("{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n{LINE}"),
                "",
            ),
            ("one after the other", "x", format!("{}{}", block(&private), block(&private)), "y"),
            ("four dashes", "", ssh2, ""),
            ("in base64", "client-key-data: ", pem, "\n"),
            ("OpenSSH without a frame", "", format!("b3BlbnNzaC1rZXktdjE{LINE}"), "\n"),
            ("age", "# key\n", format!("AGE-SECRET-{}-1{}", "KEY", "Q".repeat(58)), "\n"),
            ("PuTTY", "Comment: x\n", format!("Private-Lines: 2\n{LINE}\n{LINE}"), "\nPrivate-MAC: 00"),
            ("in one line", "", format!("{begin} {LINE} -----END {private}-----"), ""),
        ] {
            let text = format!("{before}{key}{after}");
            let expected = before.len()..before.len() + key.len();
            assert_eq!(Detector::Key.find(&text), [expected], "{name}: {text}");
        }
    }

    #[test]
    fn what_is_public_or_only_spoken_of_is_not() {
        let private = ["PRIVATE", "KEY"].join(" ");
        let certificate = encode(&block("CERTIFICATE"));
        for text in [
            String::new(),
            block("PUBLIC KEY"),
            block("CERTIFICATE"),
            block("RSA PUBLIC KEY"),
            block("CERTIFICATE REQUEST"),
            block("PGP PUBLIC KEY BLOCK"),
            block("DH PARAMETERS"),
            format!("Paste the lines from -----BEGIN {private}----- on into the box below."),
            format!("-----BEGIN {private}-----"),
            format!("-----END {private}-----"),
            format!("---BEGIN {private}---\n{LINE}"),
            format!("BEGIN {private}\n{LINE}"),
            format!("a {private} is needed"),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA user@host".to_owned(),
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ== x".to_owned(),
            format!("client-certificate-data: {certificate}"),
            "-----------------------------".to_owned(),
            "AGE-SECRET-KEY-1 is how they begin".to_owned(),
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_owned(),
            "Private-Lines: none".to_owned(),
            "b3BlbnNzaC1rZXktdjE".to_owned(),
        ] {
            assert!(Detector::Key.find(&text).is_empty(), "{text}");
        }
    }

    fn encode(text: &str) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        text.as_bytes()
            .chunks(3)
            .flat_map(|chunk| {
                let number =
                    (0..3).fold(0, |sum, index| sum << 8 | usize::from(*chunk.get(index).unwrap_or(&0)));
                (0..4).map(move |index| char::from(ALPHABET[number >> (18 - 6 * index) & 63]))
            })
            .collect()
    }
}
