//! The configuration of `bartizan serve`: the `mcpServers` object that MCP clients use, plus a policy
//! for each server.
//!
//! Everything wrong with it, and with every policy it names, is found in one go.

mod limits;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bartizan_policy::Policy;
use bartizan_policy::decode::{self, Object, Unsupported};
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::{Member, Node, Source, Span, Value};
use http::Uri;
pub use limits::Limits;
pub use tls::{FileProblem, TlsConfig, TlsError};

use crate::expand;

/// Where the gateway listens unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8750);

/// Keys of MCP clients' own configurations: of no meaning here, and no reason to refuse a pasted one.
const CLIENT_KEYS: [&str; 7] =
    ["autoApprove", "alwaysAllow", "timeout", "description", "icon", "trust", "envFile"];

/// Keys of later versions.
const UNSUPPORTED: [Unsupported; 5] = [
    Unsupported { word: "admin", instead: "leave it out" },
    Unsupported { word: "audit", instead: "leave it out: decisions go to the log" },
    Unsupported { word: "state", instead: "leave it out: counters are kept in memory" },
    Unsupported { word: "auth", instead: "listen on loopback only" },
    Unsupported { word: "tokens", instead: "listen on loopback only" },
];

/// What the gateway serves.
#[derive(Debug)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The certificate, if clients are to use https.
    pub tls: Option<TlsConfig>,
    /// How much the gateway takes, and how long it waits.
    pub limits: Limits,
    /// Host names, besides loopback ones, that a request may be addressed to.
    pub allowed_hosts: Vec<String>,
    /// Web origins, besides loopback ones, that a browser may call from.
    pub allowed_origins: Vec<String>,
    /// The plugins folder.
    pub plugins_dir: Option<PathBuf>,
    /// The file that all of this is from.
    pub source: Source,
    /// The servers by name.
    pub servers: BTreeMap<String, ServerConfig>,
    /// What is probably not meant.
    pub warnings: Diagnostics,
}

/// One upstream server.
#[derive(Debug)]
pub struct ServerConfig {
    /// How it is reached.
    pub upstream: UpstreamConfig,
    /// Where that stands in the configuration.
    pub place: Span,
    /// What judges its calls. Without one everything is denied.
    pub policy: Option<Policy>,
}

/// How an upstream server is reached.
#[derive(Clone, Debug)]
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

impl Config {
    /// Loads a configuration file and every policy it names.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, with file, line, column and remedy.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let source = Source::read(path)?;
        let base = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let mut report = Report::new(&source);
        let mut elsewhere = Diagnostics::default();
        let root = source.parse(&mut report);
        let config = root.and_then(|root| read(&source, &base, &root, &mut report, &mut elsewhere));
        let mut diagnostics = report.finish();
        diagnostics.extend(elsewhere);
        match config {
            Some(mut config) if !diagnostics.has_errors() => {
                config.warnings = diagnostics;
                Ok(config)
            }
            _ => Err(diagnostics),
        }
    }
}

fn read(
    source: &Source,
    base: &Path,
    root: &Node,
    report: &mut Report,
    elsewhere: &mut Diagnostics,
) -> Option<Config> {
    let mut object = Object::read(root, root.span.head(), "the configuration", report)?;
    object.take("$schema");
    let listen = match object.take("listen") {
        Some(member) => read_listen(&member.node, report),
        None => Some(LISTEN),
    };
    let tls = object.take("tls").and_then(|member| TlsConfig::read(member, base, report));
    let limits = object.take("limits").map(|member| Limits::read(member, report)).unwrap_or_default();
    let allowed_hosts = read_strings(object.take("allowed_hosts"), "`allowed_hosts`", report);
    let allowed_origins = read_strings(object.take("allowed_origins"), "`allowed_origins`", report);
    let plugins_dir = object.take("plugins").and_then(|member| read_plugins(member, base, report));
    let example = r#"{"mlflow": {"command": "mlflow-mcp", "policy": "policies/mlflow.json"}}"#;
    let mut servers = BTreeMap::new();
    if let Some(member) = object.require("mcpServers", example, report)
        && let Some(members) = decode::members(&member.node, "`mcpServers`", report)
    {
        if members.is_empty() {
            report.push(
                Problem::error("no-servers", member.node.span, "`mcpServers` names no server")
                    .help(format!("add one, for example {example}")),
            );
        }
        for member in members {
            check_server_name(member, report);
            if let Some(server) = read_server(source, base, member, report, elsewhere) {
                servers.insert(member.key.clone(), server);
            }
        }
    }
    object.finish(&UNSUPPORTED, report);
    Some(Config {
        listen: listen?,
        tls,
        limits,
        allowed_hosts,
        allowed_origins,
        plugins_dir,
        source: source.clone(),
        servers,
        warnings: Diagnostics::default(),
    })
}

fn read_listen(node: &Node, report: &mut Report) -> Option<SocketAddr> {
    let text = decode::string(node, "`listen`", report)?;
    let address = text.parse::<SocketAddr>();
    if address.is_err() {
        report.push(
            Problem::error(
                "listen",
                node.span,
                format!("`listen` must be an address and a port, not \"{text}\""),
            )
            .help("write for example \"127.0.0.1:8750\""),
        );
    }
    address.ok()
}

fn read_strings(member: Option<&Member>, name: &str, report: &mut Report) -> Vec<String> {
    let Some(nodes) = member.and_then(|member| decode::list(&member.node, name, report)) else {
        return Vec::new();
    };
    let entry = format!("an entry of {name}");
    nodes.iter().filter_map(|node| decode::string(node, &entry, report).map(str::to_owned)).collect()
}

