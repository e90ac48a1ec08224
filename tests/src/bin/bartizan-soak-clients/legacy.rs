//! Clients of the legacy era: sessions with a stream, some of which end as they should and some do not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Target;
use crate::chance::Chance;
use crate::tally::Fault;
use crate::wire::{Answer, Client, Events, in_time, wrong};

const REVISION: &str = "2025-11-25";
/// How often `limited` may be called in a session, and in which time; as in the policy of the soak.
const LIMIT: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);
/// Where a clock of the client's cannot tell what the gateway's says.
const DOUBT: Duration = Duration::from_secs(2);
/// How long a call is under way before it is given up.
const SHORT: Duration = Duration::from_millis(200);
/// How many notifications of progress a call of `count` brings.
const PROGRESS_REPORTS: usize = 3;

/// A session after the other, until the time is up.
pub(crate) async fn client(number: u32, target: Arc<Target>) {
    let mut chance = Chance::new(number);
    while Instant::now() < target.end {
        if let Err(fault) = session(&target, &mut chance).await {
            target.tally.fault(fault);
            tokio::time::sleep(chance.pause()).await;
        }
    }
}

async fn session(target: &Arc<Target>, chance: &mut Chance) -> Result<(), Fault> {
    let open = target.tally.session();
    let mut session = Session::begin(target).await?;
    let listening = session.listen(chance.below(u64::MAX));
    let mut calls = chance.calls();
    while calls > 0 && Instant::now() < target.end {
        calls -= 1;
        if let Err(fault) = session.act(chance).await {
            target.tally.fault(fault);
        }
        tokio::time::sleep(chance.pause()).await;
    }
    if chance.below(2) == 0 {
        // Gone without a word, in the middle of something.
        let answer = session.call("count", "never read", &Value::Null);
        let _given_up = tokio::time::timeout(Duration::from_millis(chance.below(200)), answer).await;
        target.tally.count("vanished");
        listening.0.abort();
    } else {
        session.connection.is_over.store(true, Ordering::SeqCst);
        let ended = session.send(Method::DELETE, String::new()).await?;
        if ended.status != 204 {
            return Err(wrong("204", &ended.status));
        }
        in_time("the end of a deleted session's stream", listening.ended()).await?;
        target.tally.count("deleted");
    }
    drop(open);
    Ok(())
}

struct Session {
    connection: Arc<Connection>,
    last: u64,
    /// When `limited` was called with success, as far as it matters.
    limited: VecDeque<Instant>,
}

/// What a session and its stream share.
struct Connection {
    target: Arc<Target>,
    client: Client,
    id: String,
    /// Whether its streams may end.
    is_over: AtomicBool,
}

/// A stream that is read; no more when this is dropped.
struct Listening(JoinHandle<()>);

