//! E-mail addresses: `local@domain`, with a top-level domain. Unicode letters are taken in both parts
//! (RFC 6531), but not those of scripts that are written without spaces: in `联系ops@example.com吧` the
//! address is the part in the middle.

use std::ops::Range;

use crate::text::Text;

/// What follows the last point of file names and package versions such as `icon@2x.png`.
const FILE_ENDINGS: [&str; 14] =
    ["css", "gif", "html", "ico", "jpeg", "jpg", "js", "json", "mjs", "png", "svg", "tgz", "webp", "woff2"];

pub(crate) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let whole = text.part(0, text.len());
    for (at, _) in whole.match_indices('@') {
        let Some(start) = local_start(text, at) else { continue };
        if let Some(end) = domain_end(text, at + 1) {
            found.push(start..end);
        }
    }
}

fn local_start(text: Text<'_>, at: usize) -> Option<usize> {
    let mut start = at;
    for (position, character) in text.part(0, at).char_indices().rev() {
        if !(is_letter_or_digit(character) || ".!#$%&'*+/=?^_`{|}~-".contains(character)) {
            break;
        }
        start = position;
    }
    // Punctuation around an address, as in `'ops@example.com'` or `to=ops@example.com`, is not its
    // beginning; inside of it everything that RFC 5322 allows is.
    let local = text.part(start, at);
    let local = local.rsplit(['=', '/', '?', '&', '`', '|', '{']).next().unwrap_or(local);
    let trimmed = local.trim_start_matches(|character| !is_letter_or_digit(character) && character != '_');
    (!trimmed.is_empty() && !trimmed.ends_with('.')).then(|| at - trimmed.len())
}

/// Where the longest domain that begins here ends.
fn domain_end(text: Text<'_>, start: usize) -> Option<usize> {
    let mut end = None;
    let mut label_start = start;
    loop {
        let rest = text.part(label_start, text.len());
        let label_end = label_start
            + rest
                .find(|character: char| !(character.is_alphanumeric() || matches!(character, '-' | '_')))
                .unwrap_or(rest.len());
        if label_start > start {
            let length = top_level_length(text.part(label_start, label_end));
            if length > 0 {
                end = Some(label_start + length);
            }
        }
        if label_end == label_start || text.at(label_end) != Some(b'.') {
            return end;
        }
        label_start = label_end + 1;
    }
}

/// How much of a label is a top-level domain: letters, or `xn--` and what follows.
fn top_level_length(label: &str) -> usize {
    if label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")) && label.len() > 4 {
        return label.len();
    }
    let ends = label.find(|character| !is_letter_or_digit(character)).unwrap_or(label.len());
    let (letters, rest) = label.split_at(ends);
    let cut_short = rest.starts_with(['-', '_']);
    let is_name = letters.chars().count() >= 2 && letters.chars().all(char::is_alphabetic);
    let is_file = FILE_ENDINGS.iter().any(|ending| ending.eq_ignore_ascii_case(letters));
    if is_name && !cut_short && !is_file {
        return letters.len();
    }
    // A domain in a script without spaces cannot be told from what follows it: all of it is taken.
    if letters.is_empty() && !label.is_empty() && label.chars().all(char::is_alphabetic) {
        return label.len();
    }
    0
}

fn is_letter_or_digit(character: char) -> bool {
    character.is_alphanumeric() && character < '\u{2e80}'
}

#[cfg(test)]
mod tests {
    use crate::Detector;

    #[test]
    fn addresses_are_found_as_a_whole() {
        for (text, expected) in [
            ("ops@example.com", "ops@example.com"),
            ("Write to ops@example.com.", "ops@example.com"),
            ("<ops@example.com>", "ops@example.com"),
            ("\"ops@example.com\"", "ops@example.com"),
            ("'ops@example.com'", "ops@example.com"),
            ("mailto:first.last+tag@sub.example.co.uk?subject=x", "first.last+tag@sub.example.co.uk"),
            ("to=ops@example.com&cc=", "ops@example.com"),
            ("o'neil@example.com", "o'neil@example.com"),
            ("jürgen@müller.de", "jürgen@müller.de"),
            ("пользователь@пример.рф!", "пользователь@пример.рф"),
            ("联系ops@example.com吧", "ops@example.com"),
            ("a@b.io", "a@b.io"),
            ("x@xn--e1afmkfd.xn--p1ai", "x@xn--e1afmkfd.xn--p1ai"),
            ("user_name-1@ex-ample.museum", "user_name-1@ex-ample.museum"),
            ("OPS@EXAMPLE.COM", "OPS@EXAMPLE.COM"),
            ("ops@example.com.", "ops@example.com"),
            ("ops@mail-1.example.com:25", "ops@mail-1.example.com"),
            ("\u{1f600}ops@example.com\u{1f600}", "ops@example.com"),
            ("%ops@example.com", "ops@example.com"),
            ("user@例え.jp", "user@例え.jp"),
        ] {
            let found: Vec<_> = Detector::Email.find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, [expected], "{text}");
        }
        let text = "a@example.com,b@example.com;c@example.com";
        assert_eq!(Detector::Email.find(text).len(), 3);
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        for text in [
            "",
            "@",
            "a@",
            "@example.com",
            "user@localhost",
            "a @ b.com",
            "lodash@4.17.21",
            "react@latest",
            "icon@2x.png",
            "assets/logo@3x.JPEG",
            "@types/node",
            "a@b",
            "a@.com",
            "user.@example.com",
            "user@example.c",
            "user@@example.com ",
            "x@10.0.0.1",
            "f(a)@g.x",
            "decorator: @app.route",
            "user@example..com",
        ] {
            assert!(Detector::Email.find(text).is_empty(), "{text}");
        }
    }
}
