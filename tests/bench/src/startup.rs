//! How long the gateway takes until it serves, with a cold and a warm cache and with plugins in its folder; what
//! memory it has then; and how long a plugin that is dropped into the folder takes until it judges.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bench::Bench;
use crate::plot::{self, Series, Words};
use crate::plugins::{self, Kind};
use crate::policies;
use crate::processes::{Gateway, Home, Server};
use crate::question::Question;
use crate::report::{Bar, Better, Report, shown, words};

const PLUGINS: [usize; 3] = [0, 10, 100];
/// With so many plugins a cold start takes minutes, and is measured once only.
const MANY: usize = 100;
/// How long after its start a gateway is idle.
pub(crate) const IDLE: Duration = Duration::from_secs(2);
/// How often it is looked whether a plugin judges.
const LOOK: Duration = Duration::from_millis(1);
const TIME_TO_JUDGE: Duration = Duration::from_secs(60);
/// The plugin that is dropped: a fixture that refuses every call.
const DROPPED: &str = "stopped.wasm";

pub(crate) const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What was measured with so many plugins: one value for each round.
#[derive(Default)]
struct Starts {
    cold: Times,
    warm: Times,
    /// Of a warm start without any call: MiB.
    memory: Vec<f64>,
}

/// Milliseconds since the start of the process.
#[derive(Default)]
struct Times {
    /// Until it has said where it serves.
    ready: Vec<f64>,
    /// Until a call was answered, in a session that was opened for it.
    answered: Vec<f64>,
}

pub(crate) async fn run(bench: &Bench) -> Result<Report> {
    let upstream = Server::upstream(bench, None).await?;
    let counts = bench.some_of(&PLUGINS);
    let mut configurations = Vec::new();
    for plugins in &counts {
        let folder = plugins::folder(bench, &format!("plugins-{plugins}"))?;
        Kind::ByName.fill(bench, &folder, *plugins)?;
        configurations.push(configuration(&upstream.url, &folder));
    }
    let mut measured: Vec<Starts> = counts.iter().map(|_| Starts::default()).collect();
    for round in 0..bench.rounds() {
        for ((plugins, configuration), starts) in counts.iter().zip(&configurations).zip(&mut measured) {
            eprintln!("round {}: start with plugins: {plugins}", round + 1);
            let name = format!("home-{plugins}");
            let warm = Home { cache: bench.path(format!("cache-{plugins}")), ..Home::new(bench, &name)? };
            if round == 0 {
                start(bench, &warm, configuration, &mut starts.cold).await?.process.stop().await?;
            } else if *plugins < MANY {
                let cold = Home { cache: bench.path("cache-cold"), ..Home::new(bench, &name)? };
                start(bench, &cold, configuration, &mut starts.cold).await?.process.stop().await?;
                remove(&cold.cache)?;
            }
            start(bench, &warm, configuration, &mut starts.warm).await?.process.stop().await?;
            let gateway = Gateway::start(bench, &warm, configuration).await?;
            // As long as a person waits who starts it and does nothing: there is no condition to wait for.
            sleep(IDLE).await;
            starts.memory.push(gateway.process.memory()? / MEBIBYTE);
            gateway.process.stop().await?;
        }
    }
    let mut report = Report::default();
    tell(&mut report, &counts, measured);
    drop_plugins(bench, &upstream, &mut report).await?;
    Ok(report)
}

fn configuration(upstream: &str, folder: &Path) -> Value {
    json!({
        "plugins": {"dir": folder},
        "mcpServers": {"mlflow": policies::server(upstream, &policies::mlflow())},
    })
}

async fn start(bench: &Bench, home: &Home, configuration: &Value, times: &mut Times) -> Result<Gateway> {
    let gateway = Gateway::start(bench, home, configuration).await?;
    let url = gateway.url("mlflow")?;
    let session = bench.client.open_session(url).await?;
    bench.client.ask(url, &session, Question::Call).await?;
    times.answered.push(milliseconds(gateway.started.elapsed()));
    times.ready.push(milliseconds(gateway.ready_after));
    Ok(gateway)
}

