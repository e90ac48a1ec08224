//! The classifier against tools of public servers, labelled by hand: `tests/scan` of the repository.
//!
//! `SCAN_LABELLED` names another file of the same form. With `SCAN_SHOW=1` it shows what went wrong and how precise each class is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests, and what they share")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bartizan_scan::{Class, ScannedTool, ToolDefinition};
use serde_json::Value;

struct Labelled {
    half: String,
    expected: Class,
    found: ScannedTool,
}

fn labelled() -> Vec<Labelled> {
    let own = std::env::var_os("SCAN_LABELLED").map(PathBuf::from);
    let own =
        own.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scan/labelled.json"));
    let servers: Vec<Value> = serde_json::from_str(&fs::read_to_string(own).unwrap()).unwrap();
    let mut all = Vec::new();
    for server in &servers {
        let name = server["server"].as_str().unwrap();
        for tool in server["tools"].as_array().unwrap() {
            let expected = Class::ALL.into_iter().find(|class| tool["expected"] == class.as_str()).unwrap();
            let definition = ToolDefinition::read(&tool["tool"]).unwrap();
            let half = server["half"].as_str().unwrap().to_owned();
            all.push(Labelled { half, expected, found: ScannedTool::new(name, &definition) });
        }
    }
    all
}

fn table(tools: &[&Labelled]) -> String {
    let mut text = format!("{:12} {:>6} {:>6} {:>9} {:>6}\n", "", "tools", "found", "precision", "recall");
    for class in Class::ALL {
        let expected = tools.iter().filter(|tool| tool.expected == class).count();
        let found = tools.iter().filter(|tool| tool.found.class == class).count();
        let right = tools.iter().filter(|tool| tool.expected == class && tool.found.class == class).count();
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        writeln!(
            text,
            "{class:12} {expected:6} {found:6} {:8.1}% {:5.1}%",
            percent(right, found),
            percent(right, expected)
        )
        .unwrap();
    }
    let right = tools.iter().filter(|tool| tool.expected == tool.found.class).count();
    writeln!(text, "{right} of {} right: {:.1}%", tools.len(), 100.0 * right as f64 / tools.len() as f64)
        .unwrap();
    text
}

fn wrong(tool: &Labelled) -> String {
    let ScannedTool { server, name, class, reason, .. } = &tool.found;
    format!("{server}/{name}: {class} instead of {}, because {reason}", tool.expected)
}

#[test]
fn the_classes_of_real_tools() {
    let all = labelled();
    if std::env::var_os("SCAN_SHOW").is_some() {
        let held_out = std::env::var_os("SCAN_HELD_OUT").is_some();
        for half in ["tuning", "held-out"].into_iter().filter(|half| held_out || *half == "tuning") {
            let tools: Vec<_> = all.iter().filter(|tool| tool.half == half).collect();
            println!("{half}\n{}", table(&tools));
            for tool in tools.iter().filter(|tool| tool.expected != tool.found.class) {
                println!("{}", wrong(tool));
            }
        }
        if !held_out {
            return;
        }
    }
    assert!(all.len() >= 260, "only {} labelled tools", all.len());
    let mild = |tool: &&Labelled| tool.found.class <= Class::Write && tool.expected >= Class::Financial;
    let dangerous: Vec<_> = all.iter().filter(mild).map(wrong).collect();
    assert!(dangerous.is_empty(), "too mild:\n{}", dangerous.join("\n"));
    let reads = all.iter().filter(|tool| tool.expected == Class::Read);
    let wrong_reads: Vec<_> =
        reads.clone().filter(|tool| tool.found.class != Class::Read).map(wrong).collect();
    assert!(
        wrong_reads.len() * 100 <= reads.count() * 3,
        "Reads called otherwise:\n{}",
        wrong_reads.join("\n")
    );
    let wrongs: Vec<_> = all.iter().filter(|tool| tool.expected != tool.found.class).map(wrong).collect();
    assert!(wrongs.len() * 100 <= all.len() * 7, "wrong:\n{}", wrongs.join("\n"));
}
