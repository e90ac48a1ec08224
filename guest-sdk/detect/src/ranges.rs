//! Ranges of bytes in order, without overlaps.

use std::ops::Range;

/// Sorts ranges; those that overlap or touch become one, empty ones vanish.
pub(crate) fn merge(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    #[test]
    fn ranges_that_overlap_or_touch_become_one() {
        let merged = super::merge(vec![9..12, 3..5, 1..4, 5..6, 7..7, 10..11]);
        assert_eq!(merged, [1..6, 9..12]);
    }
}
