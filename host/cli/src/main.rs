//! The `bartizan` command: arguments, logging, output. What it does is in the libraries.
#![forbid(unsafe_code)]

mod approvals;
mod audit;
mod check;
mod explain;
mod import;
mod lock;
mod logging;
mod plugin;
mod replay;
mod report;
mod run;
mod scan;
mod schema;
mod serve;
mod state;
mod test;
mod upstream;
mod vetting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

/// The allocator of glibc keeps what many sessions have used once, in up to eight arenas for each core: the
/// gateway would stay at ten times its size. See docs/decisions/0007-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many threads there may be besides the workers. A worker whose plugin is slow hands its other tasks to
/// one of them; when all are in use it just waits for the plugin, which has a deadline. On a busy machine
/// every plugin is slow at times, and each thread more makes that worse.
const BLOCKING_THREADS: usize = 32;

/// The policy gateway for MCP in which every rule is a sandboxed WebAssembly component.
///
/// Put it between an agent and its MCP servers: tools are hidden, denied and limited by a policy, and
/// what is refused never reaches the server.
#[derive(Parser)]
#[command(name = "bartizan", version = VERSION.as_str(), max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    logging: logging::Arguments,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    // What a verb does is said with its arguments.
    Run(run::Arguments),
    Serve(serve::Arguments),
    Check(check::Arguments),
    Scan(scan::Arguments),
    Import(import::Arguments),
    Schema(schema::Arguments),
    Lock(lock::Arguments),
    Explain(explain::Arguments),
    Test(test::Arguments),
    Replay(replay::Arguments),
    Approvals(approvals::Arguments),
    Plugin(plugin::Arguments),
    Audit(audit::Arguments),
    /// End the servers that a killed gateway leaves; `run` and `serve` start this themselves.
    #[command(hide = true)]
    Reap,
    /// Compile a plugin from standard input to standard output; the other verbs start this themselves.
    #[command(hide = true)]
    CompilePlugin {
        /// The plugin's size class.
        class: String,
    },
}

/// The program's version and that of the runtime whose security releases matter to operators.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!("{} (wasmtime {})", env!("CARGO_PKG_VERSION"), bartizan_runtime::WASMTIME_VERSION)
});

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.verb, Verb::Reap) {
        bartizan_gateway::reap(std::io::stdin().lock());
        return ExitCode::SUCCESS;
    }
    if let Verb::CompilePlugin { class } = &arguments.verb {
        return compile_plugin(class);
    }
    match own_program() {
        Ok(program) => bartizan_runtime::EngineConfig::compile_with(program),
        Err(error) => eprintln!("bartizan: plugins are compiled in this process, without limits: {error}"),
    }
    if let Err(problem) = arguments.logging.init() {
        eprintln!("bartizan: {problem}");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bartizan: the async runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match arguments.verb {
        Verb::Run(arguments) => runtime.block_on(run::run(arguments)),
        Verb::Serve(arguments) => runtime.block_on(serve::serve(arguments)),
        Verb::Check(arguments) => check::check(&arguments),
        Verb::Audit(arguments) => audit::audit(&arguments),
        Verb::Scan(arguments) => runtime.block_on(scan::scan(arguments)),
        Verb::Import(arguments) => import::import(&arguments),
        Verb::Schema(arguments) => schema::schema(&arguments),
        Verb::Lock(arguments) => runtime.block_on(lock::lock(arguments)),
        Verb::Explain(arguments) => explain::explain(&arguments),
        Verb::Test(arguments) => test::test(&arguments),
        Verb::Replay(arguments) => replay::replay(&arguments),
        Verb::Approvals(arguments) => approvals::approvals(arguments),
        Verb::Plugin(arguments) => runtime.block_on(plugin::plugin(arguments)),
        Verb::Reap | Verb::CompilePlugin { .. } => ExitCode::SUCCESS,
    };
    // A read of standard input cannot be interrupted; nobody waits for it.
    runtime.shutdown_background();
    code
}

/// This program, for processes that it starts: also when its file was replaced meanwhile.
fn own_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

fn compile_plugin(class: &str) -> ExitCode {
    match bartizan_runtime::compile_plugin(class, std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            bartizan_runtime::refusal_status()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        super::Arguments::command().debug_assert();
    }
}
