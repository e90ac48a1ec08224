//! What an HTTP request must be before anything reads its body.

use bartizan_wire::headers::{Accept, check_content_type};
use bartizan_wire::headers::{AllowedHosts, AllowedOrigins};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};

/// A request that is refused as a whole: the status and what to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) problem: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, problem: impl Into<String>) -> Self {
        Self { status, problem: problem.into() }
    }
}

/// Who may call: protects a local gateway from web pages that a browser on the same machine shows (DNS
/// rebinding).
pub(crate) struct Guard {
    pub(crate) hosts: AllowedHosts,
    pub(crate) origins: AllowedOrigins,
}

impl Guard {
    pub(crate) fn admit(&self, request: &Parts) -> Result<(), Refusal> {
        let forbidden = |problem: String| Refusal::new(StatusCode::FORBIDDEN, problem);
        let host = match single(&request.headers, &HOST)? {
            Some(host) => Some(host),
            None => request.uri.authority().map(http::uri::Authority::as_str),
        };
        self.hosts.check(host).map_err(|error| forbidden(error.to_string()))?;
        self.origins.check(single(&request.headers, &ORIGIN)?).map_err(|error| forbidden(error.to_string()))
    }
}

/// Checks the headers of a POST.
pub(crate) fn check_post(request: &Parts) -> Result<(), Refusal> {
    if !Accept::parse(joined(&request.headers, &ACCEPT)?.as_deref()).both() {
        return Err(Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "the client must accept application/json and text/event-stream",
        ));
    }
    let unsupported = |problem: String| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem);
    check_content_type(single(&request.headers, &CONTENT_TYPE)?)
        .map_err(|error| unsupported(error.to_string()))?;
    match single(&request.headers, &CONTENT_ENCODING)? {
        None | Some("identity") => Ok(()),
        Some(_) => Err(unsupported("the body must not be compressed".to_owned())),
    }
}

/// Checks the headers of a GET.
pub(crate) fn check_get(request: &Parts) -> Result<(), Refusal> {
    if Accept::parse(joined(&request.headers, &ACCEPT)?.as_deref()).event_stream {
        Ok(())
    } else {
        Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "the client must accept text/event-stream"))
    }
}

/// The value of a header that may come once. Twice is ambiguous, and refused.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, format!("the header {name} comes more than once")));
    }
    text(value, name).map(Some)
}

/// The values of a list header, joined.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let values: Result<Vec<&str>, Refusal> =
        headers.get_all(name).iter().map(|value| text(value, name)).collect();
    let values = values?;
    Ok((!values.is_empty()).then(|| values.join(",")))
}

fn text<'h>(value: &'h http::HeaderValue, name: &HeaderName) -> Result<&'h str, Refusal> {
    value
        .to_str()
        .map_err(|_not_ascii| Refusal::new(StatusCode::BAD_REQUEST, format!("the header {name} is not text")))
}
