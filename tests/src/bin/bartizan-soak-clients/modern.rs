//! Clients of the modern era: requests that stand for themselves, and streams that end when their client
//! goes away.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Target;
use crate::chance::Chance;
use crate::legacy::{check_list, check_progress, is_denied, says};
use crate::tally::Fault;
use crate::wire::{Answer, Client, Events, in_time, wrong};

const REVISION: &str = "2026-07-28";
const SUBSCRIPTION: &str = "/params/_meta/io.modelcontextprotocol~1subscriptionId";
/// How long a call is under way before its client goes away.
const SHORT: Duration = Duration::from_millis(200);

/// A client after the other, until the time is up.
pub(crate) async fn client(number: u32, target: Arc<Target>) {
    let mut chance = Chance::new(number);
    while Instant::now() < target.end {
        let open = target.tally.session();
        let mut client =
            Modern { target: Arc::clone(&target), client: Client::new(target.url.clone()).into(), last: 0 };
        target.tally.count("sessions");
        let listening = client.listen(number, chance.below(8));
        let mut calls = chance.calls();
        while calls > 0 && Instant::now() < target.end {
            calls -= 1;
            if let Err(fault) = client.act(&mut chance).await {
                target.tally.fault(fault);
            }
            tokio::time::sleep(chance.pause()).await;
        }
        // Goes away with everything that is open.
        drop((listening, client, open));
        target.tally.count("vanished");
    }
}

struct Modern {
    target: Arc<Target>,
    client: Arc<Client>,
    last: u64,
}

/// A stream that is read; no more when this is dropped.
struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Modern {
    /// Listens, and now and then goes away and listens anew.
    fn listen(&self, number: u32, first: u64) -> Listening {
        let (target, client) = (Arc::clone(&self.target), Arc::clone(&self.client));
        let mut chance = Chance::new(number.wrapping_add(1 << 20));
        Listening(tokio::spawn(async move {
            let mut until_lost = first + 1;
            loop {
                // Both kinds of ids, and the same ones as other clients.
                let id = if number.is_multiple_of(2) { json!("listen") } else { json!(1_000_000) };
                if let Err(fault) = listen(&target, &client, &id, until_lost).await {
                    target.tally.fault(fault);
                    tokio::time::sleep(chance.pause()).await;
                }
                target.tally.count("streams reopened");
                until_lost = 1 + chance.below(8);
            }
        }))
    }

    /// Does something and looks at what comes of it.
    async fn act(&mut self, chance: &mut Chance) -> Result<(), Fault> {
        let text = chance.below(u64::MAX).to_string();
        match chance.below(100) {
            0..60 => {
                let begin = Instant::now();
                let answer = self.call("echo", &text, None).await?;
                self.target.tally.quick(begin.elapsed());
                says(answer.message()?, self.last, &text)?;
                is_complete(answer.message()?)
            }
            60..75 => {
                let token = format!("progress of {text}");
                let answer = self.call("count", &text, Some(&token)).await?;
                self.target.tally.count("with progress");
                check_progress(&answer.messages, &token)?;
                says(answer.messages.last().unwrap_or(&Value::Null), self.last, &text)
            }
            75..82 => {
                self.last += 1;
                let params = parameters(&json!({"name": "hold", "arguments": {}}), None);
                let response =
                    open(&self.client, "tools/call", Some("hold"), &json!(self.last), &params).await?;
                tokio::time::sleep(SHORT).await;
                drop(response);
                self.target.tally.count("cancelled");
                Ok(())
            }
            82..86 => {
                let answer = self.call("secret", &text, None).await?;
                let expected = json!({"code": -32602, "message": "Unknown tool: secret"});
                match answer.message()?.get("error") == Some(&expected) {
                    true => Ok(()),
                    false => Err(wrong("an unknown tool", &answer.messages)),
                }
            }
            86..92 => {
                // The limit is on what all clients of the era have together.
                let answer = self.call("limited", &text, None).await?;
                let message = answer.message()?;
                is_complete(message)?;
                if is_denied(message) {
                    self.target.tally.count("refused");
                    return Ok(());
                }
                says(message, self.last, &text)
            }
            _ => {
                let answer = self.request("tools/list", None, &parameters(&json!({}), None)).await?;
                check_list(answer.message()?)?;
                is_complete(answer.message()?)
            }
        }
    }

    async fn call(&mut self, tool: &str, text: &str, token: Option<&str>) -> Result<Answer, Fault> {
        let params = parameters(&json!({"name": tool, "arguments": {"text": text}}), token);
        self.request("tools/call", Some(tool), &params).await
    }

    async fn request(&mut self, method: &str, name: Option<&str>, params: &Value) -> Result<Answer, Fault> {
        self.last += 1;
        let body = json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params});
        let answer = self.client.send(Method::POST, &headers(method, name), body.to_string()).await?;
        if answer.status != 200 {
            return Err(Fault::Wrong(format!("HTTP {}: {:?}", answer.status, answer.messages)));
        }
        self.target.tally.count("answers");
        Ok(answer)
    }
}

/// Reads a stream that listens until so many notifications came: every one, once and in order.
async fn listen(target: &Target, client: &Client, id: &Value, until_lost: u64) -> Result<(), Fault> {
    let params = parameters(&json!({"notifications": {"resourceSubscriptions": ["soak:///"]}}), None);
    let response = open(client, "subscriptions/listen", None, id, &params).await?;
    if response.status() != 200 {
        return Err(wrong("a stream that listens", &response.status()));
    }
    let _open = target.tally.stream();
    let mut events = Events::new(response.into_body());
    for number in 0..=until_lost {
        let Some(event) = in_time("a notification of a subscription", events.next()).await?? else {
            return Err(Fault::Ended(format!("a subscription, before its message {number}")));
        };
        let message = event.message.unwrap_or_default();
        let is_right = match number {
            0 => message.get("method") == Some(&json!("notifications/subscriptions/acknowledged")),
            number => message.pointer("/params/uri") == Some(&json!(format!("soak:///{number}"))),
        };
        if !is_right || message.pointer(SUBSCRIPTION) != Some(id) {
            return Err(wrong(&format!("notification {number} of subscription {id}"), &message));
        }
        target.tally.count("notifications");
    }
    Ok(())
}

async fn open(
    client: &Client,
    method: &str,
    name: Option<&str>,
    id: &Value,
    params: &Value,
) -> Result<http::Response<hyper::body::Incoming>, Fault> {
    let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    client.open(Method::POST, &headers(method, name), body.to_string()).await
}

fn headers<'h>(method: &'h str, name: Option<&'h str>) -> Vec<(&'h str, &'h str)> {
    let mut headers = vec![("mcp-protocol-version", REVISION), ("mcp-method", method)];
    headers.extend(name.map(|name| ("mcp-name", name)));
    headers
}

/// Adds what every request says of itself.
fn parameters(params: &Value, token: Option<&str>) -> Value {
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bartizan-soak", "version": "1"},
    });
    if let (Some(token), Some(meta)) = (token, meta.as_object_mut()) {
        meta.insert("progressToken".to_owned(), json!(token));
    }
    let mut params = params.clone();
    if let Some(params) = params.as_object_mut() {
        params.insert("_meta".to_owned(), meta);
    }
    params
}

fn is_complete(message: &Value) -> Result<(), Fault> {
    match message.pointer("/result/resultType") == Some(&json!("complete")) {
        true => Ok(()),
        false => Err(wrong("a complete result", message)),
    }
}