fn tell(report: &mut Report, counts: &[usize], measured: Vec<Starts>) {
    let columns = words(&[
        "plugins in the folder",
        "cold: serves (ms)",
        "cold: call answered (ms)",
        "warm: serves (ms)",
        "warm: call answered (ms)",
        "idle memory (MiB)",
    ]);
    let mut rows = Vec::new();
    let mut series = ["cold", "warm"].map(|name| Series { name: name.to_owned(), values: Vec::new() });
    for (plugins, starts) in counts.iter().zip(measured) {
        let mut row = vec![plugins.to_string()];
        for ((name, times), series) in
            [("cold", starts.cold), ("warm", starts.warm)].into_iter().zip(&mut series)
        {
            let figure = |what: &str| format!("start/{plugins}/{name}/{what}");
            let ready = report.figure(figure("serves"), "ms", Better::Lower, times.ready);
            let answered = report.figure(figure("answered"), "ms", Better::Lower, times.answered);
            row.extend([shown(ready), shown(answered)]);
            series.values.push(ready);
            if name == "warm" && *plugins == 10 {
                report.bar(Bar {
                    what: "warm start with 10 plugins, until it serves",
                    unit: "ms",
                    better: Better::Lower,
                    limit: 100.0,
                    measured: ready,
                });
            }
        }
        let memory = report.figure(format!("start/{plugins}/memory"), "MiB", Better::Lower, starts.memory);
        row.push(shown(memory));
        if *plugins == 0 {
            report.bar(Bar {
                what: "idle memory without plugins of one's own",
                unit: "MiB",
                better: Better::Lower,
                limit: 40.0,
                measured: memory,
            });
        }
        rows.push(row);
    }
    report.table("Start: `bartizan serve`, with one server and the MLflow policy", &columns, &rows);
    let names: Vec<String> = counts.iter().map(usize::to_string).collect();
    let plot = plot::lines(
        &Words { title: "Start, until it serves", across: "plugins in the folder", unit: "ms" },
        &plot::Places::Names(&names),
        &series,
    );
    report.plot("startup", plot);
}

/// Drops a plugin that refuses everything, and takes it away again.
async fn drop_plugins(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    let path = bench.options.fixtures.join(DROPPED);
    let plugin = plugins::read(&path)?;
    let folder = plugins::folder(bench, "dropped")?;
    let gateway =
        Gateway::start(bench, &Home::new(bench, "drop")?, &configuration(&upstream.url, &folder)).await?;
    let url = gateway.url("mlflow")?;
    let session = bench.client.open_session(url).await?;
    let (mut live, mut gone) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds() {
        eprintln!("round {}: drop a plugin", round + 1);
        bench.client.ask(url, &session, Question::Call).await?;
        // Another file each time: it has to be compiled. Beside the folder first, so that it comes whole.
        let edition = plugins::edition(&plugin, u32::try_from(round).context("too many rounds")?);
        let beside = bench.path("beside.wasm");
        fs::write(&beside, edition).with_context(|| format!("cannot write {}", beside.display()))?;
        let place = folder.join(DROPPED);
        let begin = Instant::now();
        fs::rename(&beside, &place).with_context(|| format!("cannot move to {}", place.display()))?;
        live.push(until(bench, url, &session, false, begin).await?);
        let begin = Instant::now();
        fs::remove_file(&place).with_context(|| format!("cannot remove {}", place.display()))?;
        gone.push(until(bench, url, &session, true, begin).await?);
    }
    gateway.process.stop().await?;
    let live = report.figure("drop/live".to_owned(), "ms", Better::Lower, live);
    let gone = report.figure("drop/gone".to_owned(), "ms", Better::Lower, gone);
    #[expect(clippy::cast_precision_loss, reason = "the size of a small file")]
    let size = format!("{} kB", shown((plugin.len() as f64 / 1000.0).round()));
    report.table(
        &format!("A plugin of {size} in the folder of a running gateway"),
        &words(&["", "ms"]),
        &[
            vec!["dropped, until it judges".to_owned(), shown(live)],
            vec!["removed, until it does not".to_owned(), shown(gone)],
        ],
    );
    report.bar(Bar {
        what: "a dropped plugin of about 100 kB, until it judges",
        unit: "ms",
        better: Better::Lower,
        limit: 300.0,
        measured: live,
    });
    Ok(())
}

/// Calls until calls are answered with a result, or until they are not; how long that took, in milliseconds.
async fn until(bench: &Bench, url: &str, session: &str, answered: bool, begin: Instant) -> Result<f64> {
    loop {
        if bench.client.is_answered(url, session, Question::Call).await? == answered {
            return Ok(milliseconds(begin.elapsed()));
        }
        if begin.elapsed() > TIME_TO_JUDGE {
            bail!("a change of the plugins folder is not in force after {} s", TIME_TO_JUDGE.as_secs());
        }
        sleep(LOOK).await;
    }
}

fn remove(directory: &Path) -> Result<()> {
    fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
