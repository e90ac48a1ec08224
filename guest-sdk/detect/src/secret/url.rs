//! Passwords in URLs: `scheme://user:password@host`.

use std::ops::Range;

use crate::text::Text;

pub(super) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let whole = text.part(0, text.len());
    for (separator, marker) in whole.match_indices("://") {
        let user = separator + marker.len();
        let colon = text.run(user, |byte| belongs(byte) && byte != b':' && byte != b'@');
        if text.at(colon) != Some(b':') {
            continue;
        }
        // A password may have `@` in it, unescaped: the last one counts.
        let end = text.run(colon + 1, belongs);
        let Some(length) = text.part(colon + 1, end).rfind('@') else { continue };
        let password = colon + 1..colon + 1 + length;
        if !matches!(text.at(password.start), Some(b'$' | b'{' | b'<' | b'[' | b'*' | 1)) {
            found.push(password);
        }
    }
}

fn belongs(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'\\' | b'`')
        || byte >= 0x80
}
