//! What a server offers, asked for without a client: for `bartizan scan` and `bartizan lock`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_audit::log::Sinks;
use bartizan_runtime::Entry;
use bartizan_state::approval::MemoryApprovals;
use bartizan_state::quota::MemoryQuotas;
use bartizan_wire::era::{Era, Revision};
use bartizan_wire::json::{self, Document, Value};
use bartizan_wire::message::Message;
use bartizan_wire::method::Noun;
use http::HeaderMap;
use tokio::sync::mpsc;

use crate::admission::Stores;
use crate::catalogue;
use crate::config::{Limits, UpstreamConfig};
use crate::generation;
use crate::rounds::Rounds;
use crate::server::Server;
use crate::session::{Outgoing, Session, Shared, Unrelated};
use crate::sessions;
use crate::upstream::{HttpClient, carry_aside};

/// Messages of the server that may wait to be thrown away.
const UNREAD: usize = 16;

/// Why a server's tools are not known.
#[derive(Debug, thiserror::Error)]
#[error("the server `{server}` cannot be asked for its tools: {problem}")]
pub struct InspectError {
    server: String,
    problem: String,
}

/// A server's tools by name, with every definition that it gives: it may give another one in each era of the
/// protocol that it speaks. The first is that of its sessions, if it has those.
pub type Tools = BTreeMap<String, Vec<Entry>>;

/// Asks a server for its tools, in every era that it speaks.
///
/// # Errors
///
/// When it cannot be reached or speaks none.
pub async fn inspect(name: &str, upstream: &UpstreamConfig) -> Result<Tools, InspectError> {
    if let UpstreamConfig::Stdio(command) = upstream {
        generation::check_command(name, command)
            .map_err(|error| InspectError { server: name.to_owned(), problem: error.to_string() })?;
    }
    let mut tools = Tools::new();
    let mut problems = Vec::new();
    for era in [Era::Legacy, Era::Modern] {
        match ask(name, upstream, era).await {
            Ok(entries) => {
                for entry in entries {
                    let known = tools.entry(entry.name.clone()).or_default();
                    if !known.iter().any(|known| known.digest == entry.digest) {
                        known.push(Entry::clone(&entry));
                    }
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    match problems.into_iter().next() {
        Some(problem) if tools.is_empty() => Err(InspectError { server: name.to_owned(), problem }),
        _ => Ok(tools),
    }
}

async fn ask(name: &str, upstream: &UpstreamConfig, era: Era) -> Result<Vec<Arc<Entry>>, String> {
    let (session, _drain) = open(name, upstream, era)?;
    let entries = async {
        if era == Era::Legacy {
            shake_hands(&session).await?;
        }
        catalogue::all(&session, era, Noun::Tool).await.map_err(|error| error.to_string())
    }
    .await;
    session.end("its tools are known");
    session.wait_for_upstream().await;
    entries
}

/// A session of nobody's.
fn open(
    name: &str,
    upstream: &UpstreamConfig,
    era: Era,
) -> Result<(Arc<Session>, tokio::task::JoinHandle<()>), String> {
    let limits = Limits::default();
    let shared = Arc::new(Shared {
        stores: Stores { quotas: Arc::new(MemoryQuotas::new()), approvals: Arc::new(MemoryApprovals::new()) },
        log: Arc::new(Sinks(Vec::new())),
        recorder: None,
        webhook: None,
        client_limits: limits.client(),
        server_limits: limits.server(),
        limits,
        rounds: Rounds::new().map_err(|error| error.to_string())?,
        room: Arc::default(),
        reaper: None,
    });
    let server = Arc::new(Server::new(name, upstream.clone(), None));
    let token = sessions::new_token().map_err(|error| error.to_string())?;
    let (sender, mut unread) = mpsc::channel::<Outgoing>(UNREAD);
    let unrelated = match era {
        Era::Legacy => Unrelated::Pipe(sender),
        Era::Modern => Unrelated::Nobody,
    };
    let session = Session::new(sessions::label(&token), server, shared, unrelated);
    // A server of the other era may well end when it hears this one.
    session.begin_probe();
    let client = HttpClient::new().map_err(|error| error.to_string())?;
    sessions::connect(&session, &client)?;
    let drain = tokio::spawn(async move { while unread.recv().await.is_some() {} });
    Ok((session, drain))
}

async fn shake_hands(session: &Arc<Session>) -> Result<(), String> {
    let revision = Revision::V2025_11_25.as_str();
    let params = [
        ("protocolVersion", Document::string(revision)),
        ("capabilities", Document::from(&serde_json::json!({}))),
        (
            "clientInfo",
            Document::from(&serde_json::json!({"name": "bartizan", "version": env!("CARGO_PKG_VERSION")})),
        ),
    ];
    let response =
        session.own_request(Era::Legacy, "initialize", &params).await.map_err(|error| error.to_string())?;
    let agreed = response.result().and_then(|result| result.get("protocolVersion")).and_then(Value::as_str);
    let agreed = agreed.ok_or_else(|| "it refuses the handshake".to_owned())?;
    session.agree_on(&agreed, Vec::new());
    let text = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let message = Message::parse(text, &json::Limits::default()).map_err(|error| error.to_string())?;
    let upstream = session.upstream().ok_or_else(|| "it is not connected".to_owned())?;
    upstream
        .send(session, &message, HeaderMap::new())
        .await
        .map(carry_aside)
        .map_err(|error| error.to_string())
}
