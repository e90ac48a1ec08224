//! The main job on real input: the MLflow MCP server behind the policy of `examples/mlflow`, a store with
//! a run in it, and a client of the official SDK that tries to delete the run.

mod conversation;
mod observation;
mod store;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::store::Store;
use crate::cache::Cache;
use crate::python::{self, Environment};
use crate::serving::Serving;
use crate::step::Step;
use crate::workspace::Workspace;
use crate::{gateway, guests};

/// The name of the server in `examples/mlflow/bartizan.json`.
const SERVER: &str = "mlflow";

/// Where the example listens, unless something else does.
const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8750);
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const TIME_TO_CONNECT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Arguments {
    /// End when the conversation is over; the exit status is 0 only if everything was seen as expected
    #[arg(long)]
    once: bool,
    /// Listen here instead of on 127.0.0.1:8750, or on a free port where that one is taken
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// The parts of the demo that lie in the workspace.
struct Layout {
    configuration: PathBuf,
    store_script: PathBuf,
    conversation_script: PathBuf,
    database: PathBuf,
    log: PathBuf,
}

impl Layout {
    fn of(workspace: &Workspace) -> Self {
        let example = workspace.root().join("examples/mlflow");
        let made = workspace.output("demo");
        Self {
            configuration: example.join("bartizan.json"),
            store_script: example.join("store.py"),
            conversation_script: example.join("conversation.py"),
            database: made.join("mlflow.db"),
            log: made.join("gateway.log"),
        }
    }
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    let layout = Layout::of(workspace);
    guests::build(workspace, cache)?;
    let executable = gateway::build(workspace)?;
    let environment = Environment::ensure(&python::MLFLOW, cache)?;
    let store = Store::ensure(&layout, &environment)?;
    let address = address(arguments)?;

    let (serving, url) = serve(&executable, &layout, &environment, &store, address)?;
    let facts = conversation::hold(&layout, &environment, &store, &url)?;
    let observations = observation::judge(&facts, &store.contents.run_id);
    print!("\n{}\n", observation::table(&observations));
    let missing: Vec<&str> = observations
        .iter()
        .filter(|observation| !observation.held)
        .map(|observation| observation.what)
        .collect();

    if !missing.is_empty() {
        bail!(
            "not as expected: {}. What the gateway logged is in {}",
            missing.join("; "),
            layout.log.display()
        );
    }
    if arguments.once {
        let step = Step::begin("gateway stop");
        serving.stop()?;
        step.done("ended");
        return Ok(());
    }
    invite(&layout, &url);
    serving.until_interrupted()
}

/// Starts the gateway, and answers with the URL of the one server behind it.
fn serve(
    executable: &Path,
    layout: &Layout,
    environment: &Environment,
    store: &Store,
    address: SocketAddr,
) -> Result<(Serving, String)> {
    let step = Step::begin("gateway start");
    let mut command = Command::new(executable);
    command
        .arg("serve")
        .arg("--config")
        .arg(&layout.configuration)
        .args(["--listen", &address.to_string()])
        .env("BARTIZAN_STATE_DIR", layout.configuration.with_file_name("state"))
        .env("PATH", environment.path()?)
        .env("MLFLOW_TRACKING_URI", store.tracking_uri());
    // The gateway writes a line for each server, its name and its URL, once it accepts connections.
    let (serving, url) = Serving::start("the gateway", command, &layout.log, |line| {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [SERVER, url] => Some((*url).to_owned()),
            _ => None,
        }
    })?;
    TcpStream::connect_timeout(&address, TIME_TO_CONNECT)
        .with_context(|| format!("the gateway says that it is ready, but not at {address}"))?;
    step.done(&url);
    Ok((serving, url))
}

/// An address that is free now. A demo that ends by itself leaves the usual one to others.
fn address(arguments: &Arguments) -> Result<SocketAddr> {
    if let Some(address) = arguments.listen {
        return Ok(address);
    }
    let usual = if arguments.once { None } else { TcpListener::bind(USUAL_ADDRESS).ok() };
    let listener = match usual {
        Some(listener) => listener,
        None => TcpListener::bind(ANY_PORT)?,
    };
    Ok(listener.local_addr()?)
}

fn invite(layout: &Layout, url: &str) {
    println!(
        "Serving the MLflow MCP server, with the policy applied, at\n\n  {url}\n\n\
         To try it, give an MCP client this server:\n\n  \
         {{ \"mcpServers\": {{ \"{SERVER}\": {{ \"type\": \"http\", \"url\": \"{url}\" }} }} }}\n\n\
         The log is in {}. Ctrl-C ends the gateway.",
        layout.log.display()
    );
}
