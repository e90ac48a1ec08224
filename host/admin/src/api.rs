//! The admin API: HTTP with JSON on a loopback address, for who has the token of the state directory.
//!
//! | request | answer |
//! |---|---|
//! | `GET /approvals` | `{"approvals":[…]}`: those that are pending; with `?status=all` every one |
//! | `GET /approvals/TICKET` | the approval |
//! | `POST /approvals/TICKET/approve` | the approval as decided; body `{"by":…,"reason":…}`, both optional |
//! | `POST /approvals/TICKET/deny` | likewise |
//! | `GET /status` | what the gateway has loaded, what is wrong with what it has not, and how its plugins do |
//!
//! Every request has `Authorization: Bearer TOKEN`. What goes wrong is `{"error":"…"}` with a 4xx or 5xx
//! status. `Host` must be a loopback name, so that no web page reaches it by a name of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bartizan_state::approval::{ApprovalError, Decision, Filter, Ticket};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::desk::{Desk, DeskError};

/// The largest body of a request, in bytes.
const LARGEST_BODY: usize = 64 << 10;
/// Connections at once.
const CONNECTIONS: usize = 64;

/// The admin API.
pub struct Api {
    listener: TcpListener,
    desk: Desk,
    token: String,
    status: StatusSource,
}

/// Says how the gateway is.
type StatusSource = Box<dyn Fn() -> serde_json::Value + Send + Sync>;

/// What a decision's body may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    by: Option<String>,
    reason: Option<String>,
}

/// An answer that is an error.
type Refusal = (StatusCode, String);

impl Api {
    /// Listens. `status` says how the gateway is that this is the admin API of.
    ///
    /// # Errors
    ///
    /// When the address is not to be had, or is not a loopback address.
    pub async fn bind(
        address: SocketAddr,
        desk: Desk,
        token: String,
        status: impl Fn() -> serde_json::Value + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        if !address.ip().is_loopback() {
            let problem = "the admin API listens on loopback addresses only";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, problem));
        }
        Ok(Self { listener: TcpListener::bind(address).await?, desk, token, status: Box::new(status) })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests. Does not end.
    pub async fn serve(self) {
        let Self { listener, desk, token, status } = self;
        let office = Arc::new(Office { desk, token, status });
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection to the admin API could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let office = Arc::clone(&office);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let office = Arc::clone(&office);
                    async move { Ok::<_, Infallible>(office.answer(request).await) }
                });
                let mut server = auto::Builder::new(TokioExecutor::new());
                server
                    .http1()
                    .timer(TokioTimer::new())
                    .header_read_timeout(std::time::Duration::from_secs(10));
                if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "a connection to the admin API broke off");
                }
                drop(permit);
            });
        }
    }
}

/// Who answers.
struct Office {
    desk: Desk,
    token: String,
    status: StatusSource,
}

impl Office {
    async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.route(request).await {
            Ok(value) => respond(StatusCode::OK, &value),
            Err((status, problem)) => {
                let mut response = respond(status, &serde_json::json!({ "error": problem }));
                if status == StatusCode::UNAUTHORIZED {
                    let value = http::HeaderValue::from_static("Bearer");
                    response.headers_mut().insert(WWW_AUTHENTICATE, value);
                }
                response
            }
        }
    }

    async fn route<B>(&self, request: Request<B>) -> Result<serde_json::Value, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.admit(&request)?;
        let (head, body) = request.into_parts();
        let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
        match (&head.method, path.as_slice()) {
            (&Method::GET, ["approvals"]) => {
                let filter = match head.uri.query() {
                    None | Some("status=pending") => Filter::Pending,
                    Some("status=all") => Filter::All,
                    Some(_) => {
                        let problem = "the query is `status=pending` or `status=all`";
                        return Err((StatusCode::BAD_REQUEST, problem.to_owned()));
                    }
                };
                let approvals = self.desk.list(filter).map_err(|error| unavailable(&error))?;
                Ok(serde_json::json!({ "approvals": approvals }))
            }
            (&Method::GET, ["status"]) => Ok((self.status)()),
            (&Method::GET, ["approvals", ticket]) => {
                let ticket = read_ticket(ticket)?;
                match self.desk.find(&ticket).map_err(|error| unavailable(&error))? {
                    Some(approval) => Ok(serde_json::json!(approval)),
                    None => Err((StatusCode::NOT_FOUND, format!("there is no ticket {ticket}"))),
                }
            }
            (&Method::POST, ["approvals", ticket, verb @ ("approve" | "deny")]) => {
                let decision = if *verb == "approve" { Decision::Approve } else { Decision::Deny };
                self.decide(&read_ticket(ticket)?, decision, body).await
            }
            (_, ["status"] | ["approvals"] | ["approvals", _] | ["approvals", _, "approve" | "deny"]) => {
                Err((StatusCode::METHOD_NOT_ALLOWED, format!("{} is not for this path", head.method)))
            }
            _ => Err((StatusCode::NOT_FOUND, "there is nothing at this path".to_owned())),
        }
    }

    /// Lets in who knows the token, at a name of this machine.
    fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let host = request
            .uri()
            .authority()
            .map(http::uri::Authority::as_str)
            .or_else(|| request.headers().get(HOST).and_then(|host| host.to_str().ok()))
            .unwrap_or_default();
        if !is_loopback(host) {
            let problem = "the admin API is reached at 127.0.0.1, [::1] or localhost";
            return Err((StatusCode::MISDIRECTED_REQUEST, problem.to_owned()));
        }
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let expected = ring::digest::digest(&ring::digest::SHA256, self.token.as_bytes());
        let found = ring::digest::digest(&ring::digest::SHA256, given.as_bytes());
        // Of digests: how far two of them agree says nothing of how far the tokens do.
        if expected.as_ref() != found.as_ref() {
            let problem =
                format!("the token of the state directory is needed (the file {})", crate::token::FILE);
            return Err((StatusCode::UNAUTHORIZED, problem));
        }
        Ok(())
    }

    async fn decide<B>(
        &self,
        ticket: &Ticket,
        decision: Decision,
        body: B,
    ) -> Result<serde_json::Value, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let body = Limited::new(body, LARGEST_BODY)
            .collect()
            .await
            .map_err(|error| (StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}")))?
            .to_bytes();
        let said = if body.is_empty() {
            Said::default()
        } else {
            serde_json::from_slice::<Said>(&body)
                .map_err(|error| (StatusCode::BAD_REQUEST, format!("the body is not usable: {error}")))?
        };
        let by = said.by.as_deref().unwrap_or("the admin API");
        match self.desk.decide(ticket, decision, by, said.reason.as_deref()) {
            Ok(approval) => Ok(serde_json::json!(approval)),
            Err(DeskError::Decide(error)) => {
                let status = match &error {
                    ApprovalError::Unknown { .. } => StatusCode::NOT_FOUND,
                    ApprovalError::Decided { .. }
                    | ApprovalError::Expired { .. }
                    | ApprovalError::NotUsed { .. } => StatusCode::CONFLICT,
                    ApprovalError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                Err((status, error.to_string()))
            }
            Err(DeskError::Audit(error)) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
        }
    }
}

fn read_ticket(text: &str) -> Result<Ticket, Refusal> {
    text.parse().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}")))
}

fn unavailable(error: &impl std::fmt::Display) -> Refusal {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

/// Whether a `Host` is a name of this machine, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "[::1]") || name.eq_ignore_ascii_case("localhost")
}

fn respond(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
