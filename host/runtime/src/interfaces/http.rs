//! `http`: requests of plugins to hosts that the operator lists.
//!
//! This crate knows no transport: who is asked, what a request may say and how large an answer may be is for
//! the [`Outgoing`] that a plugin is configured with. What is held here is what belongs to an evaluation:
//! how many requests it makes, and that waiting is not the plugin's own time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Misuse;

/// The most requests in one evaluation.
const REQUESTS: u32 = 4;
/// The largest body of a response, in bytes.
pub const RESPONSE_BYTES: usize = 256 * 1024;

/// Sends the requests of a plugin. It holds them to what the operator allows the plugin.
pub trait Outgoing: fmt::Debug + Send + Sync {
    /// Sends a request and waits for the response: on this thread, and not longer than the operator allows.
    ///
    /// # Errors
    ///
    /// What went wrong, in words for the plugin.
    fn send(&self, request: Request) -> Result<Response, String>;
}

/// A request, as the plugin has it: nothing of it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait for the whole response, at most.
    pub timeout: Option<Duration>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body, of at most [`RESPONSE_BYTES`].
    pub body: Vec<u8>,
}

/// Reaches nobody: where plugins are tried out.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Outgoing for Nowhere {
    fn send(&self, _request: Request) -> Result<Response, String> {
        Err("there is no network here: only a gateway that serves sends requests of plugins".to_owned())
    }
}

/// The requests of one evaluation.
pub(crate) struct Requests {
    /// None without the grant.
    outgoing: Option<Arc<dyn Outgoing>>,
    made: u32,
    waited: Duration,
}

impl Requests {
    pub(crate) fn new(outgoing: Option<Arc<dyn Outgoing>>) -> Self {
        Self { outgoing, made: 0, waited: Duration::ZERO }
    }

    /// Begins an evaluation.
    pub(crate) fn begin(&mut self) {
        self.made = 0;
        self.waited = Duration::ZERO;
    }

    /// Whether any request may be made.
    pub(crate) fn may_wait(&self) -> bool {
        self.outgoing.is_some()
    }

    /// How long the evaluation has waited for others until now.
    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }

    pub(crate) fn send(&mut self, request: Request) -> Result<Result<Response, String>, Misuse> {
        let outgoing = self.outgoing.as_ref().ok_or(Misuse::NotGranted("http"))?;
        if self.made == REQUESTS {
            return Ok(Err(format!("an evaluation may make {REQUESTS} requests, and this one has")));
        }
        self.made += 1;
        let begin = Instant::now();
        let response = outgoing.send(request);
        self.waited = self.waited.saturating_add(begin.elapsed());
        Ok(match response {
            Ok(response) if response.body.len() > RESPONSE_BYTES => {
                Err(format!("the response is larger than {} KiB", RESPONSE_BYTES / 1024))
            }
            response => response,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Echo;

    impl Outgoing for Echo {
        fn send(&self, request: Request) -> Result<Response, String> {
            Ok(Response { status: 200, headers: request.headers, body: request.body })
        }
    }

    fn request(size: usize) -> Request {
        Request {
            method: "POST".to_owned(),
            url: "https://pdp.example.com/".to_owned(),
            headers: Vec::new(),
            body: vec![0; size],
            timeout: None,
        }
    }

    #[test]
    fn an_evaluation_makes_so_many_requests() {
        let mut requests = Requests::new(Some(Arc::new(Echo)));
        for _ in 0..2 {
            requests.begin();
            for _ in 0..REQUESTS {
                assert_eq!(requests.send(request(1)).unwrap().unwrap().status, 200);
            }
            assert!(requests.send(request(1)).unwrap().is_err());
        }
    }

    #[test]
    fn a_response_is_bounded_whoever_gives_it() {
        let mut requests = Requests::new(Some(Arc::new(Echo)));
        assert!(requests.send(request(RESPONSE_BYTES)).unwrap().is_ok());
        assert!(requests.send(request(RESPONSE_BYTES + 1)).unwrap().is_err());
    }

    #[test]
    fn nothing_is_sent_without_the_grant_or_a_network() {
        let mut none = Requests::new(None);
        assert!(matches!(none.send(request(0)), Err(Misuse::NotGranted("http"))));
        let mut nowhere = Requests::new(Some(Arc::new(Nowhere)));
        assert!(nowhere.send(request(0)).unwrap().unwrap_err().contains("no network"));
    }
}
