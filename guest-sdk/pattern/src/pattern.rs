//! One glob.

use std::cmp::Ordering;
use std::fmt;

/// A glob over a name.
///
/// ```
/// use bartizan_pattern::Pattern;
///
/// let pattern = Pattern::new("get_*");
/// assert!(pattern.matches("get_run"));
/// assert!(!pattern.matches("delete_run"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    /// Bytes before the first wildcard; the whole length for an exact name.
    literal_prefix: usize,
}

impl Pattern {
    /// Makes a pattern. Every text is one: without `*` and `?` it is an exact name.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let literal_prefix = text.find(['*', '?']).unwrap_or(text.len());
        Self { text, literal_prefix }
    }

    /// The text that the pattern was made from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern is an exact name.
    pub fn is_exact(&self) -> bool {
        self.literal_prefix == self.text.len()
    }

    /// Whether the pattern matches the whole name. Takes time proportional to the product of the
    /// two lengths at worst.
    pub fn matches(&self, name: &str) -> bool {
        let Some(rest) = self.text.get(..self.literal_prefix).and_then(|prefix| name.strip_prefix(prefix))
        else {
            return false;
        };
        wildcards_match(self.text.get(self.literal_prefix..).unwrap_or_default(), rest)
    }

    /// Orders patterns from the most specific to the least: exact names, then globs by the length of
    /// the literal prefix, then by total length, then by text, so that the order is total.
    pub fn by_specificity(&self, other: &Self) -> Ordering {
        other
            .is_exact()
            .cmp(&self.is_exact())
            .then(other.literal_prefix.cmp(&self.literal_prefix))
            .then(other.text.len().cmp(&self.text.len()))
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Greedy matching that remembers only the last `*`: a later star makes backtracking to an earlier
/// one pointless.
fn wildcards_match(pattern: &str, name: &str) -> bool {
    let mut pattern_rest = pattern.chars();
    let mut name_rest = name.chars();
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let mut ahead = pattern_rest.clone();
        match ahead.next() {
            Some('*') => {
                pattern_rest = ahead;
                retry = Some((pattern_rest.clone(), name_rest.clone()));
                continue;
            }
            None if name_rest.as_str().is_empty() => return true,
            Some(wanted) => {
                let mut name_ahead = name_rest.clone();
                if name_ahead.next().is_some_and(|found| wanted == '?' || wanted == found) {
                    pattern_rest = ahead;
                    name_rest = name_ahead;
                    continue;
                }
            }
            None => {}
        }
        // Mismatch: let the last star take one character more.
        let Some((after_star, star_took)) = &mut retry else { return false };
        if star_took.next().is_none() {
            return false;
        }
        pattern_rest = after_star.clone();
        name_rest = star_took.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_whole_names() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything/at:all", true),
            ("get_*", "get_", true),
            ("get_*", "get", false),
            ("get_*", "forget_run", false),
            ("*_run", "delete_run", true),
            ("*_run", "delete_run_tag", false),
            ("*_run*", "delete_run_tag", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("get_?un", "get_run", true),
            ("get_?un", "get_un", false),
            ("?", "é", true),
            ("?", "ee", false),
            ("GET_*", "get_run", false),
            ("delete_run", "delete_run", true),
            ("delete_run", "delete_run ", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern:?} on {name:?}");
        }
    }

    #[test]
    fn is_quick_on_patterns_that_make_backtracking_matchers_explode() {
        let name = "a".repeat(2_000);
        assert!(!Pattern::new(format!("{}b", "a*".repeat(200))).matches(&name));
    }

    #[test]
    fn orders_from_specific_to_general() {
        let mut patterns = ["*", "get_*", "*_run", "get_run_*", "get_run", "get_?"].map(Pattern::new);
        patterns.sort_by(Pattern::by_specificity);
        assert_eq!(
            patterns.each_ref().map(Pattern::as_str),
            ["get_run", "get_run_*", "get_*", "get_?", "*_run", "*"]
        );
    }

    /// The definition, as directly as it can be said.
    fn reference(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((&'*', rest)), _) => {
                reference(rest, name)
                    || name.split_first().is_some_and(|(_, after)| reference(pattern, after))
            }
            (Some((&'?', rest)), Some((_, after))) => reference(rest, after),
            (Some((wanted, rest)), Some((found, after))) if wanted == found => reference(rest, after),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?é]{0,8}", name in "[abé]{0,10}") {
            let expected = reference(
                &pattern.chars().collect::<Vec<_>>(),
                &name.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(Pattern::new(pattern).matches(&name), expected);
        }
    }
}
