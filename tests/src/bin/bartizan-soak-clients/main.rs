//! The clients of `cargo xtask soak`: many sessions side by side that do what clients do, for a while, and
//! look closely at what they are answered.
//!
//! `bartizan-soak-clients --url URL --sessions NUMBER --seconds NUMBER` prints what it counted as one line
//! of JSON. Two thirds of the sessions are of the legacy era, one third of the modern. When the time is up
//! each finishes what it is at; then the program ends, and all its connections with it.
#![forbid(unsafe_code)]

mod chance;
mod legacy;
mod modern;
mod tally;
mod wire;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::tally::Tally;

/// What share of the time the sessions begin in.
const RAMP: u32 = 5;
const LONGEST_RAMP: Duration = Duration::from_secs(5);

/// What all clients share.
pub(crate) struct Target {
    pub(crate) url: Uri,
    pub(crate) tally: Tally,
    /// When the time is up.
    pub(crate) end: Instant,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut url, mut sessions, mut seconds) = (None, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or("an option has a value")?;
        match option.as_str() {
            "--url" => url = Some(value.parse::<Uri>()?),
            "--sessions" => sessions = Some(value.parse::<u32>()?),
            "--seconds" => seconds = Some(value.parse::<u64>()?),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    let (Some(url), Some(sessions), Some(seconds)) = (url, sessions, seconds) else {
        return Err("--url, --sessions and --seconds are needed".into());
    };
    let begin = Instant::now();
    let time = Duration::from_secs(seconds);
    let target = Arc::new(Target { url, tally: Tally::default(), end: begin + time });
    let ramp = (time / RAMP).min(LONGEST_RAMP);
    let mut clients = JoinSet::new();
    for number in 0..sessions {
        let target = Arc::clone(&target);
        let wait = ramp * number / sessions.max(1);
        clients.spawn(async move {
            tokio::time::sleep(wait).await;
            if number % 3 == 2 {
                modern::client(number, target).await;
            } else {
                legacy::client(number, target).await;
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client?;
    }
    println!("{}", target.tally.report(time));
    Ok(())
}
