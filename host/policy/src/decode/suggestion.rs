//! "Did you mean …?"

/// The candidate that a word was probably meant to be: the one with the fewest edits (a character
/// inserted, deleted, replaced, or swapped with its neighbour), if they are few for the word's length.
/// Of equally close ones the first. Case and `-` for `_` count little.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 128;
    let wanted = folded(word);
    if wanted.len() > LONGEST {
        return None;
    }
    let limit = (wanted.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| {
            let candidate_folded = folded(candidate);
            if candidate_folded.len().abs_diff(wanted.len()) > limit {
                return None;
            }
            let edits = distance(&wanted, &candidate_folded);
            // Half a candidate replaced is another word, not a slip.
            (edits <= limit && edits * 2 < candidate_folded.len().max(2)).then_some((edits, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Optimal string alignment distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut previous_left = None;
    for (row, &l) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut previous_right = None;
        for (column, &r) in right.iter().enumerate() {
            let replaced = at(&above, column) + usize::from(l != r);
            let deleted = at(&above, column + 1) + 1;
            let inserted = at(&current, column) + 1;
            let mut best = replaced.min(deleted).min(inserted);
            if column > 0 && previous_left == Some(r) && previous_right == Some(l) {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
            previous_right = Some(r);
        }
        before = std::mem::replace(&mut above, current);
        previous_left = Some(l);
    }
    at(&above, right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_probably_meant() {
        let keys = ["version", "default", "hide", "tools", "rate_limit", "on_error", "use"];
        for (word, expected) in [
            ("defualt", Some("default")),
            ("tool", Some("tools")),
            ("hied", Some("hide")),
            ("rateLimit", Some("rate_limit")),
            ("rate-limits", Some("rate_limit")),
            ("ratelimit", Some("rate_limit")),
            ("onerror", Some("on_error")),
            ("Version", Some("version")),
            ("us", Some("use")),
            ("policy", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(word, keys), expected, "{word}");
        }
        assert_eq!(closest(&"x".repeat(10_000), ["x"]), None);
    }

    #[test]
    fn counts_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("ab", "ba", 1),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("abcd", "acbd", 1),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&chars(left), &chars(right)), expected, "{left} {right}");
            assert_eq!(distance(&chars(right), &chars(left)), expected, "{right} {left}");
        }
    }
}
