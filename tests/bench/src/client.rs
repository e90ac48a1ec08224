//! An MCP client over Streamable HTTP that opens sessions and sees whether a request gets a real result. What
//! measures is wrk.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::question::{Question, REVISION, SESSION_ID};

const TIME_TO_ANSWER: Duration = Duration::from_secs(60);

/// A client; it keeps its connections.
pub(crate) struct Client(legacy::Client<HttpConnector, Full<Bytes>>);

/// A whole response.
struct Answer {
    status: u16,
    session: Option<String>,
    body: String,
}

impl Default for Client {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }
}

impl Client {
    /// Opens a session; its id.
    pub(crate) async fn open_session(&self, url: &str) -> Result<String> {
        let params = json!({
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": {"name": "bartizan-bench", "version": "1"},
        });
        let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let answer = self.post(url, &[], initialize.to_string()).await?;
        ensure!(answer.status == 200, "{url} refuses a session: {} {}", answer.status, answer.body);
        let session = answer.session.with_context(|| format!("{url} opens no session: {}", answer.body))?;
        let headers = [(SESSION_ID, session.clone()), ("mcp-protocol-version", REVISION.to_owned())];
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let answer = self.post(url, &headers, initialized.to_string()).await?;
        ensure!(answer.status == 202, "{url} does not begin the session: {} {}", answer.status, answer.body);
        Ok(session)
    }

    /// The messages that answer a question, which must end with a result.
    pub(crate) async fn ask(&self, url: &str, session: &str, question: Question) -> Result<Vec<Value>> {
        let (messages, is_result) = self.try_asking(url, session, question).await?;
        let last = messages.last().map(|last| last.to_string().chars().take(500).collect::<String>());
        ensure!(is_result, "{url} does not answer with a result: {}", last.unwrap_or_default());
        Ok(messages)
    }

    /// Whether a question gets a result.
    pub(crate) async fn is_answered(&self, url: &str, session: &str, question: Question) -> Result<bool> {
        Ok(self.try_asking(url, session, question).await?.1)
    }

    async fn try_asking(&self, url: &str, session: &str, question: Question) -> Result<(Vec<Value>, bool)> {
        let number = 1;
        let answer = self.post(url, &question.headers(session), question.body(number)).await?;
        ensure!(answer.status == 200, "{url} answers with status {}: {}", answer.status, answer.body);
        let messages = messages(&answer.body)?;
        let is_result = messages.last().is_some_and(|last| is_result(last, number));
        Ok((messages, is_result))
    }

    async fn post(&self, url: &str, headers: &[(&str, String)], body: String) -> Result<Answer> {
        let mut request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let answer = async {
            let (parts, body) = self.0.request(request).await?.into_parts();
            Ok::<_, anyhow::Error>((parts, body.collect().await?.to_bytes()))
        };
        let (parts, body) = timeout(TIME_TO_ANSWER, answer)
            .await
            .with_context(|| format!("{url} does not answer"))?
            .with_context(|| format!("cannot ask {url}"))?;
        let session = parts.headers.get(SESSION_ID).and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: parts.status.as_u16(),
            session: session.map(str::to_owned),
            body: String::from_utf8(body.to_vec()).with_context(|| format!("{url} sends no text"))?,
        })
    }
}

/// Whether a message is the result of a request, and no refusal.
pub(crate) fn is_result(message: &Value, number: u64) -> bool {
    let is_error = message.pointer("/result/isError").and_then(Value::as_bool).unwrap_or(false);
    message.get("id") == Some(&json!(number)) && message.get("result").is_some() && !is_error
}

/// The messages of a body: one, or those of an event stream.
fn messages(body: &str) -> Result<Vec<Value>> {
    let is_json = body.starts_with('{');
    let texts = body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let texts: Vec<&str> = if is_json { vec![body] } else { texts.filter(|text| !text.is_empty()).collect() };
    texts
        .into_iter()
        .map(|text| serde_json::from_str(text).with_context(|| format!("not JSON: {text}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{is_result, messages};
    use serde_json::json;

    #[test]
    fn a_refusal_is_no_result() {
        let message = |result| json!({"id": 3, "result": result});
        assert!(is_result(&message(json!({"content": []})), 3));
        assert!(!is_result(&message(json!({"content": []})), 4));
        assert!(!is_result(&message(json!({"content": [], "isError": true})), 3));
        assert!(!is_result(&json!({"id": 3, "error": {}}), 3));
    }

    #[test]
    fn reads_the_messages_of_both_forms_of_a_body() {
        assert_eq!(messages(r#"{"id":1}"#).unwrap(), [json!({"id": 1})]);
        let stream = "id: 0\ndata:\n\nevent: message\ndata: {\"a\":1}\n\n: alive\n\ndata: {\"id\":1}\n\n";
        assert_eq!(messages(stream).unwrap(), [json!({"a": 1}), json!({"id": 1})]);
        assert!(messages("data: no").is_err());
    }
}
