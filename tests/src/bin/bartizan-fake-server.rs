//! An MCP server on its pipes whose tools misbehave, each in the way of its name. It keeps what it got.
//!
//! `bartizan-fake-server [--record FILE] [--tools NAME,NAME…] [--page SIZE] [--list-after METHOD]`
//!
//! With `--list-after` it answers `tools/list` only once it has got such a message.
//!
//! | tool | what a call does |
//! |---|---|
//! | `twice` | is answered twice, differently |
//! | `stray` | sends a response that nobody waits for, then is answered |
//! | `ask` | asks the client for a sample, and is answered with the client's own answer |
//! | `hold` | is not answered |
//! | `release` | has all held calls answered, the last first, with progress where they want it; then itself |
//! | `pid` | tells the process id |
//! | `die` | ends the process |
//! | any other | tells its name and its arguments |
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead as _, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

/// What it lists unless told otherwise.
const TOOLS: &str = "echo,twice,stray,ask,hold,release,pid,die,secret,delete_run";
/// The exit status of `die`.
const DEAD: u8 = 9;

struct Server {
    record: Option<File>,
    tools: Vec<String>,
    page: usize,
    held: Vec<Value>,
    asked: Option<Value>,
    list_after: Option<String>,
    withheld: Vec<Value>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut server = Server {
        record: None,
        tools: names(TOOLS),
        page: usize::MAX,
        held: Vec::new(),
        asked: None,
        list_after: None,
        withheld: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or("an option has a value")?;
        match option.as_str() {
            "--record" => server.record = Some(File::options().create(true).append(true).open(value)?),
            "--tools" => server.tools = names(&value),
            "--list-after" => server.list_after = Some(value),
            "--page" => server.page = value.parse()?,
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if let Some(record) = &mut server.record {
            record.write_all(&[line.as_slice(), b"\n"].concat())?;
        }
        let message: Value = serde_json::from_slice(&line)?;
        if message.pointer("/params/name") == Some(&json!("die")) {
            return Ok(ExitCode::from(DEAD));
        }
        if server.is_withheld(&message) {
            server.withheld.push(message);
            continue;
        }
        server.take(&message)?;
        if server.list_after.is_none() {
            for message in std::mem::take(&mut server.withheld) {
                server.take(&message)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::to_owned).collect()
}

impl Server {
    /// Whether a message has to wait; the one that is waited for ends that.
    fn is_withheld(&mut self, message: &Value) -> bool {
        let method = message.get("method").and_then(Value::as_str);
        if method == self.list_after.as_deref() {
            self.list_after = None;
        }
        self.list_after.is_some() && method == Some("tools/list")
    }

    fn take(&mut self, message: &Value) -> io::Result<()> {
        let params = message.get("params").unwrap_or(&Value::Null);
        match (message.get("method").and_then(Value::as_str), message.get("id")) {
            (Some("initialize"), Some(id)) => result(
                id,
                &json!({
                    "protocolVersion": params.get("protocolVersion"),
                    "capabilities": {"tools": {"listChanged": true}},
                    "serverInfo": {"name": "fake", "version": "1"},
                }),
            ),
            (Some("ping"), Some(id)) => result(id, &json!({})),
            (Some("tools/list"), Some(id)) => result(id, &self.list(params)),
            (Some("tools/call"), Some(id)) => self.call(id, params),
            (Some(_), Some(id)) => send(&json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"},
            })),
            (None, Some(id)) if id == "ask-1" => match self.asked.take() {
                Some(asked) => text(&asked, &message.to_string()),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn list(&self, params: &Value) -> Value {
        let cursor = params.get("cursor").and_then(Value::as_str);
        let start = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let tools: Vec<Value> = self
            .tools
            .iter()
            .skip(start)
            .take(self.page)
            .map(|name| json!({"name": name, "inputSchema": {"type": "object"}}))
            .collect();
        let next = start.saturating_add(self.page);
        if next < self.tools.len() {
            json!({"tools": tools, "nextCursor": next.to_string()})
        } else {
            json!({"tools": tools})
        }
    }

    fn call(&mut self, id: &Value, params: &Value) -> io::Result<()> {
        match params.get("name").and_then(Value::as_str).unwrap_or_default() {
            "twice" => {
                text(id, "first")?;
                text(id, "second")
            }
            "stray" => {
                text(&json!("nobody"), "stray")?;
                text(id, "not stray")
            }
            "ask" => {
                self.asked = Some(id.clone());
                let params = json!({"messages": [], "maxTokens": 1});
                let request = json!({"jsonrpc": "2.0", "id": "ask-1", "method": "sampling/createMessage", "params": params});
                send(&request)
            }
            "hold" => {
                self.held.push(json!({"id": id, "token": params.pointer("/_meta/progressToken")}));
                Ok(())
            }
            "release" => {
                let held: Vec<Value> = self.held.drain(..).rev().collect();
                for call in &held {
                    if let Some(token @ (Value::String(_) | Value::Number(_))) = call.get("token") {
                        let params = json!({"progressToken": token, "progress": 1});
                        send(
                            &json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}),
                        )?;
                    }
                }
                for call in &held {
                    text(call.get("id").unwrap_or(&Value::Null), "held")?;
                }
                text(id, "released")
            }
            "pid" => text(id, &std::process::id().to_string()),
            name => text(id, &json!({"tool": name, "arguments": params.get("arguments")}).to_string()),
        }
    }
}

fn text(id: &Value, text: &str) -> io::Result<()> {
    result(id, &json!({"content": [{"type": "text", "text": text}]}))
}

fn result(id: &Value, result: &Value) -> io::Result<()> {
    send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn send(message: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{message}")?;
    output.flush()
}
