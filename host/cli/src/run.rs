//! `bartizan run`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_gateway::config::{CommandConfig, HttpTransport, UpstreamConfig};
use bartizan_gateway::{CacheLocation, RunOptions};
use clap::{Args, ValueEnum};

use crate::report;

/// Run one MCP server behind a policy, on standard input and output.
///
/// Use it in an MCP client's configuration in place of the server's own command. The exit status is the
/// command's; signals are passed on to it. A URL in place of the command reaches a remote server.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan run --policy policy.json -- uvx mlflow-mcp\n  \
    bartizan run --policy policy.json --header 'Authorization: Bearer ${env:TOKEN}' -- https://example.com/mcp")]
pub(crate) struct Arguments {
    /// The policy: JSON (comments allowed), YAML or TOML, by file ending.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The plugins folder: policies name its .wasm files, and those that none names run as well.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// The server's name in policies and logs [default: the command's name].
    #[arg(long)]
    name: Option<String>,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// A header for a remote server; `${env:NAME}` stands for a variable of the environment.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// How a remote server is spoken to.
    #[arg(long, value_enum, default_value_t = Transport::Http)]
    transport: Transport,
    /// The server's command and its arguments, or the URL of a remote server.
    #[arg(last = true, required = true, value_name = "COMMAND|URL")]
    command: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE, of 2024-11-05.
    Sse,
}

pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    let policy = match bartizan_policy::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(diagnostics) => {
            report::write(&diagnostics);
            return ExitCode::FAILURE;
        }
    };
    report::write(&policy.warnings);
    let (name, upstream) = match upstream(&arguments) {
        Ok(found) => found,
        Err(problem) => {
            eprintln!("bartizan: {problem}");
            return ExitCode::FAILURE;
        }
    };
    let options = RunOptions {
        name: arguments.name.unwrap_or(name),
        upstream,
        policy,
        plugins_dir: arguments.plugins_dir,
        cache: arguments.cache_dir.map_or_else(CacheLocation::default, CacheLocation::Directory),
        reaper: std::env::current_exe().ok(),
    };
    match bartizan_gateway::run(options).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// The server, and what it is called unless it is given a name.
fn upstream(arguments: &Arguments) -> Result<(String, UpstreamConfig), String> {
    let mut words = arguments.command.iter().cloned();
    let first = words.next().unwrap_or_default();
    if first.starts_with("http://") || first.starts_with("https://") {
        if words.next().is_some() {
            return Err("a URL has no arguments".to_owned());
        }
        let transport = match arguments.transport {
            Transport::Http => HttpTransport::Streamable,
            Transport::Sse => HttpTransport::Sse,
        };
        let upstream = UpstreamConfig::http(&first, &arguments.header, transport)?;
        return Ok(("server".to_owned(), upstream));
    }
    if !arguments.header.is_empty() {
        return Err("--header goes with a URL; a command gets its secrets from the environment".to_owned());
    }
    let name = Path::new(&first)
        .file_stem()
        .map_or_else(|| "server".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let command = CommandConfig { command: first, args: words.collect(), ..CommandConfig::default() };
    Ok((name, UpstreamConfig::Stdio(command)))
}
