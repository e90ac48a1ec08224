//! What `bartizan run` costs in front of a server on its pipes: one question after the other.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::bench::Bench;
use crate::gateway::{PERCENTILES, lists};
use crate::policies::{self, HIDDEN};
use crate::processes::Process;
use crate::question::{FIRST, Question, REVISION};
use crate::report::{Better, Report, shown, words};
use crate::statistics::{differences, quantile};

const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// A client of a server, or of the gateway in front of it.
struct Client {
    name: &'static str,
    process: Process,
    number: u64,
    /// Of each round: answers per second, and microseconds by share.
    throughput: Vec<f64>,
    latency: [Vec<f64>; 4],
}

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    eprintln!("stdio");
    let mut clients = vec![Client::start(bench, "direct", None).await?];
    for (name, policy) in [("allow", policies::allow()), ("mlflow", policies::mlflow())] {
        clients.push(Client::start(bench, name, Some(&policy)).await?);
    }
    for client in &mut clients {
        let list = client.ask(Question::List).await?;
        ensure!(lists(&list, HIDDEN) != (client.name == "mlflow"), "{} lists wrong tools", client.name);
    }
    for round in 0..bench.rounds() {
        if round % 2 == 0 {
            for client in &mut clients {
                client.measure(Duration::from_secs(bench.seconds())).await?;
            }
        } else {
            for client in clients.iter_mut().rev() {
                client.measure(Duration::from_secs(bench.seconds())).await?;
            }
        }
    }
    tell(report, clients);
    Ok(())
}

fn tell(report: &mut Report, clients: Vec<Client>) {
    let mut columns = words(&["target", "per second", "p50 more than direct (µs)"]);
    columns.extend(PERCENTILES.map(|name| format!("{name} (µs)")));
    let mut rows = Vec::new();
    let reference = clients.first().map(|direct| direct.latency[0].clone()).unwrap_or_default();
    for client in clients {
        let figure = |what: &str| format!("stdio/1/{}/{what}", client.name);
        let more = differences(&client.latency[0], &reference);
        let more = report.figure(figure("p50-over-direct"), "µs", Better::Lower, more);
        let median = report.figure(figure("throughput"), "/s", Better::Higher, client.throughput);
        let mut row = vec![client.name.to_owned(), shown(median), shown(more)];
        for (name, values) in PERCENTILES.iter().zip(client.latency) {
            row.push(shown(report.figure(figure(name), "µs", Better::Lower, values)));
        }
        rows.push(row);
    }
    report.table("stdio: a call of a tool through `bartizan run`, one after the other", &columns, &rows);
}

impl Client {
    /// Starts the server, behind a policy if there is one, and shakes hands.
    async fn start(bench: &Bench, name: &'static str, policy: Option<&Value>) -> Result<Self> {
        let server = bench.options.programs.join("bartizan-bench-stdio");
        let command = match policy {
            None => Command::new(server),
            Some(policy) => {
                let file = bench.path(format!("stdio-{name}.json"));
                std::fs::write(&file, policy.to_string())
                    .with_context(|| format!("cannot write {}", file.display()))?;
                let mut command = Command::new(&bench.options.gateway);
                command.args(["run", "--log", &bench.options.log, "--policy"]).arg(file);
                command.arg("--state-dir").arg(bench.path(format!("stdio-{name}-state")));
                command.arg("--cache-dir").arg(bench.path("cache")).arg("--").arg(server);
                command
            }
        };
        let process =
            Process::start("a server on its pipes", command, bench.path(format!("stdio-{name}.log")))?;
        let mut client =
            Self { name, process, number: FIRST, throughput: Vec::new(), latency: Default::default() };
        let params = json!({
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": {"name": "bartizan-bench", "version": "1"},
        });
        let initialize = json!({"jsonrpc": "2.0", "id": FIRST, "method": "initialize", "params": params});
        client.send(&initialize.to_string()).await?;
        client.answer(FIRST).await?;
        client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await?;
        Ok(client)
    }

    async fn measure(&mut self, time: Duration) -> Result<()> {
        let mut taken = Vec::new();
        let begin = Instant::now();
        let mut last = begin;
        while last - begin < time {
            self.number += 1;
            let body = Question::Call.body(self.number);
            let asked = Instant::now();
            self.send(&body).await?;
            let line = self.process.line().await?;
            last = Instant::now();
            taken.push((last - asked).as_secs_f64() * 1e6);
            ensure!(is_result(&line, self.number), "{} does not answer with a result: {line}", self.name);
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousand answers")]
        self.throughput.push(taken.len() as f64 / (last - begin).as_secs_f64());
        taken.sort_unstable_by(f64::total_cmp);
        for (values, share) in self.latency.iter_mut().zip(SHARES) {
            values.push(quantile(&taken, share));
        }
        self.process.check_log()
    }

    async fn ask(&mut self, question: Question) -> Result<Value> {
        self.number += 1;
        self.send(&question.body(self.number)).await?;
        self.answer(self.number).await
    }

    async fn send(&mut self, message: &str) -> Result<()> {
        let input = self.process.input.as_mut().context("the input is closed")?;
        let mut line = message.to_owned();
        line.push('\n');
        input.write_all(line.as_bytes()).await.with_context(|| format!("{} does not read", self.name))?;
        Ok(input.flush().await?)
    }

    async fn answer(&mut self, number: u64) -> Result<Value> {
        let line = self.process.line().await?;
        let answer: Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
        ensure!(
            answer.get("id") == Some(&json!(number)) && answer.get("result").is_some(),
            "{} does not answer with a result: {line}",
            self.name
        );
        Ok(answer)
    }
}

/// Whether a line is a result with this id and no refusal, without the cost of reading it.
fn is_result(line: &str, number: u64) -> bool {
    line.contains(&number.to_string()) && line.contains(r#""result""#) && !line.contains(r#""isError":true"#)
}
