//! An MCP server on its pipes that speaks one era or both, with tools for what differs between them.
//!
//! `bartizan-era-server [--era modern|legacy|both|strict] [--record FILE]`
//!
//! A `strict` server ends at whatever comes before `initialize`, as some do. With `--record` it keeps what
//! it got.
//!
//! | tool | what a call does |
//! |---|---|
//! | `echo`, `secret`, `erase` | tells its name and its arguments |
//! | `steps` | tells of its progress twice, where that is wanted, then is answered |
//! | `hold` | is not answered before `release` |
//! | `release` | has the held calls answered, then itself |
//! | `log` | writes its `text` to the log of the protocol; is answered |
//! | `flood` | tells of its progress thousands of times, then is answered |
//! | `ask` | asks the user for a name, and is answered with all that came back |
//! | `task` | is answered with a task, whose id is the argument `id` |
//! | `pid` | tells the process id |
//! | `die` | ends the process |
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead as _, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

/// The exit status of `die`.
const DEAD: u8 = 9;
/// How often `flood` tells of its progress, and in how many bytes.
const FLOOD: usize = 20_000;
const WORDS: usize = 1_000;
/// The tools, in the order of the list.
const TOOLS: [&str; 12] =
    ["echo", "secret", "erase", "steps", "hold", "release", "log", "flood", "ask", "task", "pid", "die"];
const MODERN: &str = "2026-07-28";

