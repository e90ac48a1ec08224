//! Lines: the same whatever the chunks, and those that splitting the whole input gives.

use bartizan_wire::json::{Document, Limits};
use bartizan_wire::stdio::{EDGE, Line, Lines, frame};

use crate::chunks::chunkings;

/// A limit that inputs reach, and one that they do not.
const LIMITS: [usize; 2] = [12, 1 << 20];

/// Checks an input of lines.
pub fn check(input: &[u8]) {
    for max in LIMITS {
        let expected = model(input, max);
        assert_eq!(read(&[input], max), expected, "in one piece, {max}");
        for chunks in chunkings(input) {
            assert_eq!(read(&chunks, max), expected, "{chunks:?}, {max}");
        }
    }
    for line in read(&[input], LIMITS[1]) {
        if let Line::Message(bytes) = line {
            check_frame(&bytes);
        }
    }
}

/// What is put on a line comes back as that line alone, for a reader that ends lines at LF as for one
/// that ends them at any control character.
fn check_frame(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes, &Limits::default()) else { return };
    let framed = frame(&document);
    assert_eq!(framed.iter().filter(|byte| byte.is_ascii_control() && **byte != 0x7f).count(), 1);
    let lines = read(&[&framed, b"{}\n"], LIMITS[1]);
    assert_eq!(lines, [Line::Message(document.as_bytes().to_vec()), Line::Message(b"{}".to_vec())]);
}

fn read(chunks: &[&[u8]], max: usize) -> Vec<Line> {
    let mut lines = Lines::new(max);
    chunks.iter().for_each(|chunk| lines.push(chunk));
    lines.finish();
    lines.lines().collect()
}

fn model(input: &[u8], max: usize) -> Vec<Line> {
    let blank = |line: &[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
    input
        .split(|byte| *byte == b'\n')
        .filter_map(|line| match line {
            line if line.len() > max => Some(Line::TooLong {
                begin: line[..line.len().min(EDGE)].to_vec(),
                end: line[line.len().saturating_sub(EDGE)..].to_vec(),
            }),
            line if blank(line) => None,
            line => Some(Line::Message(line.strip_suffix(b"\r").unwrap_or(line).to_vec())),
        })
        .collect()
}
