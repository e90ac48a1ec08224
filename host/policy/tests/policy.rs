//! Policies from text to plan.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bartizan_policy::diagnostics::{Diagnostic, Report};
use bartizan_policy::document::{DefaultAction, Subject};
use bartizan_policy::plan::{Grant, Mode, OnError, Plan, PluginName, Sandbox, Step};
use bartizan_policy::source::{Format, MAX_BYTES, MAX_DEPTH, Source};
use bartizan_policy::{Policy, from_node, load, parse, unmatched, unmatched_entries};

const MLFLOW: &str = r#"{"version":"1","default":"deny","hide":["delete_run"]}"#;

fn json(text: &str) -> Policy {
    parse("policy.json", text, Format::Json).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn settings<'a>(plan: &'a Plan, plugin: &str) -> Option<&'a str> {
    plan.steps.iter().find(|step| step.plugin.as_str() == plugin).map(|step| step.settings.as_str())
}

#[test]
fn the_first_scenario_loads_with_one_warning() {
    let policy = json(MLFLOW);
    let codes: Vec<_> = policy.warnings.iter().map(Diagnostic::code).collect();
    assert_eq!(codes, ["nothing-allowed"]);
    assert_eq!(policy.document.default.value, DefaultAction::Deny);
    assert_eq!(
        settings(&policy.plan, "access"),
        Some(r#"{"default":"deny","hide":["delete_run"],"tools":[]}"#)
    );
    assert_eq!(policy.plan.steps.len(), 1);
}

#[test]
fn builtin_rules_compile_to_settings_in_the_order_of_the_document() {
    let policy = json(
        r#"// comments are fine
        {
          "$schema": "policy.schema.json", "version": "1", "default": "deny", "description": "MLflow",
          "hide": ["delete_run", "purge_*"],
          "tools": {
            "set_run_tag": { "rate_limit": { "max": 10, "window": 60 } },
            "get_*": {},
            "a/b~c": { "action": "deny", "reason": "No \"é\"." },
            "log": { "action": "allow" }
          }
        }"#,
    );
    assert!(policy.warnings.is_empty(), "{}", policy.warnings);
    let expected_access = concat!(
        r#"{"default":"deny","hide":["delete_run","purge_*"],"tools":["#,
        r#"{"pattern":"set_run_tag","action":"allow","rule":"/tools/set_run_tag"},"#,
        r#"{"pattern":"get_*","action":"allow","rule":"/tools/get_*"},"#,
        r#"{"pattern":"a/b~c","action":"deny","reason":"No \"é\".","rule":"/tools/a~1b~0c/action"},"#,
        r#"{"pattern":"log","action":"allow","rule":"/tools/log"}]}"#
    );
    let expected_rate_limit = concat!(
        r#"{"tools":[{"pattern":"set_run_tag","rate_limit":{"max":10,"window":60},"#,
        r#""rule":"/tools/set_run_tag/rate_limit"},{"pattern":"get_*"},{"pattern":"a/b~c"},{"pattern":"log"}]}"#
    );
    assert_eq!(settings(&policy.plan, "access"), Some(expected_access));
    assert_eq!(settings(&policy.plan, "rate-limit"), Some(expected_rate_limit));
    for Step { plugin, methods, tools, mode, on_error, grants, label, rule, .. } in &policy.plan.steps {
        assert!(matches!(plugin, PluginName::Builtin(name) if name == label));
        assert_eq!((methods, tools, rule), (&None, &None, &None));
        assert_eq!((mode, on_error), (&Mode::Enforce, &OnError::Deny));
        assert!(grants.is_empty());
    }
}

#[test]
fn named_plugins_follow_in_order_with_defaults_that_fail_closed() {
    let policy = json(
        r#"{
          "version": "1", "default": "allow",
          "plugins": [
            { "use": "freeze" },
            { "use": "redact-2", "settings": { "b": 1.10, "a": [1e400, {"x": null}] }, "tools": ["set_*", "log"],
              "methods": ["tools/*"], "mode": "monitor", "on_error": "allow",
              "grants": ["rewrite-results", "rewrite-arguments"] },
            { "use": "freeze", "tools": ["x"] }
          ]
        }"#,
    );
    let [access, freeze, redact, again] = policy.plan.steps.as_slice() else { panic!("{:?}", policy.plan) };
    assert_eq!(access.plugin, PluginName::Builtin("access"));
    assert_eq!(
        *freeze,
        Step {
            plugin: PluginName::Named("freeze".into()),
            settings: "{}".into(),
            methods: None,
            tools: None,
            mode: Mode::Enforce,
            on_error: OnError::Deny,
            grants: BTreeSet::new(),
            http: None,
            sandbox: Sandbox::default(),
            label: "freeze".into(),
            rule: Some("/plugins/0".into()),
        }
    );
    assert_eq!(redact.settings, r#"{"b":1.10,"a":[1e400,{"x":null}]}"#);
    let tools: Vec<_> = redact.tools.iter().flatten().map(ToString::to_string).collect();
    let methods: Vec<_> = redact.methods.iter().flatten().map(ToString::to_string).collect();
    assert_eq!((tools, methods), (vec!["set_*".to_owned(), "log".to_owned()], vec!["tools/*".to_owned()]));
    assert_eq!((redact.mode, redact.on_error), (Mode::Monitor, OnError::Allow));
    assert_eq!(redact.grants, BTreeSet::from([Grant::RewriteArguments, Grant::RewriteResults]));
    assert_eq!((again.label.as_str(), again.rule.as_deref()), ("freeze (2)", Some("/plugins/2")));
}

const IN_JSON: &str = r#"{
  "version": "1", "default": "deny", "hide": ["delete_run", "purge_*"],
  "tools": {
    "get_*": {},
    "set_run_tag": { "rate_limit": { "max": 10, "window": 60 } },
    "delete_experiment": { "action": "deny", "reason": "Kept for audit.\n" }
  },
  "plugins": [ { "use": "freeze", "tools": ["set_*"], "mode": "monitor",
                 "settings": { "until": "2027-01-02", "share": 0.5, "mask": 255, "days": [1, true, "on", {}] } } ]
}"#;
const IN_YAML: &str = "
version: '1'
default: deny
hide: [delete_run, purge_*]
tools:
  get_*: {}
  set_run_tag: { rate_limit: { max: 10, window: 60 } }
  delete_experiment:
    action: deny
    reason: |
      Kept for audit.