struct Server {
    speaks_modern: bool,
    speaks_legacy: bool,
    record: Option<File>,
    held: Vec<Value>,
    listens: Vec<Value>,
    asked: Option<Value>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut server = Server {
        speaks_modern: true,
        speaks_legacy: true,
        record: None,
        held: Vec::new(),
        listens: Vec::new(),
        asked: None,
    };
    let mut is_strict = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or("an option has a value")?;
        match option.as_str() {
            "--era" => {
                server.speaks_modern = matches!(value.as_str(), "modern" | "both");
                server.speaks_legacy = value != "modern";
                is_strict = value == "strict";
            }
            "--record" => server.record = Some(File::options().create(true).append(true).open(value)?),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if let Some(record) = &mut server.record {
            record.write_all(&[line.as_slice(), b"\n"].concat())?;
        }
        let message: Value = serde_json::from_slice(&line)?;
        if std::mem::take(&mut is_strict) && message.get("method") != Some(&json!("initialize")) {
            return Err("expected `initialize`".into());
        }
        if message.pointer("/params/name") == Some(&json!("die")) {
            return Ok(ExitCode::from(DEAD));
        }
        let messages = match message {
            Value::Array(messages) => messages,
            message => vec![message],
        };
        for message in messages {
            server.take(&message)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn is_modern(message: &Value) -> bool {
    message.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion").is_some()
}

impl Server {
    fn take(&mut self, message: &Value) -> io::Result<()> {
        let params = message.get("params").unwrap_or(&Value::Null);
        let method = message.get("method").and_then(Value::as_str);
        let Some(id) = message.get("id") else { return Ok(()) };
        let Some(method) = method else { return self.answered(message) };
        let modern = is_modern(message);
        if modern && !self.speaks_modern || !modern && !self.speaks_legacy {
            return error(id, -32601, "Method not found");
        }
        match method {
            "server/discover" if modern => result(
                id,
                true,
                json!({
                    "supportedVersions": [MODERN],
                    "capabilities": {"tools": {"listChanged": true}},
                    "serverInfo": {"name": "era", "version": "1"},
                }),
            ),
            "initialize" => result(
                id,
                false,
                json!({
                    "protocolVersion": params.get("protocolVersion"),
                    "capabilities": {"tools": {"listChanged": true}},
                    "serverInfo": {"name": "era", "version": "1"},
                }),
            ),
            "ping" if !modern => result(id, false, json!({})),
            "tools/list" => {
                result(id, modern, json!({"tools": tools(), "ttlMs": 60_000, "cacheScope": "public"}))
            }
            "tools/call" => self.call(id, params, modern),
            "subscriptions/listen" if modern => {
                self.listens.push(id.clone());
                let wanted = params.get("notifications").cloned().unwrap_or_default();
                subscribed(id, "notifications/subscriptions/acknowledged", json!({"notifications": wanted}))
            }
            "tasks/get" => {
                let task = params.get("taskId").cloned().unwrap_or_default();
                result(
                    id,
                    modern,
                    json!({
                        "taskId": task, "status": "completed", "ttlMs": 1000, "createdAt": "2026-07-28T00:00:00Z",
                        "lastUpdatedAt": "2026-07-28T00:00:00Z",
                        "result": {"resultType": "complete", "content": [{"type": "text", "text": "the task's own"}]},
                    }),
                )
            }
            _ => error(id, -32601, "Method not found"),
        }
    }

    fn call(&mut self, id: &Value, params: &Value, modern: bool) -> io::Result<()> {
        let argument =
            |name: &str| params.pointer(&format!("/arguments/{name}")).cloned().unwrap_or_default();
        let token = params.pointer("/_meta/progressToken");
        let progress = |step: usize, text: &str| match token {
            Some(token) => notify(
                "notifications/progress",
                &json!({"progressToken": token, "progress": step, "message": text}),
            ),
            None => Ok(()),
        };
        match params.get("name").and_then(Value::as_str).unwrap_or_default() {
            "steps" => {
                progress(1, "one")?;
                progress(2, "two")?;
                text(id, modern, "done")
            }
            "hold" => {
                progress(1, "held")?;
                self.held.push(json!([id, modern]));
                Ok(())
            }
            "release" => {
                for held in self.held.drain(..) {
                    text(held.get(0).unwrap_or(&Value::Null), held.get(1) == Some(&json!(true)), "held")?;
                }
                text(id, modern, "released")
            }
            "log" => {
                notify("notifications/message", &json!({"level": "info", "data": argument("text")}))?;
                for listen in &self.listens {
                    for kind in ["tools", "prompts"] {
                        subscribed(listen, &format!("notifications/{kind}/list_changed"), json!({}))?;
                    }
                }
                text(id, modern, "logged")
            }
            "flood" => {
                let words = "word ".repeat(WORDS / 5);
                for step in 1..=FLOOD {
                    progress(step, &words)?;
                }
                text(id, modern, "flooded")
            }
            "ask" if modern => match params.get("inputResponses") {
                None => result_of_type(
                    id,
                    "input_required",
                    json!({
                        "inputRequests": {"name": {"method": "elicitation/create", "params": {
                            "mode": "form", "message": "Your name?",
                            "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
                        }}},
                        "requestState": "the server's own",
                    }),
                ),
                Some(responses) => text(
                    id,
                    true,
                    &json!({"responses": responses, "state": params.get("requestState")}).to_string(),
                ),
            },
            "ask" => {
                self.asked = Some(id.clone());
                send(&json!({
                    "jsonrpc": "2.0", "id": "ask-1", "method": "elicitation/create",
                    "params": {"message": "Your name?", "requestedSchema": {"type": "object", "properties": {}}},
                }))
            }
            "task" => result_of_type(
                id,
                "task",
                json!({
                    "taskId": argument("id"), "status": "working", "ttlMs": 1000, "createdAt": "2026-07-28T00:00:00Z",
                    "lastUpdatedAt": "2026-07-28T00:00:00Z",
                }),
            ),
            "pid" => text(id, modern, &std::process::id().to_string()),
            name => {
                text(id, modern, &json!({"tool": name, "arguments": params.get("arguments")}).to_string())
            }
        }
    }

    /// Takes the client's answer to the question of `ask`.
    fn answered(&mut self, message: &Value) -> io::Result<()> {
        match self.asked.take() {
            Some(asked) => text(&asked, false, &message.to_string()),
            None => Ok(()),
        }
    }
}

/// The definitions: `echo` repeats an argument in a header.
fn tools() -> Vec<Value> {
    let definition = |name: &&str| {
        let properties = match *name {
            "echo" => json!({"place": {"type": "string", "x-mcp-header": "Place"}}),
            _ => json!({}),
        };
        json!({"name": name, "inputSchema": {"type": "object", "properties": properties}})
    };
    TOOLS.iter().map(definition).collect()
}

fn text(id: &Value, modern: bool, text: &str) -> io::Result<()> {
    result(id, modern, json!({"content": [{"type": "text", "text": text}]}))
}

fn result(id: &Value, modern: bool, result: Value) -> io::Result<()> {
    if modern {
        result_of_type(id, "complete", result)
    } else {
        send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }
}

fn result_of_type(id: &Value, kind: &str, mut result: Value) -> io::Result<()> {
    if let Some(members) = result.as_object_mut() {
        members.insert("resultType".to_owned(), json!(kind));
    }
    send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn error(id: &Value, code: i64, message: &str) -> io::Result<()> {
    send(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
}

fn subscribed(listen: &Value, method: &str, mut params: Value) -> io::Result<()> {
    if let Some(members) = params.as_object_mut() {
        members.insert("_meta".to_owned(), json!({"io.modelcontextprotocol/subscriptionId": listen}));
    }
    notify(method, &params)
}

fn notify(method: &str, params: &Value) -> io::Result<()> {
    send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

fn send(message: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{message}")?;
    output.flush()
}
