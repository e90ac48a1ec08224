//! What a rule looks for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use regex::Regex;

use crate::Detector;
use crate::ranges;

/// The memory that a compiled pattern may take.
const PATTERN_SIZE: usize = 2 << 20;

/// How often a text is looked at again.
const MOST_ROUNDS: usize = 4;
const BLOT: char = '\u{1}';

/// A regular expression, detectors, or both: what matches either is found.
#[derive(Clone, Debug)]
pub struct Finder {
    pattern: Option<Regex>,
    detectors: BTreeSet<Detector>,
}

/// A pattern that is no regular expression, in the words of the `regex` crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern(String);

impl std::fmt::Display for BadPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadPattern {}

impl Finder {
    /// Compiles the pattern: the syntax of the `regex` crate, matched anywhere, in time linear in the text.
    ///
    /// # Errors
    ///
    /// When the pattern is no regular expression or too large.
    pub fn new(
        pattern: Option<&str>,
        detectors: impl IntoIterator<Item = Detector>,
    ) -> Result<Self, BadPattern> {
        let pattern = pattern
            .map(|pattern| regex::RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build())
            .transpose()
            .map_err(|error| BadPattern(error.to_string()))?;
        Ok(Self { pattern, detectors: detectors.into_iter().collect() })
    }

    /// As [`Finder::new`], with detectors by name. `None` if there is nothing to look for.
    ///
    /// # Errors
    ///
    /// A text for whoever wrote the rule: the pattern is bad, or a detector unknown.
    pub fn by_name(pattern: Option<&str>, detect: &[String]) -> Result<Option<Self>, String> {
        if pattern.is_none() && detect.is_empty() {
            return Ok(None);
        }
        let detectors = detect.iter().map(|name| Detector::from_name(name).ok_or_else(|| unknown(name)));
        let detectors = detectors.collect::<Result<Vec<_>, _>>()?;
        Self::new(pattern, detectors).map(Some).map_err(|error| format!("`pattern`: {error}"))
    }

    /// What the pattern matches in a text. Empty matches are none.
    pub fn find_pattern(&self, text: &str) -> Vec<Range<usize>> {
        let matches = self.pattern.iter().flat_map(|pattern| pattern.find_iter(text));
        ranges::merge(matches.map(|found| found.range()).collect())
    }

    /// What is found in a text that stands by itself, or, with a `name`, as the value of such a member.
    /// `seen` gets the detectors that found something.
    ///
    /// What is found may be all that kept its neighbour from being found, as where a number stands next to
    /// another one. So what was found is blotted out, and the rest is looked at again.
    pub fn find(&self, name: Option<&str>, text: &str, seen: &mut BTreeSet<Detector>) -> Vec<Range<usize>> {
        let mut found = self.find_pattern(text);
        let mut rest = Cow::Borrowed(text);
        for _ in 0..MOST_ROUNDS {
            let more = self.detect(name, &rest, seen);
            let is_apart = more.iter().all(|range| stands_apart(&rest, range));
            if !is_apart {
                rest = Cow::Owned(blot_out(&rest, &more));
            }
            found.extend(more);
            if is_apart {
                break;
            }
        }
        ranges::merge(found)
    }

    fn detect(&self, name: Option<&str>, text: &str, seen: &mut BTreeSet<Detector>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for &detector in &self.detectors {
            let more = match name {
                Some(name) => detector.find_in_member(name, text),
                None => detector.find(text),
            };
            if !more.is_empty() {
                seen.insert(detector);
                found.extend(more);
            }
        }
        ranges::merge(found)
    }
}

/// Whether nothing next to a range can have been taken for a part of the same word or number.
fn stands_apart(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let after = after.strip_prefix('.').filter(|rest| !rest.starts_with(is_word)).unwrap_or(after);
    let ends = |next: Option<char>, beyond: Option<char>| match next {
        None => true,
        Some(' ') => !beyond.is_some_and(|character| character.is_ascii_digit()),
        Some(character) => {
            matches!(character, '\n' | '\r' | '\t' | '"' | '\'' | ',' | ';' | '<' | '>' | '(' | ')')
        }
    };
    let (mut back, mut on) = (before.chars().rev(), after.chars());
    ends(back.next(), back.next()) && ends(on.next(), on.next())
}

fn is_word(character: char) -> bool {
    !character.is_whitespace()
}

/// The text with a control character in the place of every byte that was found.
fn blot_out(text: &str, ranges: &[Range<usize>]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut position = 0;
    for range in ranges {
        rest.push_str(text.get(position..range.start).unwrap_or_default());
        rest.extend(std::iter::repeat_n(BLOT, range.len()));
        position = range.end;
    }
    rest.push_str(text.get(position..).unwrap_or_default());
    rest
}

fn unknown(name: &str) -> String {
    let known = Detector::ALL.map(|detector| format!("`{}`", detector.name()));
    format!("`detect`: there is no detector `{name}`; there are {}", known.join(", "))
}
