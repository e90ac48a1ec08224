//! What the gateway costs: throughput and latency of a fast server asked directly, through a bare proxy, and
//! through the gateway with two policies.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::bench::{Bench, Target, alternate};
use crate::plot::{self, Places, Series, Words};
use crate::policies::{self, HIDDEN};
use crate::processes::{Gateway, Home, Server};
use crate::question::Question;
use crate::report::{Bar, Better, Report, shown, words};
use crate::statistics::{differences, median, ratios};
use crate::stdio;
use crate::wrk::Sample;

/// A session has at most 256 requests at once by default.
const SESSIONS: usize = 8;
const TARGETS: [&str; 4] = ["direct", "proxy", "allow", "mlflow"];
/// What the others are held against.
const PROXY: usize = 1;
const ALLOW: usize = 2;
const MLFLOW: usize = 3;
pub(crate) const PERCENTILES: [&str; 4] = ["p50", "p90", "p99", "p99.9"];

/// A question, and over how many connections it is asked.
struct Scenario {
    name: &'static str,
    title: &'static str,
    question: Question,
    /// Whether the server is the one with a thousand tools.
    is_large: bool,
    connections: &'static [usize],
    /// With `--smoke`.
    few_connections: &'static [usize],
}

const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "call",
        title: "A call of a tool (2025-11-25)",
        question: Question::Call,
        is_large: false,
        connections: &[1, 8, 64, 512],
        few_connections: &[1, 64],
    },
    Scenario {
        name: "modern",
        title: "A call of a tool in the modern era (2026-07-28)",
        question: Question::ModernCall,
        is_large: false,
        connections: &[1, 8, 64, 512],
        few_connections: &[8],
    },
    Scenario {
        name: "stream",
        title: "A call that is answered by an event stream",
        question: Question::Stream,
        is_large: false,
        connections: &[1, 8, 64, 512],
        few_connections: &[8],
    },
    Scenario {
        name: "list-40",
        title: "tools/list with 40 tools",
        question: Question::List,
        is_large: false,
        connections: &[1, 64],
        few_connections: &[],
    },
    Scenario {
        name: "list-1000",
        title: "tools/list with 1,000 tools",
        question: Question::List,
        is_large: true,
        connections: &[1, 8],
        few_connections: &[1],
    },
];

/// The samples of a scenario over so many connections: of each target, one for each round.
struct Run {
    connections: usize,
    samples: Vec<Vec<Sample>>,
}

pub(crate) async fn run(bench: &Bench) -> Result<Report> {
    let upstream = Server::upstream(bench, None).await?;
    let large_upstream = Server::upstream(bench, Some(1000)).await?;
    let proxy = Server::proxy(bench, &upstream).await?;
    let large_proxy = Server::proxy(bench, &large_upstream).await?;
    let configuration = json!({"mcpServers": {
        "allow": policies::server(&upstream.url, &policies::allow()),
        "mlflow": policies::server(&upstream.url, &policies::mlflow()),
        "allow-large": policies::server(&large_upstream.url, &policies::allow()),
        "mlflow-large": policies::server(&large_upstream.url, &policies::mlflow()),
    }});
    let gateway = Gateway::start(bench, &Home::new(bench, "gateway")?, &configuration).await?;
    let targets =
        open(bench, [&upstream.url, &proxy.url, gateway.url("allow")?, gateway.url("mlflow")?]).await?;
    let large = [
        large_upstream.url.as_str(),
        large_proxy.url.as_str(),
        gateway.url("allow-large")?,
        gateway.url("mlflow-large")?,
    ];
    let large_targets = open(bench, large).await?;
    check(bench, &targets).await?;
    check(bench, &large_targets).await?;

    let mut report = Report::default();
    for scenario in &SCENARIOS {
        let targets: Vec<&Target> =
            if scenario.is_large { &large_targets } else { &targets }.iter().collect();
        let connections = if bench.options.smoke { scenario.few_connections } else { scenario.connections };
        let mut runs = Vec::new();
        for connections in connections.iter().copied() {
            eprintln!("{}, {}", scenario.title, at(connections));
            let samples =
                alternate(bench, &targets, scenario.question, connections, &[&gateway.process]).await?;
            runs.push(Run { connections, samples });
        }
        if !runs.is_empty() {
            tell(&mut report, scenario, &runs);
            judge(&mut report, scenario.name, &runs);
        }
    }
    gateway.process.stop().await?;
    stdio::run(bench, &mut report).await?;
    Ok(report)
}

async fn open(bench: &Bench, urls: [&str; 4]) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for (name, url) in TARGETS.into_iter().zip(urls) {
        targets.push(Target::open(bench, name, url, SESSIONS).await?);
    }
    Ok(targets)
}

/// Sees that the policies do what they are measured for, and that streams carry their progress.
async fn check(bench: &Bench, targets: &[Target]) -> Result<()> {
    for target in targets {
        let list = target.check(bench, Question::List).await?;
        let is_hidden = target.name == "mlflow";
        ensure!(
            list.last().is_some_and(|list| lists(list, HIDDEN)) != is_hidden,
            "{} {} {HIDDEN}",
            target.name,
            if is_hidden { "does not hide" } else { "lacks" }
        );
        let events = target.check(bench, Question::Stream).await?.len();
        ensure!(events == 4, "{} sends {events} messages on a stream instead of 4", target.name);
        target.check(bench, Question::Call).await?;
        target.check(bench, Question::ModernCall).await?;
    }
    Ok(())
}

