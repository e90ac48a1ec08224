//! The published schema against what the reader accepts, and the pages that are made from it.
//!
//! Run with `BLESS=1` to write the pages anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bartizan_policy::diagnostics::{Diagnostics, Report, Severity};
use bartizan_policy::source::{Format, Source};
use bartizan_policy::{from_source, schema};
use jsonschema::Validator;
use serde_json::{Value, json};

const EVERYTHING: &str = include_str!("documents/everything.json");

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema::schema()).unwrap()
}

fn source(format: Format, text: &str) -> Source {
    Source::new("policy", text, format).in_directory(Path::new("tests/locks"))
}

fn diagnostics(source: &Source) -> Diagnostics {
    from_source(source).map_or_else(|found| found, |policy| policy.warnings)
}

/// A document as plain JSON, if it can be parsed and its keys are unique.
fn tree(source: &Source) -> Option<Value> {
    let mut report = Report::new(source);
    let node = source.parse(&mut report)?;
    (!report.has_errors()).then(|| serde_json::from_str(&node.to_json()).unwrap())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn golden_documents() -> Vec<(String, Source)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("tests/diagnostics").unwrap() {
        let path = entry.unwrap().path();
        for section in fs::read_to_string(&path).unwrap().split("=== ").skip(1) {
            let (kind, text) = section.split_once('\n').unwrap();
            let format = match kind {
                "json" => Format::Json,
                "yaml" => Format::Yaml,
                "toml" => Format::Toml,
                _ => continue,
            };
            found.push((path.display().to_string(), source(format, text)));
        }
    }
    assert!(found.len() > 50);
    found
}

/// The JSON examples of the guide that are whole policies.
fn examples_of_the_guide() -> Vec<String> {
    let page = fs::read_to_string(repository().join("docs/policy.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix("jsonc\n").or_else(|| block.strip_prefix("json\n")))
        .filter(|text| text.contains("\"version\""))
        .map(str::to_owned)
        .collect()
}

#[test]
fn examples_of_the_guide_load_without_a_word() {
    let examples = examples_of_the_guide();
    assert!(examples.len() > 8, "{}", examples.len());
    for text in examples {
        let found = diagnostics(&source(Format::Json, &text));
        assert!(found.is_empty(), "{found}\n{text}");
    }
}

#[test]
fn what_loads_is_valid() {
    let validator = validator();
    let mut documents: Vec<(String, Source)> = golden_documents();
    documents.push(("everything".into(), source(Format::Json, EVERYTHING)));
    documents
        .extend(examples_of_the_guide().into_iter().map(|text| (text.clone(), source(Format::Json, &text))));
    let example = repository().join("examples/mlflow/policy.json");
    documents.push(("mlflow".into(), Source::read(&example).unwrap()));
    let mut loaded = 0;
    for (name, source) in documents {
        if diagnostics(&source).has_errors() {
            continue;
        }
        loaded += 1;
        let problems: Vec<_> =
            validator.iter_errors(&tree(&source).unwrap()).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:#?}\n{}", source.text());
    }
    assert!(loaded > 20, "{loaded}");
}

/// Codes of errors that one can see in a single place. A schema knows them all.
const STRUCTURAL: &[&str] = &[
    "builtin-plugin",
    "conditions-without-refusal",
    "empty-group",
    "empty-list",
    "empty-pattern",
    "empty-scope",
    "message-without-refusal",
    "misplaced-key",
    "missing-key",
    "mixed-condition",
    "nothing-to-find",
    "null-value",
    "replace-without-action",
    "timeout-without-approval",
    "unknown-key",
    "unknown-operator",
    "unknown-root",
    "unsupported",
    "wrong-plugin-name",
    "wrong-pointer",
    "wrong-value",
];

fn structural(found: &Diagnostics) -> bool {
    found.iter().any(|found| found.severity() == Severity::Error && STRUCTURAL.contains(&found.code()))
}

#[test]
fn what_has_a_structural_error_is_not_valid() {
    let validator = validator();
    let mut refused = 0;
    for (name, source) in golden_documents() {
        let Some(tree) = tree(&source) else { continue };
        // What is wrong inside the lock file is not for this schema.
        let found = diagnostics(&source);
        if structural(&found) && !name.contains("/pin.") {
            refused += 1;
            assert!(!validator.is_valid(&tree), "{name}: {}", source.text());
        }
    }
    assert!(refused > 20, "{refused}");
}

/// Every value of a document replaced by others, every key removed, and a key added to every object.
fn mutations(document: &Value) -> Vec<(String, Value)> {
    fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
        found.push(here.to_owned());
        match value {
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| pointers(item, &format!("{here}/{index}"), found));
            }
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                pointers(value, &format!("{here}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }),
            _ => {}
        }
    }
    let mut places = Vec::new();
    pointers(document, "", &mut places);
    let mut mutated = Vec::new();
    for place in &places {
        let original = document.pointer(place).unwrap();
        for value in [
            json!(null),
            json!(true),
            json!(5),
            json!(-1),
            json!("zzz"),
            json!(""),
            json!([]),
            json!({}),
            json!([5]),
            json!({"zzz": 5}),
        ] {
            if value != *original {
                let mut other = document.clone();
                *other.pointer_mut(place).unwrap() = value.clone();
                mutated.push((format!("{place} = {value}"), other));
            }
        }
        if let Value::Object(members) = original {
            let mut other = document.clone();
            other.pointer_mut(place).unwrap()["zzz"] = json!(5);
            mutated.push((format!("{place} + zzz"), other));
            for key in members.keys() {
                let mut other = document.clone();
                other.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
                mutated.push((format!("{place} - {key}"), other));
            }
        }
    }
    mutated
}

#[test]
fn the_schema_and_the_reader_refuse_the_same() {
    let validator = validator();
    let document: Value = serde_json::from_str(EVERYTHING).unwrap();
    let mutated = mutations(&document);
    assert!(mutated.len() > 2_000, "{}", mutated.len());
    let mut differences = Vec::new();
    for (name, tree) in mutated {
        let found = diagnostics(&source(Format::Json, &tree.to_string()));
        match validator.is_valid(&tree) {
            true if structural(&found) => {
                differences.push(format!("{name}: the schema accepts what the reader refuses: {found}"));
            }
            false if !found.has_errors() => {
                differences.push(format!("{name}: the schema refuses what the reader accepts"));
            }
            _ => {}
        }
    }
    assert!(differences.is_empty(), "{} of them:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_schema_has_the_keys_that_the_reader_asks_for() {
    fn keys(schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            Value::Object(members) => {
                if let Some(Value::Object(properties)) = members.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                members.values().for_each(|value| keys(value, found));
            }
            _ => {}
        }
    }
    let mut described = BTreeSet::new();
    keys(&schema::schema(), &mut described);
    let call = regex::Regex::new(r#"\b(?:take|require|text|flag|each)\(\s*[^"()]*"([^"]+)""#).unwrap();
    let mut asked = BTreeSet::new();
    let mut files: Vec<_> =
        fs::read_dir("src/document/read").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push("src/document/read.rs".into());
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        asked.extend(call.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    assert_eq!(asked, described);
}

#[test]
fn the_published_files_are_those_that_the_schema_makes() {
    for (path, expected) in
        [("docs/schema/policy.json", schema::text()), ("docs/policy-reference.md", schema::reference())]
    {
        let path = repository().join(path);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{} is not what the schema makes; write it with BLESS=1", path.display());
    }
}
