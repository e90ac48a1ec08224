//! What the demo must show, and whether it did.

use super::conversation::{Fact, Outcome, Through};

const UPSTREAM_TOOLS: usize = 40;
/// The tool that `policy.json` hides.
const HIDDEN: &str = "delete_run";
/// A tool that `policy.json` lets everyone see and nobody call, and why.
const DENIED: &str = "delete_experiment";
const REASON: &str = "Experiments are kept for audit.";
/// A tool that `policy.json` limits to so many calls in so many seconds.
const LIMITED: &str = "set_run_tag";
const LIMIT: u32 = 10;
const WINDOW: u32 = 60;

/// JSON-RPC's "invalid params", with which MCP servers refuse a tool that they do not have.
const INVALID_PARAMS: i64 = -32602;
const REFUSAL: &str = "[POLICY DENIED]";

const NOTHING: &str = "nothing";
/// Columns of the table.
const WHAT_WIDTH: usize = 34;
const SEEN_WIDTH: usize = 80;

pub(super) struct Observation {
    pub(super) what: &'static str,
    pub(super) expected: String,
    pub(super) seen: String,
    pub(super) held: bool,
}

impl Observation {
    /// Something that can be expected word by word.
    fn exact(what: &'static str, expected: impl Into<String>, seen: Option<String>) -> Self {
        let expected = expected.into();
        let seen = seen.unwrap_or_else(|| NOTHING.to_owned());
        Self { what, held: seen == expected, expected, seen }
    }

    /// The answer to a call, of which not every word is known beforehand.
    fn answer(
        what: &'static str,
        expected: String,
        outcome: Option<&Outcome>,
        held: impl Fn(&str, bool) -> bool,
    ) -> Self {
        let held = matches!(outcome, Some(Outcome::Result { is_error, text }) if held(text, *is_error));
        Self { what, expected, seen: outcome.map_or_else(|| NOTHING.to_owned(), describe), held }
    }
}

pub(super) fn judge(facts: &[Fact], run: &str) -> Vec<Observation> {
    let direct = tools(facts, Through::Direct);
    let visible = tools(facts, Through::Gateway);
    let succeeded = |number: &u32| {
        let outcome = call(facts, LIMITED, *number);
        matches!(outcome, Some(Outcome::Result { is_error: false, text }) if text.contains(run))
    };
    let mut observations = vec![
        Observation::exact(
            "tools, asking mlflow-mcp itself",
            UPSTREAM_TOOLS.to_string(),
            direct.map(|names| names.len().to_string()),
        ),
        Observation::exact(
            "tools, asking the gateway",
            (UPSTREAM_TOOLS - 1).to_string(),
            visible.map(|names| names.len().to_string()),
        ),
        Observation::exact("tools that the gateway left out", HIDDEN, direct.zip(visible).map(left_out)),
        Observation::exact(
            "delete_run, called all the same",
            format!("error {INVALID_PARAMS}: Unknown tool: {HIDDEN}"),
            call(facts, HIDDEN, 1).map(describe),
        ),
        Observation::exact("the run, in MLflow's store", "active", lifecycle(facts)),
        Observation::answer(
            "get_run, which is allowed",
            format!("run {run}"),
            call(facts, "get_run", 1),
            |text, is_error| !is_error && text.contains(run),
        ),
        Observation::answer(
            "delete_experiment, which is denied",
            format!("{REFUSAL} {REASON}"),
            call(facts, DENIED, 1),
            |text, is_error| is_error && text.starts_with(REFUSAL) && text.contains(REASON),
        ),
        Observation::exact(
            "set_run_tag, calls 1 to 10",
            format!("{LIMIT} succeed"),
            Some(format!("{} succeed", (1..=LIMIT).filter(succeeded).count())),
        ),
        Observation::answer(
            "set_run_tag, call 11",
            format!("{REFUSAL} and when to retry"),
            call(facts, LIMITED, LIMIT + 1),
            |text, is_error| is_error && text.starts_with(REFUSAL) && says_when_to_retry(text),
        ),
    ];
    observations.extend(facts.iter().filter_map(|fact| match fact {
        Fact::BrokeOff { reason } => {
            Some(Observation::exact("the conversation", "held to its end", Some(reason.clone())))
        }
        _ => None,
    }));
    observations
}

/// A table for people.
pub(super) fn table(observations: &[Observation]) -> String {
    let row = |observation: &Observation| {
        let Observation { what, expected, seen, held } = observation;
        let seen = clip(seen);
        if *held {
            format!("✓ {what:<WHAT_WIDTH$}  {seen}\n")
        } else {
            format!("✗ {what:<WHAT_WIDTH$}  {seen}\n  {:<WHAT_WIDTH$}  instead of: {expected}\n", "")
        }
    };
    observations.iter().map(row).collect()
}

fn clip(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SEEN_WIDTH {
        return line;
    }
    line.chars().take(SEEN_WIDTH - 1).chain(['…']).collect()
}

fn tools(facts: &[Fact], asked: Through) -> Option<&[String]> {
    facts.iter().find_map(|fact| match fact {
        Fact::Tools { through, names } if *through == asked => Some(names.as_slice()),
        _ => None,
    })
}

