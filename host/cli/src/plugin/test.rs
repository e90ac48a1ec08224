//! `bartizan plugin test`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_rehearsal::suite::Defaults;
use clap::Args;

use crate::test::{Running, Suites};

/// Test a plugin alone.
///
/// Runs test suites that name a plugin, "plugin: FILE", in place of a policy; docs/plugins/testing.md has the
/// format. The host does with the plugin's answers what it does behind a gateway. The exit status is that of
/// `bartizan test`: 0 if every case passes, 1 if one fails, and 2 if something cannot be read.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan plugin test\n  bartizan plugin test tests --plugin change-freeze.wasm --watch"
)]
pub(crate) struct Arguments {
    /// Suites, and directories with suites at any depth [default: the working directory].
    #[arg(value_name = "DIR|FILE", default_value = ".", hide_default_value = true)]
    paths: Vec<PathBuf>,
    /// The plugin to test, in place of the one that a suite names.
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    #[command(flatten)]
    running: Running,
}

pub(super) fn test(arguments: &Arguments) -> ExitCode {
    let defaults = Defaults { plugins_dir: None, plugin: arguments.plugin.clone() };
    Suites { paths: &arguments.paths, defaults, running: &arguments.running }.test()
}
