//! Recorded traffic of real servers goes through unchanged in meaning, and its lists can be filtered.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use std::path::PathBuf;
use std::time::Duration;

use bartizan_wire::json::{Document, Limits};
use bartizan_wire::listing::{Listing, recognise};
use bartizan_wire::message::Message;
use bartizan_wire::method::lookup;
use bartizan_wire::{sse, stdio};
use serde_json::Value;

const HTTP: [&str; 2] = ["http/legacy-everything-npm.json", "http/modern-python-everything-2.3.0.json"];
const STDIO: [&str; 2] =
    ["stdio/mcp-server-time.legacy.2025-11-25.json", "stdio/mcp-server-time.modern.json"];
const MESSAGES: [&str; 2] = ["mlflow-mcp-0.4.1.initialize.json", "mlflow-mcp-0.4.1.tools_list.json"];

fn read(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The message in some recorded bytes, after checking that parsing neither changed its meaning nor left
/// anything that a second pass would.
fn message(bytes: &[u8], whence: &str) -> Message {
    let message =
        Message::parse(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{whence}: {error}"));
    let text = message.document().as_bytes();
    assert_eq!(json(text), json(bytes), "{whence}");
    assert_eq!(Message::parse(text, &Limits::default()).as_ref(), Ok(&message), "{whence}");
    let Message::Request(request) = &message else { return message };
    assert!(lookup(request.method()).is_some() || request.method() == "no/such", "{}", request.method());
    message
}

fn response_messages(response: &Value, whence: &str) -> Vec<Message> {
    let body = response["body"].as_str().unwrap_or_default();
    match response["headers"]["content-type"].as_str() {
        Some(kind) if kind.starts_with("text/event-stream") => {
            let mut parser = sse::Parser::new(1 << 20);
            parser.push(body.as_bytes()).unwrap();
            let events: Vec<_> = parser.events().collect();
            assert!(!events.is_empty(), "{whence}");
            let mut again = sse::Parser::new(1 << 20);
            events.iter().for_each(|event| again.push(sse::encode(event).as_bytes()).unwrap());
            assert_eq!(again.events().collect::<Vec<_>>(), events, "{whence}");
            events
                .iter()
                .filter_map(sse::Event::payload)
                .map(|data| message(data.as_bytes(), whence))
                .collect()
        }
        Some(kind) if kind.starts_with("application/json") => vec![message(body.as_bytes(), whence)],
        _ => Vec::new(),
    }
}

#[test]
fn http_exchanges() {
    for file in HTTP {
        let exchanges = json(&read(file));
        let mut requests = 0;
        let mut answers = 0;
        for exchange in exchanges.as_array().unwrap() {
            let whence = format!("{file}: {}", exchange["label"]);
            if let Some(body) = exchange["request"]["body"].as_str().filter(|body| !body.is_empty()) {
                message(body.as_bytes(), &whence);
                requests += 1;
            }
            answers += response_messages(&exchange["response"], &whence).len();
        }
        assert!(requests >= 6 && answers >= 6, "{file}: {requests} requests, {answers} answers");
    }
}

#[test]
fn stdio_conversations() {
    // The probing client sent three hostile lines; a message with these must be refused, all else read.
    let hostile = ["batches", "without fraction", "duplicate key \"method\""];
    let mut refused = Vec::new();
    for file in STDIO {
        let recorded = json(&read(file));
        let raw: Vec<_> = recorded.as_array().unwrap().iter().collect();
        let mut lines = stdio::Lines::new(1 << 20);
        raw.iter().for_each(|line| lines.push(format!("{}\r\n", line["raw"].as_str().unwrap()).as_bytes()));
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), raw.len(), "{file}");
        for (line, recorded) in lines.iter().zip(raw) {
            let stdio::Line::Message(bytes) = line else { panic!("{file}: a line was too long") };
            match Message::parse(bytes, &Limits::default()) {
                Ok(_) => drop(message(bytes, file)),
                Err(error) => {
                    assert_eq!(recorded["dir"], "c2s", "{file}: {error}");
                    refused.push(error.to_string());
                }
            }
        }
    }
    assert_eq!(refused.len(), hostile.len(), "{refused:?}");
    for (error, reason) in refused.iter().zip(hostile) {
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn single_messages() {
    for file in MESSAGES {
        message(&read(file), file);
    }
}

/// The scenario that must always work: `delete_run` vanishes, everything else stays byte for byte.
#[test]
fn mlflow_tools_without_delete_run() {
    let bytes = read("mlflow-mcp-0.4.1.tools_list.json");
    let Message::Response(response) = message(&bytes, "tools_list") else { panic!("no response") };
    assert_eq!(recognise(&response).unwrap().name, "tools/list");
    let listing = Listing::read(&response, lookup("tools/list").unwrap().shape().unwrap()).unwrap();
    assert_eq!((listing.entries().count(), listing.faults().count()), (40, 0));

    let definition = Document::parse(&read("mlflow-mcp-0.4.1.delete_run.json"), &Limits::default()).unwrap();
    let entry = listing.entries().find(|entry| entry.name == "delete_run").unwrap();
    assert_eq!(json(entry.definition.text().as_bytes()), json(definition.as_bytes()));

    let keep: Vec<_> = listing.entries().map(|entry| entry.name != "delete_run").collect();
    let filtered = listing.filter(&keep, Duration::ZERO).unwrap();
    let expected = response.document().as_str().replace(&format!("{},", entry.definition), "");
    assert_eq!(filtered.as_str(), expected);
    assert!(!filtered.as_str().contains("\"delete_run\""));
}
