//! A client that calls a tool so many times a second, over a few sessions.

use std::time::{Duration, Instant};

use bartizan_tests::http::Session;
use serde_json::json;

/// How many sessions a client has, each with calls of its own.
const SESSIONS: usize = 4;
/// How long one session's calls are apart. One that is not answered by then delays the next.
const APART: Duration = Duration::from_millis(20);

/// One call in so many asks to be judged slowly: too few for the gateway to expect it.
const SLOW: u32 = 128;

/// A client.
pub(crate) struct Client {
    sessions: Vec<Session>,
}

impl Client {
    pub(crate) async fn begin(url: &str) -> Self {
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(Session::begin(url).await);
        }
        Self { sessions }
    }

    /// Calls for so long; how long each answer took.
    pub(crate) async fn call_for(&self, time: Duration) -> Vec<Duration> {
        let mut taken = Vec::new();
        let calls: Vec<_> = self.sessions.iter().map(|session| call_for(session, time)).collect();
        for answers in join_all(calls).await {
            taken.extend(answers);
        }
        taken
    }
}

async fn call_for(session: &Session, time: Duration) -> Vec<Duration> {
    let mut taken = Vec::new();
    let mut pace = tokio::time::interval(APART);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let end = Instant::now() + time;
    let mut number = 0_u32;
    while Instant::now() < end {
        pace.tick().await;
        let begin = Instant::now();
        let arguments = json!({"n": number % 10, "text": "a", "slow": number % SLOW == SLOW - 1});
        let answer = session.call("echo", &arguments).await;
        taken.push(begin.elapsed());
        assert!(answer.get("result").is_some(), "an answer is a result: {answer}");
        number = number.wrapping_add(1);
    }
    taken
}

/// Runs futures side by side on this thread.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    outputs.into_iter().map(|output| output.expect("all are ready")).collect()
}
