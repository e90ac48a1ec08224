//! Every message, with file, line and column, in every format.
//!
//! Each file in `tests/diagnostics` has documents (`=== json`, `=== yaml`, `=== toml`, each any number
//! of times) followed by `=== expected`: what they give together, in that order. Run with `BLESS=1` to
//! write the expectations anew, and read the difference. Lock files are those in `tests/locks`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bartizan_policy::diagnostics::{Diagnostic, Diagnostics};
use bartizan_policy::source::{Format, Source};
use bartizan_policy::{Policy, from_source};

struct Case {
    path: PathBuf,
    documents: Vec<(Format, String)>,
    expected: String,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(case).collect()
}

fn case(path: PathBuf) -> Case {
    let text = fs::read_to_string(&path).unwrap();
    let mut documents = Vec::new();
    let mut expected = String::new();
    for section in text.split("=== ").skip(1) {
        let (kind, body) = section.split_once('\n').unwrap();
        let format = match kind {
            "json" => Format::Json,
            "yaml" => Format::Yaml,
            "toml" => Format::Toml,
            "expected" => {
                expected = body.to_owned();
                continue;
            }
            other => panic!("{}: unknown section {other}", path.display()),
        };
        documents.push((format, body.to_owned()));
    }
    Case { path, documents, expected }
}

fn diagnostics(format: Format, text: &str) -> Diagnostics {
    let name = format!("policy.{}", format.to_string().to_lowercase());
    match from_source(&Source::new(name, text, format).in_directory(Path::new("tests/locks"))) {
        Ok(Policy { warnings, .. }) => warnings,
        Err(diagnostics) => {
            assert!(diagnostics.has_errors(), "refused without an error: {text}");
            diagnostics
        }
    }
}

#[test]
fn every_message_is_as_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    for Case { path, documents, expected } in cases() {
        let found: String =
            documents.iter().map(|(format, text)| format!("{}\n", diagnostics(*format, text))).collect();
        if bless {
            let text = fs::read_to_string(&path).unwrap();
            let (input, _) = text.split_once("=== expected\n").unwrap();
            fs::write(&path, format!("{input}=== expected\n{found}")).unwrap();
        } else {
            assert_eq!(found, expected, "{}", path.display());
        }
    }
}

#[test]
fn every_code_has_a_case() {
    let tested: BTreeSet<&str> = cases()
        .iter()
        .flat_map(|case| case.documents.iter())
        .flat_map(|(format, text)| diagnostics(*format, text))
        .map(|diagnostic| diagnostic.code())
        .collect();
    // Those that need a file, a server's tools, or a document too long to write down.
    let elsewhere =
        ["not-utf8", "too-long", "too-deep", "unknown-format", "unmatched-pattern", "unreadable-file"];
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for after in code.split("Problem::").skip(1) {
                let mut quoted = after.split('"');
                if quoted.next().is_some_and(|call| call.ends_with('(')) {
                    known.insert(quoted.next().unwrap().to_owned());
                }
            }
        }
    }
    assert!(known.len() > 20, "the search for codes is broken: {known:?}");
    let untested: Vec<_> = known
        .iter()
        .filter(|code| !tested.contains(code.as_str()) && !elsewhere.contains(&code.as_str()))
        .collect();
    assert!(untested.is_empty(), "codes without a case: {untested:?}");
}

#[test]
fn the_same_mistakes_have_the_same_codes_in_every_format() {
    for name in
        ["missing-keys", "ten-mistakes", "unknown-keys", "unsupported", "plugins", "rate-limit", "patterns"]
    {
        let case = cases().into_iter().find(|case| case.path.file_stem().unwrap() == name).unwrap();
        let codes = |format: Format| {
            let (_, text) = case.documents.iter().find(|(found, _)| *found == format).unwrap();
            let found = diagnostics(format, text);
            let mut codes: Vec<_> = found.iter().map(|d| (d.code(), d.message().to_owned())).collect();
            // Messages name lines, which differ.
            codes.iter_mut().for_each(|(_, message)| {
                message.truncate(message.find("first").unwrap_or(message.len()));
            });
            codes.sort();
            codes
        };
        assert_eq!(codes(Format::Json), codes(Format::Yaml), "{name}");
        assert_eq!(codes(Format::Json), codes(Format::Toml), "{name}");
    }
}

#[test]
fn ten_mistakes_give_ten_diagnostics_in_order() {
    let case = cases().into_iter().find(|case| case.path.ends_with("ten-mistakes.txt")).unwrap();
    assert_eq!(case.documents.len(), 3);
    for (format, text) in &case.documents {
        let found = diagnostics(*format, text);
        assert_eq!(found.len(), 10, "{format}:\n{found}");
        let positions: Vec<_> = found.iter().map(Diagnostic::position).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        assert!(positions.iter().all(Option::is_some));
    }
}
