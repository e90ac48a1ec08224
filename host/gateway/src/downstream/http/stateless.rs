//! The modern era: a request stands for itself. Its headers repeat a part of its body, and have to agree
//! with it; who closes the stream of the answer gives the request up.
//!
//! All clients of a server share one session with it, in which nothing is anybody's but the requests under
//! way. Whether the server speaks this era is found out by asking it, before the first request goes there.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_wire::denial;
use bartizan_wire::era::Era;
use bartizan_wire::headers::{MirrorError, check_mirror};
use bartizan_wire::json::{Document, Value};
use bartizan_wire::message::{ErrorObject, Message, Request as Asked};
use bartizan_wire::meta::PROTOCOL_VERSION as VERSION_KEY;
use bartizan_wire::method;
use http::request::Parts;
use http::{HeaderName, StatusCode};
use tokio::sync::{Mutex, mpsc};

use super::Front;
use super::answer::{self, Answer, json, stream};
use super::events::{Call, Company, EventStream, Messages};
use super::running::{Running, carry, receive};
use crate::config::{HttpTransport, UpstreamConfig};
use crate::downstream::guard::{self, Refusal};
use crate::era;
use crate::interceptor::{Arrival, parameter_headers};
use crate::server::Server;
use crate::session::{Outgoing, Session, Unanswered, Unrelated};
use crate::sessions;

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What the session that the clients of a server share is called, with the server's name after it.
const LABEL: &str = "stateless-";

/// How many messages of an exchange may wait for its client. They are not waited for: others share the
/// server.
const SHARED_BACKLOG: usize = 1_024;

/// How long it is taken for granted that a server does not speak this era.
const REMEMBERED: Duration = Duration::from_secs(300);

/// How long a command is not asked again whose process has ended when it was asked.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// The shared sessions, by server.
#[derive(Default)]
pub(super) struct Stateless(parking_lot::Mutex<HashMap<Arc<str>, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    /// The session of a server that speaks the era. The lock is held while it is found out.
    session: Mutex<Option<Arc<Session>>>,
    /// That there is none, and until when this is taken for granted.
    without: parking_lot::Mutex<Option<(Instant, NoSession)>>,
}

impl Slot {
    /// Why there is no session, if that was found out a short while ago.
    fn known(&self) -> Option<NoSession> {
        let without = self.without.lock();
        without.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, why)| why.clone())
    }
}

/// Why there is no shared session with a server.
#[derive(Clone)]
enum NoSession {
    /// It does not speak the era.
    Legacy,
    /// Its process has ended when it was asked, as those of some servers do that want `initialize` first.
    Ended(String),
    /// It cannot be reached.
    Unavailable(String),
}

impl Stateless {
    /// The sessions that there are now.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.0.lock().values().filter_map(|slot| slot.session.try_lock().ok()?.clone()).collect()
    }

    /// Knows nothing of a server any more.
    pub(super) fn forget(&self, server: &str) {
        self.0.lock().remove(server);
    }

    fn slot(&self, server: &Arc<str>) -> Arc<Slot> {
        Arc::clone(self.0.lock().entry(Arc::clone(server)).or_default())
    }
}

impl Front {
    /// Answers a request of the modern era.
    pub(super) async fn answer_stateless(
        self: &Arc<Self>,
        parts: &Parts,
        request: Asked,
        server: &Arc<Server>,
        version: Option<&str>,
    ) -> Result<Answer, Refusal> {
        if let Err(answer) = check(parts, &request, version) {
            return Ok(json(StatusCode::BAD_REQUEST, answer.as_bytes()));
        }
        let session = match self.shared_session(server).await {
            Ok(session) => session,
            Err(NoSession::Legacy) => {
                let answer = era::refuse_modern(&request);
                return Ok(json(StatusCode::BAD_REQUEST, answer.as_bytes()));
            }
            Err(NoSession::Ended(problem)) => {
                // With this status a client goes on with `initialize`.
                let answer = unavailable(&request, server, &problem);
                return Ok(json(StatusCode::BAD_REQUEST, answer.as_bytes()));
            }
            Err(NoSession::Unavailable(problem)) => {
                let answer = unavailable(&request, server, &problem);
                return Ok(json(StatusCode::OK, answer.as_bytes()));
            }
        };
        let permit = match request.method() {
            "subscriptions/listen" => Some(self.stream_permit()?),
            _ => None,
        };
        let keep_alive = self.shared.limits.keep_alive;
        let (reply, mut messages) = mpsc::channel(SHARED_BACKLOG);
        let headers = Some(parameter_headers(&parts.headers));
        let arrival = Arrival { request, era: Era::Modern, headers };
        let (number, forwarding) = session.take_request(arrival, reply);
        let mut call = Call::new(Arc::clone(&session), number);
        let mut running = Running::new(carry(forwarding));
        let first = match tokio::time::timeout(keep_alive, receive(&mut messages, &mut running)).await {
            Ok(Some(Outgoing::Last(document))) => {
                call.done();
                return Ok(answer::message(status(&document), &document));
            }
            Ok(first) => first.into_iter().collect(),
            // A client that hears nothing at all gives up.
            Err(_elapsed) => VecDeque::new(),
        };
        let messages = Messages::Exchange { first, rest: messages, lasts: 1 };
        let company = Company { call: Some(call), permit, session: None };
        Ok(stream(EventStream::new(messages, keep_alive, company)))
    }

