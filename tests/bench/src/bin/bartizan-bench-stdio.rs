//! The MCP server behind `bartizan run` in the benches: on its pipes, with the tools of mlflow-mcp and nothing
//! behind them.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOOLS: &str = include_str!("../../../corpus/mlflow-mcp-0.4.1.tools_list.json");

/// What is read of a message.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: &'a str,
    #[serde(default)]
    params: Value,
}

fn main() -> Result<(), Box<dyn Error>> {
    let recorded: Value = serde_json::from_str(TOOLS)?;
    let list = json!({"tools": recorded.pointer("/result/tools")}).to_string();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let message: Message<'_> = serde_json::from_str(&line)?;
        let Some(id) = message.id else { continue };
        let result = match message.method {
            "initialize" => json!({
                "protocolVersion": message.params.get("protocolVersion"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "bench", "version": "1"},
            })
            .to_string(),
            "tools/list" => list.clone(),
            "tools/call" => r#"{"content":[{"type":"text","text":"Done."}]}"#.to_owned(),
            "ping" => "{}".to_owned(),
            _ => {
                let error = r#"{"code":-32601,"message":"Method not found"}"#;
                writeln!(output, r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)?;
                output.flush()?;
                continue;
            }
        };
        writeln!(output, r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)?;
        output.flush()?;
    }
    Ok(())
}
