//! A client that sends requests as they are, over stdio or HTTP, in either era, and hands back the text of
//! the response.

use bartizan_tests::http::{Http, POST};
use bartizan_tests::program::Program;
use bartizan_tests::rpc;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Era;

const MODERN: &str = "2026-07-28";

/// A connection to a server or to the gateway.
#[derive(Debug)]
pub(crate) struct Wire {
    era: Era,
    channel: Channel,
}

#[derive(Debug)]
enum Channel {
    Stdio(Program),
    Http { http: Http, url: String, session: Option<String> },
}

/// The parameters of `initialize`, from a client that offers a server nothing.
pub(crate) fn handshake() -> Value {
    json!({"protocolVersion": rpc::REVISION, "capabilities": {}, "clientInfo": client()})
}

fn client() -> Value {
    json!({"name": "bartizan-tests", "version": "1"})
}

impl Wire {
    pub(crate) fn stdio(command: Command, era: Era) -> Self {
        Self { era, channel: Channel::Stdio(Program::start(command)) }
    }

    pub(crate) fn http(url: &str, era: Era) -> Self {
        Self { era, channel: Channel::Http { http: Http::default(), url: url.to_owned(), session: None } }
    }

    /// Sends a request, after `initialize` its notification as well; the text of the response.
    pub(crate) async fn ask(&mut self, id: i64, method: &str, params: &Value) -> String {
        let mut params = params.clone();
        if self.era == Era::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": client(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        let answer = self.exchange(&rpc::request(id, method, &params)).await;
        if method == "initialize" {
            self.notify(&rpc::notification("notifications/initialized", &json!({}))).await;
        }
        answer
    }

    async fn exchange(&mut self, request: &Value) -> String {
        match &mut self.channel {
            Channel::Stdio(program) => {
                program.write(format!("{request}\n").as_bytes()).await;
                loop {
                    let Some(line) = program.line().await else {
                        panic!("no answer to {request}:\n{}", program.log())
                    };
                    if answers(&line, request) {
                        return line;
                    }
                }
            }
            Channel::Http { http, url, session } => {
                let headers = headers(self.era, session.as_deref(), request);
                let headers: Vec<(&str, &str)> = POST.iter().copied().chain(headers).collect();
                let answer = http.send("POST", url, &headers, request.to_string()).await;
                if let Some(id) = answer.header("mcp-session-id") {
                    *session = Some(id.to_owned());
                }
                let body = String::from_utf8(answer.body.to_vec()).expect("answers are text");
                let events = body.lines().filter_map(|line| line.strip_prefix("data:"));
                let text = events.chain([body.as_str()]).find(|text| answers(text, request));
                text.unwrap_or_else(|| panic!("no answer to {request} in {} {body}", answer.status))
                    .to_owned()
            }
        }
    }

    async fn notify(&mut self, notification: &Value) {
        match &mut self.channel {
            Channel::Stdio(program) => program.write(format!("{notification}\n").as_bytes()).await,
            Channel::Http { http, url, session } => {
                let headers = headers(self.era, session.as_deref(), notification);
                let headers: Vec<(&str, &str)> = POST.iter().copied().chain(headers).collect();
                let answer = http.send("POST", url, &headers, notification.to_string()).await;
                assert_eq!(answer.status, 202, "{notification}: {answer:?}");
            }
        }
    }
}

/// The headers with which each era repeats what the body says.
fn headers<'m>(era: Era, session: Option<&'m str>, message: &'m Value) -> Vec<(&'static str, &'m str)> {
    match era {
        Era::Legacy => {
            let session =
                session.map(|id| vec![("mcp-session-id", id), ("mcp-protocol-version", rpc::REVISION)]);
            session.unwrap_or_default()
        }
        Era::Modern => {
            let name = match message["method"].as_str() {
                Some("tools/call" | "prompts/get") => message["params"]["name"].as_str(),
                Some("resources/read") => message["params"]["uri"].as_str(),
                _ => None,
            };
            let method = message["method"].as_str().expect("a request has a method");
            let fixed = [("mcp-protocol-version", MODERN), ("mcp-method", method)];
            fixed.into_iter().chain(name.map(|name| ("mcp-name", name))).collect()
        }
    }
}

/// Whether a message is the response to a request. Notifications may come first; a client that offers
/// nothing is asked nothing.
fn answers(text: &str, request: &Value) -> bool {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return false };
    assert!(message["method"].is_null() || message["id"].is_null(), "the server asks: {message}");
    message["method"].is_null() && message["id"] == request["id"]
}
