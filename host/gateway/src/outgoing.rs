//! Requests of plugins (`http` of the contract), held to what the policy allows each.
//!
//! A request goes to an origin that is listed, exactly: scheme, host and port. What the name of a host means
//! is left to the system's resolver; an address of this machine or of its network is reached only if it is
//! listed itself. Redirects are not followed and no proxy is used. What the plugin says is checked before
//! anything is sent, and what comes back is bounded.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bartizan_policy::plan::HttpAccess;
use bartizan_runtime::http::{Outgoing, RESPONSE_BYTES, Request, Response};
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::plan::ActivePlan;
use crate::upstream::HttpClient;

/// How many header fields a request may have, and the longest they may be together, in bytes.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 * 1024;
/// The longest URL, in bytes.
const URL_BYTES: usize = 8 * 1024;
/// How long after the deadline the thread that waits is sure that nothing comes any more.
const GRACE: Duration = Duration::from_millis(500);

/// Header fields that belong to the connection, or to the gateway (RFC 9110 §7.6.1).
const NOT_THE_PLUGINS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How many messages may be judged at once by plugins that wait for others. Each takes a thread of a pool from
/// which the resolver takes its own as well; those that wait for their turn take none.
static AT_ONCE: Semaphore = Semaphore::const_new(12);

/// Waits for a message's turn, if a plugin of the plan may wait for others.
pub(crate) async fn turn(plan: Option<&ActivePlan>) -> Option<SemaphorePermit<'static>> {
    let waits = plan.is_some_and(ActivePlan::waits);
    // It is never closed.
    if waits { AT_ONCE.acquire().await.ok() } else { None }
}

/// Whether and how requests leave this process.
#[derive(Clone, Default)]
pub(crate) struct Network(Option<Arc<Ways>>);

struct Ways {
    runtime: Handle,
    /// Made when a plugin first needs it.
    client: OnceLock<Result<HttpClient, String>>,
}

impl Network {
    /// The network as it is reached from this thread: there is none outside of the async runtime.
    pub(crate) fn here() -> Self {
        let ways = |runtime| Arc::new(Ways { runtime, client: OnceLock::new() });
        Self(Handle::try_current().ok().map(ways))
    }

    /// What sends a plugin's requests. `None` where there is no network.
    pub(crate) fn client(&self, plugin: &str, access: &HttpAccess) -> Option<Arc<dyn Outgoing>> {
        let ways = Arc::clone(self.0.as_ref()?);
        Some(Arc::new(PluginClient { plugin: plugin.into(), access: access.clone(), ways }))
    }
}

/// Sends the requests of one plugin.
struct PluginClient {
    plugin: Arc<str>,
    access: HttpAccess,
    ways: Arc<Ways>,
}

impl fmt::Debug for PluginClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginClient")
            .field("plugin", &self.plugin)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Outgoing for PluginClient {
    fn send(&self, request: Request) -> Result<Response, String> {
        let begin = Instant::now();
        let longest = Duration::from_millis(u64::from(self.access.timeout_ms));
        let patience = request.timeout.map_or(longest, |timeout| timeout.min(longest));
        let (method, url) = (request.method.clone(), request.url.clone());
        let outcome = checked(request, &self.access).and_then(|request| self.exchange(request, patience));
        let origin =
            Url::parse(&url).map_or_else(|_no_url| String::new(), |url| url.origin().ascii_serialization());
        tracing::debug!(
            plugin = %self.plugin,
            method = method.escape_debug().to_string(),
            origin,
            status = outcome.as_ref().ok().map(|response| response.status),
            problem = outcome.as_ref().err(),
            milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
            "a plugin sends a request"
        );
        outcome
    }
}

impl PluginClient {
    /// Sends a request from the async runtime, and waits for it on this thread.
    fn exchange(&self, request: http::Request<Full<Bytes>>, patience: Duration) -> Result<Response, String> {
        let client = self.ways.client.get_or_init(|| {
            HttpClient::new().map_err(|error| format!("the system's certificates cannot be read: {error}"))
        });
        let client = client.clone()?;
        let (sender, receiver) = sync_channel(1);
        let late = move || format!("no answer within {} ms", patience.as_millis());
        let task = self.ways.runtime.spawn(async move {
            let answer = tokio::time::timeout(patience, answer(&client, request)).await;
            // Whoever waits may have given up.
            let _gone = sender.send(answer.unwrap_or_else(|_elapsed| Err(late())));
        });
        match receiver.recv_timeout(patience + GRACE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                task.abort();
                Err(late())
            }
            Err(RecvTimeoutError::Disconnected) => Err("the gateway ends".to_owned()),
        }
    }
}

async fn answer(client: &HttpClient, request: http::Request<Full<Bytes>>) -> Result<Response, String> {
    let too_large = || format!("the response is larger than {} KiB", RESPONSE_BYTES / 1024);
    let response =
        client.request(request).await.map_err(|error| format!("no connection: {}", causes(&error)))?;
    let (head, body) = response.into_parts();
    let size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > RESPONSE_BYTES {
        return Err(too_large());
    }
    let body = Limited::new(body, RESPONSE_BYTES).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            too_large()
        } else {
            format!("the response broke off: {error}")
        }
    })?;
    Ok(Response {
        status: head.status.as_u16(),
        headers: fields(&head.headers),
        body: body.to_bytes().to_vec(),
    })
}

/// Header fields whose values are text.
fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

