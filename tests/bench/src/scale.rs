//! What the gateway costs against the number of rules, tools, plugins, servers, sessions and calls at once.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::bench::{Bench, Target, alternate};
use crate::curve::{Curve, Line, p50};
use crate::plugins::{self, Kind};
use crate::policies;
use crate::processes::{Gateway, Home, Process, Server};
use crate::question::Question;
use crate::report::{Bar, Better, Report, shown};
use crate::startup::{IDLE, MEBIBYTE, milliseconds};
use crate::statistics::differences;
use crate::wrk::Sample;

const RULES: [usize; 4] = [10, 100, 1_000, 10_000];
const TOOLS: [usize; 3] = [40, 1_000, 10_000];
const PLUGINS: [usize; 3] = [1, 4, 16];
const LOADED_PLUGINS: [usize; 3] = [0, 16, 64];
const SERVERS: [usize; 3] = [1, 10, 100];
const SESSIONS: [usize; 3] = [1, 1_000, 10_000];
const IN_FLIGHT: [usize; 4] = [1, 8, 64, 256];

/// The sessions among which calls at once are divided.
const SESSIONS_OF_CALLS: usize = 8;
const KIBIBYTE: f64 = 1024.0;

pub(crate) async fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::default();
    let upstream = Server::upstream(bench, None).await?;
    rules(bench, &upstream, &mut report).await?;
    tools(bench, &mut report).await?;
    plugins_in_plan(bench, &upstream, &mut report).await?;
    loaded_plugins(bench, &upstream, &mut report).await?;
    servers(bench, &upstream, &mut report).await?;
    in_flight(bench, &upstream, &mut report).await?;
    sessions(bench, &upstream, &mut report).await?;
    Ok(report)
}

/// A curve of the p50 of calls, one after the other.
fn of_calls<'c>(name: &'c str, title: &'c str, across: &'c str, places: &'c [usize]) -> Curve<'c> {
    Curve { name, title, across, unit: "µs", better: Better::Lower, places }
}

async fn rules(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    eprintln!("rules");
    let places = bench.some_of(&RULES);
    let policies = places.iter().map(|count| policies::with_rules(*count)).collect();
    let samples = side_by_side(bench, "rules", upstream, None, policies).await?;
    of_calls("rules", "p50 of a call against the rules of the policy", "rules", &places)
        .tell(report, vec![p50("call", &samples)]);
    Ok(())
}

async fn tools(bench: &Bench, report: &mut Report) -> Result<()> {
    eprintln!("tools");
    let places = bench.some_of(&TOOLS);
    let names = ["direct", "allow", "mlflow"];
    let mut lines: Vec<Line> =
        names.iter().map(|name| Line { name: (*name).to_owned(), rounds: Vec::new() }).collect();
    for tools in &places {
        let upstream = Server::upstream(bench, Some(*tools)).await?;
        let configuration = json!({"mcpServers": {
            "allow": policies::server(&upstream.url, &policies::allow()),
            "mlflow": policies::server(&upstream.url, &policies::mlflow()),
        }});
        let home = Home::new(bench, &format!("tools-{tools}"))?;
        let gateway = Gateway::start(bench, &home, &configuration).await?;
        let urls = [upstream.url.as_str(), gateway.url("allow")?, gateway.url("mlflow")?];
        let mut targets = Vec::new();
        for (name, url) in names.iter().zip(urls) {
            targets.push(Target::open(bench, name, url, 1).await?);
        }
        let targets: Vec<&Target> = targets.iter().collect();
        let samples = alternate(bench, &targets, Question::List, 1, &[&gateway.process]).await?;
        for (line, place) in lines.iter_mut().zip(p50("", &samples).rounds) {
            line.rounds.push(place);
        }
        gateway.process.stop().await?;
    }
    of_calls("tools", "p50 of tools/list against the tools of the server", "tools", &places)
        .tell(report, lines);
    Ok(())
}