plugins:
- use: freeze
  tools: [set_*]
  mode: monitor
  settings: { until: 2027-01-02, share: .5, mask: +255, days: [1, True, on, {}] }
";
const IN_TOML: &str = r#"
version = "1"
default = "deny"
hide = ["delete_run", "purge_*"]

[tools]
"get_*" = {}
set_run_tag.rate_limit = { max = 1_0, window = 60 }

[tools.delete_experiment]
action = "deny"
reason = "Kept for audit.\n"

[[plugins]]
use = "freeze"
tools = ["set_*"]
mode = "monitor"

[plugins.settings]
until = 2027-01-02
share = 0.5
mask = 0xff
days = [1, true, "on", {}]
"#;

#[test]
fn the_three_formats_give_the_same_plan() {
    let expected = json(IN_JSON).plan;
    for (name, text, format) in [("yaml", IN_YAML, Format::Yaml), ("toml", IN_TOML, Format::Toml)] {
        for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            let found = parse(name, &text, format).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
            assert_eq!(found.plan, expected, "{name}");
        }
    }
}

#[test]
fn the_digest_follows_the_meaning() {
    let digest = |text: &str| json(text).plan.digest;
    let base = digest(r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{},"y":{}}}"#);
    assert_eq!(base.len(), 64);
    assert!(base.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    for (name, same) in [
        (
            "white space and comments",
            r#"{ "version":"1", /* x */ "default":"deny","hide":["a","b"],"tools":{"x":{},"y":{}}}"#,
        ),
        ("key order", r#"{"tools":{"y":{},"x":{}},"hide":["b","a"],"default":"deny","version":"1"}"#),
        (
            "defaults",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{"action":"allow"},"y":{}},"plugins":[]}"#,
        ),
        (
            "description",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{},"y":{}},"description":"d","$schema":"s"}"#,
        ),
        (
            "a default written out",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{},"y":{}},"instructions":"check"}"#,
        ),
    ] {
        assert_eq!(digest(same), base, "{name}");
    }
    for (name, other) in [
        ("default", r#"{"version":"1","default":"allow","hide":["a","b"],"tools":{"x":{},"y":{}}}"#),
        ("hide", r#"{"version":"1","default":"deny","hide":["a"],"tools":{"x":{},"y":{}}}"#),
        ("entry", r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{}}}"#),
        (
            "reason",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{"reason":"r"},"y":{}}}"#,
        ),
        (
            "limit",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{"rate_limit":{"max":1,"window":1}},"y":{}}}"#,
        ),
        (
            "plugin",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{},"y":{}},"plugins":[{"use":"p"}]}"#,
        ),
        (
            "instructions",
            r#"{"version":"1","default":"deny","hide":["a","b"],"tools":{"x":{},"y":{}},"instructions":"drop"}"#,
        ),
    ] {
        assert_ne!(digest(other), base, "{name}");
    }
    // Digests are kept in audit logs: this one must never change.
    assert_eq!(digest(MLFLOW), "5f915a47824f938ad30d36822bbb42996927d0f3de865f2032fd33a4c469f810");
}