/// Whether an answer to `tools/list` has a tool.
pub(crate) fn lists(answer: &Value, tool: &str) -> bool {
    let tools = answer.pointer("/result/tools").and_then(Value::as_array);
    tools.is_some_and(|tools| tools.iter().any(|listed| listed.get("name") == Some(&json!(tool))))
}

/// Figures, tables and plots of a scenario.
fn tell(report: &mut Report, scenario: &Scenario, runs: &[Run]) {
    let mut columns =
        words(&["target", "connections", "per second", "of the proxy's", "p50 over the proxy's (µs)"]);
    columns.extend(PERCENTILES.map(|name| format!("{name} (µs)")));
    let mut rows = Vec::new();
    let mut throughputs: Vec<Series> = TARGETS.iter().map(|name| series(name)).collect();
    for run in runs {
        let mut latencies: Vec<Series> = TARGETS.iter().map(|name| series(name)).collect();
        let reference = throughput(run, PROXY);
        for (index, name) in TARGETS.iter().enumerate() {
            let figure = |what: &str| format!("{}/{}/{name}/{what}", scenario.name, run.connections);
            let values = throughput(run, index);
            let ratio = report.figure(
                figure("throughput-to-proxy"),
                "×",
                Better::Higher,
                ratios(&values, &reference),
            );
            let median = report.figure(figure("throughput"), "/s", Better::Higher, values);
            let over = differences(&latency(run, index, 0), &latency(run, PROXY, 0));
            let over = report.figure(figure("p50-over-proxy"), "µs", Better::Lower, over);
            let mut row = vec![
                (*name).to_owned(),
                run.connections.to_string(),
                shown(median),
                format!("{ratio:.2}"),
                shown(over),
            ];
            for (percentile, what) in PERCENTILES.iter().enumerate() {
                let values = latency(run, index, percentile);
                let median = report.figure(figure(what), "µs", Better::Lower, values);
                row.push(shown(median));
                if let Some(series) = latencies.get_mut(index) {
                    series.values.push(median);
                }
            }
            if let Some(series) = throughputs.get_mut(index) {
                series.values.push(median);
            }
            rows.push(row);
        }
        let title = format!("{}, {}: latency", scenario.title, at(run.connections));
        let plot = plot::lines(
            &Words { title: &title, across: "percentile", unit: "µs" },
            &Places::Names(&words(&PERCENTILES)),
            &latencies,
        );
        report.plot(&format!("gateway-{}-latency-{}", scenario.name, run.connections), plot);
    }
    report.table(scenario.title, &columns, &rows);
    let title = format!("{}: throughput", scenario.title);
    let connections: Vec<String> = runs.iter().map(|run| run.connections.to_string()).collect();
    let plot = plot::bars(
        &Words { title: &title, across: "connections", unit: "answers per second" },
        &connections,
        &throughputs,
    );
    report.plot(&format!("gateway-{}-throughput", scenario.name), plot);
}

/// The bars that a scenario decides.
fn judge(report: &mut Report, scenario: &str, runs: &[Run]) {
    for run in runs {
        let (better, what, unit, limit, rounds) = match (scenario, run.connections) {
            ("call", 64) => (
                Better::Higher,
                "throughput with the MLflow policy at 64 connections, of the proxy's",
                "×",
                0.75,
                ratios(&throughput(run, MLFLOW), &throughput(run, PROXY)),
            ),
            ("call", 1) => (
                Better::Lower,
                "p50 with the MLflow policy at one connection, more than the proxy's",
                "µs",
                50.0,
                differences(&latency(run, MLFLOW, 0), &latency(run, PROXY, 0)),
            ),
            ("call", 512) => (
                Better::Lower,
                "p99.9 with the MLflow policy at 512 connections, of the proxy's",
                "×",
                3.0,
                ratios(&latency(run, MLFLOW, 3), &latency(run, PROXY, 3)),
            ),
            ("list-1000", 1) => (
                Better::Lower,
                "p50 of a filtered list of 1,000 tools, of the unfiltered one's",
                "×",
                1.3,
                ratios(&latency(run, MLFLOW, 0), &latency(run, ALLOW, 0)),
            ),
            _ => continue,
        };
        report.bar(Bar { what, unit, better, limit, measured: median(&rounds) });
    }
}

fn at(connections: usize) -> String {
    if connections == 1 { "one connection".to_owned() } else { format!("{connections} connections") }
}

fn throughput(run: &Run, target: usize) -> Vec<f64> {
    run.samples.get(target).into_iter().flatten().map(|sample| sample.throughput).collect()
}

fn latency(run: &Run, target: usize, percentile: usize) -> Vec<f64> {
    let samples = run.samples.get(target).into_iter().flatten();
    samples.filter_map(|sample| sample.latency.get(percentile).copied()).collect()
}

fn series(name: &str) -> Series {
    Series { name: name.to_owned(), values: Vec::new() }
}
