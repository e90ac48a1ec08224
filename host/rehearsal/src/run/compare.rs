//! What was expected beside what came.

use std::collections::BTreeSet;

use bartizan_policy::rule::Pointer;
use bartizan_wire::json::{Kind, Value};

use super::difference::Line;
use crate::suite::Wording;

/// A comparison, field by field.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    lines: Vec<Line>,
}

impl Comparison {
    /// Whether everything is as expected.
    pub(super) fn holds(&self) -> bool {
        self.lines.iter().all(|line| matches!(line, Line::Same(..)))
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// Compares a field. Both are shown as they are.
    pub(super) fn field(
        &mut self,
        field: &'static str,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        let (expected, actual) = (expected.into(), actual.into());
        self.fact(field, expected == actual, expected, actual);
    }

    /// Puts down a field that was compared elsewhere.
    fn fact(&mut self, field: &'static str, holds: bool, expected: String, actual: String) {
        if holds {
            self.lines.push(Line::Same(field.to_owned(), actual));
        } else {
            self.lines.push(Line::Expected(field.to_owned(), expected));
            self.lines.push(Line::Actual(field.to_owned(), actual));
        }
    }

    /// Compares the rule and the text.
    pub(super) fn wording(
        &mut self,
        (rule_field, text_field): (&'static str, &'static str),
        expected: &Wording,
        rule: Option<&str>,
        text: Option<&str>,
    ) {
        if let Some(expected) = &expected.rule {
            self.field(rule_field, shown(expected.as_deref()), shown(rule));
        }
        if let Some(expected) = &expected.text {
            self.field(text_field, quoted(expected.as_deref()), quoted(text));
        }
        for part in &expected.text_contains {
            let holds = text.is_some_and(|text| text.contains(part.as_str()));
            self.fact(text_field, holds, format!("…{}…", quoted(Some(part))), quoted(text));
        }
    }

    /// Compares JSON: members in any order, numbers by their literals. Of what differs each part is shown by
    /// itself. `missing` is said where there is nothing to compare with.
    pub(super) fn json(
        &mut self,
        field: &'static str,
        expected: Value<'_>,
        actual: Option<Value<'_>>,
        missing: &str,
    ) {
        let Some(actual) = actual else {
            return self.fact(field, false, expected.text().to_owned(), missing.to_owned());
        };
        let mut parts = Vec::new();
        part(Pointer::root(), Some(expected), Some(actual), &mut parts);
        if parts.is_empty() {
            return self.fact(field, true, String::new(), actual.text().to_owned());
        }
        for Part { pointer, expected, actual } in parts {
            let shown = |value: Option<Value<'_>>| value.map_or("nothing", Value::text).to_owned();
            self.lines.push(Line::Expected(format!("{field}{pointer}"), shown(expected)));
            self.lines.push(Line::Actual(format!("{field}{pointer}"), shown(actual)));
        }
    }

    /// Compares names, in any order.
    pub(super) fn names(&mut self, field: &'static str, expected: &[String], actual: &[&str]) {
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        let actual: BTreeSet<&str> = actual.iter().copied().collect();
        self.field(field, listed(&expected), listed(&actual));
    }

    /// Compares names that must be gone with those that are there.
    pub(super) fn gone(&mut self, field: &'static str, expected: &[String], visible: &[&str]) {
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        let actual = expected.iter().copied().filter(|name| !visible.contains(name)).collect();
        self.field(field, listed(&expected), listed(&actual));
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = names.iter().copied().collect();
    format!("[{}]", names.join(", "))
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), str::to_owned)
}

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), bartizan_wire::json::quote)
}

/// A part of a value that differs.
struct Part<'v> {
    pointer: Pointer,
    expected: Option<Value<'v>>,
    actual: Option<Value<'v>>,
}

