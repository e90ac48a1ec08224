//! `bartizan plugin`: what authors and operators do with plugins.

mod bench;
mod build;
mod inspect;
mod keygen;
mod list;
mod lock;
mod new;
mod run;
mod sign;
mod test;
mod verify;

use std::process::ExitCode;

use bartizan_author::LoadingError;
use clap::{Args, Subcommand};

use crate::report;

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
    Inspect(inspect::Arguments),
    Test(test::Arguments),
    Run(run::Arguments),
    Bench(bench::Arguments),
    List(list::Arguments),
    Lock(lock::Arguments),
    Keygen(keygen::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
}

pub(crate) async fn plugin(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::New(arguments) => new::new(&arguments),
        Verb::Build(arguments) => build::build(&arguments),
        Verb::Inspect(arguments) => inspect::inspect(&arguments),
        Verb::Test(arguments) => test::test(&arguments),
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Bench(arguments) => bench::bench(&arguments),
        Verb::List(arguments) => list::list(arguments).await,
        Verb::Lock(arguments) => lock::lock(&arguments),
        Verb::Keygen(arguments) => keygen::keygen(&arguments),
        Verb::Sign(arguments) => sign::sign(&arguments),
        Verb::Verify(arguments) => verify::verify(&arguments),
    }
}

/// Writes why a plugin cannot be looked at to standard error.
fn failed(error: &LoadingError) -> ExitCode {
    match error {
        LoadingError::Diagnostics(problems) => report::write(problems),
        // The words may be the plugin's.
        error => eprintln!("bartizan: {}", bartizan_rehearsal::text::whole(&error.to_string())),
    }
    ExitCode::FAILURE
}
