//! An MCP client on the pipes of a child process.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::program::{Ended, Program};
use crate::rpc;

/// A client and the program it talks to.
#[derive(Debug)]
pub struct StdioClient {
    program: Program,
    last_id: i64,
}

impl StdioClient {
    /// Starts a program and shakes hands with it.
    pub async fn start(command: Command) -> Self {
        let mut client = Self { program: Program::start(command), last_id: 0 };
        client.send(&rpc::initialize(0)).await;
        let answer = client.message().await;
        assert_eq!(answer["id"], 0, "{answer}");
        assert!(answer["result"]["serverInfo"].is_object(), "the handshake fails: {answer}");
        client.send(&rpc::notification("notifications/initialized", &json!({}))).await;
        client
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &Value) {
        self.send_line(message.to_string().as_bytes()).await;
    }

    /// Sends a line of any bytes.
    pub async fn send_line(&mut self, line: &[u8]) {
        self.program.write(&[line, b"\n"].concat()).await;
    }

    /// The next message, whatever it is.
    pub async fn message(&mut self) -> Value {
        let Some(line) = self.program.line().await else {
            panic!("the server's output has ended:\n{}", self.program.log());
        };
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line} is not JSON: {error}"))
    }

    /// Sends a request. The next message must be its answer: nothing else may come in between.
    pub async fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&rpc::request(id, method, params)).await;
        let answer = self.message().await;
        assert_eq!(answer["id"], id, "not the answer to {method}: {answer}");
        answer
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments})).await
    }

    /// Asserts that the connection still works: the next thing that comes is the answer to a ping.
    pub async fn assert_usable(&mut self, after: &str) {
        let answer = self.request("ping", &json!({})).await;
        assert_eq!(answer["result"], json!({}), "ping after {after}");
    }

    /// Ends the program's input and waits for its end.
    pub async fn end(mut self) -> Ended {
        self.program.close_input();
        self.program.end().await
    }
}
