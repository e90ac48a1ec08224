//! `bartizan plugin list`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_admin::client::{self, ClientError};
use bartizan_gateway::config::Config;
use bartizan_gateway::{CacheLocation, status};
use bartizan_rehearsal::text::whole;
use clap::Args;
use serde_json::{Value, json};

use crate::{report, state};

/// How much of a digest is shown.
const DIGEST: usize = 12;

/// Show the plugins of a folder, and what a running gateway has made of them.
///
/// With --config, the gateway that runs with it is asked, if it has an admin API: it says which version of
/// each plugin is in force, and why that is not what the file is now. Without one, or when none runs, the
/// files are looked at. The exit status is 1 if a plugin cannot be used.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan plugin list --config bartizan.json\n  bartizan plugin list --plugins-dir plugins"
)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Arguments {
    /// A configuration: its plugins folder, and its gateway.
    #[arg(long, value_name = "FILE", group = "what")]
    config: Option<PathBuf>,
    /// A plugins folder.
    #[arg(long, value_name = "DIR", group = "what")]
    plugins_dir: Option<PathBuf>,
    /// As a JSON object.
    #[arg(long)]
    json: bool,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    #[command(flatten)]
    state: state::Arguments,
}

pub(crate) async fn list(arguments: Arguments) -> ExitCode {
    let mut folder = arguments.plugins_dir.clone();
    if let Some(file) = &arguments.config {
        let config = match Config::load(file) {
            Ok(config) => config,
            Err(diagnostics) => {
                report::write(&diagnostics);
                return ExitCode::FAILURE;
            }
        };
        match ask(&config, &arguments).await {
            Ok(Some(status)) => return show(&status, arguments.json),
            Ok(None) => {}
            Err(problem) => return state::failed(&problem),
        }
        folder = config.plugins_dir;
    }
    let Some(folder) = folder else {
        return state::failed("the configuration has no plugins folder: \"plugins\": {\"dir\": \"plugins\"}");
    };
    let cache = arguments.cache_dir.map_or_else(CacheLocation::default, CacheLocation::Directory);
    match status::survey(&folder, &cache) {
        Ok(plugins) => show(&json!({ "plugins": plugins }), arguments.json),
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Asks the gateway of a configuration. None if there is none that could be asked.
async fn ask(config: &Config, arguments: &Arguments) -> Result<Option<Value>, String> {
    let Some(address) = config.admin else { return Ok(None) };
    let state = arguments.state.location(config.state_dir.clone());
    let directory = state.directory().map_err(|error| error.to_string())?;
    match client::status(address, &directory).await {
        Ok(status) => Ok(Some(status)),
        Err(ClientError::Away { .. } | ClientError::Token(_)) => {
            eprintln!("no gateway runs with this configuration: these are the files");
            Ok(None)
        }
        Err(error @ ClientError::Refused { .. }) => Err(error.to_string()),
    }
}

fn show(status: &Value, json: bool) -> ExitCode {
    let none = Vec::new();
    let plugins = status.get("plugins").and_then(Value::as_array).unwrap_or(&none);
    let mut out = std::io::stdout().lock();
    // Whoever started this may not want to read it all.
    let _unread = if json { writeln!(out, "{status:#}") } else { table(&mut out, status, plugins) };
    let is_unusable = plugins.iter().any(|plugin| plugin.get("problem").is_some());
    if is_unusable || status.get("refused").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn table(out: &mut impl std::io::Write, status: &Value, plugins: &[Value]) -> std::io::Result<()> {
    if plugins.is_empty() {
        writeln!(out, "there are no plugins in the folder")?;
    }
    let width = plugins.iter().map(|plugin| text(plugin, "/name").chars().count()).max().unwrap_or_default();
    for plugin in plugins {
        let digest: String = text(plugin, "/in_force/digest").chars().take(DIGEST).collect();
        let version = text(plugin, "/in_force/version");
        let hooks = words(plugin, "/in_force/hooks");
        let asks = words(plugin, "/in_force/asks");
        let asks = if asks.is_empty() { String::new() } else { format!("  asks for {asks}") };
        let (name, state) = (text(plugin, "/name"), text(plugin, "/state"));
        writeln!(out, "{name:width$}  {state:8}  {version:8}  {digest:DIGEST$}  {hooks}{asks}")?;
        for line in text(plugin, "/problem").lines() {
            writeln!(out, "    {line}")?;
        }
        for (server, step) in uses(status, plugin) {
            let (mode, label, health) =
                (text(step, "/mode"), text(step, "/label"), text(step, "/health/state"));
            writeln!(out, "    {server}: {mode} as {label}, {health}{}", numbers(step))?;
        }
    }
    if let Some(refused) = status.get("refused") {
        writeln!(out, "\nloading again at {} changed nothing:", text(refused, "/time"))?;
        for problem in refused.get("problems").and_then(Value::as_array).into_iter().flatten() {
            for line in problem.as_str().unwrap_or_default().lines() {
                writeln!(out, "    {}", whole(line))?;
            }
        }
    }
    Ok(())
}

/// Where servers have put a plugin.
fn uses<'s>(status: &'s Value, plugin: &Value) -> Vec<(String, &'s Value)> {
    let digest = plugin.pointer("/in_force/digest");
    let servers = status.get("servers").and_then(Value::as_array).into_iter().flatten();
    servers
        .flat_map(|server| {
            let steps = server.get("steps").and_then(Value::as_array).into_iter().flatten();
            steps.map(|step| (text(server, "/name"), step))
        })
        .filter(|(_, step)| digest.is_some() && step.get("digest") == digest)
        .collect()
}

/// How a step did so far, if it did anything: `, p99 310 µs, 2 failures`.
fn numbers(step: &Value) -> String {
    let p99 = step.pointer("/statistics/p99_us").and_then(Value::as_u64);
    let p99 = p99.map(|micros| format!(", p99 {micros} µs")).unwrap_or_default();
    let failures = step.pointer("/statistics/failures").and_then(Value::as_object).into_iter().flatten();
    match failures.filter_map(|(_, count)| count.as_u64()).sum::<u64>() {
        0 => p99,
        1 => format!("{p99}, 1 failure"),
        count => format!("{p99}, {count} failures"),
    }
}

fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    text.lines().map(whole).collect::<Vec<_>>().join("\n")
}

fn words(value: &Value, pointer: &str) -> String {
    let words = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    words.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
