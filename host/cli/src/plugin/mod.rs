//! `bartizan plugin`.

mod list;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Write, test and look at policy plugins.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    List(list::Arguments),
}

pub(crate) async fn plugin(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::List(arguments) => list::list(arguments).await,
    }
}