async fn plugins_in_plan(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    eprintln!("plugins in the plan");
    let places = bench.some_of(&PLUGINS);
    let most = places.last().copied().unwrap_or_default();
    let folder = plugins::folder(bench, "planned")?;
    let kinds = [(Kind::ByName, "by the tool's name"), (Kind::ByArguments, "by an argument")];
    let mut lines = Vec::new();
    for (kind, name) in kinds {
        kind.fill(bench, &folder, most)?;
        let policies = places
            .iter()
            .map(|count| {
                let items: Vec<Value> = (1..=*count).map(|number| kind.item(number)).collect();
                json!({"version": "1", "default": "allow", "plugins": items})
            })
            .collect();
        let samples = side_by_side(bench, &kind.name(0), upstream, Some(&folder), policies).await?;
        lines.push(p50(name, &samples));
    }
    let title = "p50 of a call against the plugins of the policy, by what each looks at";
    of_calls("plugins", title, "plugins", &places).tell(report, lines);
    Ok(())
}

/// The samples of calls at servers of one gateway that differ in their policies.
async fn side_by_side(
    bench: &Bench,
    name: &str,
    upstream: &Server,
    folder: Option<&Path>,
    policies: Vec<Value>,
) -> Result<Vec<Vec<Sample>>> {
    let servers: Map<String, Value> = policies
        .into_iter()
        .enumerate()
        .map(|(number, policy)| (format!("s{number}"), policies::server(&upstream.url, &policy)))
        .collect();
    let names: Vec<String> = servers.keys().cloned().collect();
    let mut configuration = json!({"mcpServers": servers});
    if let (Some(folder), Some(keys)) = (folder, configuration.as_object_mut()) {
        keys.insert("plugins".to_owned(), json!({"dir": folder, "autoload": false}));
    }
    let gateway = Gateway::start(bench, &Home::new(bench, name)?, &configuration).await?;
    let mut targets = Vec::new();
    for name in &names {
        targets.push(Target::open(bench, name, gateway.url(name)?, 1).await?);
    }
    let targets: Vec<&Target> = targets.iter().collect();
    let samples = alternate(bench, &targets, Question::Call, 1, &[&gateway.process]).await?;
    gateway.process.stop().await?;
    Ok(samples)
}

async fn loaded_plugins(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    let places = bench.some_of(&LOADED_PLUGINS);
    let mut memory: Vec<Vec<f64>> = vec![Vec::new(); places.len()];
    for round in 0..bench.rounds() {
        for (count, memory) in places.iter().zip(&mut memory) {
            eprintln!("round {}: plugins loaded: {count}", round + 1);
            let name = format!("loaded-{count}");
            let folder = plugins::folder(bench, &name)?;
            Kind::ByName.fill(bench, &folder, *count)?;
            let configuration = json!({
                "plugins": {"dir": folder},
                "mcpServers": {"mlflow": policies::server(&upstream.url, &policies::mlflow())},
            });
            let home = Home::new(bench, &format!("home-{name}"))?;
            if round == 0 {
                // What compiling takes is not what is meant.
                Gateway::start(bench, &home, &configuration).await?.process.stop().await?;
            }
            let gateway = Gateway::start(bench, &home, &configuration).await?;
            sleep(IDLE).await;
            memory.push(gateway.process.memory()? / MEBIBYTE);
            gateway.process.stop().await?;
        }
    }
    let curve = Curve {
        name: "loaded-plugins",
        title: "Idle memory against the plugins that are loaded",
        across: "plugins",
        unit: "MiB",
        better: Better::Lower,
        places: &places,
    };
    let each = per_one(&places, &memory, MEBIBYTE / KIBIBYTE);
    curve.tell(report, vec![Line { name: "memory".to_owned(), rounds: memory }]);
    let each = report.figure("loaded-plugins/each".to_owned(), "KiB", Better::Lower, each);
    report.line(&format!("Each plugin takes {} KiB.", shown(each)));
    Ok(())
}