impl Listening {
    async fn ended(mut self) {
        // It tells of its faults itself.
        let _ended = (&mut self.0).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    async fn begin(target: &Arc<Target>) -> Result<Self, Fault> {
        let client = Client::new(target.url.clone());
        let params = json!({
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": {"name": "bartizan-soak", "version": "1"},
        });
        let request = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = client.send(Method::POST, &[], request.to_string()).await?;
        if answer.message()?.pointer("/result/protocolVersion") != Some(&json!(REVISION)) {
            return Err(wrong("a handshake", &answer.messages));
        }
        let id = answer.headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
        let id = id.ok_or_else(|| wrong("a session", &answer.headers))?.to_owned();
        let connection =
            Connection { target: Arc::clone(target), client, id, is_over: AtomicBool::new(false) };
        let session = Self { connection: Arc::new(connection), last: 0, limited: VecDeque::new() };
        session.tell("notifications/initialized", &json!({})).await?;
        target.tally.count("sessions");
        Ok(session)
    }

    /// Reads the session's stream.
    fn listen(&self, seed: u64) -> Listening {
        let connection = Arc::clone(&self.connection);
        let mut chance = Chance::new(u32::try_from(seed % u64::from(u32::MAX)).unwrap_or_default());
        Listening(tokio::spawn(async move {
            if let Err(fault) = connection.listen(&mut chance).await {
                connection.target.tally.fault(fault);
            }
        }))
    }

    /// Does something and looks at what comes of it.
    async fn act(&mut self, chance: &mut Chance) -> Result<(), Fault> {
        let text = chance.below(u64::MAX).to_string();
        match chance.below(100) {
            0..60 => {
                let begin = Instant::now();
                let answer = self.call("echo", &text, &Value::Null).await?;
                self.connection.target.tally.quick(begin.elapsed());
                says(answer.message()?, self.last, &text)
            }
            60..75 => self.count_up(&text).await,
            75..80 => self.cancel().await,
            80..84 => {
                let answer = self.call("secret", &text, &Value::Null).await?;
                let expected = json!({"code": -32602, "message": "Unknown tool: secret"});
                match answer.message()?.get("error") == Some(&expected) {
                    true => Ok(()),
                    false => Err(wrong("an unknown tool", &answer.messages)),
                }
            }
            84..90 => self.limited(&text).await,
            90..95 => {
                let answer = self.request("tools/list", &json!({})).await?;
                check_list(answer.message()?)
            }
            _ => {
                let answer = self.request("ping", &json!({})).await?;
                match answer.message()?.get("result") == Some(&json!({})) {
                    true => Ok(()),
                    false => Err(wrong("a pong", &answer.messages)),
                }
            }
        }
    }

    /// A call with progress.
    async fn count_up(&mut self, text: &str) -> Result<(), Fault> {
        let token = format!("progress of {text}");
        let answer = self.call("count", text, &json!({"progressToken": token})).await?;
        self.connection.target.tally.count("with progress");
        check_progress(&answer.messages, &token)?;
        says(answer.messages.last().unwrap_or(&Value::Null), self.last, text)
    }

    /// A call that is given up; the stream of its answer ends without one.
    async fn cancel(&mut self) -> Result<(), Fault> {
        let id = self.last + 1;
        let connection = Arc::clone(&self.connection);
        let (answer, told) = tokio::join!(self.call("hold", "", &Value::Null), async {
            tokio::time::sleep(SHORT).await;
            connection.tell("notifications/cancelled", &json!({"requestId": id})).await
        });
        told?;
        self.connection.target.tally.count("cancelled");
        match answer?.messages.as_slice() {
            [] => Ok(()),
            messages => Err(wrong("the silent end of a cancelled call", &messages)),
        }
    }

    /// A call that is allowed a few times only.
    async fn limited(&mut self, text: &str) -> Result<(), Fault> {
        let begin = Instant::now();
        let answer = self.call("limited", text, &Value::Null).await?;
        let message = answer.message()?;
        let is_denied = is_denied(message);
        let within = |time: Duration| self.limited.iter().filter(|then| then.elapsed() < time).count();
        let (surely, possibly) = (within(WINDOW - DOUBT), within(WINDOW + DOUBT));
        if is_denied && possibly < LIMIT || !is_denied && surely >= LIMIT {
            return Err(wrong(&format!("what {surely} to {possibly} calls leave"), message));
        }
        if is_denied {
            self.connection.target.tally.count("refused");
            return Ok(());
        }
        self.limited.push_back(begin);
        if self.limited.len() > LIMIT {
            self.limited.pop_front();
        }
        says(message, self.last, text)
    }

    async fn call(&mut self, tool: &str, text: &str, meta: &Value) -> Result<Answer, Fault> {
        let mut params = json!({"name": tool, "arguments": {"text": text}});
        if let (false, Some(params)) = (meta.is_null(), params.as_object_mut()) {
            params.insert("_meta".to_owned(), meta.clone());
        }
        self.request("tools/call", &params).await
    }

    async fn request(&mut self, method: &str, params: &Value) -> Result<Answer, Fault> {
        self.last += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params});
        let answer = self.send(Method::POST, request.to_string()).await?;
        if answer.status != 200 {
            return Err(Fault::Wrong(format!("HTTP {}: {:?}", answer.status, answer.messages)));
        }
        self.connection.target.tally.count("answers");
        Ok(answer)
    }

    async fn tell(&self, method: &str, params: &Value) -> Result<(), Fault> {
        self.connection.tell(method, params).await
    }

    async fn send(&self, method: Method, body: String) -> Result<Answer, Fault> {
        self.connection.client.send(method, &self.connection.headers(), body).await
    }
}