fn call<'a>(facts: &'a [Fact], name: &str, count: u32) -> Option<&'a Outcome> {
    facts.iter().find_map(|fact| match fact {
        Fact::Call { tool, number, outcome } if tool == name && *number == count => Some(outcome),
        _ => None,
    })
}

fn lifecycle(facts: &[Fact]) -> Option<String> {
    facts.iter().find_map(|fact| match fact {
        Fact::Lifecycle { stage } => Some(stage.clone().unwrap_or_else(|| "gone".to_owned())),
        _ => None,
    })
}

fn left_out((direct, visible): (&[String], &[String])) -> String {
    let missing: Vec<&str> =
        direct.iter().filter(|name| !visible.contains(name)).map(String::as_str).collect();
    missing.join(", ")
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Result { text, .. } => text.clone(),
        Outcome::Error { code, text } => format!("error {code}: {text}"),
    }
}

/// Whether a refusal names a time in seconds after which the window has room again.
fn says_when_to_retry(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let Some((_, after)) = text.split_once("retry").or_else(|| text.split_once("again")) else {
        return false;
    };
    let digits: String =
        after.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().is_ok_and(|seconds: u32| (1..=WINDOW).contains(&seconds))
}

#[cfg(test)]
mod tests {
    use super::super::conversation::parse;
    use super::*;

    const RUN: &str = "0a1b2c";

    /// The output of a conversation in which everything went as it should.
    fn good() -> Vec<String> {
        let names: Vec<String> = (1..UPSTREAM_TOOLS).map(|number| format!("tool_{number}")).collect();
        let visible = serde_json::to_string(&names).unwrap();
        let all = serde_json::to_string(&[names, vec![HIDDEN.to_owned()]].concat()).unwrap();
        let mut lines = vec![
            format!(r#"{{"fact": "tools", "through": "direct", "names": {all}}}"#),
            format!(r#"{{"fact": "tools", "through": "gateway", "names": {visible}}}"#),
            r#"{"fact": "call", "tool": "delete_run", "number": 1, "code": -32602, "text": "Unknown tool: delete_run"}"#
                .to_owned(),
            r#"{"fact": "lifecycle", "stage": "active"}"#.to_owned(),
            format!(r#"{{"fact": "call", "tool": "get_run", "number": 1, "is_error": false, "text": "{RUN}"}}"#),
            format!(
                r#"{{"fact": "call", "tool": "delete_experiment", "number": 1, "is_error": true, "text": "{REFUSAL} {REASON}"}}"#
            ),
        ];
        lines.extend((1..=LIMIT).map(|number| {
            format!(r#"{{"fact": "call", "tool": "set_run_tag", "number": {number}, "is_error": false, "text": "{RUN}"}}"#)
        }));
        lines.push(format!(
            r#"{{"fact": "call", "tool": "set_run_tag", "number": 11, "is_error": true, "text": "{REFUSAL} Retry in 59 s."}}"#
        ));
        lines
    }

    fn failures(lines: &[String]) -> Vec<&'static str> {
        let observations = judge(&parse(&lines.join("\n")).unwrap(), RUN);
        observations
            .iter()
            .filter(|observation| !observation.held)
            .map(|observation| observation.what)
            .collect()
    }

    #[test]
    fn a_good_conversation_leaves_nothing_to_wish_for() {
        assert_eq!(failures(&good()), [""; 0]);
    }

    #[test]
    fn every_fact_is_needed() {
        for missing in 0..good().len() {
            let mut lines = good();
            let line = lines.remove(missing);
            assert!(!failures(&lines).is_empty(), "nobody missed {line}");
        }
    }

    #[test]
    fn what_went_wrong_is_named() {
        let cases = [
            (r#""through": "gateway", "names": ["#, r#""through": "gateway", "names": ["delete_run", "#, 2),
            ("Unknown tool: delete_run", "denied", 1),
            ("-32602", "-32601", 1),
            (r#""stage": "active""#, r#""stage": "deleted""#, 1),
            (r#""stage": "active""#, r#""stage": null"#, 1),
            (r#""is_error": true, "text": "[POLICY DENIED] Exp"#, r#""is_error": false, "text": "Exp"#, 1),
            (REASON, "No.", 1),
            (r#""number": 7, "is_error": false"#, r#""number": 7, "is_error": true"#, 1),
            ("Retry in 59 s.", "Too many.", 1),
            ("Retry in 59 s.", "Retry in 0 s.", 1),
            (
                r#"{"fact": "lifecycle", "stage": "active"}"#,
                "{\"fact\": \"lifecycle\", \"stage\": \"active\"}\n{\"fact\": \"broke_off\", \"reason\": \"timeout\"}",
                1,
            ),
        ];
        for (from, to, expected) in cases {
            let lines: Vec<String> = good().iter().map(|line| line.replace(from, to)).collect();
            assert_ne!(lines, good(), "{from} is in no line");
            assert_eq!(failures(&lines).len(), expected, "{to}");
        }
    }

    #[test]
    fn a_retry_time_is_a_number_of_seconds_within_the_window() {
        let cases = [
            ("At most 10 calls in 60 seconds: retry in 42 seconds.", true),
            ("Try again in 1 s", true),
            ("At most 10 calls in 60 seconds.", false),
            ("Retry later.", false),
            ("Retry in 61 seconds.", false),
        ];
        for (text, expected) in cases {
            assert_eq!(says_when_to_retry(text), expected, "{text}");
        }
    }
}
