//! `bartizan serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_admin::api::Api;
use bartizan_admin::token;
use bartizan_gateway::config::Config;
use bartizan_gateway::{CacheLocation, Ending, Endpoint, ServeOptions, StateLocation, Status};
use clap::Args;

use crate::vetting::Locked;
use crate::{report, state};

/// Serve every server of a configuration over HTTP.
///
/// Each server is at http://HOST:PORT/mcp/NAME, or https with a certificate. When connections are accepted,
/// a line for each server is printed: its name and its URL. Plugins, policies and the configuration are taken
/// while serving when they change, and at SIGHUP. SIGINT and SIGTERM end it as soon as what is under way was
/// answered; a second one ends it at once.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan serve --config bartizan.json")]
pub(crate) struct Arguments {
    /// The configuration: JSON (comments allowed), YAML or TOML, by file ending.
    #[arg(long, value_name = "FILE", default_value = "bartizan.json")]
    config: PathBuf,
    /// Listen here instead of where the configuration says; port 0 chooses a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    #[command(flatten)]
    locked: Locked,
    #[command(flatten)]
    state: state::Arguments,
}

pub(crate) async fn serve(arguments: Arguments) -> ExitCode {
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(diagnostics) => {
            report::write(&diagnostics);
            return ExitCode::FAILURE;
        }
    };
    report::write(&config.warnings);
    let options = ServeOptions {
        reaper: std::env::current_exe().ok(),
        listen: arguments.listen,
        cache: arguments.cache_dir.map_or_else(CacheLocation::default, CacheLocation::Directory),
        state: arguments.state.named(),
        locking: arguments.locked.locking(),
        status: Status::default(),
    };
    if let Some(address) = config.admin
        && let Err(problem) = open_admin(address, &options.state_of(&config), options.status.clone()).await
    {
        return state::failed(&problem);
    }
    match bartizan_gateway::serve(config, &options, announce).await {
        Ok(Ending::Orderly) => ExitCode::SUCCESS,
        // As a shell would put it.
        Ok(Ending::AtOnce { signal }) => ExitCode::from(signal.saturating_add(128)),
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Opens the admin API next to the gateway; both work on the state directory.
async fn open_admin(address: SocketAddr, location: &StateLocation, status: Status) -> Result<(), String> {
    let desk = state::desk(location)?;
    let directory = location.directory().map_err(|error| error.to_string())?;
    let token = token::read_or_make(&directory)
        .map_err(|error| format!("the token of the admin API cannot be had: {error}"))?;
    let status = move || serde_json::json!(status.report());
    let api = Api::bind(address, desk, token, status)
        .await
        .map_err(|error| format!("the admin API cannot listen on {address}: {error}"))?;
    let address = api.address().map_err(|error| error.to_string())?;
    let file = token::file(&directory);
    tracing::info!(%address, token = %file.display(), "the admin API is open");
    tokio::spawn(api.serve());
    Ok(())
}

fn announce(endpoints: &[Endpoint]) {
    use std::io::Write as _;
    let width = endpoints.iter().map(|endpoint| endpoint.server.len()).max().unwrap_or_default();
    let mut output = std::io::stdout().lock();
    for Endpoint { server, url } in endpoints {
        // Whoever started this may not want to read it.
        let _unread = writeln!(output, "{server:width$}  {url}");
    }
    let _unread = output.flush();
}