impl Connection {
    fn headers(&self) -> [(&str, &str); 2] {
        [("mcp-session-id", &self.id), ("mcp-protocol-version", REVISION)]
    }

    async fn tell(&self, method: &str, params: &Value) -> Result<(), Fault> {
        let notification = json!({"jsonrpc": "2.0", "method": method, "params": params});
        let answer = self.client.send(Method::POST, &self.headers(), notification.to_string()).await?;
        match (answer.status, answer.messages.as_slice()) {
            (202, []) => Ok(()),
            other => Err(wrong("202", &other)),
        }
    }

    /// Reads the session's stream, which now and then is lost and taken up again. Every notification comes,
    /// once and in order.
    async fn listen(&self, chance: &mut Chance) -> Result<(), Fault> {
        let (mut next, mut last): (u64, Option<String>) = (1, None);
        loop {
            let mut headers = self.headers().to_vec();
            if let Some(last) = &last {
                headers.push(("last-event-id", last));
            }
            let response = self.client.open(Method::GET, &headers, String::new()).await?;
            if response.status() != 200 {
                let is_over = self.is_over.load(Ordering::SeqCst);
                return if is_over { Ok(()) } else { Err(wrong("a stream", &response.status())) };
            }
            let _open = self.target.tally.stream();
            let mut events = Events::new(response.into_body());
            let mut until_lost = 1 + chance.below(8);
            while until_lost > 0 {
                let Some(event) = in_time("a notification of a session", events.next()).await?? else {
                    let is_over = self.is_over.load(Ordering::SeqCst);
                    let ended = || Fault::Ended(format!("a session's stream, before its message {next}"));
                    return if is_over { Ok(()) } else { Err(ended()) };
                };
                last = event.id.or(last);
                let Some(message) = event.message else { continue };
                if message.pointer("/params/data/number") != Some(&json!(next)) {
                    return Err(wrong(&format!("notification {next}"), &message));
                }
                self.target.tally.count("notifications");
                (next, until_lost) = (next + 1, until_lost - 1);
            }
            self.target.tally.count("streams reopened");
        }
    }
}

/// Whether a call was refused by the policy.
pub(crate) fn is_denied(message: &Value) -> bool {
    let text = message.pointer("/result/content/0/text").and_then(Value::as_str).unwrap_or_default();
    message.pointer("/result/isError") == Some(&json!(true)) && text.starts_with("[POLICY DENIED] ")
}

/// Checks that a message answers this request with this text.
pub(crate) fn says(message: &Value, id: impl Into<Value>, text: &str) -> Result<(), Fault> {
    let said = message.pointer("/result/content/0/text").and_then(Value::as_str);
    match said == Some(text) && message.get("id") == Some(&id.into()) {
        true => Ok(()),
        false => Err(wrong(&format!("an answer that says {text:?}"), message)),
    }
}

/// Checks that all progress comes, in order, before an answer.
pub(crate) fn check_progress(messages: &[Value], token: &str) -> Result<(), Fault> {
    let reported: Vec<Option<u64>> = messages
        .iter()
        .filter(|message| message.pointer("/params/progressToken") == Some(&json!(token)))
        .map(|message| message.pointer("/params/progress").and_then(Value::as_u64))
        .collect();
    match reported == [Some(1), Some(2), Some(3)] && messages.len() == PROGRESS_REPORTS + 1 {
        true => Ok(()),
        false => Err(wrong("all of the progress and an answer", &messages)),
    }
}

/// Checks that a list has everything but what is hidden.
pub(crate) fn check_list(message: &Value) -> Result<(), Fault> {
    let tools = message.pointer("/result/tools").and_then(Value::as_array);
    let names: Vec<&str> =
        tools.into_iter().flatten().filter_map(|tool| tool.get("name")?.as_str()).collect();
    match names.len() == 24 && names.contains(&"echo") && !names.contains(&"secret") {
        true => Ok(()),
        false => Err(wrong("the list of tools without `secret`", message)),
    }
}
