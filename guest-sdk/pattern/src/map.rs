//! Patterns with values, of which the most specific one applies.

use std::collections::HashMap;

use crate::Pattern;

/// A map from patterns to values in which a name finds the value of the most specific pattern that
/// matches it: its exact name, else the glob with the longest literal prefix.
///
/// Exact names are found in constant time; globs are tried in order of specificity.
///
/// ```
/// use bartizan_pattern::PatternMap;
///
/// let map: PatternMap<&str> = [("get_*", "read"), ("get_secret", "secret")].into_iter().collect();
/// assert_eq!(map.get("get_secret"), Some(&"secret"));
/// assert_eq!(map.get("get_run"), Some(&"read"));
/// assert_eq!(map.get("delete_run"), None);
/// ```
#[derive(Clone, Debug)]
pub struct PatternMap<T> {
    exact: HashMap<String, T>,
    globs: Vec<(Pattern, T)>,
}

impl<T> PatternMap<T> {
    /// The value that applies to a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.exact
            .get(name)
            .or_else(|| self.globs.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, value)| value))
    }

    /// Whether the map has no pattern.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.globs.is_empty()
    }
}

impl<T> Default for PatternMap<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), globs: Vec::new() }
    }
}

impl<P: Into<String>, T> FromIterator<(P, T)> for PatternMap<T> {
    /// Of two equal patterns the later one counts.
    fn from_iter<I: IntoIterator<Item = (P, T)>>(patterns: I) -> Self {
        let mut exact = HashMap::new();
        let mut globs: Vec<(Pattern, T)> = Vec::new();
        for (text, value) in patterns {
            let pattern = Pattern::new(text);
            if pattern.is_exact() {
                exact.insert(pattern.as_str().to_owned(), value);
            } else {
                globs.push((pattern, value));
            }
        }
        // The sort is stable: of equal patterns the later one comes first once reversed, and stays.
        globs.reverse();
        globs.sort_by(|(left, _), (right, _)| left.by_specificity(right));
        globs.dedup_by(|(later, _), (kept, _)| later == kept);
        Self { exact, globs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_pattern_applies_in_whatever_order_they_came() {
        let mut patterns = [("*", 0), ("get_*", 1), ("get_run*", 2), ("get_run", 3), ("*_run", 4)];
        for _ in 0..patterns.len() {
            patterns.rotate_left(1);
            let map: PatternMap<i32> = patterns.into_iter().collect();
            for (name, expected) in
                [("get_run", 3), ("get_runs", 2), ("get_metric", 1), ("delete_run", 4), ("health", 0)]
            {
                assert_eq!(map.get(name), Some(&expected), "{name}");
            }
        }
    }

    #[test]
    fn of_two_equal_patterns_the_later_counts() {
        let map: PatternMap<i32> = [("a*", 1), ("b", 2), ("a*", 3), ("b", 4)].into_iter().collect();
        assert_eq!((map.get("ab"), map.get("b"), map.get("c")), (Some(&3), Some(&4), None));
    }

    #[test]
    fn an_empty_map_finds_nothing() {
        assert_eq!(PatternMap::<()>::default().get(""), None);
        assert!(PatternMap::<()>::default().is_empty());
    }
}
