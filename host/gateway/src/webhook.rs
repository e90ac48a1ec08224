//! The webhook: tells a URL of the operator's of each request for approval, signed, until it is taken.
//!
//! A POST has the body `{"event":"approval_requested","approval":{…}}`, the header `X-Bartizan-Timestamp`
//! (seconds since the Unix epoch) and the header `X-Bartizan-Signature`: `sha256=` and the HMAC-SHA256, in
//! lower-case hex, of the timestamp, a full stop and the body. `X-Bartizan-Delivery` is the same for all
//! tries of one delivery. A delivery is tried again after a pause unless the answer is a 2xx; a 4xx other
//! than 408, 425 and 429 is final. Calls never wait for it.

use std::sync::Arc;
use std::time::Duration;

use bartizan_state::approval::Approval;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use ring::hmac;
use tokio::sync::{Semaphore, mpsc};

use crate::clock;
use crate::config::WebhookConfig;
use crate::digest;
use crate::upstream::HttpClient;

/// How many deliveries may wait. More are dropped, and the log says so.
const QUEUE: usize = 1_000;
/// How many are made at once.
const AT_ONCE: usize = 8;
/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses between the tries of a delivery.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(480),
];

/// The webhook. Deliveries go on in the background.
pub(crate) struct Webhook {
    queue: mpsc::Sender<Delivery>,
}

/// One event to deliver.
struct Delivery {
    id: String,
    body: String,
}

impl Webhook {
    /// Starts to deliver.
    pub(crate) fn start(config: WebhookConfig, client: HttpClient) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Delivery>(QUEUE);
        tokio::spawn(async move {
            let receiver = Arc::new(Receiver {
                key: hmac::Key::new(hmac::HMAC_SHA256, config.secret.as_bytes()),
                url: config.url,
                client,
            });
            let room = Arc::new(Semaphore::new(AT_ONCE));
            while let Some(delivery) = waiting.recv().await {
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
                let receiver = Arc::clone(&receiver);
                tokio::spawn(async move {
                    receiver.deliver(&delivery).await;
                    drop(permit);
                });
            }
        });
        Self { queue }
    }

    /// Tells of a request for approval.
    pub(crate) fn announce(&self, approval: &Approval) {
        let mut approval_json = serde_json::json!(approval);
        // Who decides looks at the arguments here: they may hold what the receiver must not read.
        if let Some(members) = approval_json.as_object_mut() {
            members.remove("arguments");
        }
        let body = serde_json::json!({"event": "approval_requested", "approval": approval_json}).to_string();
        let delivery = Delivery { id: approval.ticket.to_string(), body };
        if self.queue.try_send(delivery).is_err() {
            tracing::error!(ticket = %approval.ticket, "too many announcements wait: one is dropped");
        }
    }
}

struct Receiver {
    key: hmac::Key,
    url: http::Uri,
    client: HttpClient,
}

impl Receiver {
    async fn deliver(&self, delivery: &Delivery) {
        let mut pauses = PAUSES.into_iter();
        loop {
            let problem = match self.post(delivery).await {
                Ok(status) if status.is_success() => return,
                Ok(status) if is_final(status) => {
                    tracing::error!(ticket = delivery.id, %status, "the webhook refuses an announcement");
                    return;
                }
                Ok(status) => status.to_string(),
                Err(problem) => problem,
            };
            let Some(pause) = pauses.next() else {
                tracing::error!(
                    ticket = delivery.id,
                    problem,
                    "the webhook was not reached: an announcement is given up"
                );
                return;
            };
            tracing::warn!(
                ticket = delivery.id,
                problem,
                ?pause,
                "the webhook was not reached; it is tried again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn post(&self, delivery: &Delivery) -> Result<StatusCode, String> {
        let timestamp = (clock::now() / 1_000).to_string();
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("x-bartizan-timestamp", &timestamp)
            .header("x-bartizan-signature", sign(&self.key, &timestamp, &delivery.body))
            .header("x-bartizan-delivery", &delivery.id)
            .body(Full::new(Bytes::from(delivery.body.clone())))
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(PATIENCE, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response.status()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_elapsed) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }
}

/// Whether it makes no sense to try again.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

fn sign(key: &hmac::Key, timestamp: &str, body: &str) -> String {
    let mut signer = hmac::Context::with_key(key);
    signer.update(timestamp.as_bytes());
    signer.update(b".");
    signer.update(body.as_bytes());
    format!("sha256={}", digest::hex(signer.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of sixteen'
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of sixteen");
        assert_eq!(sign(&key, "1700000000", r#"{"a":1}"#), EXPECTED);
    }

    const EXPECTED: &str = "sha256=fbd8ce753f0c0643c2d4fef4959c30b175367059e6f5453bddeb7b24a3d1ae24";

    #[test]
    fn only_some_refusals_are_final() {
        for (status, expected) in
            [(400, true), (404, true), (408, false), (425, false), (429, false), (500, false)]
        {
            assert_eq!(is_final(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
