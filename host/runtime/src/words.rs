//! The words of a plugin, or of what is in its file, as an operator gets to see them in a log or a terminal:
//! not too many, and nothing in them that a terminal obeys or that begins a line of its own.

use std::borrow::Cow;

/// The most of a text that is shown, in bytes.
const SHOWN: usize = 2_000;
/// The most names of a list that are shown.
const NAMES: usize = 50;
/// The most of a name in a list, in bytes.
const NAME: usize = 120;

/// A text as it can be shown.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    shown(text, SHOWN)
}

/// Names as they can be shown: each in quotes, with a comma between two.
pub(crate) fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> =
        names.iter().take(NAMES).map(|name| format!("`{}`", shown(name, NAME))).collect();
    match names.len().saturating_sub(NAMES) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}

fn shown(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let (beginning, rest) = text.split_at(text.floor_char_boundary(most));
    let mut shown = String::with_capacity(beginning.len());
    for character in beginning.chars() {
        match character {
            '\n' | '\r' | '\t' => shown.push(' '),
            character if character.is_control() => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
    }
    if !rest.is_empty() {
        shown.push_str(&format!("… ({} bytes more)", rest.len()));
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_spelled_out() {
        for (text, expected) in [
            ("", ""),
            ("`days` is empty; name a day", "`days` is empty; name a day"),
            ("ü \u{1f980}", "ü \u{1f980}"),
            ("two\nlines\r\n", "two lines  "),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J\0", "\\u{9b}2J\\u{0}"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }

    #[test]
    fn long_texts_and_lists_are_cut() {
        let text = "ü".repeat(SHOWN);
        assert_eq!(harmless(&text), format!("{}… (2000 bytes more)", "ü".repeat(SHOWN / 2)));
        let names: Vec<String> = (0..NAMES + 3).map(|number| format!("n{number}")).collect();
        let shown = quoted(&names);
        assert!(shown.starts_with("`n0`, `n1`, ") && shown.ends_with("`n49` and 3 more"), "{shown}");
        assert_eq!(quoted(&["a".repeat(NAME + 7)]), format!("`{}… (7 bytes more)`", "a".repeat(NAME)));
    }
}
