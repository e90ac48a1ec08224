//! The clients and the operator of `cargo xtask soak --reloads NUMBER`: a plugin is replaced again and again
//! while clients call, and every call is answered as one of the plugin's editions would.
//!
//! `bartizan-reload-soak NUMBER` prints what it counted, and fails if a call failed or something leaks. The
//! gateway and the plugin are found by the variables that xtask sets.
#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a program of the tests that cannot go on fails"
)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bartizan_tests::admin::Admin;
use bartizan_tests::environment;
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::Session;
use rustix::process::Signal;
use serde_json::{Value, json};

/// How many clients call at once.
const CLIENTS: usize = 4;
/// How many editions there are: each is compiled once and comes from the cache then.
const EDITIONS: u64 = 10;
/// What stands for the edition in the fixture.
const EDITION: &str = "edition-0000";
/// How much more memory there may be after the second half than after the first: a part, and a rest.
const SPARE_PART: u64 = 10;
const SPARE: u64 = 8 << 20;
/// How many descriptors more.
const SPARE_DESCRIPTORS: u64 = 8;

/// What a process takes.
#[derive(Clone, Copy, Debug)]
struct Reading {
    memory: u64,
    descriptors: u64,
    threads: u64,
}

impl Reading {
    fn of(process: u32) -> Self {
        let directory = Path::new("/proc").join(process.to_string());
        let status = fs::read_to_string(directory.join("status")).expect("the gateway runs");
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let digits: String = line.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
            digits.parse().expect("a number")
        };
        let descriptors = fs::read_dir(directory.join("fd")).expect("the gateway runs").count();
        Self { memory: number("VmRSS:") * 1024, descriptors: descriptors as u64, threads: number("Threads:") }
    }
}

/// What clients have seen.
#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    calls: AtomicU64,
    failures: AtomicU64,
    slowest: AtomicU64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let number = std::env::args().nth(1).and_then(|number| number.parse::<u64>().ok());
    let Some(number) = number.filter(|number| *number >= 20) else {
        eprintln!("the number of reloads is needed, at least 20");
        return ExitCode::FAILURE;
    };
    let state = tempfile::tempdir().expect("a directory can be made");
    let folder = tempfile::tempdir().expect("a directory can be made");
    let editions: Vec<Vec<u8>> = (1..=EDITIONS).map(edition).collect();
    let put = |index: u64| {
        let at = usize::try_from(index % EDITIONS).expect("a small number");
        let beside = folder.path().join("stopped.new");
        fs::write(&beside, editions.get(at).expect("there are that many")).expect("a file can be written");
        fs::rename(&beside, folder.path().join("stopped.wasm")).expect("a file can be renamed");
    };
    put(0);
    let server = std::env::current_exe().expect("a path").with_file_name("bartizan-fake-server");
    let policy = json!({"version": "1", "default": "allow",
        "plugins": [{"use": "stopped", "settings": {"except": ["echo"]}}]});
    let serving = Serving::start_in(
        json!({
            "state": {"dir": state.path()},
            "admin": {"listen": "127.0.0.1:0"},
            "plugins": {"dir": folder.path()},
            "mcpServers": {"fake": gateway::server(&server.to_string_lossy(), &[], &policy)},
        }),
        &[("BARTIZAN_STATE_DIR", state.path())],
    )
    .await;
    let admin = Admin::of(&serving, state.path()).await;
    let tally = Arc::new(Tally::default());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let session = Session::begin(serving.url("fake")).await;
        clients.push(tokio::spawn(call(session, Arc::clone(&tally))));
    }

    let process = serving.pid();
    let begin = Instant::now();
    let (mut generation, mut halfway) = (generation(&admin).await, None);
    for index in 1..=number {
        put(index);
        serving.signal(Signal::HUP);
        let status = admin
            .until("it is loaded again", |status| status["generation"].as_u64() > Some(generation))
            .await;
        generation = status["generation"].as_u64().unwrap_or_default();
        if index == number / 2 {
            halfway = Some(Reading::of(process));
        }
    }
    let took = begin.elapsed();
    tally.is_over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("a client does not fail");
    }
    report(&tally, number, took, halfway.expect("it was half way"), Reading::of(process))
}

async fn generation(admin: &Admin) -> u64 {
    admin.status().await["generation"].as_u64().expect("a number")
}

/// Calls until it is over: one tool that the plugin lets through, and one that it refuses.
async fn call(session: Session, tally: Arc<Tally>) {
    while !tally.is_over.load(Ordering::SeqCst) {
        for (tool, is_as_expected) in
            [("echo", &(is_echo as fn(&Value) -> bool)), ("pid", &(is_refusal as fn(&Value) -> bool))]
        {
            let begin = Instant::now();
            let answer = session.call(tool, &json!({"n": 1})).await;
            let took = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
            tally.slowest.fetch_max(took, Ordering::Relaxed);
            tally.calls.fetch_add(1, Ordering::Relaxed);
            if !is_as_expected(&answer) {
                tally.failures.fetch_add(1, Ordering::Relaxed);
                eprintln!("{tool}: {answer}");
            }
        }
    }
}

fn is_echo(answer: &Value) -> bool {
    answer["result"]["isError"] != true && answer.to_string().contains(r#"\"n\":1"#)
}

fn is_refusal(answer: &Value) -> bool {
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    text.starts_with("[POLICY DENIED] stopped by edition-")
}

fn report(tally: &Tally, number: u64, took: Duration, halfway: Reading, end: Reading) -> ExitCode {
    let (calls, failures) = (tally.calls.load(Ordering::Relaxed), tally.failures.load(Ordering::Relaxed));
    let slowest = Duration::from_micros(tally.slowest.load(Ordering::Relaxed));
    println!("reloads              {number} in {:.1} s", took.as_secs_f64());
    println!("calls meanwhile      {calls}, {failures} failed, the slowest {} ms", slowest.as_millis());
    for (what, half, end) in [
        ("memory, MiB", halfway.memory >> 20, end.memory >> 20),
        ("descriptors", halfway.descriptors, end.descriptors),
        ("threads", halfway.threads, end.threads),
    ] {
        println!("{what:20} {half} half way, {end} at the end");
    }
    let holds = [
        ("a call failed", failures == 0 && calls > 0),
        ("memory grows", end.memory <= halfway.memory + halfway.memory / SPARE_PART + SPARE),
        ("descriptors leak", end.descriptors <= halfway.descriptors + SPARE_DESCRIPTORS),
        ("threads leak", end.threads <= halfway.threads + SPARE_DESCRIPTORS),
    ];
    let mut code = ExitCode::SUCCESS;
    for (problem, holds) in holds {
        if !holds {
            eprintln!("{problem}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// The plugin with other words of the same length in it.
fn edition(number: u64) -> Vec<u8> {
    let mut module = fs::read(environment::fixture("stopped")).expect("the fixture is there");
    let name = format!("edition-{number:04}");
    let found = module.windows(EDITION.len()).position(|window| window == EDITION.as_bytes());
    let at = found.unwrap_or_else(|| panic!("the module has no {EDITION}"));
    if let Some(place) = module.get_mut(at..at + name.len()) {
        place.copy_from_slice(name.as_bytes());
    }
    module
}