/// Finds the parts that differ: members in any order, numbers by their literals, text by its characters.
fn part<'v>(
    pointer: Pointer,
    expected: Option<Value<'v>>,
    actual: Option<Value<'v>>,
    parts: &mut Vec<Part<'v>>,
) {
    if let (Some(left), Some(right)) = (expected, actual) {
        match (left.kind(), right.kind()) {
            (Kind::Object, Kind::Object) => {
                for (key, value) in left.members() {
                    part(pointer.clone().key(&key), Some(value), right.get(&key), parts);
                }
                for (key, value) in right.members().filter(|(key, _)| left.get(key).is_none()) {
                    part(pointer.clone().key(&key), None, Some(value), parts);
                }
                return;
            }
            (Kind::Array, Kind::Array) => {
                let (mut left, mut right) = (left.elements(), right.elements());
                for index in 0.. {
                    let pair = (left.next(), right.next());
                    if pair.0.is_none() && pair.1.is_none() {
                        break;
                    }
                    part(pointer.clone().index(index), pair.0, pair.1, parts);
                }
                return;
            }
            (Kind::String, Kind::String) if left.as_str() == right.as_str() => return,
            _ if left.text() == right.text() => return,
            _ => {}
        }
    }
    parts.push(Part { pointer, expected, actual });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::strict;

    #[test]
    fn json_is_compared_by_value_and_numbers_by_literal() {
        for (left, right, expected) in [
            (r#"{"a":1,"b":[true,null]}"#, r#"{"b":[true,null],"a":1}"#, ""),
            (r#"{"a":"é"}"#, r#"{"a":"\u00e9"}"#, ""),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, "- x/b: nothing\n+ x/b: 2"),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, "- x/b: 2\n+ x/b: nothing"),
            (r#"{"a":1.0}"#, r#"{"a":1}"#, "- x/a: 1.0\n+ x/a: 1"),
            (
                r#"{"a/b":{"c":[0,12345678901234567890]}}"#,
                r#"{"a/b":{"c":[0,12345678901234567891]}}"#,
                "- x/a~1b/c/1: 12345678901234567890\n+ x/a~1b/c/1: 12345678901234567891",
            ),
            (r#"{"a":[1,2,3]}"#, r#"{"a":[2,2]}"#, "- x/a/0: 1\n+ x/a/0: 2\n- x/a/2: 3\n+ x/a/2: nothing"),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, "- x/a: \"1\"\n+ x/a: 1"),
            (r#"{"a":[]}"#, r#"{"a":{}}"#, "- x/a: []\n+ x/a: {}"),
            (r#"{"a":true}"#, r#"{"a":false}"#, "- x/a: true\n+ x/a: false"),
            (r#"[null]"#, r#"[]"#, "- x/0: null\n+ x/0: nothing"),
        ] {
            let (left, right) = (strict(left).unwrap(), strict(right).unwrap());
            let mut comparison = Comparison::default();
            comparison.json("x", left.root(), Some(right.root()), "gone");
            assert_eq!(comparison.holds(), expected.is_empty(), "{left} {right}");
            let lines: Vec<String> = comparison.into_lines().iter().map(ToString::to_string).collect();
            let expected = if expected.is_empty() { format!("  x: {right}") } else { expected.to_owned() };
            assert_eq!(lines.join("\n"), expected, "{left} {right}");
        }
    }

    #[test]
    fn only_what_differs_is_marked() {
        let mut comparison = Comparison::default();
        comparison.field("verdict", "deny", "deny");
        assert!(comparison.holds());
        comparison.field("rule", "/a", "/b");
        comparison.names("visible", &["b".into(), "a".into()], &["a", "b"]);
        comparison.gone("hidden", &["b".into(), "c".into()], &["a", "b"]);
        assert!(!comparison.holds());
        let lines: Vec<String> = comparison.into_lines().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "  verdict: deny",
                "- rule: /a",
                "+ rule: /b",
                "  visible: [a, b]",
                "- hidden: [b, c]",
                "+ hidden: [c]"
            ]
        );
    }
}
