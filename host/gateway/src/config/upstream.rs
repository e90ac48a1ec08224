//! How an upstream server is reached, and how that is read.

use std::path::{Path, PathBuf};

use bartizan_policy::decode;
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::{Member, Node};
use http::Uri;

use crate::expand;

/// How an upstream server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamConfig {
    /// A child process for each session.
    Stdio(CommandConfig),
    /// HTTP.
    Http {
        /// The endpoint; of HTTP+SSE, its event stream.
        url: Uri,
        /// Headers of every request, such as credentials.
        headers: Vec<(http::HeaderName, http::HeaderValue)>,
        /// How it is spoken to.
        transport: HttpTransport,
    },
}

impl UpstreamConfig {
    /// A remote server, from what a command line says: headers are `Name: value`, in which `${env:NAME}`
    /// is replaced.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn http(url: &str, headers: &[String], transport: HttpTransport) -> Result<Self, String> {
        let url = parse_url(url).ok_or_else(|| format!("\"{url}\" is not an http or https address"))?;
        let headers = headers.iter().map(|header| parse_header(header)).collect::<Result<_, _>>()?;
        Ok(Self::Http { url, headers, transport })
    }
}

fn parse_header(header: &str) -> Result<(http::HeaderName, http::HeaderValue), String> {
    let (name, value) =
        header.split_once(':').ok_or_else(|| format!("a header is `Name: value`, not \"{header}\""))?;
    let value = expand::expand(value.trim(), |variable| std::env::var(variable).ok())
        .map_err(|error| format!("the header {name} {error}"))?;
    let name = name.trim().parse().map_err(|_| format!("\"{name}\" is not the name of a header"))?;
    let mut value = http::HeaderValue::from_str(&value)
        .map_err(|_| format!("the value of the header {name} cannot be sent"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn parse_url(text: &str) -> Option<Uri> {
    text.parse::<Uri>()
        .ok()
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some())
}

/// A transport over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpTransport {
    /// Streamable HTTP, of 2025-03-26 and later.
    #[default]
    Streamable,
    /// HTTP+SSE, of 2024-11-05.
    Sse,
}

/// A server's command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandConfig {
    /// The program: a path, or a name that is looked up in PATH.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to its environment.
    pub env: Vec<(String, String)>,
    /// Its working directory.
    pub cwd: Option<PathBuf>,
}

pub(super) fn reject(member: Option<&Member>, problem: &str, report: &mut Report) {
    if let Some(member) = member {
        report.push(Problem::error("upstream", member.key_span, problem).help("remove it"));
    }
}

/// What `type` says of a server with a URL; a server with a command has but one transport.
pub(super) fn read_transport(member: &Member, has_url: bool, report: &mut Report) -> HttpTransport {
    let Some(transport) = decode::string(&member.node, "`type`", report) else {
        return HttpTransport::default();
    };
    match (transport, has_url) {
        ("stdio", false) | ("http" | "streamable-http" | "streamableHttp" | "streamable_http", true) => {
            return HttpTransport::Streamable;
        }
        ("sse", true) => return HttpTransport::Sse,
        _ => {}
    }
    report.push(
        Problem::error(
            "transport",
            member.node.span,
            format!("`type` \"{transport}\" does not fit this server"),
        )
        .help("\"stdio\" goes with `command`, and \"http\" or the older \"sse\" with `url`"),
    );
    HttpTransport::default()
}

pub(super) fn read_command(
    base: &Path,
    command: &Member,
    arguments: Option<&Member>,
    environment: Option<&Member>,
    cwd: Option<&Member>,
    report: &mut Report,
) -> Option<UpstreamConfig> {
    let program = expanded(&command.node, "`command`", report);
    let mut args = Vec::new();
    if let Some(nodes) = arguments.and_then(|member| decode::list(&member.node, "`args`", report)) {
        args.extend(nodes.iter().filter_map(|node| expanded(node, "an entry of `args`", report)));
    }
    let mut env = Vec::new();
    if let Some(members) = environment.and_then(|member| decode::members(&member.node, "`env`", report)) {
        for Member { key, node, .. } in members {
            if let Some(value) = expanded(node, &format!("`env.{key}`"), report) {
                env.push((key.clone(), value));
            }
        }
    }
    let cwd =
        cwd.and_then(|member| expanded(&member.node, "`cwd`", report)).map(|directory| base.join(directory));
    Some(UpstreamConfig::Stdio(CommandConfig { command: program?, args, env, cwd }))
}

pub(super) fn read_url(
    url: &Member,
    headers: Option<&Member>,
    transport: HttpTransport,
    report: &mut Report,
) -> Option<UpstreamConfig> {
    let text = expanded(&url.node, "`url`", report)?;
    let parsed = parse_url(&text);
    if parsed.is_none() {
        report.push(
            Problem::error("url", url.node.span, "`url` must be an http or https address")
                .help("write for example \"https://example.com/mcp\""),
        );
    }
    let mut pairs = Vec::new();
    if let Some(members) = headers.and_then(|member| decode::members(&member.node, "`headers`", report)) {
        for Member { key, key_span, node } in members {
            let Some(text) = expanded(node, &format!("`headers.{key}`"), report) else { continue };
            match (key.parse::<http::HeaderName>(), http::HeaderValue::from_str(&text)) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    pairs.push((name, value));
                }
                (Err(_), _) => report.push(Problem::error(
                    "header",
                    *key_span,
                    format!("\"{key}\" is not the name of a header"),
                )),
                (_, Err(_)) => report.push(Problem::error(
                    "header",
                    node.span,
                    format!("the value of `headers.{key}` cannot be sent in a header"),
                )),
            }
        }
    }
    Some(UpstreamConfig::Http { url: parsed?, headers: pairs, transport })
}

/// A string in which `${env:NAME}` is replaced.
fn expanded(node: &Node, name: &str, report: &mut Report) -> Option<String> {
    let text = decode::string(node, name, report)?;
    match expand::expand(text, |variable| std::env::var(variable).ok()) {
        Ok(text) => Some(text),
        Err(error) => {
            report.push(
                Problem::error("environment", node.span, format!("{name} {error}"))
                    .help("set the variable where Bartizan is started, or write the value itself"),
            );
            None
        }
    }
}
