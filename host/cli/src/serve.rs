//! `bartizan serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_gateway::config::Config;
use bartizan_gateway::{CacheLocation, Ending, Endpoint, ServeOptions};
use clap::Args;

use crate::report;

/// Serve every server of a configuration over HTTP.
///
/// Each server is at http://HOST:PORT/mcp/NAME, or https with a certificate. When connections are accepted,
/// a line for each server is printed: its name and its URL. SIGINT and SIGTERM end it as soon as what is
/// under way was answered; a second one ends it at once.
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
    };
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
