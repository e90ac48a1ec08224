//! `bartizan scan`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_scan::{ScannedTool, ToolDefinition};
use clap::Args;

use crate::{state, upstream};

/// List a server's tools with the risk of each, and recommend a policy.
///
/// Each tool gets a class, from its name, description, input schema and annotations: Read (low risk), Write
/// (medium), Execute (high), Destructive and Financial (critical). The recommended policy hides what is
/// destructive, lets a person approve what is financial or executes code, limits writes and allows reads.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan scan -- uvx mlflow-mcp\n  bartizan scan --output policy.json -- https://example.com/mcp\n  \
    bartizan scan --config bartizan.json --json\n  bartizan scan --tools tools.json"
)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["config", "command", "tools"]))]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: upstream::Source,
    /// A saved result of `tools/list`, read instead of asking a server.
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// One JSON object per tool and line: `server`, `name`, `class`, `risk`, `reason`.
    #[arg(long)]
    json: bool,
    /// Write the recommended policy here; with several servers, to a folder of this name. Without it the
    /// policy follows the list.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn scan(arguments: Arguments) -> ExitCode {
    let servers = match servers(&arguments).await {
        Ok(servers) => servers,
        Err(code) => return code,
    };
    let many = servers.len() > 1;
    for (server, definitions) in servers {
        let scanned: Vec<ScannedTool> =
            definitions.iter().map(|tool| ScannedTool::new(&server, tool)).collect();
        let policy = bartizan_scan::recommend(&scanned);
        if let Err(problem) = report(&arguments, &server, &scanned, &policy, many) {
            return state::failed(&problem);
        }
    }
    ExitCode::SUCCESS
}

type Servers = Vec<(String, Vec<ToolDefinition>)>;

async fn servers(arguments: &Arguments) -> Result<Servers, ExitCode> {
    if let Some(path) = &arguments.tools {
        let name = arguments.source.name.clone().unwrap_or_else(|| {
            path.file_stem().map_or_else(|| "server".to_owned(), |stem| stem.to_string_lossy().into_owned())
        });
        let failed = |problem: String| state::failed(&format!("{}: {problem}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let listing = bartizan_scan::parse(&text).map_err(|error| failed(error.to_string()))?;
        if listing.incomplete {
            eprintln!("bartizan: {}: its last page names a next one, so tools are missing", path.display());
        }
        return Ok(vec![(name, listing.tools)]);
    }
    let mut servers = Vec::new();
    let named = arguments.source.servers().map_err(|problem| {
        problem.report();
        ExitCode::FAILURE
    })?;
    for (name, upstream) in named {
        let tools = bartizan_gateway::inspect(&name, &upstream)
            .await
            .map_err(|error| state::failed(&error.to_string()))?;
        let mut definitions = Vec::new();
        for definition in tools.into_values().filter_map(|definitions| definitions.into_iter().next()) {
            let tool = serde_json::from_str(&definition.definition)
                .ok()
                .and_then(|definition| ToolDefinition::read(&definition))
                .ok_or_else(|| {
                    state::failed(&format!("{name}: the definition of {} is unusable", definition.name))
                })?;
            definitions.push(tool);
        }
        servers.push((name, definitions));
    }
    Ok(servers)
}

fn report(
    arguments: &Arguments,
    server: &str,
    scanned: &[ScannedTool],
    policy: &str,
    many: bool,
) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let mut say = |text: &str| writeln!(out, "{text}").map_err(|error| format!("cannot write: {error}"));
    if arguments.json {
        for tool in scanned {
            say(&serde_json::to_string(tool).map_err(|error| error.to_string())?)?;
        }
    } else {
        say(&format!("{server}: {} tools", scanned.len()))?;
        let width = scanned.iter().map(|tool| tool.name.chars().count()).max().unwrap_or_default().min(48);
        for tool in scanned {
            let (risk, class) = (tool.risk.as_str(), tool.class.as_str());
            say(&format!("  {:width$}  {risk:8}  {class:11}  {}", tool.name.escape_debug(), tool.reason))?;
        }
    }
    match &arguments.output {
        Some(output) => write_policy(output, server, policy, many),
        None if arguments.json => Ok(()),
        None => say(&format!("\nRecommended policy:\n{policy}")),
    }
}

fn write_policy(output: &Path, server: &str, policy: &str, many: bool) -> Result<(), String> {
    let path = if many { output.join(server).with_extension("json") } else { output.to_owned() };
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
    if many {
        std::fs::create_dir_all(output).map_err(failed)?;
    }
    std::fs::write(&path, policy).map_err(failed)?;
    eprintln!("wrote {}: read it before you use it, then `bartizan check --policy {0}`", path.display());
    Ok(())
}
