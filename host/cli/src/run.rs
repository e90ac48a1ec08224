//! `bartizan run`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_gateway::config::{AuditConfig, Recording, WebhookConfig};
use bartizan_gateway::{CacheLocation, RunOptions};
use clap::{Args, ValueEnum};

use crate::vetting::Locked;
use crate::{report, state, upstream};

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
    #[command(flatten)]
    locked: Locked,
    /// The lock file of --locked [default: plugins.lock beside the plugins folder].
    #[arg(long, value_name = "FILE", requires = "locked")]
    plugins_lock: Option<PathBuf>,
    /// The server's name in policies and logs [default: the command's name].
    #[arg(long)]
    name: Option<String>,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    #[command(flatten)]
    state: state::Arguments,
    /// What the audit log keeps of calls: `full` has the arguments, redacted, so that `replay` can judge
    /// them again.
    #[arg(long, value_enum, default_value_t = Record::Keys)]
    record: Record,
    /// A URL that is told of each request for approval, signed with the secret in the environment variable
    /// BARTIZAN_WEBHOOK_SECRET.
    #[arg(long, value_name = "URL")]
    approval_webhook: Option<String>,
    #[command(flatten)]
    upstream: upstream::Arguments,
    /// The server's command and its arguments, or the URL of a remote server.
    #[arg(last = true, required = true, value_name = "COMMAND|URL")]
    command: Vec<String>,
}

/// What the audit log keeps.
#[derive(Clone, Copy, ValueEnum)]
enum Record {
    /// Nothing: there is no audit log.
    Off,
    /// Every decision, with the names of the arguments.
    Keys,
    /// The arguments as well.
    Full,
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
    let (name, upstream) = match arguments.upstream.upstream(&arguments.command) {
        Ok(found) => found,
        Err(problem) => return state::failed(&problem),
    };
    let webhook = match arguments.approval_webhook.as_deref().map(webhook).transpose() {
        Ok(webhook) => webhook,
        Err(problem) => return state::failed(&problem),
    };
    let vetting =
        arguments.locked.vetting(arguments.plugins_dir.as_deref(), arguments.plugins_lock.as_deref());
    let vetting = match vetting {
        Ok(vetting) => vetting,
        Err(diagnostics) => {
            report::write(&diagnostics);
            return ExitCode::FAILURE;
        }
    };
    let options = RunOptions {
        vetting,
        name: arguments.name.unwrap_or(name),
        upstream,
        policy,
        policy_file: arguments.policy,
        plugins_dir: arguments.plugins_dir,
        cache: arguments.cache_dir.map_or_else(CacheLocation::default, CacheLocation::Directory),
        state: arguments.state.location(None),
        audit: AuditConfig {
            record: match arguments.record {
                Record::Off => Recording::Off,
                Record::Keys => Recording::Keys,
                Record::Full => Recording::Full,
            },
            ..AuditConfig::default()
        },
        webhook,
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

/// The webhook of this URL, with the secret of the environment.
fn webhook(url: &str) -> Result<WebhookConfig, String> {
    const SECRET: &str = "BARTIZAN_WEBHOOK_SECRET";
    let secret = std::env::var(SECRET).map_err(|_unset| {
        format!("--approval-webhook needs a secret in the environment variable {SECRET}")
    })?;
    WebhookConfig::new(url, &secret)
}
