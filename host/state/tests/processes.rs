//! One file, several processes, and processes that are killed.
//!
//! The test program starts itself again: [`worker`] is then a process of its own.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use bartizan_state::approval::{
    ApprovalError, Approvals as _, Binding, Decision, Demand, Filter, Request, Status, Ticket,
};
use bartizan_state::quota::{Charge, Millis, QuotaError, Quotas, Reservation, Unit, Window};
use bartizan_state::sqlite::SqliteStore;

use common::{NEW_YEAR, Place, Random};

const NOW: Millis = Millis::new(NEW_YEAR);
const LIMIT: u64 = 1_000_000;

/// Names the directory, the work and the seed for a worker.
const VARIABLES: [&str; 3] = ["BARTIZAN_TEST_STATE", "BARTIZAN_TEST_WORK", "BARTIZAN_TEST_SEED"];

fn spend(cost: u64) -> Charge {
    Place::Sqlite.charge("spend", &cost.to_string(), &LIMIT.to_string(), Window::Fixed(Unit::Day))
}

fn scarce() -> Charge {
    let sliding = Window::Sliding { seconds: 60.try_into().unwrap() };
    Charge { counts_errors: true, ..Place::Sqlite.charge("scarce", "1", "50", sliding) }
}

fn fits(quotas: &dyn Quotas, charge: Charge) -> bool {
    quotas.reserve(&[charge], NOW).map(Reservation::rollback).is_ok()
}

/// A process that works on the directory.
struct Worker {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(directory: &Path, work: &str, seed: u64) -> Self {
        let seed = seed.to_string();
        let values = [directory.as_os_str(), work.as_ref(), seed.as_ref()];
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["worker", "--exact", "--nocapture", "--test-threads=1"])
            .envs(VARIABLES.into_iter().zip(values))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said }
    }

    /// The next thing that it says, as words; none when it has ended.
    fn next(&mut self) -> Option<(String, String)> {
        loop {
            // What is cut off in the middle of a character was not said.
            let line = self.said.next()?.ok()?;
            // The last word tells that the line is whole.
            if let Some(line) = line.strip_prefix("@ ").and_then(|line| line.strip_suffix(" .")) {
                let (what, of) = line.split_once(' ').unwrap();
                return Some((what.to_owned(), of.to_owned()));
            }
        }
    }
}

