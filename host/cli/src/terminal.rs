//! Text of strangers on a terminal.

/// A text in which nothing drives a terminal or deceives who reads it: such characters are escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        // What changes the direction of text, or cannot be seen, deceives who reads it.
        let deceives = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || deceives {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}
