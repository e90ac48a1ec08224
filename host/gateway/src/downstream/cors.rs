//! What a browser has to be told before a page of an allowed origin may call (the Fetch standard, *CORS
//! protocol*). Pages of other origins are told nothing.

use bartizan_wire::headers::AllowedOrigins;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use super::guard::single;

const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, DELETE");
/// The headers that MCP clients send.
const HEADERS: &str = "content-type, accept, authorization, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id";
/// Further ones of theirs: arguments that a tool wants in headers.
const PARAMETER: &str = "mcp-param-";
/// Those that a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static("mcp-session-id");
/// Seconds for which a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");
const BY_REQUEST: HeaderValue =
    HeaderValue::from_static("access-control-request-method, access-control-request-headers");

/// The answer to a browser that asks whether a page may call. None if the request is no such question.
///
/// The request's origin was let in before; [`allow`] puts it on this answer as on all others.
pub(crate) fn preflight(request: &Parts) -> Option<Response<Full<Bytes>>> {
    let asks = request.method == Method::OPTIONS
        && request.headers.contains_key(ORIGIN)
        && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(request));
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        headers.append(VARY, BY_REQUEST);
        answer
    })
}

/// Lets the page that asked read an answer, if its origin is allowed.
pub(crate) fn allow(request: &Parts, origins: &AllowedOrigins, answer: &mut HeaderMap) {
    let Ok(Some(origin)) = single(&request.headers, &ORIGIN) else { return };
    if origins.check(Some(origin)).is_ok()
        && let Ok(origin) = HeaderValue::from_str(origin)
    {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        answer.append(VARY, BY_ORIGIN);
    }
}

/// The usual headers, and those of the wanted ones that are parameters.
fn allowed_headers(request: &Parts) -> HeaderValue {
    let wanted = request.headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names = wanted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut allowed = HEADERS.to_owned();
    for name in names.filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
        if name.as_str().starts_with(PARAMETER) {
            allowed.push_str(", ");
            allowed.push_str(name.as_str());
        }
    }
    HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static(HEADERS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn request(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const PAGE: (&str, &str) = ("origin", "http://localhost:3000");
    const WANTS: (&str, &str) = ("access-control-request-method", "POST");

    #[test]
    fn a_question_is_an_options_request_of_a_page_that_names_a_method() {
        for (method, headers, expected) in [
            ("OPTIONS", &[PAGE, WANTS][..], true),
            ("OPTIONS", &[PAGE], false),
            ("OPTIONS", &[WANTS], false),
            ("POST", &[PAGE, WANTS], false),
        ] {
            assert_eq!(preflight(&request(method, headers)).is_some(), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn parameters_are_allowed_by_their_names() {
        for (wanted, more) in [
            ("content-type, mcp-session-id", ""),
            ("Mcp-Param-Region,mcp-param-tenant", ", mcp-param-region, mcp-param-tenant"),
            ("x-evil, mcp-param-a b, xmcp-param-c, cookie", ""),
            ("", ""),
        ] {
            let wanted = ("access-control-request-headers", wanted);
            let answer = preflight(&request("OPTIONS", &[PAGE, WANTS, wanted])).unwrap();
            let allowed = answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
            assert_eq!(allowed, format!("{HEADERS}{more}"), "{wanted:?}");
        }
    }

    #[test]
    fn only_an_allowed_origin_is_named() {
        let origins = AllowedOrigins::new(["https://app.example"]).unwrap();
        for (headers, expected) in [
            (&[("origin", "https://app.example")][..], Some("https://app.example")),
            (&[("origin", "https://evil.example")], None),
            (&[("origin", "null")], None),
            (&[("origin", "*")], None),
            (&[("origin", "https://app.example"), ("origin", "https://app.example")], None),
            (&[], None),
        ] {
            let mut answer = HeaderMap::new();
            allow(&request("POST", headers), &origins, &mut answer);
            let named = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap());
            assert_eq!(named, expected, "{headers:?}");
            assert_eq!(answer.get(VARY).is_some(), expected.is_some(), "{headers:?}");
            assert_eq!(answer.len(), if expected.is_some() { 3 } else { 0 }, "{headers:?}");
        }
    }
}