async fn servers(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    let places = bench.some_of(&SERVERS);
    let (mut gateways, mut targets) = (Vec::new(), Vec::new());
    let (mut ready, mut memory) = (Vec::new(), Vec::new());
    for count in &places {
        eprintln!("servers: {count}");
        let servers: Map<String, Value> = (0..*count)
            .map(|number| (format!("s{number}"), policies::server(&upstream.url, &of_its_own(number))))
            .collect();
        let home = Home::new(bench, &format!("servers-{count}"))?;
        let configuration = json!({"mcpServers": servers});
        // What compiling takes is not what is meant.
        Gateway::start(bench, &home, &configuration).await?.process.stop().await?;
        let gateway = Gateway::start(bench, &home, &configuration).await?;
        sleep(IDLE).await;
        ready.push(vec![milliseconds(gateway.ready_after)]);
        memory.push(vec![gateway.process.memory()? / MEBIBYTE]);
        targets.push(Target::open(bench, &count.to_string(), gateway.url("s0")?, 1).await?);
        gateways.push(gateway);
    }
    let processes: Vec<&Process> = gateways.iter().map(|gateway| &gateway.process).collect();
    let targets: Vec<&Target> = targets.iter().collect();
    let samples = alternate(bench, &targets, Question::Call, 1, &processes).await?;
    for gateway in gateways {
        gateway.process.stop().await?;
    }
    let across = "servers, each with a policy of its own";
    of_calls("servers", "p50 of a call against the servers of the configuration", across, &places)
        .tell(report, vec![p50("call", &samples)]);
    let line = |name: &str, rounds| vec![Line { name: name.to_owned(), rounds }];
    let curve = Curve {
        name: "servers-start",
        title: "Warm start against the servers of the configuration, until it serves",
        across,
        unit: "ms",
        better: Better::Lower,
        places: &places,
    };
    curve.tell(report, line("start", ready));
    Curve {
        name: "servers-memory",
        title: "Idle memory against the servers of the configuration",
        unit: "MiB",
        ..curve
    }
    .tell(report, line("memory", memory));
    Ok(())
}

/// The MLflow policy, told from others by a rule.
fn of_its_own(number: usize) -> Value {
    let mut policy = policies::mlflow();
    if let Some(tools) = policy.get_mut("tools").and_then(Value::as_object_mut) {
        tools.insert(format!("tool_{number}"), json!({}));
    }
    policy
}

async fn in_flight(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    let places = bench.some_of(&IN_FLIGHT);
    let configuration =
        json!({"mcpServers": {"mlflow": policies::server(&upstream.url, &policies::mlflow())}});
    let gateway = Gateway::start(bench, &Home::new(bench, "in-flight")?, &configuration).await?;
    let target = Target::open(bench, "mlflow", gateway.url("mlflow")?, SESSIONS_OF_CALLS).await?;
    let (mut throughput, mut latency) = (Vec::new(), Vec::new());
    for connections in &places {
        eprintln!("calls at once: {connections}");
        let samples = alternate(bench, &[&target], Question::Call, *connections, &[&gateway.process]).await?;
        let samples = || samples.iter().flatten();
        throughput.push(samples().map(|sample| sample.throughput).collect());
        latency.push(samples().map(|sample| sample.latency[0]).collect());
    }
    gateway.process.stop().await?;
    let line = |name: &str, rounds| vec![Line { name: name.to_owned(), rounds }];
    of_calls("in-flight", "p50 of a call against the calls at once", "calls at once", &places)
        .tell(report, line("call", latency));
    let curve = Curve {
        name: "in-flight-throughput",
        title: "Throughput against the calls at once",
        across: "calls at once",
        unit: "/s",
        better: Better::Higher,
        places: &places,
    };
    curve.tell(report, line("calls", throughput));
    Ok(())
}

