//! The conformance table of the policy language and the examples: every case through the real plugins, by
//! `bartizan test`.
#![expect(clippy::expect_used, reason = "a test's helper that cannot go on fails the test")]

use std::path::Path;
use std::process::Output;

use bartizan_tests::environment::repository;
use bartizan_tests::gateway;
use bartizan_tests::waiting::{START, within};

/// How many cases the table has at least.
const CASES: usize = 1_000;

async fn test(arguments: &[&Path]) -> Output {
    let mut command = gateway::bartizan(["test"]);
    command.args(arguments);
    within(START, "the suites end", command.output()).await.expect("it runs")
}

#[tokio::test]
async fn every_case_of_the_table_holds() {
    let report = tempfile::tempdir().expect("a directory can be made");
    let junit = report.path().join("junit.xml");
    let ran = test(&[&repository("tests/policy"), Path::new("--junit"), &junit]).await;
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let junit = std::fs::read_to_string(&junit).expect("a report is written");
    let cases = junit.matches("<testcase ").count();
    assert!(cases >= CASES, "only {cases} cases");
    assert!(!junit.contains("<failure"), "{junit}");
}

#[tokio::test]
async fn the_tests_of_every_example_hold() {
    let examples = std::fs::read_dir(repository("examples")).expect("there are examples");
    let mut names = Vec::new();
    for example in examples.map(|example| example.expect("it can be read").path()) {
        let ran = test(&[&example]).await;
        let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}:\n{said}", example.display());
        assert!(!said.contains(" 0 cases"), "{}: it has no tests", example.display());
        names.extend(example.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    assert_eq!(names, ["filesystem", "git", "github-like", "mlflow", "payments-like"]);
}

#[tokio::test]
async fn a_case_that_does_not_hold_is_told() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let suite = r#"{"version": "1", "policy": {"version": "1", "default": "allow", "hide": ["x"]}, "cases": [
        {"name": "it is hidden", "call": {"tool": "x"}, "expect": "hidden"},
        {"name": "it is said to be allowed", "call": {"tool": "x"}, "expect": "allow"}]}"#;
    std::fs::write(directory.path().join("wrong.test.json"), suite).expect("it can be written");
    let ran = test(&[directory.path()]).await;
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("it is said to be allowed") && said.contains("1 failed"), "{said}");
}