#[test]
fn a_policy_inside_another_document_points_into_it_and_names_rules_from_itself() {
    let text = r#"{
  "mcpServers": {
    "good": { "policy": { "version": "1", "default": "deny", "tools": { "x": { "action": "deny" } } } },
    "bad": { "policy": { "version": "1", "tools": { "x": { "acton": "deny" } } } }
  }
}"#;
    let source = Source::new("bartizan.json", text, Format::Json);
    let mut report = Report::new(&source);
    let root = source.parse(&mut report).unwrap();
    let servers = root.get("mcpServers").unwrap();
    let member = |name: &str| &servers.get(name).unwrap().as_object().unwrap()[0];
    let good = from_node(&source, &member("good").node, member("good").key_span).unwrap();
    assert!(settings(&good.plan, "access").unwrap().contains(r#""rule":"/tools/x/action""#));
    assert_eq!(
        good.warnings.to_string(),
        "bartizan.json:3:54: warning: every tool call will be refused: `default` is \"deny\" and `tools` allows \
         nothing\n  help: add for example \"tools\": {\"get_*\": {}}"
    );
    let bad = from_node(&source, &member("bad").node, member("bad").key_span).unwrap_err();
    assert_eq!(
        bad.to_string(),
        "bartizan.json:4:14: error: a policy must have the key `default`\n  help: add for example \"default\": \"deny\"\n\
         bartizan.json:4:60: error: unknown key `acton` in an entry of `tools`\n  help: did you mean `action`?"
    );
}

#[test]
fn patterns_that_match_no_tool_are_found() {
    let policy = json(
        r#"{
  "version": "1", "default": "deny", "hide": ["delete_rnu", "purge_*", "delete_run"],
  "tools": { "get_*": {}, "set_run_tags": {}, "frobnicate": {} },
  "plugins": [ { "use": "a", "tools": ["st_*"] }, { "use": "b", "tools": ["x"], "methods": ["prompts/*"] } ]
}"#,
    );
    assert_eq!(
        unmatched(&policy.document, &["get_run", "delete_run", "set_run_tag"]).to_string(),
        "policy.json:2:47: warning: the server has no tool `delete_rnu`: nothing is hidden\n  help: did you mean `delete_run`?\n\
         policy.json:2:61: warning: the server has no tool that matches `purge_*`: nothing is hidden\n\
         policy.json:3:27: warning: the server has no tool `set_run_tags`: the entry has no effect\n  help: did you mean `set_run_tag`?\n\
         policy.json:3:47: warning: the server has no tool `frobnicate`: the entry has no effect\n\
         policy.json:4:40: warning: the server has no tool that matches `st_*`: the plugin is not asked for it"
    );
    assert!(unmatched(&policy.document, &[]).is_empty());
}

#[test]
fn entries_that_match_no_prompt_or_resource_are_found() {
    let policy = json(
        r#"{
  "version": "1", "default": "deny", "tools": { "x": {} },
  "prompts": { "reviw": {}, "a*": {} }, "resources": { "file:///*": {}, "db://*": {} }
}"#,
    );
    assert_eq!(
        unmatched_entries(&policy.document, Subject::Prompts, &["review", "plan"]).to_string(),
        "policy.json:3:16: warning: the server has no prompt `reviw`: the entry has no effect\n  help: did you mean `review`?\n\
         policy.json:3:29: warning: the server has no prompt that matches `a*`: the entry has no effect"
    );
    assert_eq!(
        unmatched_entries(&policy.document, Subject::Resources, &["file:///a"]).to_string(),
        "policy.json:3:73: warning: the server has no resource that matches `db://*`: the entry has no effect"
    );
    assert!(unmatched_entries(&policy.document, Subject::Prompts, &[]).is_empty());
}

