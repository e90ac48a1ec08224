//! The shapes of an HTTP answer.

use bartizan_wire::json::Document;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};

use super::events::EventStream;
use crate::downstream::guard::Refusal;
use crate::payload::bytes_of;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const UNCACHED: HeaderValue = HeaderValue::from_static("no-cache");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A response of the gateway.
pub(crate) type Answer = Response<Either<Full<Bytes>, EventStream>>;

/// A refusal of the whole request: HTTP's status, and a JSON-RPC error that says why.
pub(super) fn refuse(refusal: &Refusal) -> Answer {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":-32600,"message":{}}}}}"#,
        bartizan_wire::json::quote(&refusal.problem)
    );
    json(refusal.status, text.as_bytes())
}

pub(super) fn json(status: StatusCode, text: &[u8]) -> Answer {
    json_bytes(status, Bytes::copy_from_slice(text))
}

/// The answer to a message.
pub(super) fn message(status: StatusCode, document: &Document) -> Answer {
    json_bytes(status, bytes_of(document))
}

fn json_bytes(status: StatusCode, text: Bytes) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

pub(super) fn stream(events: EventStream) -> Answer {
    let mut answer = Response::new(Either::Right(events));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, UNCACHED);
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    answer
}

/// Whether the answer is complete, and no stream.
pub(super) fn is_complete(answer: &Answer) -> bool {
    matches!(answer.body(), Either::Left(_))
}
