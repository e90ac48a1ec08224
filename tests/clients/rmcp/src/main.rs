//! A client of the official Rust SDK, rmcp. A task's "mode" is a lifecycle of the SDK: "legacy" (its own
//! choice), "auto" or "modern". Otherwise as `mcp1.py`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::Stdio;

use rmcp::ClientHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientRequest, JsonObject, ProgressNotificationParam,
    ProgressToken, ProtocolVersion, Request, ServerResult,
};
use rmcp::service::{
    ClientLifecycleMode, NotificationContext, PeerRequestOptions, RequestHandle, RoleClient, RunningService,
    ServiceError, serve_client_with_lifecycle,
};
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::{Map, Value, json};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Passes on the progress that the server tells of.
struct Listener(UnboundedSender<(ProgressToken, f64)>);

impl ClientHandler for Listener {
    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        // Nobody listens any more once the last step is taken.
        let _unheard = self.0.send((params.progress_token, params.progress));
    }
}

struct Client {
    service: RunningService<RoleClient, Listener>,
    progress: UnboundedReceiver<(ProgressToken, f64)>,
}

// On one thread, since the SDK gives every notification to a task of its own: they stay in order.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let task: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("a task is missing")?)?;
    let (sender, progress) = unbounded_channel();
    let (listener, lifecycle) = (Listener(sender), lifecycle(task.get("mode").and_then(Value::as_str))?);
    let (service, server) = match task.get("url").and_then(Value::as_str) {
        Some(url) => {
            let transport = StreamableHttpClientTransport::from_uri(url);
            (serve_client_with_lifecycle(listener, transport, lifecycle).await?, None)
        }
        None => {
            let words: Vec<&str> =
                array(&task, "command")?.iter().map(|word| word.as_str().unwrap_or_default()).collect();
            let (program, parameters) = words.split_first().ok_or("a command has words")?;
            let mut command = Command::new(program);
            command.args(parameters).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
            let mut server = command.spawn()?;
            let output = server.stdout.take().ok_or("standard output is a pipe")?;
            let input = server.stdin.take().ok_or("standard input is a pipe")?;
            (serve_client_with_lifecycle(listener, (output, input), lifecycle).await?, Some(server))
        }
    };
    let mut client = Client { service, progress };
    let mut seen = Vec::new();
    for step in array(&task, "steps")? {
        seen.push(client.take(step).await?);
    }
    println!("{}", Value::from(seen));
    client.service.cancel().await?;
    if let Some(mut server) = server {
        server.wait().await?;
    }
    Ok(())
}

fn lifecycle(mode: Option<&str>) -> Outcome<ClientLifecycleMode> {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    match mode {
        None | Some("legacy") => Ok(ClientLifecycleMode::Initialize),
        Some("auto") => Ok(ClientLifecycleMode::Auto { preferred_versions, legacy_version: None }),
        Some("modern") => Ok(ClientLifecycleMode::Discover { preferred_versions }),
        Some(other) => Err(format!("not a mode: {other}").into()),
    }
}

fn array<'v>(value: &'v Value, name: &str) -> Outcome<&'v [Value]> {
    let array = value.get(name).and_then(Value::as_array);
    Ok(array.ok_or_else(|| format!("{name} is missing in {value}"))?)
}

fn parameters(name: &str, step: &Value) -> CallToolRequestParams {
    let arguments: JsonObject = step.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default();
    CallToolRequestParams::new(name.to_owned()).with_arguments(arguments)
}

impl Client {
    async fn take(&mut self, step: &Value) -> Outcome<Value> {
        let word = |name: &str| step.get(name).and_then(Value::as_str);
        if word("tell") == Some("revision") {
            let server = self.service.peer_info().ok_or("the server has introduced itself")?;
            return Ok(serde_json::to_value(&server.protocol_version)?);
        }
        match (word("list"), word("call"), word("cancel")) {
            (Some("tools"), ..) => {
                let tools = self.service.list_all_tools().await?;
                Ok(tools.into_iter().map(|tool| tool.name.into_owned()).collect())
            }
            (Some("prompts"), ..) => {
                let prompts = self.service.list_all_prompts().await?;
                Ok(prompts.into_iter().map(|prompt| prompt.name).collect())
            }
            (_, Some(name), _) => self.call(name, step).await,
            (.., Some(name)) => self.cancel(name, step).await,
            _ => Err(format!("not a step: {step}").into()),
        }
    }

    async fn start(&self, name: &str, step: &Value) -> Outcome<RequestHandle<RoleClient>> {
        let request = ClientRequest::CallToolRequest(Request::new(parameters(name, step)));
        Ok(self.service.send_cancellable_request(request, PeerRequestOptions::no_options()).await?)
    }

    async fn call(&mut self, name: &str, step: &Value) -> Outcome<Value> {
        let meanwhile = step.get("meanwhile");
        let handle = self.start(name, step).await?;
        let (token, response) = (handle.progress_token.clone(), handle.await_response());
        let mut response = std::pin::pin!(response);
        let mut progress = Vec::new();
        let response = loop {
            tokio::select! {
                biased;
                Some((of, value)) = self.progress.recv() => {
                    if of != token {
                        continue;
                    }
                    progress.push(value);
                    let Some(meanwhile) = meanwhile else { continue };
                    if meanwhile.get("progress").and_then(Value::as_f64) == Some(value) {
                        let name = meanwhile.get("call").and_then(Value::as_str).unwrap_or_default();
                        self.service.call_tool(parameters(name, meanwhile)).await?;
                    }
                }
                response = &mut response => break response,
            }
        };
        let mut seen = match response {
            Ok(ServerResult::CallToolResult(result)) => result_of(result),
            Ok(other) => return Err(format!("not the result of a call: {other:?}").into()),
            Err(ServiceError::McpError(error)) => {
                return Ok(json!({"code": error.code.0, "message": error.message}));
            }
            Err(error) => return Err(error.into()),
        };
        if !progress.is_empty() {
            seen.insert("progress".to_owned(), json!(progress));
        }
        Ok(seen.into())
    }

    async fn cancel(&mut self, name: &str, step: &Value) -> Outcome<Value> {
        let handle = self.start(name, step).await?;
        while let Some((of, _)) = self.progress.recv().await {
            if of == handle.progress_token {
                break;
            }
        }
        handle.cancel(Some("enough".to_owned())).await?;
        Ok(json!({"cancelled": true}))
    }
}

fn result_of(result: CallToolResult) -> Map<String, Value> {
    let texts: Vec<&str> =
        result.content.iter().filter_map(|part| part.as_text().map(|text| text.text.as_str())).collect();
    let mut seen = Map::new();
    seen.insert("is_error".to_owned(), result.is_error.unwrap_or_default().into());
    seen.insert("text".to_owned(), texts.join("\n").into());
    if let Some(structured) = result.structured_content {
        seen.insert("structured".to_owned(), structured);
    }
    seen
}
