//! What the gateway keeps, and how people reach it: the objects `state`, `audit`, `approvals` and `admin` of
//! the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::Member;

use crate::expand::expand;

/// The range of `audit.max_size`, in bytes.
const FILE_SIZES: std::ops::RangeInclusive<u32> = 65_536..=1_000_000_000;
/// The least bytes of a secret that signs webhooks.
const SHORTEST_SECRET: usize = 16;

/// What is recorded of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// Nothing but log lines.
    Off,
    /// Every decision, with the names of the arguments and a digest of their values.
    #[default]
    Keys,
    /// The arguments as well, redacted, so that decisions can be replayed.
    Full,
}

const RECORDINGS: &[(&str, Recording)] =
    &[("off", Recording::Off), ("keys", Recording::Keys), ("full", Recording::Full)];

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// What is recorded.
    pub record: Recording,
    /// Bytes after which another file is begun.
    pub max_size: u64,
    /// How many files are kept, with the one that is written. None: all.
    pub keep: Option<u32>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { record: Recording::default(), max_size: 64 << 20, keep: None }
    }
}

impl AuditConfig {
    pub(super) fn read(member: &Member, report: &mut Report) -> Self {
        let default = Self::default();
        let Some(mut object) = Object::read(&member.node, member.key_span, "`audit`", report) else {
            return default;
        };
        let record = object
            .take("record")
            .and_then(|member| decode::word(&member.node, "`audit.record`", RECORDINGS, &[], report))
            .unwrap_or_default();
        let max_size = object
            .take("max_size")
            .and_then(|member| decode::integer(&member.node, "`audit.max_size` (bytes)", &FILE_SIZES, report))
            .map_or(default.max_size, u64::from);
        let keep = object
            .take("keep")
            .and_then(|member| decode::integer(&member.node, "`audit.keep` (files)", &(1..=100_000), report));
        object.finish(&[], report);
        Self { record, max_size, keep }
    }
}

/// Where requests for approval are announced.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// The URL that gets a POST.
    pub url: http::Uri,
    /// What signs it.
    pub secret: String,
}

impl std::fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookConfig").field("url", &self.url).finish_non_exhaustive()
    }
}

impl WebhookConfig {
    /// A webhook of this URL and secret.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub fn new(url: &str, secret: &str) -> Result<Self, String> {
        let url: http::Uri =
            url.parse().map_err(|error| format!("\"{url}\" is not a URL that can be reached: {error}"))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
            return Err("the URL of a webhook begins with http:// or https://".to_owned());
        }
        if secret.len() < SHORTEST_SECRET {
            return Err(format!("the secret of a webhook has at least {SHORTEST_SECRET} bytes"));
        }
        Ok(Self { url, secret: secret.to_owned() })
    }

    fn read(member: &Member, report: &mut Report) -> Option<Self> {
        let mut object = Object::read(&member.node, member.key_span, "`approvals.webhook`", report)?;
        let url = object.require("url", "\"https://example.com/approvals\"", report);
        let secret = object.require("secret", "\"${env:BARTIZAN_WEBHOOK_SECRET}\"", report);
        object.finish(&[], report);
        let url = decode::string(&url?.node, "`approvals.webhook.url`", report);
        let secret = secret?;
        let text = decode::string(&secret.node, "`approvals.webhook.secret`", report)?;
        let expanded = match expand(text, |name| std::env::var(name).ok()) {
            Ok(expanded) => expanded,
            Err(error) => {
                let message = format!("`approvals.webhook.secret` {error}");
                report.push(Problem::error("environment", secret.node.span, message));
                return None;
            }
        };
        if !text.contains("${") {
            let message = "the secret of the webhook stands in the configuration";
            report.push(
                Problem::warning("secret-in-file", secret.node.span, message)
                    .help("take it from the environment: \"${env:BARTIZAN_WEBHOOK_SECRET}\""),
            );
        }
        Self::new(url?, &expanded)
            .map_err(|problem| report.push(Problem::error("webhook", member.key_span, problem)))
            .ok()
    }

    /// The object `approvals`.
    pub(super) fn read_approvals(member: &Member, report: &mut Report) -> Option<Self> {
        let mut object = Object::read(&member.node, member.key_span, "`approvals`", report)?;
        let webhook = object.take("webhook").and_then(|member| Self::read(member, report));
        object.finish(&[], report);
        webhook
    }
}

/// The directory of the object `state`.
pub(super) fn read_state(member: &Member, base: &Path, report: &mut Report) -> Option<PathBuf> {
    let mut object = Object::read(&member.node, member.key_span, "`state`", report)?;
    let directory = object
        .require("dir", "\"state\"", report)
        .and_then(|member| decode::string(&member.node, "`state.dir`", report))
        .map(|directory| base.join(directory));
    object.finish(&[], report);
    directory
}

/// The address of the object `admin`.
pub(super) fn read_admin(member: &Member, report: &mut Report) -> Option<SocketAddr> {
    let mut object = Object::read(&member.node, member.key_span, "`admin`", report)?;
    let listen = object.require("listen", "\"127.0.0.1:8751\"", report);
    object.finish(&[], report);
    let node = &listen?.node;
    let text = decode::string(node, "`admin.listen`", report)?;
    let address = text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
    if address.is_none() {
        let message = format!("`admin.listen` must be a loopback address and a port, not \"{text}\"");
        report.push(
            Problem::error("admin-listen", node.span, message)
                .help("write for example \"127.0.0.1:8751\"; who approves calls does so on this machine"),
        );
    }
    address
}
