//! The configuration of `bartizan serve`: the `mcpServers` object that MCP clients use, plus a policy
//! for each server.
//!
//! Everything wrong with it, and with every policy it names, is found in one go.

mod limits;
mod operation;
mod plugins;
pub mod schema;
mod tls;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bartizan_policy::Policy;
use bartizan_policy::decode::{self, Object, Unsupported};
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::{Member, Node, Source, Span, Value};
pub use limits::Limits;
pub use operation::{AuditConfig, Recording, WebhookConfig};
pub use plugins::PluginsConfig;
pub use tls::{FileProblem, TlsConfig, TlsError};
pub use upstream::{CommandConfig, HttpTransport, UpstreamConfig};
use upstream::{read_command, read_transport, read_url, reject};

/// Where the gateway listens unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8750);

/// Keys of MCP clients' own configurations: of no meaning here, and no reason to refuse a pasted one.
const CLIENT_KEYS: [&str; 7] =
    ["autoApprove", "alwaysAllow", "timeout", "description", "icon", "trust", "envFile"];

/// Keys of later versions.
const UNSUPPORTED: [Unsupported; 2] = [
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
    /// Which of its plugins may run.
    pub plugins: PluginsConfig,
    /// The directory of what outlives the gateway. None: the user's.
    pub state_dir: Option<PathBuf>,
    /// What is recorded.
    pub audit: AuditConfig,
    /// Where requests for approval are announced.
    pub webhook: Option<WebhookConfig>,
    /// Where the admin API listens: a loopback address. None: nowhere.
    pub admin: Option<SocketAddr>,
    /// The file that all of this is from.
    pub source: Source,
    /// Where that file is.
    pub path: PathBuf,
    /// That file, and those that it names and that are read again when they change.
    pub files: BTreeSet<PathBuf>,
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
                config.files.insert(path.to_owned());
                path.clone_into(&mut config.path);
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
    let (plugins_dir, plugins) = match object.take("plugins") {
        Some(member) => PluginsConfig::read(member, base, report),
        None => (None, PluginsConfig::of(base)),
    };
    let state_dir = object.take("state").and_then(|member| operation::read_state(member, base, report));
    let audit = object.take("audit").map(|member| AuditConfig::read(member, report)).unwrap_or_default();
    let webhook = object.take("approvals").and_then(|member| WebhookConfig::read_approvals(member, report));
    let admin = object.take("admin").and_then(|member| operation::read_admin(member, report));
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
        plugins,
        state_dir,
        audit,
        webhook,
        admin,
        source: source.clone(),
        path: PathBuf::new(),
        files: servers.values().filter_map(|server| server.policy.as_ref()).flat_map(policy_files).collect(),
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

/// The files that a policy was read from; none but the lock if it stands in the configuration.
pub(crate) fn policy_files(policy: &Policy) -> impl Iterator<Item = PathBuf> + use<> {
    let file = Path::new(policy.document.source().name()).to_owned();
    [file].into_iter().chain(policy.document.lock_file())
}

fn missing_policy(span: Span, file: &str) -> Problem {
    Problem::error("policy-file", span, format!("there is no policy file \"{file}\""))
        .help("the path is relative to the folder of this file")
}

#[cfg(test)]
mod tests;
