//! Whether one pattern matches all that another one matches.

use bartizan_pattern::Pattern;

/// What comes before the first wildcard.
pub(super) fn literal_prefix(pattern: &Pattern) -> &str {
    pattern.as_str().split(['*', '?']).next().unwrap_or_default()
}

/// What comes after the last wildcard.
pub(super) fn literal_suffix(pattern: &Pattern) -> &str {
    pattern.as_str().rsplit(['*', '?']).next().unwrap_or_default()
}

/// Whether `general` matches every name that `specific` matches. Never true wrongly; a few contrived
/// pairs of globs are missed, such as `a?*` for `a*b*`.
pub(super) fn covers(general: &Pattern, specific: &Pattern) -> bool {
    if specific.is_exact() {
        return general.matches(specific.as_str());
    }
    if general.is_exact()
        || !literal_prefix(specific).starts_with(literal_prefix(general))
        || !literal_suffix(specific).ends_with(literal_suffix(general))
    {
        return false;
    }
    parts_cover(&parts(general), &parts(specific))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    One,
    Any,
}

/// A glob's parts, with each run of wildcards in one order (`*?*` and `?*` are the same language).
fn parts(pattern: &Pattern) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut any = false;
    for c in pattern.as_str().chars() {
        match c {
            '*' => any = true,
            '?' => parts.push(Part::One),
            literal => {
                if std::mem::take(&mut any) {
                    parts.push(Part::Any);
                }
                parts.push(Part::Literal(literal));
            }
        }
    }
    if any {
        parts.push(Part::Any);
    }
    parts
}

/// Matches the parts of one glob as if they were the characters of a name, where only `*` matches `*`,
/// and `?` or `*` match `?`. If that works, so does every name that the parts stand for.
fn parts_cover(general: &[Part], specific: &[Part]) -> bool {
    // reached[i]: the first i parts of `general` cover what was seen of `specific`.
    let mut reached = vec![false; general.len() + 1];
    let skip_stars = |reached: &mut [bool]| {
        let mut before = false;
        for (index, here) in reached.iter_mut().enumerate() {
            let after_star = index.checked_sub(1).and_then(|last| general.get(last)) == Some(&Part::Any);
            *here = *here || (before && after_star);
            before = *here;
        }
    };
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    skip_stars(&mut reached);
    for &part in specific {
        let mut next = vec![false; reached.len()];
        for (index, &wanted) in general.iter().enumerate() {
            if !reached.get(index).copied().unwrap_or_default() {
                continue;
            }
            let lands = match (wanted, part) {
                (Part::Any, _) => index,
                (Part::One, Part::One | Part::Literal(_)) => index + 1,
                (Part::Literal(wanted), Part::Literal(found)) if wanted == found => index + 1,
                _ => continue,
            };
            if let Some(slot) = next.get_mut(lands) {
                *slot = true;
            }
        }
        skip_stars(&mut next);
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_which_globs_cover_which() {
        for (general, specific, expected) in [
            ("*", "get_*", true),
            ("*", "", true),
            ("get_*", "get_run", true),
            ("get_*", "get_run_*", true),
            ("get_*", "get_*", true),
            ("get_*", "get_**", true),
            ("get_**", "get_*", true),
            ("a*", "a?", true),
            ("a?", "a*", false),
            ("?*", "*?", true),
            ("*?", "?*", true),
            ("*??", "?*?", true),
            ("*?", "*", false),
            ("*", "*?", true),
            ("*_run*", "get_run_?", true),
            ("*_run", "get_*_run", true),
            ("*_run", "get_*", false),
            ("get_*", "*_run", false),
            ("get_run", "get_*", false),
            ("a*b*c", "a*c", false),
            ("a*b*c", "a?b?c", true),
            ("a*c", "a*b*c", true),
            ("é?", "éx", true),
        ] {
            assert_eq!(
                covers(&Pattern::new(general), &Pattern::new(specific)),
                expected,
                "{general} ⊇ {specific}"
            );
        }
    }

    /// All short globs over a small alphabet, against all short names.
    #[test]
    fn never_claims_what_is_not_so() {
        let words = |alphabet: &[char], longest: usize| {
            let mut all = vec![String::new()];
            let mut last = all.clone();
            for _ in 0..longest {
                last =
                    last.iter().flat_map(|word| alphabet.iter().map(move |c| format!("{word}{c}"))).collect();
                all.extend(last.iter().cloned());
            }
            all
        };
        let globs: Vec<_> = words(&['a', 'b', '*', '?'], 4).into_iter().map(Pattern::new).collect();
        let names = words(&['a', 'b', 'c'], 5);
        let languages: Vec<Vec<bool>> =
            globs.iter().map(|glob| names.iter().map(|name| glob.matches(name)).collect()).collect();
        for (general, larger) in globs.iter().zip(&languages) {
            for (specific, smaller) in globs.iter().zip(&languages) {
                if covers(general, specific) {
                    let so = smaller.iter().zip(larger).all(|(small, large)| !small || *large);
                    assert!(so, "{general} does not cover {specific}");
                }
            }
        }
    }
}