/// A request as it may be sent.
fn checked(request: Request, access: &HttpAccess) -> Result<http::Request<Full<Bytes>>, String> {
    let Request { method, url, headers, body, timeout: _ } = request;
    if url.len() > URL_BYTES {
        return Err(format!("the URL is longer than {} KiB", URL_BYTES / 1024));
    }
    let mut url = Url::parse(&url).map_err(|error| format!("the URL is none: {error}"))?;
    let origin = url.origin().ascii_serialization();
    if !access.origins.contains(&origin) {
        return Err(format!("the origin {origin} is not allowed; the policy lists origins under `http`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not have a user in it; use a header".to_owned());
    }
    url.set_fragment(None);
    let uri = Uri::try_from(url.as_str()).map_err(|error| format!("the URL cannot be sent: {error}"))?;
    let method = Method::from_bytes(method.as_bytes())
        .ok()
        .filter(|method| !matches!(*method, Method::CONNECT | Method::TRACE))
        .ok_or_else(|| format!("the method \"{}\" cannot be sent", method.escape_debug()))?;
    let mut checked = http::Request::new(Full::new(Bytes::from(body)));
    *checked.method_mut() = method;
    *checked.uri_mut() = uri;
    *checked.headers_mut() = header_map(headers)?;
    Ok(checked)
}

fn header_map(fields: Vec<(String, String)>) -> Result<HeaderMap, String> {
    let size: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if fields.len() > HEADERS || size > HEADER_BYTES {
        return Err(format!("more than {HEADERS} header fields, or {} KiB of them", HEADER_BYTES / 1024));
    }
    let mut headers = HeaderMap::with_capacity(fields.len() + 1);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION"))));
    let mut given = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let shown = name.escape_debug();
        let parsed: HeaderName =
            name.parse().map_err(|_| format!("\"{shown}\" is not the name of a header field"))?;
        if NOT_THE_PLUGINS.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
            return Err(format!("the header field \"{shown}\" is not for plugins to set"));
        }
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| format!("the value of the header field \"{shown}\" cannot be sent"))?;
        value.set_sensitive(true);
        given.append(parsed, value);
    }
    headers.extend(given);
    Ok(headers)
}

/// An error with what led to it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> HttpAccess {
        let origins = ["https://pdp.example.com", "http://127.0.0.1:8181"].map(str::to_owned).into();
        HttpAccess { origins, timeout_ms: 100 }
    }

    fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: b"{}".to_vec(),
            timeout: None,
        }
    }

    #[test]
    fn only_listed_origins_are_reached() {
        for (url, expected) in [
            ("https://pdp.example.com/v1/decide?x=1#y", true),
            ("https://pdp.example.com:443/", true),
            ("HTTPS://PDP.EXAMPLE.COM", true),
            ("http://127.0.0.1:8181/", true),
            ("http://2130706433:8181/", true),
            ("http://pdp.example.com/", false),
            ("https://pdp.example.com:8443/", false),
            ("https://pdp.example.com.evil.example/", false),
            ("https://evil.example/?https://pdp.example.com", false),
            ("https://pdp.example.com@evil.example/", false),
            ("https://me:secret@pdp.example.com/", false),
            ("https://sub.pdp.example.com/", false),
            ("http://127.0.0.1/", false),
            ("http://127.0.0.2:8181/", false),
            ("http://localhost:8181/", false),
            ("http://169.254.169.254/latest/meta-data", false),
            ("file:///etc/passwd", false),
            ("/relative", false),
            ("", false),
        ] {
            let checked = checked(request("GET", url, &[]), &access());
            assert_eq!(checked.is_ok(), expected, "{url}: {checked:?}");
        }
    }

    #[test]
    fn a_fragment_is_not_sent() {
        let sent = checked(request("GET", "https://pdp.example.com/a?b#c", &[]), &access()).unwrap();
        assert_eq!(sent.uri().to_string(), "https://pdp.example.com/a?b");
    }

    #[test]
    fn only_what_is_a_plugins_to_say_is_said() {
        let long = "x".repeat(HEADER_BYTES);
        for (name, method, headers, expected) in [
            (
                "usual",
                "POST",
                vec![("content-type", "application/json"), ("authorization", "Bearer x")],
                true,
            ),
            ("the same twice", "GET", vec![("accept", "a"), ("accept", "b")], true),
            ("an unknown method", "PURGE", vec![], true),
            ("a tunnel", "CONNECT", vec![], false),
            ("an echo", "TRACE", vec![], false),
            ("no method", "", vec![], false),
            ("two lines for a method", "GET / HTTP/1.1\r\nx: y", vec![], false),
            ("another host", "GET", vec![("Host", "evil.example")], false),
            ("a length", "POST", vec![("Content-Length", "0")], false),
            ("a coding", "POST", vec![("Transfer-Encoding", "chunked")], false),
            ("a connection", "GET", vec![("connection", "x")], false),
            ("an upgrade", "GET", vec![("upgrade", "websocket")], false),
            ("for a proxy", "GET", vec![("Proxy-Authorization", "x")], false),
            ("two lines for a value", "GET", vec![("x", "a\r\nhost: evil")], false),
            ("no name", "GET", vec![("", "a")], false),
            ("a name with a colon", "GET", vec![("x:", "a")], false),
            ("too long", "GET", vec![("x", long.as_str())], false),
            ("too many", "GET", vec![("x", "y"); HEADERS + 1], false),
        ] {
            let checked = checked(request(method, "https://pdp.example.com/", &headers), &access());
            assert_eq!(checked.is_ok(), expected, "{name}: {checked:?}");
        }
    }

    #[test]
    fn there_is_no_network_outside_of_a_runtime() {
        assert!(Network::here().client("p", &access()).is_none());
    }
}
