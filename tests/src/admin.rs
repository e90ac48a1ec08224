//! The admin API of a running gateway.

use std::path::Path;

use serde_json::Value;

use crate::gateway::Serving;
use crate::http::Http;
use crate::program::Program;
use crate::waiting::{SOON, until, within};

/// Asks a gateway how it is.
#[derive(Debug)]
pub struct Admin {
    http: Http,
    base: String,
    bearer: String,
}

impl Admin {
    /// Of a gateway whose configuration has `"admin": {"listen": "127.0.0.1:0"}` and this state directory.
    pub async fn of(serving: &Serving, state: &Path) -> Self {
        Self::of_log(|| serving.log(), state).await
    }

    /// Of a `bartizan serve` with such a configuration.
    pub async fn of_program(program: &Program, state: &Path) -> Self {
        Self::of_log(|| program.log(), state).await
    }

    async fn of_log(log: impl Fn() -> String, state: &Path) -> Self {
        const OPEN: &str = "the admin API is open";
        until("the admin API is open", || log().contains(OPEN)).await;
        let log = log();
        let line = log.lines().find(|line| line.contains(OPEN)).expect("it says so");
        let after = line.split("127.0.0.1:").nth(1).expect("its address");
        let port: String = after.chars().take_while(char::is_ascii_digit).collect();
        let token = std::fs::read_to_string(state.join("admin.token")).expect("there is a token");
        Self {
            http: Http::default(),
            base: format!("http://127.0.0.1:{port}"),
            bearer: format!("Bearer {}", token.trim()),
        }
    }

    /// What `/status` says.
    pub async fn status(&self) -> Value {
        let headers = [("authorization", self.bearer.as_str())];
        let answer = self.http.send("GET", &format!("{}/status", self.base), &headers, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Waits until what `/status` says is as it should be.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let waiting = async {
            loop {
                last = self.status().await;
                if holds(&last) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(SOON, waiting).await.is_err() {
            panic!("{what}: not within {} s; it says {last:#}", SOON.as_secs());
        }
        within(SOON, "the status", async { last }).await
    }
}
