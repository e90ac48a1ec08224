//! `bartizan plugin build`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_author::build::{self, Built};
use clap::Args;

/// Build a plugin, with the tools of its language.
///
/// The tools are found on PATH or in the project; what is missing is told, with where to get it. The result
/// is loaded as the gateway would load it, so a plugin that does not load is told here.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan plugin build\n  \
    bartizan plugin build change-freeze --output plugins/change-freeze.wasm")]
pub(crate) struct Arguments {
    /// The project: a directory with a plugin.toml.
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Where the plugin goes [default: build/NAME.wasm in the project].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn build(arguments: &Arguments) -> ExitCode {
    match build::build(&arguments.directory, arguments.output.as_deref()) {
        Ok(built) => {
            print(&built);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bartizan: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(built: &Built) {
    let hooks =
        [("calls", built.hooks.calls), ("listings", built.hooks.listings), ("replies", built.hooks.replies)];
    let hooks: Vec<&str> = hooks.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect();
    println!("{}", built.path.display());
    println!("  name     {} {}", built.description.name, built.description.version);
    println!("  hooks    {}", hooks.join(", "));
    println!("  size     {} bytes", built.size);
    println!("  loads    in {} ms, without the cache", built.load.as_millis());
}
