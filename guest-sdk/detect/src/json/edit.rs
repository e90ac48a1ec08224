//! Changes to a text: what stands in which place from now on.

use std::ops::Range;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes in their place.
    pub text: String,
}

/// The text after the edits. They are in order and do not overlap; what lies between them stays.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut position = 0;
    for edit in edits {
        edited.push_str(text.get(position..edit.range.start).unwrap_or_default());
        edited.push_str(&edit.text);
        position = edit.range.end;
    }
    edited.push_str(text.get(position..).unwrap_or_default());
    edited
}

/// Sorts edits. Of two that overlap the one with the longer range stays, widened to what both covered.
pub(crate) fn settle(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut settled: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match settled.last_mut() {
            Some(last) if edit.range.start < last.range.end => {
                last.range.end = last.range.end.max(edit.range.end);
            }
            _ => settled.push(edit),
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit { range, text: text.to_owned() }
    }

    #[test]
    fn what_is_not_edited_stays() {
        assert_eq!(apply("0123456789", &[edit(1..3, "x"), edit(5..5, "y")]), "0x34y56789");
        assert_eq!(apply("0123", &[]), "0123");
    }

    #[test]
    fn overlapping_edits_become_one() {
        let settled = settle(vec![edit(5..7, "c"), edit(0..3, "a"), edit(2..4, "b"), edit(0..1, "d")]);
        assert_eq!(settled, [edit(0..4, "a"), edit(5..7, "c")]);
    }
}
