//! The whole language compiled: which steps, in which order, with exactly which settings.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use std::collections::BTreeSet;

use bartizan_policy::document::{ApprovalMode, Approvals};
use bartizan_policy::plan::{Grant, Plan};
use bartizan_policy::source::{Format, Source};
use bartizan_policy::{Policy, from_source, parse};

fn policy(text: &str) -> Policy {
    parse("policy.json", text, Format::Json).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// A policy of these members besides `version` and `default`.
fn with(members: &str) -> Policy {
    policy(&format!(r#"{{"version":"1","default":"deny",{members}}}"#))
}

fn settings(plan: &Plan, name: &str) -> Option<String> {
    plan.steps.iter().find(|step| step.plugin.as_str() == name).map(|step| step.settings.clone())
}

#[test]
fn each_family_compiles_to_its_settings() {
    for (name, members, plugin, expected) in [
        (
            "access: conditional denials and approvals are allowed there",
            r#""tools":{"a":{"action":"deny","reason":"No.","conditions":[{"path":"args.x","op":"exists","value":true}]},
                "b":{"action":"require_approval","reason":"Ask."}, "c":{"action":"deny","conditions":[]}}"#,
            "access",
            r#"{"default":"deny","hide":[],"tools":[{"pattern":"a","action":"allow","rule":"/tools/a"},{"pattern":"b","action":"allow","rule":"/tools/b"},{"pattern":"c","action":"deny","rule":"/tools/c/action"}]}"#,
        ),
        (
            "access: the other maps",
            r#""prompts":{"p":{}},"resources":{"file:///*":{}},"methods":{"sampling/createMessage":{"action":"deny"}}"#,
            "access",
            r#"{"default":"deny","hide":[],"tools":[],"prompts":[{"pattern":"p","action":"allow","rule":"/prompts/p"}],"resources":[{"pattern":"file:///*","action":"allow","rule":"/resources/file:~1~1~1*"}],"methods":[{"pattern":"sampling/createMessage","action":"deny","rule":"/methods/sampling~1createMessage/action"}]}"#,
        ),
        (
            "conditions: require",
            r#""tools":{"a":{"require":[{"path":"args.x","op":"eq","value":1.0},{"any":[{"not":{"path":"claims[\"a b\"][*]","op":"in","value":["x",true],"ignore_case":true}},{"all":[{"path":"tool.annotations.destructiveHint","op":"neq","value":true,"ignore_case":false}]}],"on_deny":"Say why."}]},"b":{}}"#,
            "conditions",
            r#"{"tools":[{"pattern":"a","require":[{"condition":{"path":"args.x","op":"eq","value":1.0},"rule":"/tools/a/require/0"},{"condition":{"any":[{"not":{"path":"claims[\"a b\"][*]","op":"in","value":["x",true],"ignore_case":true}},{"all":[{"path":"tool.annotations.destructiveHint","op":"neq","value":true}]}]},"message":"Say why.","rule":"/tools/a/require/1"}]},{"pattern":"b"}]}"#,
        ),
        (
            "conditions: a conditional denial comes before deny_if",
            r#""tools":{"a":{"action":"deny","reason":"No.","conditions":[{"path":"principal","op":"eq","value":"x"}],"deny_if":[{"conditions":[]},{"conditions":[{"path":"args.y","op":"lt","value":5}],"on_deny":"Y."}]}}"#,
            "conditions",
            r#"{"tools":[{"pattern":"a","deny_if":[{"conditions":[{"path":"principal","op":"eq","value":"x"}],"message":"No.","rule":"/tools/a/action"},{"conditions":[],"rule":"/tools/a/deny_if/0"},{"conditions":[{"path":"args.y","op":"lt","value":5}],"message":"Y.","rule":"/tools/a/deny_if/1"}]}]}"#,
        ),
        (
            "conditions: every map",
            r#""prompts":{"p":{"require":[{"path":"args.x","op":"exists","value":true}]}},"all_tools":{"deny_if":[{"conditions":[{"path":"session","op":"eq","value":""}]}]}"#,
            "conditions",
            r#"{"prompts":[{"pattern":"p","require":[{"condition":{"path":"args.x","op":"exists","value":true},"rule":"/prompts/p/require/0"}]}],"all_tools":{"deny_if":[{"conditions":[{"path":"session","op":"eq","value":""}],"rule":"/all_tools/deny_if/0"}]}}"#,
        ),
        (
            "approval",
            r#""tools":{"a":{"action":"require_approval"},"b":{"action":"require_approval","reason":"Ask.","timeout":60,"conditions":[{"path":"args.x","op":"gt","value":5}]},"c":{}}"#,
            "approval",
            r#"{"tools":[{"pattern":"a","approval":{"conditions":[],"rule":"/tools/a/action"}},{"pattern":"b","approval":{"conditions":[{"path":"args.x","op":"gt","value":5}],"message":"Ask.","expires_after":60,"rule":"/tools/b/action"}},{"pattern":"c"}]}"#,
        ),
        (
            "rate-limit",
            r#""tools":{"a":{"rate_limit":{"max":1,"window":2,"count_errors":true}},"b":{"rate_limit":{"max":1,"window":2,"count_errors":false}}},"all_tools":{"rate_limit":{"max":9,"window":60}}"#,
            "rate-limit",
            r#"{"tools":[{"pattern":"a","rate_limit":{"max":1,"window":2,"count_errors":true},"rule":"/tools/a/rate_limit"},{"pattern":"b","rate_limit":{"max":1,"window":2},"rule":"/tools/b/rate_limit"}],"all_tools":{"rate_limit":{"max":9,"window":60},"rule":"/all_tools/rate_limit"}}"#,
        ),
        (
            "limits",
            r#""tools":{"a":{"limits":[{"counter":"calls","window":"minute","max":10},{"counter":"spend","window":3600,"max":1e2,"scope":"grant","cost":"args.amount","on_deny":"Too much.","count_errors":true},{"counter":"x","window":"month","max":0.50,"scope":"global","cost":0.25}]},"b":{}}"#,
            "limits",
            r#"{"tools":[{"pattern":"a","limits":[{"counter":"calls","window":{"fixed":"minute"},"max":"10","scope":"session","cost":"1","count_errors":false,"rule":"/tools/a/limits/0"},{"counter":"spend","window":{"sliding":3600},"max":"100","scope":"grant","cost":{"path":"args.amount"},"message":"Too much.","count_errors":true,"rule":"/tools/a/limits/1"},{"counter":"x","window":{"fixed":"month"},"max":"0.5","scope":"global","cost":"0.25","count_errors":false,"rule":"/tools/a/limits/2"}]},{"pattern":"b"}]}"#,
        ),
        (
            "redact",
            r#""tools":{"a":{"redact":[{"detect":["iban","email"]},{"in":"both","at":"/a","pattern":"x+","replace":"-"},{"in":"arguments","at":["","/b~1c"],"action":"deny","on_deny":"No."}]}}"#,
            "redact",
            r#"{"tools":[{"pattern":"a","redact":[{"in":"result","at":[],"detect":["email","iban"],"action":"replace","replace":"[REDACTED]","rule":"/tools/a/redact/0"},{"in":"both","at":["/a"],"pattern":"x+","detect":[],"action":"replace","replace":"-","rule":"/tools/a/redact/1"},{"in":"arguments","at":["","/b~1c"],"detect":[],"action":"deny","replace":"[REDACTED]","message":"No.","rule":"/tools/a/redact/2"}]}]}"#,
        ),
        (
            "inspect",
            r#""all_tools":{"inspect":[{"at":"/error"},{"detect":["key"],"pattern":"BEGIN","on_deny":"No keys."}]}"#,
            "inspect",
            r#"{"all_tools":{"inspect":[{"at":["/error"],"detect":[],"rule":"/all_tools/inspect/0"},{"at":[],"pattern":"BEGIN","detect":["key"],"message":"No keys.","rule":"/all_tools/inspect/1"}]}}"#,
        ),
        (
            "schema",
            r#""tools":{"a":{"schema":false},"b":{}},"all_tools":{"schema":true}"#,
            "schema",
            r#"{"tools":[{"pattern":"a","schema":false,"rule":"/tools/a/schema"},{"pattern":"b"}],"all_tools":{"schema":true,"rule":"/all_tools/schema"}}"#,
        ),
    ] {
        assert_eq!(settings(&with(members).plan, plugin).as_deref(), Some(expected), "{name}");
    }
}

const EVERYTHING: &str = r#"
  "prompts": {"p": {}}, "resources": {"file:///*": {}}, "methods": {"logging/*": {}},
  "hide": ["x"],
  "all_tools": {"schema": true, "inspect": [{"detect": ["key"]}]},
  "approvals": {"mode": "hold", "timeout": 600},
  "plugins": [{"use": "freeze"}],
  "tools": {
    "a": {"action": "require_approval", "require": [{"path": "args.x", "op": "glob", "value": "*a"}], "timeout": 5,
          "rate_limit": {"max": 1, "window": 1}, "limits": [{"counter": "c", "window": "day", "max": 5}],
          "redact": [{"detect": ["ip"]}]}
  }"#;

#[test]
fn steps_come_in_order_and_only_where_there_is_something_to_say() {
    let labels =
        |policy: &Policy| policy.plan.steps.iter().map(|step| step.label.clone()).collect::<Vec<_>>();
    let all = with(EVERYTHING);
    let expected =
        ["access", "conditions", "schema", "redact", "inspect", "freeze", "approval", "rate-limit", "limits"];
    assert_eq!(labels(&all), expected);
    for step in &all.plan.steps {
        let granted = if step.label == "redact" {
            BTreeSet::from([Grant::RewriteArguments, Grant::RewriteResults])
        } else {
            BTreeSet::new()
        };
        assert_eq!(step.grants, granted, "{}", step.label);
    }
    for members in [
        r#""tools":{"a":{}}"#,
        r#""tools":{"a":{"require":[],"deny_if":[],"limits":[],"redact":[],"inspect":[],"schema":false}}"#,
        r#""tools":{"a":{}},"all_tools":{"limits":[],"schema":false},"approvals":{}"#,
    ] {
        assert_eq!(labels(&with(members)), ["access"], "{members}");
    }
}

#[test]
fn approvals_are_in_the_document() {
    for (members, expected) in [
        (r#""tools":{"a":{}}"#, Approvals { mode: ApprovalMode::Ticket, timeout: 1800 }),
        (r#""tools":{"a":{}},"approvals":{}"#, Approvals { mode: ApprovalMode::Ticket, timeout: 1800 }),
        (
            r#""tools":{"a":{}},"approvals":{"mode":"hold","timeout":5}"#,
            Approvals { mode: ApprovalMode::Hold(60), timeout: 5 },
        ),
        (
            r#""tools":{"a":{}},"approvals":{"mode":"hold","hold":3600}"#,
            Approvals { mode: ApprovalMode::Hold(3600), timeout: 1800 },
        ),
    ] {
        assert_eq!(with(members).document.approvals, expected, "{members}");
    }
}

#[test]
fn the_lock_file_is_read_from_the_directory_of_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let digest = "a1".repeat(32);
    let locked =
        |digest: &str| format!(r#"{{"version":"1","server":"s","tools":{{"b":["{digest}"],"a":[]}}}}"#);
    std::fs::write(folder.path().join("s.lock.json"), locked(&digest)).unwrap();
    let text = r#"{"version":"1","default":"allow","pin":"s.lock.json"}"#;
    let path = folder.path().join("policy.json");
    std::fs::write(&path, text).unwrap();
    let from_file = bartizan_policy::load(&path).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let source = Source::new("inline", text, Format::Json).in_directory(folder.path());
    let from_text = from_source(&source).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert_eq!(from_file.plan, from_text.plan);
    let expected = format!(r#"{{"tools":{{"a":[],"b":["{digest}"]}},"rule":"/pin"}}"#);
    assert_eq!(settings(&from_file.plan, "pin"), Some(expected));
    assert_eq!(from_file.plan.steps[1].label, "pin");
    assert!(from_file.document.pin.unwrap().lock.accepts("b", &digest));
    std::fs::write(folder.path().join("s.lock.json"), locked(&"b2".repeat(32))).unwrap();
    assert_ne!(bartizan_policy::load(&path).unwrap().plan.digest, from_file.plan.digest);
    assert!(parse("elsewhere.json", text, Format::Json).is_err());
}

#[test]
fn the_digest_follows_every_key_that_can_change_a_decision() {
    let digest = |members: &str| with(members).plan.digest;
    let base = digest(r#""tools":{"a":{}}"#);
    for (name, same) in [
        ("empty maps", r#""tools":{"a":{}},"prompts":{},"resources":{},"methods":{},"all_tools":{}"#),
        ("empty lists", r#""tools":{"a":{"require":[],"deny_if":[],"limits":[],"redact":[],"inspect":[]}}"#),
        ("schema that says the default", r#""tools":{"a":{"schema":false}},"all_tools":{"schema":false}"#),
        ("default approvals", r#""tools":{"a":{}},"approvals":{"mode":"ticket","timeout":1800}"#),
        ("how people are asked", r#""tools":{"a":{}},"approvals":{"mode":"hold","hold":5}"#),
    ] {
        assert_eq!(digest(same), base, "{name}");
    }
    let pairs = [
        (
            r#""tools":{"a":{"rate_limit":{"max":1,"window":1}}}"#,
            r#""tools":{"a":{"rate_limit":{"max":1,"window":1,"count_errors":false}}}"#,
        ),
        (
            r#""tools":{"a":{"action":"require_approval"}}"#,
            r#""tools":{"a":{"action":"require_approval","timeout":1800,"conditions":[]}}"#,
        ),
        (
            r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5}]}}"#,
            r#""tools":{"a":{"limits":[{"max":5.0,"window":"day","counter":"c","cost":1.00,"scope":"session","count_errors":false}]}}"#,
        ),
        (
            r#""tools":{"a":{"redact":[{"at":"/a"}]}}"#,
            r#""tools":{"a":{"redact":[{"at":["/a"],"in":"result","action":"replace","replace":"[REDACTED]"}]}}"#,
        ),
    ];
    for (left, right) in pairs {
        assert_eq!(digest(left), digest(right), "{left}");
    }
    let condition = r#"{"path":"args.x","op":"eq","value":"v"}"#;
    let different = [
        r#""tools":{"a":{}}"#.to_owned(),
        r#""tools":{"a":{}},"prompts":{"a":{}}"#.into(),
        r#""tools":{"a":{}},"resources":{"a":{}}"#.into(),
        r#""tools":{"a":{}},"methods":{"a":{}}"#.into(),
        r#""tools":{"a":{}},"approvals":{"timeout":5}"#.into(),
        r#""tools":{"a":{"action":"require_approval"}}"#.into(),
        r#""tools":{"a":{"action":"require_approval","timeout":5}}"#.into(),
        format!(r#""tools":{{"a":{{"action":"require_approval","conditions":[{condition}]}}}}"#),
        format!(r#""tools":{{"a":{{"action":"deny","conditions":[{condition}]}}}}"#),
        format!(r#""tools":{{"a":{{"require":[{condition}]}}}}"#),
        r#""tools":{"a":{"require":[{"path":"args.x","op":"eq","value":"v","on_deny":"m"}]}}"#.into(),
        r#""tools":{"a":{"require":[{"path":"args.x","op":"eq","value":"v","ignore_case":true}]}}"#.into(),
        r#""tools":{"a":{"require":[{"path":"args.x","op":"neq","value":"v"}]}}"#.into(),
        format!(r#""tools":{{"a":{{"require":[{{"not":{condition}}}]}}}}"#),
        format!(r#""tools":{{"a":{{"require":[{{"any":[{condition}]}}]}}}}"#),
        format!(r#""tools":{{"a":{{"deny_if":[{{"conditions":[{condition}]}}]}}}}"#),
        r#""tools":{"a":{"deny_if":[{"conditions":[]}]}}"#.into(),
        r#""tools":{"a":{"deny_if":[{"conditions":[],"on_deny":"m"}]}}"#.into(),
        r#""tools":{"a":{"rate_limit":{"max":1,"window":1}}}"#.into(),
        r#""tools":{"a":{"rate_limit":{"max":1,"window":1,"count_errors":true}}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":86400,"max":5}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"d","window":"day","max":5}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5,"cost":2}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5,"cost":"args.n"}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5,"scope":"server"}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5,"on_deny":"m"}]}}"#.into(),
        r#""tools":{"a":{"limits":[{"counter":"c","window":"day","max":5,"count_errors":true}]}}"#.into(),
        r#""tools":{"a":{}},"all_tools":{"limits":[{"counter":"c","window":"day","max":5}]}"#.into(),
        r#""tools":{"a":{"redact":[{"at":"/a"}]}}"#.into(),
        r#""tools":{"a":{"redact":[{"at":"/a","in":"both"}]}}"#.into(),
        r#""tools":{"a":{"redact":[{"at":"/a","replace":"x"}]}}"#.into(),
        r#""tools":{"a":{"redact":[{"at":"/a","action":"deny"}]}}"#.into(),
        r#""tools":{"a":{"redact":[{"at":"/a","action":"deny","on_deny":"m"}]}}"#.into(),
        r#""tools":{"a":{"redact":[{"pattern":"a"}]}}"#.into(),
        r#""tools":{"a":{"redact":[{"detect":["ip"]}]}}"#.into(),
        r#""tools":{"a":{"inspect":[{"at":"/a"}]}}"#.into(),
        r#""tools":{"a":{"inspect":[{"at":"/a","on_deny":"m"}]}}"#.into(),
        r#""tools":{"a":{"schema":true}}"#.into(),
        r#""tools":{"a":{}},"all_tools":{"schema":true}"#.into(),
        r#""tools":{"a":{"schema":false}},"all_tools":{"schema":true}"#.into(),
    ];
    let digests: BTreeSet<String> = different.iter().map(|members| digest(members)).collect();
    assert_eq!(digests.len(), different.len());
    // Digests are kept in audit logs: this one must never change.
    assert_eq!(digest(EVERYTHING), "b969ad5567d9a0fabb78e18bd29490d326d865ee3f8e5850cfec6d4fc7b017ce");
}