    /// The session that the clients of a server share, if the server speaks the modern era.
    async fn shared_session(&self, server: &Arc<Server>) -> Result<Arc<Session>, NoSession> {
        let slot = self.stateless.slot(&server.name);
        if let Some(why) = slot.known() {
            return Err(why);
        }
        let mut current = slot.session.lock().await;
        if let Some(session) = current.as_ref().filter(|session| !session.has_ended()) {
            return Ok(Arc::clone(session));
        }
        if let Some(why) = slot.known() {
            // Somebody else has found it out meanwhile.
            return Err(why);
        }
        *current = None;
        let found = self.try_modern(server).await;
        let remembered = match &found {
            Ok(_) | Err(NoSession::Unavailable(_)) => None,
            Err(why @ NoSession::Legacy) => Some((Instant::now() + REMEMBERED, why.clone())),
            Err(why @ NoSession::Ended(_)) => Some((Instant::now() + LEFT_ALONE, why.clone())),
        };
        *slot.without.lock() = remembered;
        if let Ok(session) = &found {
            *current = Some(Arc::clone(session));
        }
        found
    }

    /// Asks a server whether it speaks the modern era.
    async fn try_modern(&self, server: &Arc<Server>) -> Result<Arc<Session>, NoSession> {
        if matches!(server.upstream, UpstreamConfig::Http { transport: HttpTransport::Sse, .. }) {
            return Err(NoSession::Legacy);
        }
        let label = format!("{LABEL}{}", server.name).into();
        let session = Session::new(label, Arc::clone(server), Arc::clone(&self.shared), Unrelated::Nobody);
        session.begin_probe();
        sessions::connect(&session, &self.client).map_err(NoSession::Unavailable)?;
        let speaks = match session.own_request(Era::Modern, "server/discover", &[]).await {
            Ok(response) => match response.error().map(ErrorObject::code) {
                None => true,
                // Errors of this era.
                Some(Some(code)) => (denial::UNSUPPORTED_VERSION..=denial::HEADER_MISMATCH).contains(&code),
                Some(None) => false,
            },
            Err(Unanswered::Refused(_) | Unanswered::Silent(_)) => false,
            Err(Unanswered::Lost(problem)) => {
                let has_ended = session.has_ended();
                session.end("it could not be asked");
                return Err(match &server.upstream {
                    UpstreamConfig::Stdio(_) if has_ended => NoSession::Ended(problem),
                    _ => NoSession::Unavailable(problem),
                });
            }
        };
        if speaks {
            session.end_probe();
            tracing::info!(server = %server.name, "the server speaks 2026-07-28");
            return Ok(session);
        }
        session.end("the server does not speak 2026-07-28");
        Err(NoSession::Legacy)
    }
}

fn unavailable(request: &Asked, server: &Server, problem: &str) -> Document {
    let text = format!("The MCP server `{}` cannot be asked: {problem}", server.name);
    denial::unavailable(request.id(), &text)
}

/// Holds the headers of a request against its body, and looks whether it says of itself what it must.
fn check(parts: &Parts, request: &Asked, version: Option<&str>) -> Result<(), Document> {
    let id = request.id();
    let mismatch = |error: MirrorError| denial::header_mismatch(id, &error);
    let header = |name: &HeaderName| {
        guard::single(&parts.headers, name).map_err(|refusal| denial::invalid_params(id, &refusal.problem))
    };
    let said = request.params().and_then(|params| params.get("_meta")).and_then(|meta| meta.get(VERSION_KEY));
    if let Some(said) = said.and_then(Value::as_str) {
        check_mirror("MCP-Protocol-Version", version, &said).map_err(mismatch)?;
    }
    era::read_meta(request)?;
    check_mirror("Mcp-Method", header(&METHOD)?, request.method()).map_err(mismatch)?;
    let target = method::lookup(request.method()).and_then(|method| method.header_target(request.params()));
    if let Some(target) = target {
        check_mirror("Mcp-Name", header(&NAME)?, &target).map_err(mismatch)?;
    }
    Ok(())
}

/// The HTTP status that goes with an answer.
fn status(document: &Document) -> StatusCode {
    let code = match Message::read(document) {
        Ok(Message::Response(response)) => response.error().and_then(ErrorObject::code),
        _ => None,
    };
    StatusCode::from_u16(denial::http_status(code)).unwrap_or(StatusCode::OK)
}