fn read_plugins(member: &Member, base: &Path, report: &mut Report) -> Option<PathBuf> {
    let mut object = Object::read(&member.node, member.key_span, "`plugins`", report)?;
    let directory = object
        .require("dir", "\"plugins\"", report)
        .and_then(|member| decode::string(&member.node, "`plugins.dir`", report))
        .map(|directory| base.join(directory));
    let later = "leave it out: plugins that no policy names run for every server";
    object.finish(
        &[
            Unsupported { word: "autoload", instead: later },
            Unsupported { word: "trusted_keys", instead: "leave it out" },
        ],
        report,
    );
    directory
}

fn check_server_name(member: &Member, report: &mut Report) {
    let plain = (1..=64).contains(&member.key.len())
        && member.key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !member.key.starts_with('.');
    if !plain {
        report.push(
            Problem::error(
                "server-name",
                member.key_span,
                format!("\"{}\" cannot be a server's name, which is part of its URL", member.key),
            )
            .help("use 1 to 64 letters, digits, `-`, `_` and `.`"),
        );
    }
}

fn read_server(
    source: &Source,
    base: &Path,
    member: &Member,
    report: &mut Report,
    elsewhere: &mut Diagnostics,
) -> Option<ServerConfig> {
    let mut object = Object::read(&member.node, member.key_span, "a server", report)?;
    let transport = object.take("type").or_else(|| object.take("transport"));
    let command = object.take("command");
    let arguments = object.take("args");
    let environment = object.take("env");
    let cwd = object.take("cwd");
    let url = object.take("url");
    let headers = object.take("headers");
    let policy = object.take("policy");
    let is_disabled =
        object.take("disabled").is_some_and(|member| matches!(member.node.value, Value::Bool(true)));
    for key in CLIENT_KEYS {
        if let Some(ignored) = object.take(key) {
            report.push(Problem::warning(
                "client-key",
                ignored.key_span,
                format!("`{key}` is a setting of MCP clients and does nothing here"),
            ));
        }
    }
    object.finish(&[], report);
    if is_disabled {
        let problem = format!("the server \"{}\" is disabled, so it is not served", member.key);
        report.push(Problem::warning("disabled", member.key_span, problem));
        return None;
    }

    let policy = match policy {
        Some(member) => read_policy(source, base, member, report, elsewhere),
        None => {
            report.push(
                Problem::warning(
                    "no-policy",
                    member.key_span,
                    format!("the server \"{}\" has no policy, so everything is denied", member.key),
                )
                .help("add for example \"policy\": {\"version\": \"1\", \"default\": \"allow\"}"),
            );
            None
        }
    };
    let transport = transport.map(|member| read_transport(member, url.is_some(), report)).unwrap_or_default();
    let upstream = match (command, url) {
        (Some(command), None) => {
            reject(headers, "`headers` goes with `url`; a `command` gets its secrets through `env`", report);
            read_command(base, command, arguments, environment, cwd, report)
        }
        (None, Some(url)) => {
            for (member, key) in [(arguments, "args"), (environment, "env"), (cwd, "cwd")] {
                reject(member, &format!("`{key}` goes with `command`, not with `url`"), report);
            }
            read_url(url, headers, transport, report)
        }
        (Some(_), Some(url)) => {
            let problem = "a server has a `command` or a `url`, not both";
            report.push(Problem::error("upstream", url.key_span, problem).help("remove one of them"));
            None
        }
        (None, None) => {
            let problem = format!("the server \"{}\" has neither `command` nor `url`", member.key);
            report.push(Problem::error("upstream", member.key_span, problem).help(
                "add \"command\": \"…\" for a local server or \"url\": \"https://…\" for a remote one",
            ));
            None
        }
    };
    let place = command.or(url).map_or(member.key_span, |member| member.node.span);
    Some(ServerConfig { upstream: upstream?, place, policy })
}

fn reject(member: Option<&Member>, problem: &str, report: &mut Report) {
    if let Some(member) = member {
        report.push(Problem::error("upstream", member.key_span, problem).help("remove it"));
    }
}

/// What `type` says of a server with a URL; a server with a command has but one transport.
fn read_transport(member: &Member, has_url: bool, report: &mut Report) -> HttpTransport {
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

fn read_command(
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

fn read_url(
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

fn read_policy(
    source: &Source,
    base: &Path,
    member: &Member,
    report: &mut Report,
    elsewhere: &mut Diagnostics,
) -> Option<Policy> {
    let loaded = match &member.node.value {
        Value::String(file) => {
            let path = base.join(file);
            if !path.is_file() {
                report.push(missing_policy(member.node.span, file));
                return None;
            }
            bartizan_policy::load(&path)
        }
        Value::Object(_) => bartizan_policy::from_node(source, &member.node, member.key_span),
        _ => {
            report.push(decode::wrong_value(
                &member.node,
                "`policy`",
                "the path of a policy file, or a policy",
            ));
            return None;
        }
    };
    match loaded {
        Ok(mut policy) => {
            elsewhere.extend(std::mem::take(&mut policy.warnings));
            Some(policy)
        }
        Err(diagnostics) => {
            elsewhere.extend(diagnostics);
            None
        }
    }
}

fn missing_policy(span: Span, file: &str) -> Problem {
    Problem::error("policy-file", span, format!("there is no policy file \"{file}\""))
        .help("the path is relative to the folder of this file")
}

#[cfg(test)]
mod tests;
