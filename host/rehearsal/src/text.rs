//! Text for people: one line, of bounded length.

/// The longest value that is shown, in bytes.
const LONGEST: usize = 160;

/// A text on one line: control characters escaped, and cut if it is long.
pub fn line(text: &str) -> String {
    let mut shown = whole(text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default());
    if text.len() > LONGEST {
        shown.push('…');
    }
    shown
}

/// A text on one line, however long: control characters escaped.
pub fn whole(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            shown.extend(character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// JSON text with every character escaped that a terminal would obey: the same value.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) && character != '\n' {
            // All of them are in the basic plane, and can only stand in strings.
            shown.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// What a terminal obeys, or a reader does not see.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `1 case`, `2 cases`.
pub fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// `text` with every ticket in it written in the same way: they are drawn by lot.
pub(crate) fn without_tickets<'t>(text: &str, tickets: impl IntoIterator<Item = &'t str>) -> String {
    tickets.into_iter().fold(text.to_owned(), |text, ticket| text.replace(ticket, TICKET))
}

/// What stands for a ticket.
pub(crate) const TICKET: &str = "<ticket>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_and_is_not_too_long() {
        for (text, expected) in [
            ("plain é", "plain é"),
            ("a\nb\tc", r"a\nb\tc"),
            ("\u{1b}[31m", r"\u{1b}[31m"),
            ("\u{202e}abc", r"\u{202e}abc"),
            ("a\u{ad}\u{200b}\u{2060}\u{feff}b", r"a\u{ad}\u{200b}\u{2060}\u{feff}b"),
        ] {
            assert_eq!(line(text), expected);
        }
        assert_eq!(line(&"x".repeat(161)), format!("{}…", "x".repeat(160)));
        assert_eq!(line(&"x".repeat(160)), "x".repeat(160));
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a": "\u{7f}\u{9b}31m\u{202e}\n\u{1b}é"});
        let text = json(&format!("{value:#}\n"));
        assert!(text.chars().all(|character| character == '\n' || !is_unsafe(character)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn counts_and_tickets() {
        assert_eq!(
            (count(0, "case"), count(1, "case"), count(2, "case")),
            ("0 cases".into(), "1 case".into(), "2 cases".into())
        );
        assert_eq!(without_tickets("apr_1 and apr_2", ["apr_1", "apr_2"]), "<ticket> and <ticket>");
    }
}