fn say(what: &str, of: impl std::fmt::Display) {
    // One write, and only after what it reports is done.
    let mut out = std::io::stdout();
    out.write_all(format!("@ {what} {of} .\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a process does that one of the tests below has started; nothing otherwise.
#[test]
fn worker() {
    let [Some(directory), Some(work), Some(seed)] = VARIABLES.map(env::var_os) else { return };
    // libtest has begun a line.
    println!();
    let store = SqliteStore::open(Path::new(&directory)).unwrap();
    let random = Random::new(seed.to_str().unwrap().parse().unwrap());
    match work.to_str().unwrap() {
        "charge" => charge_at_random(&store, random),
        "live" => live_until_killed(&store, random),
        other => panic!("{other}"),
    }
}

fn charge_at_random(store: &SqliteStore, mut random: Random) {
    let (mut stayed, mut of_scarce) = (0, 0);
    for _ in 0..300 {
        let cost = random.below(20) as u64;
        let with_scarce = random.below(4) == 0;
        let mut call = vec![spend(cost)];
        call.extend(with_scarce.then(scarce));
        let reservation = match store.reserve(&call, NOW) {
            Ok(reservation) => reservation,
            Err(QuotaError::Exhausted { charge: 1, .. }) => continue,
            Err(error) => panic!("{error:?}"),
        };
        match random.below(4) {
            0 => reservation.rollback(),
            1 => reservation.forwarded().rollback(),
            2 => {
                reservation.forwarded().failed();
                of_scarce += u64::from(with_scarce);
            }
            _ => {
                reservation.forwarded().commit();
                stayed += cost;
                of_scarce += u64::from(with_scarce);
            }
        }
    }
    say("stayed", stayed);
    say("scarce", of_scarce);
}

#[test]
fn four_processes_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut workers = [1, 2, 3, 4].map(|seed| Worker::start(directory.path(), "charge", seed));
    let mut sums: HashMap<String, u64> = HashMap::new();
    for worker in &mut workers {
        while let Some((what, amount)) = worker.next() {
            *sums.entry(what).or_default() += amount.parse::<u64>().unwrap();
        }
        assert!(worker.child.wait().unwrap().success());
    }
    let store = SqliteStore::open(directory.path()).unwrap();
    let stayed = sums["stayed"];
    assert!(stayed > 0);
    assert!(fits(&store, spend(LIMIT - stayed)), "something was counted twice");
    assert!(!fits(&store, spend(LIMIT - stayed + 1)), "something was lost");
    assert_eq!(sums["scarce"], 50, "all of it was wanted, and no more was given");
    assert!(!fits(&store, scarce()));
}

fn request(number: u8) -> Request {
    Request {
        binding: Binding::new([number; 32]),
        server: "s".into(),
        method: "tools/call".into(),
        target: None,
        principal: None,
        session: "s".into(),
        arguments: "{}".into(),
        rules: Vec::new(),
        message: String::new(),
        expires_after: 3_600,
    }
}

fn live_until_killed(store: &SqliteStore, mut random: Random) {
    loop {
        if random.below(2) == 0 {
            let reservation = store.reserve(&[spend(1)], NOW).unwrap();
            if random.below(3) == 0 {
                reservation.rollback();
            } else {
                reservation.forwarded().commit();
                say("charged", 1);
            }
            continue;
        }
        match store.demand(&request(random.below(100) as u8), NOW).unwrap() {
            Demand::Pending(approval) => {
                let ticket = approval.ticket;
                say("asked", &ticket);
                let (decision, word) = match random.below(8) {
                    0 => (Decision::Deny, "denied"),
                    1 | 2 => continue,
                    _ => (Decision::Approve, "approved"),
                };
                match store.decide(&ticket, decision, "g", None, NOW) {
                    Ok(_) => say(word, &ticket),
                    // By the other process.
                    Err(ApprovalError::Decided { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            Demand::Granted(grant) => {
                let ticket = grant.ticket().clone();
                say("used", &ticket);
                if random.below(4) == 0 {
                    say("restoring", &ticket);
                    store.restore(grant).unwrap();
                    say("restored", &ticket);
                }
            }
            Demand::Refused(_) => {}
        }
    }
}

/// What processes have said of one approval, how often.
#[derive(Debug, Default)]
struct Said {
    approved: usize,
    denied: usize,
    used: usize,
    restoring: usize,
}

#[test]
fn what_was_reported_survives_kill_9() {
    const ROUNDS: u64 = 20;
    const AT_ONCE: u64 = 2;
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random::new(7);
    let mut charged = 0;
    let mut said: HashMap<Ticket, Said> = HashMap::new();
    for round in 0..ROUNDS {
        let mut hear = |(what, of): (String, String)| {
            if what == "charged" {
                charged += 1;
                return;
            }
            let said = said.entry(of.parse().unwrap()).or_default();
            match what.as_str() {
                "approved" => said.approved += 1,
                "denied" => said.denied += 1,
                "used" => said.used += 1,
                "restoring" => said.restoring += 1,
                "asked" | "restored" => {}
                other => panic!("{other}"),
            }
        };
        let mut workers: Vec<_> = (0..AT_ONCE)
            .map(|number| Worker::start(directory.path(), "live", round * AT_ONCE + number))
            .collect();
        // Also right after the start, while the file is made or recovered.
        for _ in 0..random.below(60).saturating_sub(10) {
            hear(workers[0].next().unwrap());
        }
        for worker in &mut workers {
            worker.child.kill().unwrap();
            assert!(
                worker.child.wait().unwrap().code().is_none(),
                "it was killed, and had not failed before"
            );
        }
        for worker in &mut workers {
            while let Some(line) = worker.next() {
                hear(line);
            }
        }

        let store = SqliteStore::open(directory.path()).unwrap();
        for (ticket, said) in &said {
            let found = store.find(ticket, NOW).unwrap().unwrap_or_else(|| panic!("{ticket} is lost"));
            let (status, context) = (found.status, format!("{ticket} is {}: {said:?}", found.status));
            assert!(said.used <= 1 + said.restoring, "used again: {context}");
            assert!(said.approved + said.denied <= 1, "decided again: {context}");
            if said.used > said.restoring {
                assert_eq!(status, Status::Used, "{context}");
            } else if said.approved > 0 {
                assert!(matches!(status, Status::Approved | Status::Used), "{context}");
            } else if said.denied > 0 {
                assert_eq!(status, Status::Denied, "{context}");
            }
        }
        // What was under way when a process was killed stays taken: one for each.
        let most = charged + (round + 1) * AT_ONCE;
        assert!(!fits(&store, spend(LIMIT - charged + 1)), "charges were lost: {charged} were reported");
        assert!(fits(&store, spend(LIMIT - most)), "charges were doubled: {charged} were reported");
    }
    let store = SqliteStore::open(directory.path()).unwrap();
    let used = store.list(Filter::All, NOW).unwrap().iter().filter(|a| a.status == Status::Used).count();
    assert!(charged > 50 && used > 10, "{charged} charges and {used} uses are too few to tell");
}
