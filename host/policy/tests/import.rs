//! Policies of Intercept: what they become, and what is said about it.
//!
//! Each file in `tests/import` has a policy (`=== yaml`), followed by `=== document` and `=== findings`, or
//! by `=== refused`. Run with `BLESS=1` to write the expectations anew, and read the difference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_policy::diagnostics::Report;
use bartizan_policy::import::{Import, Outcome, intercept};
use bartizan_policy::source::{Format, Node, Source, Value};
use serde_json::Value as Json;

fn cases() -> Vec<(PathBuf, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let case = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let (_, text) = text.split_once("=== yaml\n").unwrap();
        let end = text.find("=== ").unwrap_or(text.len());
        let (policy, expected) = text.split_at(end);
        (path, policy.to_owned(), expected.to_owned())
    };
    paths.into_iter().map(case).collect()
}

fn import(text: &str) -> Result<Import, String> {
    let source = Source::new("intercept.yaml", text, Format::Yaml);
    intercept::import(&source).map_err(|diagnostics| diagnostics.to_string())
}

#[test]
fn every_policy_becomes_what_is_expected() {
    for (path, policy, expected) in cases() {
        let found = match import(&policy) {
            Ok(Import { document, findings }) => {
                let findings: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
                format!("=== document\n{document}=== findings\n{findings}")
            }
            Err(diagnostics) => format!("=== refused\n{diagnostics}\n"),
        };
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, format!("=== yaml\n{policy}{found}")).unwrap();
        } else {
            assert_eq!(found, expected, "{}", path.display());
        }
    }
}

#[test]
fn every_document_loads() {
    let mut loaded = 0;
    for (path, policy, _) in cases() {
        let Ok(Import { document, .. }) = import(&policy) else { continue };
        let parsed = bartizan_policy::parse("policy.json", &document, Format::Json);
        assert!(parsed.is_ok(), "{}: {}", path.display(), parsed.unwrap_err());
        loaded += 1;
    }
    assert!(loaded >= 5, "{loaded}");
}

/// The constructs of a policy: every key and item, as findings call them.
fn constructs(node: &Node, path: &str, all: &mut Vec<String>) {
    let plain = |key: &str| key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    match &node.value {
        Value::Object(members) => {
            for member in members {
                let path = match (path, plain(&member.key)) {
                    ("", _) => member.key.clone(),
                    (path, true) => format!("{path}.{}", member.key),
                    (path, false) => format!("{path}[{}]", Json::from(member.key.as_str())),
                };
                constructs(&member.node, &path, all);
            }
            if members.is_empty() {
                all.push(path.to_owned());
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                constructs(item, &format!("{path}[{index}]"), all);
            }
        }
        _ => all.push(path.to_owned()),
    }
}

#[test]
fn every_construct_has_a_finding() {
    for (path, policy, _) in cases() {
        let Ok(Import { findings, .. }) = import(&policy) else { continue };
        let source = Source::new("intercept.yaml", &policy, Format::Yaml);
        let root = source.parse(&mut Report::new(&source)).unwrap();
        let mut all = Vec::new();
        constructs(&root, "", &mut all);
        assert!(!all.is_empty());
        for construct in all {
            // A condition, a counter or a webhook has one finding for all of it; a rule and a list of tools
            // have none that would speak for their parts.
            let speaks = |found: &str| {
                construct == found
                    || construct.strip_prefix(found).is_some_and(|rest| {
                        rest.starts_with(['.', '['])
                            && [".conditions[", ".state", "approvals.notify", ".approvals"]
                                .iter()
                                .any(|whole| found.contains(whole))
                            || (rest.starts_with(['.', '[']) && found.starts_with("approvals."))
                    })
            };
            let dropped = findings.iter().any(|finding| {
                matches!(finding.outcome, Outcome::NotMapped { .. })
                    && construct
                        .strip_prefix(finding.construct.as_str())
                        .is_some_and(|rest| rest.starts_with(['.', '[']))
            });
            let spoken = findings.iter().any(|finding| speaks(&finding.construct));
            assert!(spoken || dropped, "{}: nothing is said of {construct}", path.display());
        }
    }
}

#[test]
fn every_finding_points_at_something() {
    let mut pointed = 0;
    for (path, policy, _) in cases() {
        let Ok(Import { document, findings }) = import(&policy) else { continue };
        let document: Json = serde_json::from_str(&document).unwrap();
        for finding in findings {
            let to = match &finding.outcome {
                Outcome::Mapped(to) | Outcome::Changed { to, .. } => to.clone(),
                Outcome::NotMapped { .. } => continue,
            };
            assert!(!to.is_empty(), "{}: {finding}", path.display());
            for pointer in to {
                assert!(document.pointer(&pointer).is_some(), "{}: {finding}", path.display());
                pointed += 1;
            }
        }
    }
    assert!(pointed > 50, "only {pointed} pointers");
}

#[test]
fn nothing_that_a_document_would_refuse() {
    for (path, policy, _) in cases() {
        let Ok(Import { document, .. }) = import(&policy) else { continue };
        let document: Json = serde_json::from_str(&document).unwrap();
        let mut limits = Vec::new();
        let all = document["tools"].as_object().into_iter().flatten().map(|(_, entry)| entry);
        for entry in all.chain(document.get("all_tools")) {
            for limit in entry["limits"].as_array().into_iter().flatten() {
                let counter = limit["counter"].as_str().unwrap();
                let key = (counter.to_owned(), limit["window"].clone());
                assert!(!limits.contains(&key), "{}: {counter} twice", path.display());
                assert!(
                    counter.len() <= 128 && limit["max"].as_f64().unwrap() > 0.0,
                    "{}: {limit}",
                    path.display()
                );
                limits.push(key);
            }
            let approval = entry["action"] == "require_approval";
            assert!(approval || (entry.get("conditions").is_none() && entry.get("timeout").is_none()));
        }
    }
}

#[test]
fn the_differences_are_what_is_not_mapped_faithfully() {
    let import = import("version: '1'\nnew: 1\ntools: {a: {rules: []}}\n").unwrap();
    let differences: Vec<_> = import.differences().map(|finding| finding.construct.as_str()).collect();
    assert_eq!(differences, ["new"]);
}
