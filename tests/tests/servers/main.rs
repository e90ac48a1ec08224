//! Real servers behind the gateway: what they answer comes through byte for byte. A transcript of requests is
//! sent twice, to the server itself and to the gateway in front of it, whose policy hides a tool and allows the
//! rest. The answers must be the same apart from white space and from what the policy changes.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

mod comparison;
mod rows;
mod scene;
mod wire;

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::served::Served;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::comparison::{Answer, assert_same};
use crate::rows::Row;
use crate::scene::Scene;
use crate::wire::Wire;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Era {
    Legacy,
    Modern,
}

/// A request of a transcript, and what the server itself makes of it.
#[derive(Debug)]
struct Step {
    method: &'static str,
    params: Value,
    ends: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Well,
    /// With an error, or a result that says that it is one.
    InError,
    /// With an error, since it names something that the server does not list. What is hidden is answered for
    /// in the same way, so the gateway answers for all that is not listed.
    Unlisted,
    /// The server may not know the method.
    Anyhow,
}

impl Step {
    fn new(method: &'static str, params: Value) -> Self {
        Self { method, params, ends: Ends::Well }
    }

    fn call(tool: &str, arguments: &Value) -> Self {
        Self::new("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    fn prompt(name: &str, arguments: &Value) -> Self {
        Self::new("prompts/get", json!({"name": name, "arguments": arguments}))
    }

    fn read(uri: &str) -> Self {
        Self::new("resources/read", json!({"uri": uri}))
    }

    fn absent(prompt: &str) -> Self {
        Self { ends: Ends::Unlisted, ..Self::prompt(prompt, &json!({})) }
    }

    fn fails(self) -> Self {
        Self { ends: Ends::InError, ..self }
    }
}

/// The lists that a server may have.
const LISTS: [&str; 4] = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/// A server's whole transcript, the call of the tool that will be hidden at its end.
fn transcript(row: &Row, era: Era, scene: &Scene) -> Vec<Step> {
    let lists = LISTS.map(|method| Step { ends: Ends::Anyhow, ..Step::new(method, json!({})) });
    let opening = match era {
        Era::Legacy => Step::new("initialize", wire::handshake()),
        Era::Modern => Step::new("server/discover", json!({})),
    };
    let mut steps = vec![opening];
    steps.extend(lists);
    steps.extend((row.steps)(scene));
    steps.extend((row.hidden)(scene).map(|(tool, arguments)| Step::call(tool, &arguments)));
    steps
}

async fn answers(mut wire: Wire, steps: &[Step]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (id, step) in (0..).zip(steps) {
        answers.push(Answer::new(&wire.ask(id, step.method, &step.params).await));
    }
    answers
}

fn hidden(row: &Row, scene: &Scene) -> Option<&'static str> {
    (row.hidden)(scene).map(|(tool, _)| tool)
}

fn policy(hidden: Option<&str>) -> Value {
    let hide: Vec<&str> = hidden.into_iter().collect();
    json!({"version": "1", "default": "allow", "hide": hide})
}

async fn over_stdio(row: &Row, era: Era) {
    let set = scene::Set::new(row.needs).await;
    let scene = Scene::new(&set, row.prepare).await;
    let (steps, hidden) = (transcript(row, era, &scene), hidden(row, &scene));
    let direct = answers(Wire::stdio((row.command)(&scene), era), &steps).await;

    let scene = Scene::new(&set, row.prepare).await;
    let policy = Document::policy(&policy(hidden));
    let command = behind(&policy, &(row.command)(&scene));
    let through = answers(Wire::stdio(command, era), &steps).await;
    assert_same(row.steady, hidden, &steps, &direct, &through);
}

/// The same for servers that are reached at an address.
async fn over_http(row: &Row, era: Era) {
    let serve = row.serve.expect("the server has an HTTP mode");
    let set = scene::Set::new(row.needs).await;
    let scene = Scene::new(&set, row.prepare).await;
    let (steps, hidden) = (transcript(row, era, &scene), hidden(row, &scene));
    let server = Served::start(serve(&scene)).await;
    let direct = answers(Wire::http(server.url(), era), &steps).await;

    let scene = Scene::new(&set, row.prepare).await;
    let server = Served::start(serve(&scene)).await;
    let servers = json!({"it": {"type": "http", "url": server.url(), "policy": policy(hidden)}});
    let serving = Serving::start(&servers).await;
    let through = answers(Wire::http(serving.url("it"), era), &steps).await;
    assert_same(row.steady, hidden, &steps, &direct, &through);
}

/// A command behind the gateway, in its own directory and with its own variables.
fn behind(policy: &Document, command: &Command) -> Command {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut run = gateway::run(&policy.path(), words);
    run.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run
}

macro_rules! servers {
    ($($name:ident: $row:expr, $transport:ident, $era:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            $transport(&$row, Era::$era).await;
        }
    )*};
}

servers! {
    mlflow_over_stdio: rows::MLFLOW, over_stdio, Legacy;
    mlflow_over_http: rows::MLFLOW, over_http, Legacy;
    everything_over_stdio: rows::EVERYTHING, over_stdio, Legacy;
    everything_over_http: rows::EVERYTHING, over_http, Legacy;
    filesystem: rows::FILESYSTEM, over_stdio, Legacy;
    memory: rows::MEMORY, over_stdio, Legacy;
    sqlite: rows::SQLITE, over_stdio, Legacy;
    git: rows::GIT, over_stdio, Legacy;
    time: rows::TIME, over_stdio, Legacy;
    fetch: rows::FETCH, over_stdio, Legacy;
    git_modern: rows::GIT, over_stdio, Modern;
    time_modern: rows::TIME, over_stdio, Modern;
    fetch_modern: rows::FETCH, over_stdio, Modern;
    workshop_over_http: rows::WORKSHOP, over_http, Legacy;
    workshop_over_http_modern: rows::WORKSHOP, over_http, Modern;
}
