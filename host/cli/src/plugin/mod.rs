//! `bartizan plugin`: what authors and operators do with plugins.

mod build;
mod list;
mod new;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Write, test, sign and look at policy plugins.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    New(new::Arguments),
    Build(build::Arguments),
    List(list::Arguments),
}

pub(crate) async fn plugin(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::New(arguments) => new::new(&arguments),
        Verb::Build(arguments) => build::build(&arguments),
        Verb::List(arguments) => list::list(arguments).await,
    }
}
