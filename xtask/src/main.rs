//! `cargo xtask`: the one door for contributors. Each verb does all the set-up it needs, reuses what an
//! earlier run made, and shows on standard error what it is doing; results go to standard output.

mod apt;
mod bench;
mod bindings;
mod cache;
mod conformance;
mod demo;
mod fuzz;
mod gateway;
mod guest_toolchain;
mod guests;
mod languages;
mod lint;
mod node;
mod process;
mod python;
mod serving;
mod soak;
mod step;
mod tests;
mod version;
mod workspace;
mod wrk;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cache::Cache;
use crate::guest_toolchain::GuestToolchain;
use crate::workspace::Workspace;

/// Everything a contributor types.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Find a toolchain that can build plugins, or make one
    ///
    /// Plugins are compiled for wasm32-unknown-unknown. In this order: the rustc in use, a toolchain that
    /// an earlier run made, `rustup target add`, and on Debian and its relatives the distribution's own
    /// packages, unpacked into the cache directory without installing them. The other verbs do this
    /// themselves; run it alone to see which toolchain they will use, or why none can be had.
    Setup,
    /// Build the plugins, then the gateway that embeds them
    ///
    /// Leaves the plugins in target/plugins, the test fixtures in target/fixtures and the gateway in
    /// target/release/bartizan.
    Build,
    /// Write the bindings of the contract that are shipped with the SDKs of guest languages
    ///
    /// They are a function of wit/ alone, and a test compares them with it.
    Bindings(bindings::Arguments),
    /// Run every check and every test, the end-to-end ones against real servers included
    ///
    /// Builds what the tests need, makes their Python and Node environments, lints, and runs the tests of the
    /// whole workspace.
    Test(tests::Arguments),
    /// Run the official MCP conformance suite, at a server of our own and at the gateway in front of it
    ///
    /// The server must pass, and behind the gateway, over HTTP and over stdio, every check must end as it
    /// does without. What the suite wrote is in target/conformance.
    Conformance(conformance::Arguments),
    /// Check formatting, lints and documentation; every warning is an error
    Lint,
    /// Put the gateway in front of the real MLflow MCP server and show what comes of it
    ///
    /// Makes a store with an experiment and a run in it, serves examples/mlflow/bartizan.json, holds an
    /// MCP conversation through the gateway with the official Python client and checks what was seen.
    /// Then it keeps serving for your own client, until Ctrl-C.
    Demo(demo::Arguments),
    /// Measure the gateway, what it costs at scale, its start, the plugin runtime, or what hostile plugins cost others
    Bench(bench::Arguments),
    /// Look for inputs for which the wire crate's checks do not hold, with cargo-fuzz
    ///
    /// Installs cargo-fuzz into the cache directory. New inputs are kept in target/fuzz/corpus; one that
    /// breaks a check is in tests/fuzz/artifacts. CONTRIBUTING.md says what to do with it.
    Fuzz(fuzz::Arguments),
    /// Let many sessions with streams come and go, and show that nothing leaks and nothing gets stuck
    ///
    /// Puts the gateway in front of a fast server and 1,000 clients of both eras for a minute, twice, and
    /// measures its memory and descriptors before, meanwhile and after. Needs Linux.
    Soak(soak::Arguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::locate()?;
    match verb {
        Verb::Setup => GuestToolchain::find_or_make(&workspace, &cache).map(drop),
        Verb::Build => {
            guests::build(&workspace, &cache)?;
            gateway::build(&workspace).map(drop)
        }
        Verb::Bindings(arguments) => bindings::run(&workspace, &arguments),
        Verb::Test(arguments) => tests::run(&workspace, &cache, &arguments),
        Verb::Conformance(arguments) => conformance::run(&workspace, &cache, &arguments),
        Verb::Lint => {
            guests::build(&workspace, &cache)?;
            lint::run(&workspace)
        }
        Verb::Demo(arguments) => demo::run(&workspace, &cache, &arguments),
        Verb::Bench(arguments) => bench::run(&workspace, &cache, &arguments),
        Verb::Fuzz(arguments) => fuzz::run(&workspace, &cache, &arguments),
        Verb::Soak(arguments) => soak::run(&workspace, &cache, &arguments),
    }
}
