//! A server as the command line names it: a command, a URL, or one of a configuration.

use std::path::{Path, PathBuf};

use bartizan_gateway::config::{CommandConfig, Config, HttpTransport, UpstreamConfig};
use clap::{Args, ValueEnum};

/// A server named by its command or URL.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A header for a remote server; `${env:NAME}` stands for a variable of the environment.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// How a remote server is spoken to.
    #[arg(long, value_enum, default_value_t = Transport::Http)]
    transport: Transport,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE, of 2024-11-05.
    Sse,
}

/// Servers to ask: by configuration, or one by its command or URL.
#[derive(Args)]
pub(crate) struct Source {
    /// Every server of this configuration, that of Bartizan or that of an MCP client.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The server's name [default: the command's name].
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    arguments: Arguments,
    /// The server's command and its arguments, or the URL of a remote server.
    #[arg(last = true, value_name = "COMMAND|URL")]
    pub(crate) command: Vec<String>,
}

impl Source {
    /// The servers by name. With a configuration and a name, that one of its servers.
    pub(crate) fn servers(&self) -> Result<Vec<(String, UpstreamConfig)>, Problem> {
        if let Some(path) = &self.config {
            let config = Config::load(path).map_err(Problem::Diagnostics)?;
            let all = config.servers.into_iter().map(|(name, server)| (name, server.upstream));
            let wanted: Vec<_> =
                all.filter(|(name, _)| self.name.as_ref().is_none_or(|wanted| wanted == name)).collect();
            return match (wanted.is_empty(), &self.name) {
                (true, Some(name)) => {
                    Err(Problem::Text(format!("{} has no server \"{name}\"", path.display())))
                }
                _ => Ok(wanted),
            };
        }
        let (name, upstream) = self.arguments.upstream(&self.command).map_err(Problem::Text)?;
        Ok(vec![(self.name.clone().unwrap_or(name), upstream)])
    }
}

/// Why the servers are not known.
pub(crate) enum Problem {
    /// The configuration.
    Diagnostics(bartizan_policy::diagnostics::Diagnostics),
    /// Anything else.
    Text(String),
}

impl Problem {
    /// Writes it to standard error.
    pub(crate) fn report(&self) {
        match self {
            Self::Diagnostics(diagnostics) => crate::report::write(diagnostics),
            Self::Text(text) => eprintln!("bartizan: {text}"),
        }
    }
}

impl Arguments {
    /// The server, and what it is called unless it is given a name.
    pub(crate) fn upstream(&self, command: &[String]) -> Result<(String, UpstreamConfig), String> {
        let mut words = command.iter().cloned();
        let first = words.next().ok_or("name a server: a command or a URL after `--`")?;
        if first.starts_with("http://") || first.starts_with("https://") {
            if words.next().is_some() {
                return Err("a URL has no arguments".to_owned());
            }
            let transport = match self.transport {
                Transport::Http => HttpTransport::Streamable,
                Transport::Sse => HttpTransport::Sse,
            };
            let upstream = UpstreamConfig::http(&first, &self.header, transport)?;
            return Ok(("server".to_owned(), upstream));
        }
        if !self.header.is_empty() {
            return Err(
                "--header goes with a URL; a command gets its secrets from the environment".to_owned()
            );
        }
        let name = Path::new(&first)
            .file_stem()
            .map_or_else(|| "server".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let command = CommandConfig { command: first, args: words.collect(), ..CommandConfig::default() };
        Ok((name, UpstreamConfig::Stdio(command)))
    }
}
