//! `bartizan run`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_gateway::config::CommandConfig;
use bartizan_gateway::{CacheLocation, RunOptions};
use clap::Args;

use crate::report;

/// Run one MCP server behind a policy, on standard input and output.
///
/// Use it in an MCP client's configuration in place of the server's own command. The exit status is the
/// command's; signals are passed on to it.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan run --policy policy.json -- uvx mlflow-mcp")]
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
    /// The server's command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
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
    let mut words = arguments.command.into_iter();
    let command = words.next().unwrap_or_default();
    let name = arguments.name.unwrap_or_else(|| {
        Path::new(&command)
            .file_stem()
            .map_or_else(|| "server".to_owned(), |stem| stem.to_string_lossy().into_owned())
    });
    let options = RunOptions {
        name,
        command: CommandConfig { command, args: words.collect(), ..CommandConfig::default() },
        policy,
        plugins_dir: arguments.plugins_dir,
        cache: arguments.cache_dir.map_or_else(CacheLocation::default, CacheLocation::Directory),
    };
    match bartizan_gateway::run(options).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}
