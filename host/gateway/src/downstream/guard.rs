//! What an HTTP request must be before anything reads its body.

use bartizan_wire::headers::{Accept, check_content_type};
use bartizan_wire::headers::{AllowedHosts, AllowedOrigins};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, StatusCode, Uri};

use crate::listener::Ambiguous;

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
/// rebinding), and from requests that something in front of it may have read in another way.
pub(crate) struct Guard {
    /// The most header lines.
    pub(crate) headers: usize,
    pub(crate) hosts: AllowedHosts,
    pub(crate) origins: AllowedOrigins,
}

impl Guard {
    pub(crate) fn admit(&self, request: &Parts) -> Result<(), Refusal> {
        let forbidden = |problem: String| Refusal::new(StatusCode::FORBIDDEN, problem);
        if request.extensions.get::<Ambiguous>().is_some() {
            let problem = "the request has both Content-Length and Transfer-Encoding";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, problem));
        }
        if request.headers.len() > self.headers {
            return Err(Refusal::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                format!("the request has more than {} headers", self.headers),
            ));
        }
        let host = match (single(&request.headers, &HOST)?, request.uri.authority()) {
            (Some(host), Some(authority)) if !names(host, authority, &request.uri) => {
                let problem = "the request's target and its header Host name different hosts";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, problem));
            }
            (Some(host), _) => Some(host),
            (None, authority) => authority.map(Authority::as_str),
        };
        self.hosts.check(host).map_err(|error| forbidden(error.to_string()))?;
        self.origins.check(single(&request.headers, &ORIGIN)?).map_err(|error| forbidden(error.to_string()))
    }
}

/// Whether a `Host` header names the host of the request's target (RFC 9112 §3.2.2; RFC 9113 §8.3.1). A port
/// that goes without saying may be left out of one of them.
fn names(host: &str, authority: &Authority, target: &Uri) -> bool {
    let port = if target.scheme() == Some(&Scheme::HTTPS) { ":443" } else { ":80" };
    let plain = |name: &str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    plain(host) == plain(authority.as_str())
}

/// Checks the headers of a POST.
pub(crate) fn check_post(request: &Parts) -> Result<(), Refusal> {
    if !Accept::parse(joined(&request.headers, &ACCEPT)?.as_deref()).both() {
        return Err(Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "the client must accept application/json and text/event-stream",
        ));
    }
    check_message(request)
}

/// Checks the headers that say what a body is.
pub(crate) fn check_message(request: &Parts) -> Result<(), Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn admitted(target: &str, headers: &[(&str, &str)]) -> Result<(), u16> {
        let guard =
            Guard { headers: 3, hosts: AllowedHosts::loopback(), origins: AllowedOrigins::loopback() };
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        guard.admit(&parts).map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn target_and_host_have_to_agree() {
        for (target, host, expected) in [
            ("/mcp/a", Some("localhost"), Ok(())),
            ("http://localhost/mcp/a", None, Ok(())),
            ("http://localhost:80/mcp/a", Some("LocalHost"), Ok(())),
            ("http://localhost/mcp/a", Some("localhost:80"), Ok(())),
            ("https://localhost/mcp/a", Some("localhost:443"), Ok(())),
            ("http://localhost:8750/mcp/a", Some("localhost:8750"), Ok(())),
            ("http://localhost/mcp/a", Some("localhost:443"), Err(400)),
            ("http://localhost/mcp/a", Some("127.0.0.1"), Err(400)),
            ("http://evil.example/mcp/a", Some("localhost"), Err(400)),
            ("http://localhost/mcp/a", Some("evil.example"), Err(400)),
            ("http://a@localhost/mcp/a", Some("localhost"), Err(400)),
            ("http://evil.example/mcp/a", Some("evil.example"), Err(403)),
            ("http://evil.example/mcp/a", None, Err(403)),
            ("/mcp/a", None, Err(403)),
        ] {
            let headers: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
            assert_eq!(admitted(target, &headers), expected, "{target} {host:?}");
        }
    }

    #[test]
    fn too_many_headers_are_refused() {
        let headers = [("host", "localhost"), ("a", "1"), ("a", "2"), ("b", "3")];
        assert_eq!(admitted("/", &headers[..3]), Ok(()));
        assert_eq!(admitted("/", &headers), Err(431));
    }
}
