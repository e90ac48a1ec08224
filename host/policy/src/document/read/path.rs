//! Paths into a call: `args.items[*].price`, `claims["https://example.com/roles"]`.
//!
//! A root, then steps: `.name` (letters, digits, `_`, `-`, `$`), `["any key"]` with a JSON string, `[0]`,
//! and `[*]` or `.*` for everything inside.

use super::super::ConditionPath;
use super::super::vocabulary::ROOTS;
use crate::decode::closest;
use crate::diagnostics::{Problem, Report};
use crate::source::Span;

const SYNTAX: &str = r#"steps are .name, ["any key"], [0], and [*] or .* for everything inside"#;

pub(super) fn path(text: &str, span: Span, report: &mut Report) -> Option<ConditionPath> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let Some((_, root)) = ROOTS.iter().find(|(known, _)| *known == word) else {
        report.push(unknown_root(text, word, span));
        return None;
    };
    if !rest.is_empty() && !root.has_members() {
        let message = format!("the path `{}` goes on after `{word}`, which is a text", shown(text));
        report.push(Problem::error("wrong-path", span, message).help(format!("write \"{word}\"")));
        return None;
    }
    if let Err(problem) = steps(rest) {
        let message = format!("the path `{}` {problem}", shown(text));
        report.push(Problem::error("wrong-path", span, message).help(SYNTAX));
        return None;
    }
    Some(ConditionPath { text: text.to_owned(), root: *root })
}

/// The text with control characters made visible.
fn shown(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

fn unknown_root(text: &str, word: &str, span: Span) -> Problem {
    let known = ROOTS.iter().map(|(known, _)| *known);
    let message = format!("the path `{}` begins with nothing that is known of a call", shown(text));
    let problem = Problem::error("unknown-root", span, message);
    let meant = match word {
        "arguments" | "params" | "input" => Some("args"),
        "annotations" => Some("tool.annotations"),
        "user" => Some("principal"),
        _ => closest(word, known.clone()),
    };
    let rest = text.get(word.len()..).unwrap_or_default();
    if let Some(root) = meant {
        return problem.help(format!("did you mean `{root}{}`?", shown(rest)));
    }
    let listed = known.collect::<Vec<_>>().join(", ");
    problem.help(format!("begin with one of {listed}; arguments of the call are in `args`: args.name"))
}

/// Reads steps to the end of the text.
fn steps(mut rest: &str) -> Result<(), String> {
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '.' => name(rest.get(1..).unwrap_or_default())?,
            _ if rest.starts_with("[\"") => key(rest)?,
            '[' => index(rest.get(1..).unwrap_or_default())?,
            other => return Err(format!("has `{}` where a step must begin", other.escape_debug())),
        };
    }
    Ok(())
}

fn name(text: &str) -> Result<&str, String> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err("has a dot without a name after it".into());
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    match name.chars().find(|c| !allowed(*c)) {
        _ if name == "*" => Ok(rest),
        None => Ok(rest),
        Some(found) => Err(format!(
            "has `{}` in a name; write [{}]",
            found.escape_debug(),
            serde_json::Value::from(name)
        )),
    }
}

/// `text` begins with the bracket.
fn key(text: &str) -> Result<&str, String> {
    let inside = text.get(1..).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_str(inside).into_iter::<String>();
    let read = values.next().is_some_and(|key| key.is_ok());
    let end = values.byte_offset();
    match inside.get(end..).and_then(|after| after.strip_prefix(']')) {
        Some(rest) if read => Ok(rest),
        _ => Err("has a key in brackets that does not end".into()),
    }
}

/// `text` begins after the bracket.
fn index(text: &str) -> Result<&str, String> {
    let Some((inside, rest)) = text.split_once(']') else {
        return Err("has a bracket that is not closed".into());
    };
    let number = inside.len() <= 9
        && inside.bytes().all(|byte| byte.is_ascii_digit())
        && (inside == "0" || !inside.starts_with('0'))
        && !inside.is_empty();
    if number || inside == "*" {
        return Ok(rest);
    }
    Err(format!("has `[{}]`, which is neither an index nor a key in double quotes", shown(inside)))
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn reads_steps_to_the_end() {
        for (text, fits) in [
            ("", true),
            (".a", true),
            (".a.b-c.$d.é_1", true),
            (".0", true),
            ("[0]", true),
            ("[12][*].*", true),
            (r#"["a.b]\"c\u00e9"].d"#, true),
            (r#"[""]"#, true),
            (".", false),
            (".a.", false),
            ("..a", false),
            (".a b", false),
            (".a*", false),
            (".**", false),
            (".a]", false),
            ("[01]", false),
            ("[-1]", false),
            ("[]", false),
            ("[0", false),
            ("[1234567890]", false),
            ("['a']", false),
            (r#"["a]"#, false),
            (r#"["a" ]"#, false),
            (r#"["a"]b"#, false),
            (r#"["\ud800"]"#, false),
        ] {
            assert_eq!(steps(text).is_ok(), fits, "{text}");
        }
    }
}
