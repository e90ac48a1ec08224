//! `bartizan plugin`: what authors and operators do with plugins.

mod build;
mod new;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Write and build plugins.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    New(new::Arguments),
    Build(build::Arguments),
}

pub(crate) fn plugin(arguments: &Arguments) -> ExitCode {
    match &arguments.verb {
        Verb::New(arguments) => new::new(arguments),
        Verb::Build(arguments) => build::build(arguments),
    }
}
