//! The JSON-RPC 2.0 envelope as MCP uses it.
//!
//! [`Message::parse`] takes one message and remembers where its parts are; the text stays the
//! [`Document`] it was parsed from, unknown members included. What could be read as two kinds of message
//! at once (a method with a result) is refused. [`Incoming::parse`] takes a batch of them as well, for the
//! one revision that has batches.

mod batch;
mod id;
mod rewrite;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::json::{Document, EditError, JsonError, Kind, Limits, Value};

pub use batch::{BATCH, Incoming, join};
pub use id::{Id, IdError};
use rewrite::{from_root, moved, with_id};

/// JSON-RPC: the text is no JSON (or no JSON with a single reading).
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: the JSON is no valid request.
pub const INVALID_REQUEST: i64 = -32600;

/// One JSON-RPC message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Wants an answer: `method` and `id`.
    Request(Request),
    /// Wants none: `method` without `id`.
    Notification(Notification),
    /// Answers a request: `result` or `error`.
    Response(Response),
}

impl Message {
    /// Parses foreign bytes into a message.
    ///
    /// # Errors
    /// [`MessageError`]: not strict JSON, a batch, or not exactly one kind of JSON-RPC 2.0 message with an
    /// object for `params` if present.
    pub fn parse(input: &[u8], limits: &Limits) -> Result<Self, MessageError> {
        Self::read(&Document::parse(input, limits)?)
    }

    /// Reads a document, for instance an edited one, as a message.
    ///
    /// # Errors
    /// As [`Message::parse`], without [`MessageError::Json`].
    pub fn read(document: &Document) -> Result<Self, MessageError> {
        let parts = Parts::of(document)?;
        match (parts.method, parts.result, parts.error) {
            (None, None, None) => Err(MessageError::NoKind),
            (None, Some(_), Some(_)) => Err(MessageError::ResultAndError),
            (None, result, error) => Response::from_parts(document.clone(), parts.id, result, error),
            (Some(method), None, None) => {
                let method = method.as_str().ok_or(MessageError::Method { found: method.kind() })?;
                let method = Arc::from(method.as_ref());
                let params = parts.params.map(params_span).transpose()?;
                match parts.id {
                    Some(id) => {
                        let (id, id_at) = (Id::from_value(id)?, id.span());
                        Ok(Self::Request(Request { id, id_at, method, params, document: document.clone() }))
                    }
                    None => {
                        Ok(Self::Notification(Notification { method, params, document: document.clone() }))
                    }
                }
            }
            (Some(_), _, _) => Err(MessageError::Hybrid),
        }
    }

    /// The message's text.
    pub fn document(&self) -> &Document {
        match self {
            Self::Request(request) => &request.document,
            Self::Notification(notification) => &notification.document,
            Self::Response(response) => &response.document,
        }
    }
}

/// Where the envelope's members are.
#[derive(Default)]
struct Parts<'a> {
    id: Option<Value<'a>>,
    method: Option<Value<'a>>,
    params: Option<Value<'a>>,
    result: Option<Value<'a>>,
    error: Option<Value<'a>>,
}

impl<'a> Parts<'a> {
    fn of(document: &'a Document) -> Result<Self, MessageError> {
        let root = document.root();
        match root.kind() {
            Kind::Object => {}
            Kind::Array => return Err(MessageError::Batch),
            found => return Err(MessageError::NotAnObject { found }),
        }
        let mut parts = Self::default();
        let mut version = None;
        for (key, value) in root.members() {
            match key.as_ref() {
                "jsonrpc" => version = value.as_str(),
                "id" => parts.id = Some(value),
                "method" => parts.method = Some(value),
                "params" => parts.params = Some(value),
                "result" => parts.result = Some(value),
                "error" => parts.error = Some(value),
                _ => {}
            }
        }
        if version.as_deref() == Some("2.0") { Ok(parts) } else { Err(MessageError::Version) }
    }
}

fn params_span(params: Value<'_>) -> Result<Range<usize>, MessageError> {
    match params.kind() {
        Kind::Object => Ok(params.span()),
        found => Err(MessageError::Params { found }),
    }
}

/// A message that wants an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    id: Id,
    id_at: Range<usize>,
    method: Arc<str>,
    params: Option<Range<usize>>,
    document: Document,
}