async fn sessions(bench: &Bench, upstream: &Server, report: &mut Report) -> Result<()> {
    let places = bench.some_of(&SESSIONS);
    let mut memory: Vec<Vec<f64>> = vec![Vec::new(); places.len()];
    for round in 0..bench.rounds() {
        let gateway = for_sessions(bench, upstream, &format!("sessions-{round}")).await?;
        let url = gateway.url("mlflow")?;
        let target = Target::open(bench, "mlflow", url, 1).await?;
        // What the first call makes is not what a session takes.
        target.check(bench, Question::Call).await?;
        let mut open = 1;
        for (count, memory) in places.iter().zip(&mut memory) {
            eprintln!("round {}: sessions: {count}", round + 1);
            while open < *count {
                bench.client.open_session(url).await?;
                open += 1;
            }
            sleep(IDLE).await;
            memory.push(gateway.process.memory()? / MEBIBYTE);
        }
        gateway.process.stop().await?;
    }
    let each = per_one(&places, &memory, MEBIBYTE / KIBIBYTE);
    let across = "sessions";
    let curve = Curve {
        name: "sessions-memory",
        title: "Memory against the sessions that are open and idle",
        across,
        unit: "MiB",
        better: Better::Lower,
        places: &places,
    };
    curve.tell(report, vec![Line { name: "memory".to_owned(), rounds: memory }]);
    let each = report.figure("sessions-memory/each".to_owned(), "KiB", Better::Lower, each);
    report.line(&format!("Each session takes {} KiB.", shown(each)));
    report.bar(Bar {
        what: "memory of an idle session",
        unit: "KiB",
        better: Better::Lower,
        limit: 16.0,
        measured: each,
    });

    let (mut gateways, mut targets) = (Vec::new(), Vec::new());
    for count in &places {
        eprintln!("calls beside sessions: {count}");
        let gateway = for_sessions(bench, upstream, &format!("beside-sessions-{count}")).await?;
        let url = gateway.url("mlflow")?;
        for _ in 1..*count {
            bench.client.open_session(url).await?;
        }
        targets.push(Target::open(bench, &count.to_string(), url, 1).await?);
        gateways.push(gateway);
    }
    let processes: Vec<&Process> = gateways.iter().map(|gateway| &gateway.process).collect();
    let targets: Vec<&Target> = targets.iter().collect();
    let samples = alternate(bench, &targets, Question::Call, 1, &processes).await?;
    of_calls("sessions", "p50 of a call against the sessions that are open", across, &places)
        .tell(report, vec![p50("call", &samples)]);
    for gateway in gateways {
        gateway.process.stop().await?;
    }
    Ok(())
}

/// A gateway that takes as many sessions as come.
async fn for_sessions(bench: &Bench, upstream: &Server, name: &str) -> Result<Gateway> {
    let configuration = json!({
        "limits": {"sessions": 1_000_000, "sessions_per_client": 1_000_000},
        "mcpServers": {"mlflow": policies::server(&upstream.url, &policies::mlflow())},
    });
    Gateway::start(bench, &Home::new(bench, name)?, &configuration).await
}

/// What one more takes, by the first and the last place of each round.
fn per_one(places: &[usize], values: &[Vec<f64>], factor: f64) -> Vec<f64> {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Vec::new() };
    let more = places.last().zip(places.first()).map_or(0, |(last, first)| last - first);
    #[expect(clippy::cast_precision_loss, reason = "thousands of sessions")]
    let more = more as f64;
    differences(last, first).into_iter().map(|difference| difference / more * factor).collect()
}

#[cfg(test)]
mod tests {
    use super::per_one;

    #[test]
    fn what_one_more_takes_is_the_slope_of_each_round() {
        let memory = [vec![10.0, 20.0], vec![11.0, 21.0], vec![20.0, 40.0]];
        assert_eq!(per_one(&[1, 3, 11], &memory, 1024.0), [1024.0, 2048.0]);
    }
}
