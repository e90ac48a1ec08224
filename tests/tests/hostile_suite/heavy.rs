//! Plugins that are more work to compile than they are worth: whether they are loaded is known in time, and
//! finding out takes bounded memory. Each is looked at by a process of its own, since one that does not end
//! could not be stopped otherwise.

use std::process::Stdio;
use std::time::{Duration, Instant};

use bartizan_tests::gateway::{self, Document};
use bartizan_tests::hostile;
use rustix::process::Signal;

use crate::policy;
use crate::process::{Footprint, MIB};
use crate::rows::{self, Holds};

/// How long it may take. Nothing is served meanwhile that was not served before.
const AT_MOST: Duration = Duration::from_secs(150);
/// How much memory it may take.
const MEMORY: u64 = 2_048 * MIB;
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What came of looking at a plugin.
struct Outcome {
    time: Duration,
    peak: u64,
    /// What it printed, if it ended by itself.
    said: Option<(Option<i32>, String)>,
}

async fn look_at(plugin: &str) -> Outcome {
    let folder = hostile::plugins([plugin]);
    let policy = Document::policy(&policy(&[plugin]));
    let cache = tempfile::tempdir().expect("a temporary directory can be made");
    let mut command = gateway::bartizan(["check", "--policy"]);
    command
        .arg(policy.path())
        .arg("--plugins-dir")
        .arg(folder.path())
        .env("BARTIZAN_CACHE_DIR", cache.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let begin = Instant::now();
    let child = command.spawn().expect("the gateway's program can be started");
    let pid = child.id().expect("it was not waited for");
    let ends = child.wait_with_output();
    tokio::pin!(ends);
    let mut peak = 0;
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            output = &mut ends => {
                let output = output.expect("a child can be waited for");
                let words = String::from_utf8_lossy(&output.stderr).into_owned();
                return Outcome { time: begin.elapsed(), peak, said: Some((output.status.code(), words)) };
            }
            _ = look.tick() => {
                peak = peak.max(Footprint::of(pid).map_or(0, |footprint| footprint.peak));
                if begin.elapsed() > AT_MOST || peak > MEMORY {
                    let process = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
                    let process = process.expect("a process has an id");
                    rustix::process::kill_process(process, Signal::KILL).expect("a child can be killed");
                    return Outcome { time: begin.elapsed(), peak, said: None };
                }
            }
        }
    }
}

#[tokio::test]
async fn compiling_ends_in_time_and_in_bounded_memory() {
    let mut wrong = Vec::new();
    for (plugin, _) in rows::those(|holds| matches!(holds, Holds::Ends)) {
        let outcome = look_at(plugin).await;
        let contained = match &outcome.said {
            // Killed by a signal: it crashed.
            Some((None, _)) | None => false,
            Some((Some(0), _)) => true,
            Some((Some(_), words)) => {
                words.contains("error[") && words.contains(plugin) && !words.contains("panicked at")
            }
        };
        if !contained {
            let (time, peak) = (outcome.time, outcome.peak / MIB);
            wrong.push(format!("{plugin}: after {time:?}, at most {peak} MiB: {:?}", outcome.said));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