impl Request {
    /// The id to answer with.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The method's name, unescaped.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The `params` object, if there is one.
    pub fn params(&self) -> Option<Value<'_>> {
        self.params.as_ref().map(|span| Value::at(&self.document, span))
    }

    /// The whole message.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The same request under another id, every other byte unchanged.
    ///
    /// # Errors
    /// [`RewriteError::Message`] if the id is longer than [`Id::MAX_LENGTH`].
    pub fn with_id(&self, id: &Id) -> Result<Self, RewriteError> {
        let (document, id_at) = with_id(&self.document, &self.id_at, id)?;
        let params = self.params.as_ref().map(|span| moved(span, &self.id_at, &id_at));
        Ok(Self { id: id.clone(), id_at, method: Arc::clone(&self.method), params, document })
    }

    /// The same request with the value at `pointer` (RFC 6901, from `params`; `""` is `params` itself)
    /// replaced, or added where the object that would hold it is there.
    ///
    /// # Errors
    /// [`RewriteError::Edit`] if the pointer leads nowhere, [`RewriteError::Message`] if what results is
    /// no request (`params` that is no object).
    pub fn with_param(&self, pointer: &str, value: &Document) -> Result<Self, RewriteError> {
        Self::reread(from_root("params", pointer).and_then(|pointer| self.document.set(&pointer, value)))
    }

    /// The same request without the member at `pointer` (RFC 6901, from `params`); as it is if there is
    /// none.
    ///
    /// # Errors
    /// [`RewriteError::Message`] if what results is no request.
    pub fn without_param(&self, pointer: &str) -> Result<Self, RewriteError> {
        match from_root("params", pointer).and_then(|pointer| self.document.remove(&pointer)) {
            Err(EditError::NotFound { .. }) => Ok(self.clone()),
            edited => Self::reread(edited),
        }
    }

    fn reread(edited: Result<Document, EditError>) -> Result<Self, RewriteError> {
        match Message::read(&edited?)? {
            Message::Request(request) => Ok(request),
            _ => Err(RewriteError::Message(MessageError::NoKind)),
        }
    }
}

/// A message that wants no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    method: Arc<str>,
    params: Option<Range<usize>>,
    document: Document,
}

impl Notification {
    /// The method's name, unescaped.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The `params` object, if there is one.
    pub fn params(&self) -> Option<Value<'_>> {
        self.params.as_ref().map(|span| Value::at(&self.document, span))
    }

    /// The whole message.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The same notification with the value at `pointer` (RFC 6901, from `params`) replaced, or added where
    /// the object that would hold it is there.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn with_param(&self, pointer: &str, value: &Document) -> Result<Self, RewriteError> {
        let edited = from_root("params", pointer).and_then(|pointer| self.document.set(&pointer, value))?;
        match Message::read(&edited)? {
            Message::Notification(notification) => Ok(notification),
            _ => Err(RewriteError::Message(MessageError::NoKind)),
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    id: Option<Id>,
    /// Where the id is, if there is one, or null.
    id_at: Option<Range<usize>>,
    outcome: Span,
    document: Document,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    Result(Range<usize>),
    Error(Range<usize>),
}

/// What a [`Response`] says.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// The `result` member, any value.
    Result(Value<'a>),
    /// The `error` member.
    Error(ErrorObject<'a>),
}

impl Response {
    fn from_parts(
        document: Document,
        id: Option<Value<'_>>,
        result: Option<Value<'_>>,
        error: Option<Value<'_>>,
    ) -> Result<Message, MessageError> {
        let outcome = match (result, error) {
            (Some(result), _) => Span::Result(result.span()),
            (None, Some(error)) if error.kind() == Kind::Object => Span::Error(error.span()),
            (None, error) => {
                let found = error.map_or(Kind::Null, Value::kind);
                return Err(MessageError::ErrorObject { found });
            }
        };
        let id_at = id.map(Value::span);
        let id = match (id, &outcome) {
            (None, Span::Error(_)) => None,
            (Some(id), Span::Error(_)) if id.kind() == Kind::Null => None,
            (None, Span::Result(_)) => return Err(MessageError::ResultWithoutId),
            (Some(id), _) => Some(Id::from_value(id)?),
        };
        Ok(Message::Response(Self { id, id_at, outcome, document }))
    }

    /// The id of the request that is answered. `None` (absent or null) only for an error about a message
    /// whose id could not be read.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// The result or the error.
    pub fn outcome(&self) -> Outcome<'_> {
        match &self.outcome {
            Span::Result(span) => Outcome::Result(Value::at(&self.document, span)),
            Span::Error(span) => Outcome::Error(ErrorObject { value: Value::at(&self.document, span) }),
        }
    }

    /// The `result` member, if this is no error.
    pub fn result(&self) -> Option<Value<'_>> {
        match self.outcome() {
            Outcome::Result(result) => Some(result),
            Outcome::Error(_) => None,
        }
    }

    /// The `error` member, if this is one.
    pub fn error(&self) -> Option<ErrorObject<'_>> {
        match self.outcome() {
            Outcome::Result(_) => None,
            Outcome::Error(error) => Some(error),
        }
    }

    /// The whole message.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The same response under another id, every other byte unchanged; adds the id if there was none.
    ///
    /// # Errors
    /// [`RewriteError::Message`] if the id is longer than [`Id::MAX_LENGTH`].
    pub fn with_id(&self, id: &Id) -> Result<Self, RewriteError> {
        let Some(before) = &self.id_at else {
            return Self::reread(self.document.insert("", "id", &id.to_document()));
        };
        let (document, id_at) = with_id(&self.document, before, id)?;
        let outcome = match &self.outcome {
            Span::Result(span) => Span::Result(moved(span, before, &id_at)),
            Span::Error(span) => Span::Error(moved(span, before, &id_at)),
        };
        Ok(Self { id: Some(id.clone()), id_at: Some(id_at), outcome, document })
    }

    /// The same response with the value at `pointer` (RFC 6901, from `result`) replaced, or added where
    /// the object that would hold it is there.
    ///
    /// # Errors
    /// [`RewriteError::Edit`] if the pointer leads nowhere, as it always does in an error response
    /// (unless the pointer is `""`, which is [`RewriteError::Message`] then).
    pub fn with_result(&self, pointer: &str, value: &Document) -> Result<Self, RewriteError> {
        Self::reread(from_root("result", pointer).and_then(|pointer| self.document.set(&pointer, value)))
    }

    /// The same response with another result, or with another error if it is one.
    ///
    /// # Errors
    /// [`RewriteError`] if it would be no response any more.
    pub fn with_outcome(&self, value: &Document) -> Result<Self, RewriteError> {
        let place = if self.error().is_some() { "/error" } else { "/result" };
        Self::reread(self.document.set(place, value))
    }

    fn reread(edited: Result<Document, EditError>) -> Result<Self, RewriteError> {
        match Message::read(&edited?)? {
            Message::Response(response) => Ok(response),
            _ => Err(RewriteError::Message(MessageError::NoKind)),
        }
    }
}

