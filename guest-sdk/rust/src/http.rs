//! Requests to hosts that the operator lists, such as a policy decision point.
//!
//! For a policy that asks for [`Ask::Http`] and is granted it, with the origins it may reach:
//!
//! ```json
//! { "use": "decision-point", "grants": ["http"], "http": { "origins": ["https://pdp.example.com"] } }
//! ```
//!
//! There are requests in [`CallPolicy`] and [`ReplyPolicy`] only, at most four in one evaluation. Each waits
//! for the whole response, and the call waits with it; for how long is the operator's to say (2 s unless told
//! otherwise). Redirects are responses like others, and a response of more than 256 KiB is an error.
//!
//! ```
//! use bartizan_guest::http::{Request, Response};
//! use bartizan_guest::prelude::*;
//! use bartizan_guest::testing::TestCall;
//!
//! /// Asks somebody else.
//! struct DecisionPoint;
//! # impl Policy for DecisionPoint {
//! #     type Settings = std::collections::BTreeMap<String, String>;
//! #     const NAME: &'static str = "decision-point";
//! #     const SUMMARY: &'static str = "Asks somebody else.";
//! #     fn configure(_: Self::Settings) -> Result<Self, String> { Ok(Self) }
//! #     fn asks() -> Vec<Ask> { vec![Ask::Http] }
//! # }
//!
//! impl CallPolicy for DecisionPoint {
//!     fn check(&self, call: &Call) -> Decision {
//!         let question = serde_json::json!({"tool": call.target(), "principal": call.principal()});
//!         let response = Request::post("https://pdp.example.com/v1/decide").json(&question).send();
//!         match response {
//!             Ok(response) if response.status == 200 => Decision::pass(),
//!             Ok(response) if response.status == 403 => Decision::deny(response.text()),
//!             // Who cannot decide says so: the gateway refuses, and the operator reads why.
//!             Ok(response) => panic!("the decision point answered {}", response.status),
//!             Err(error) => panic!("the decision point was not reached: {error}"),
//!         }
//!     }
//! }
//!
//! let call = TestCall::tool("delete_run").http(|request| {
//!     assert_eq!(request.url, "https://pdp.example.com/v1/decide");
//!     Ok(Response::new(403).with_body("Not today."))
//! });
//! assert_eq!(call.check(&DecisionPoint).reason(), Some("Not today."));
//! ```
//!
//! [`Ask::Http`]: crate::Ask::Http
//! [`CallPolicy`]: crate::CallPolicy
//! [`ReplyPolicy`]: crate::ReplyPolicy

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// An absolute URL, whose origin the operator allows.
    pub url: String,
    /// Header fields. `Host`, `Content-Length` and those of the connection are the gateway's.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait for the whole response; never longer than the operator allows.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without header fields and without a body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: None }
    }

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST`.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to JSON, and says so in the header.
    ///
    /// # Panics
    ///
    /// When the value cannot be JSON, such as a map whose keys are no text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "documented; a panic is a fault, which refuses the call")]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("the body of a request cannot be JSON");
        self.header("content-type", "application/json").body(body)
    }

    /// Waits no longer than this, in whole milliseconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request and waits for the response, whatever its status is.
    ///
    /// # Errors
    ///
    /// When there is no response: the origin is not allowed, no connection, no answer in time, too large, or
    /// too many requests in one evaluation.
    pub fn send(self) -> Result<Response, Error> {
        exchange(self).map_err(Error)
    }
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A response without header fields and without a body, for tests.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The same with a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header field of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 in it is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body, deserialized from JSON.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Why there is no response, in the gateway's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(target_family = "wasm")]
fn exchange(request: Request) -> Result<Response, String> {
    use crate::bindings::http;
    let Request { method, url, headers, body, timeout } = request;
    let request = http::Request {
        method,
        url,
        headers: headers.into_iter().map(|(name, value)| http::Header { name, value }).collect(),
        body,
        timeout: timeout.map(|timeout| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)),
    };
    let http::Response { status, headers, body } = http::send(&request)?;
    let headers = headers.into_iter().map(|http::Header { name, value }| (name, value)).collect();
    Ok(Response { status, headers, body })
}

#[cfg(not(target_family = "wasm"))]
#[expect(clippy::needless_pass_by_value, reason = "as the one that sends it takes it")]
fn exchange(request: Request) -> Result<Response, String> {
    crate::testing::exchange(&request)
}