/// A directory of its own, gone in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("bartizan-policy-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_load_or_say_why_not() {
    let scratch = Scratch::new();
    assert_eq!(load(&scratch.file("good.json", MLFLOW.as_bytes())).unwrap().plan, json(MLFLOW).plan);
    assert_eq!(load(&scratch.file("good.YML", IN_YAML.as_bytes())).unwrap().plan, json(IN_JSON).plan);
    fs::create_dir_all(scratch.0.join("folder.json")).unwrap();
    let long = vec![b' '; MAX_BYTES + 1];
    for (name, path, expected) in [
        (
            "no such file",
            scratch.0.join("none.json"),
            ": error: cannot read the file: there is no such file\n  help: check the path; it is taken from the \
             directory in which Bartizan runs",
        ),
        (
            "directory",
            scratch.0.join("folder.json"),
            ": error: cannot read the file: it is a directory\n  help: name a file in it",
        ),
        (
            "ending",
            scratch.file("policy.txt", b"{}"),
            ": error: cannot tell the format from the file's ending\n  help: name it .json or .jsonc, .yaml or .yml, \
             or .toml",
        ),
        (
            "not UTF-8",
            scratch.file("latin.json", b"{\n  \"\xe9\": 1}"),
            ":2:4: error: the text is not valid UTF-8 here\n  help: save the file as UTF-8",
        ),
        (
            "too long",
            scratch.file("long.json", &long),
            ": error: cannot read the file: it is longer than 1048576 bytes\n  help: use globs instead of many names, \
             or a plugin with its own data",
        ),
    ] {
        let found = load(&path).unwrap_err().to_string();
        assert_eq!(found, format!("{}{expected}", path.display()), "{name}");
    }
    let text = " ".repeat(MAX_BYTES + 1);
    let found = parse("long.yaml", &text, Format::Yaml).unwrap_err();
    assert_eq!(found.iter().map(Diagnostic::code).collect::<Vec<_>>(), ["too-long"]);
}

#[test]
fn depth_is_bounded_in_every_format() {
    // Around the lists: the document, `plugins`, its item, `settings`.
    let nested = |lists: usize| "[".repeat(lists) + &"]".repeat(lists);
    let document = |format: Format, lists: usize| match format {
        Format::Json => {
            format!(
                r#"{{"version":"1","default":"allow","plugins":[{{"use":"a","settings":{{"x":{}}}}}]}}"#,
                nested(lists)
            )
        }
        Format::Yaml => {
            format!("version: '1'\ndefault: allow\nplugins: [{{use: a, settings: {{x: {}}}}}]", nested(lists))
        }
        Format::Toml => {
            format!("version='1'\ndefault='allow'\n[[plugins]]\nuse='a'\nsettings={{x={}}}", nested(lists))
        }
    };
    for format in [Format::Json, Format::Yaml, Format::Toml] {
        let fits = MAX_DEPTH - 4;
        assert!(parse("p", &document(format, fits), format).is_ok(), "{format}");
        for lists in [fits + 1, fits + 10, 100_000] {
            let found = parse("p", &document(format, lists), format).unwrap_err();
            let codes: Vec<_> = found.iter().map(Diagnostic::code).collect();
            assert_eq!(codes, ["too-deep"], "{format}, {lists} lists: {found}");
        }
    }
}

/// Damaged documents: no panic, and every diagnostic lies within the text.
#[test]
fn damage_is_reported_within_the_text() {
    let alphabet: Vec<char> =
        "{}[]:,\"'\\#\n\t -&*!|>?%@`=.~0ex\u{e9}\u{1f512}\u{0}\u{85}\u{feff}".chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for (format, text) in [(Format::Json, IN_JSON), (Format::Yaml, IN_YAML), (Format::Toml, IN_TOML)] {
        for _ in 0..4_000 {
            let mut characters: Vec<char> = text.chars().collect();
            for _ in 0..=random(3) {
                let at = random(characters.len());
                match random(4) {
                    0 => drop(characters.remove(at)),
                    1 => characters.insert(at, alphabet[random(alphabet.len())]),
                    2 => characters[at] = alphabet[random(alphabet.len())],
                    _ => characters.truncate(at.max(1)),
                }
            }
            let damaged: String = characters.into_iter().collect();
            let diagnostics = match parse("p", &damaged, format) {
                Ok(policy) => policy.warnings,
                Err(diagnostics) => diagnostics,
            };
            for diagnostic in &diagnostics {
                let span = diagnostic.span().unwrap();
                let text = diagnostic.source().text();
                assert!(text.get(span.start..span.end).is_some(), "{diagnostic} at {span:?} in {damaged:?}");
            }
        }
    }
}

#[test]
fn large_policies_compile_quickly() {
    let entry = |index: usize| format!(r#""*_{index}": {{}}, "tool_{index}_*": {{}}, "name_{index}": {{}}"#);
    let entries: Vec<_> = (0..5_000).map(entry).collect();
    let hidden: Vec<_> = (0..5_000).map(|index| format!("\"hidden_{index}\"")).collect();
    let text = format!(
        r#"{{"version":"1","default":"deny","hide":[{}],"tools":{{{}}}}}"#,
        hidden.join(","),
        entries.join(",")
    );
    let started = std::time::Instant::now();
    let policy = json(&text);
    assert_eq!(policy.document.tools.len(), 15_000);
    // Well above what it takes unoptimised on a busy machine, and below what trying every pair takes.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
