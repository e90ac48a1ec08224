//! Text as scanners read it: bytes, of which only ASCII ones mean something. Bytes of other characters
//! are neighbours like a space: what stands next to them is still found.

/// A text with access by position. Positions past the end hold nothing.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t>(&'t str);

impl<'t> Text<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self(text)
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn at(self, position: usize) -> Option<u8> {
        self.0.as_bytes().get(position).copied()
    }

    pub(crate) fn before(self, position: usize) -> Option<u8> {
        self.at(position.checked_sub(1)?)
    }

    /// The part of the text. Nothing if it does not begin and end between characters.
    pub(crate) fn part(self, start: usize, end: usize) -> &'t str {
        self.0.get(start..end).unwrap_or_default()
    }

    pub(crate) fn is_boundary(self, position: usize) -> bool {
        self.0.is_char_boundary(position)
    }

    pub(crate) fn follows(self, position: usize, what: &str) -> bool {
        self.0.as_bytes().get(position..).is_some_and(|rest| rest.starts_with(what.as_bytes()))
    }

    pub(crate) fn follows_ignoring_case(self, position: usize, what: &str) -> bool {
        self.0
            .as_bytes()
            .get(position..position.saturating_add(what.len()))
            .is_some_and(|rest| rest.eq_ignore_ascii_case(what.as_bytes()))
    }

    /// Where the run of such bytes that begins at a position ends.
    pub(crate) fn run(self, start: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.0.as_bytes().get(start..).unwrap_or_default();
        start + rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len())
    }

    /// As [`Text::run`], of at most so many bytes.
    pub(crate) fn run_within(self, start: usize, most: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.0.as_bytes().get(start..).unwrap_or_default();
        start + rest.iter().take(most).take_while(|&&byte| belongs(byte)).count()
    }

    /// Where the run of at most so many such bytes that ends at a position begins.
    pub(crate) fn run_back(self, end: usize, most: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.0.as_bytes().get(..end).unwrap_or_default();
        end - rest.iter().rev().take(most).take_while(|&&byte| belongs(byte)).count()
    }

    /// Whether a word of ASCII letters and digits may begin here: none goes before.
    pub(crate) fn is_word_start(self, position: usize) -> bool {
        !self.before(position).is_some_and(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether a word of ASCII letters and digits may end here: none follows.
    pub(crate) fn is_word_end(self, position: usize) -> bool {
        !self.at(position).is_some_and(|byte| byte.is_ascii_alphanumeric())
    }
}

/// Letters, digits, `_` and `-`: the alphabet of base64url, and of most tokens.
pub(crate) fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