/// A view of a response's `error` object. Its members are as the peer wrote them: each may be missing.
#[derive(Debug, Clone, Copy)]
pub struct ErrorObject<'a> {
    value: Value<'a>,
}

impl<'a> ErrorObject<'a> {
    /// The numeric code.
    pub fn code(self) -> Option<i64> {
        self.value.get("code").and_then(Value::as_i64)
    }

    /// The message for people.
    pub fn message(self) -> Option<Cow<'a, str>> {
        self.value.get("message").and_then(Value::as_str)
    }

    /// The additional data.
    pub fn data(self) -> Option<Value<'a>> {
        self.value.get("data")
    }

    /// The whole object.
    pub fn value(self) -> Value<'a> {
        self.value
    }
}

/// Why bytes are no message. Carries no id: what cannot be read has none that could be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not JSON with a single reading.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// The transport skipped it: it is longer than any message may be.
    #[error("the message is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// An array where one message has to be, which an element of a batch is as well. Only revision
    /// 2025-03-26 had batches; servers that still take them execute what nobody judged.
    #[error("JSON-RPC batches are not taken here: send one message at a time")]
    Batch,
    /// A batch of nothing, which JSON-RPC forbids.
    #[error("a JSON-RPC batch needs at least one message")]
    EmptyBatch,
    /// A batch of more than [`BATCH`] elements.
    #[error("the JSON-RPC batch has more than {limit} messages: send it in parts")]
    LongBatch {
        /// The limit, in elements.
        limit: usize,
    },
    /// A top-level scalar.
    #[error("a message must be an object, found {found}")]
    NotAnObject {
        /// What was there.
        found: Kind,
    },
    /// `jsonrpc` is missing or not `"2.0"`.
    #[error("`jsonrpc` must be \"2.0\"")]
    Version,
    /// Neither `method` nor `result` nor `error`.
    #[error("a message needs one of `method`, `result` and `error`")]
    NoKind,
    /// `method` together with `result` or `error`.
    #[error("a message cannot be a request and a response at once")]
    Hybrid,
    /// `result` together with `error`.
    #[error("a response has either `result` or `error`, not both")]
    ResultAndError,
    /// `method` is no string.
    #[error("`method` must be a string, found {found}")]
    Method {
        /// What was there.
        found: Kind,
    },
    /// `params` is no object. JSON-RPC allows arrays, MCP has none.
    #[error("`params` must be an object, found {found}")]
    Params {
        /// What was there.
        found: Kind,
    },
    /// `error` is no object.
    #[error("`error` must be an object, found {found}")]
    ErrorObject {
        /// What was there.
        found: Kind,
    },
    /// A result that answers no request.
    #[error("a result needs the `id` of its request")]
    ResultWithoutId,
    /// `id` is no MCP id.
    #[error("`id`: {0}")]
    Id(#[from] IdError),
}

impl MessageError {
    /// The JSON-RPC error code to answer with: [`PARSE_ERROR`] or [`INVALID_REQUEST`].
    pub fn code(&self) -> i64 {
        match self {
            Self::Json(_) | Self::TooLong { .. } => PARSE_ERROR,
            _ => INVALID_REQUEST,
        }
    }
}

/// Why a message could not be rewritten. The message is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// There is no such place.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The result would be no such message.
    #[error("the rewritten message would be invalid: {0}")]
    Message(#[from] MessageError),
}

#[cfg(test)]
mod tests;
