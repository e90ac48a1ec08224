//! Ways around a policy, each tried on the gateway as it is shipped, and what servers do that mean harm.
//!
//! A test asserts on what the server got or did, not on what the gateway says of it, and where a real server
//! carries the attack out, on that as well: it is sent there directly. The comment of each test says what it
//! catches. Twenty classes of attack:
//!
//! | class | what is tried | tests |
//! |---|---|---|
//! | 1 | calling what is only left out of lists | [`names`], `end_to_end`, `wire/smuggling` |
//! | 2 | arrays of messages, arrays in arrays, arrays with answers in them | [`parsing`], [`quotas`], `wire/smuggling` |
//! | 3 | keys that come twice, escaped or in any object; keys that only look alike | [`parsing`], `wire/smuggling` |
//! | 4 | what two readers take for different messages: line ends, encodings, marks, several documents, HTTP framing | [`parsing`], [`answers`], `wire/smuggling`, `wire/http_rules`, `listening/framing` |
//! | 5 | headers that say another thing than the body; another era, no version | [`headers`], [`parsing`], `wire/http_rules` |
//! | 6 | other spellings of a name | [`names`], [`quotas`] |
//! | 7 | other methods with the same effect, methods that nobody knows, other spellings of a URI | [`names`], [`answers`] |
//! | 8 | tools that call other tools | plugins see the arguments (`runtime`, `hostile`); rules on arguments in the policy itself are not there yet |
//! | 9 | other tools with the same effect | [`names`]: under a default of deny; `end_to_end` with the example's policy |
//! | 10 | the answers of one call for another, replayed state | [`rounds`], [`quotas`]; a human's approval out of band is not there yet |
//! | 11 | servers that ask, or answer what nobody asked, twice, or for others | [`answers`], [`rounds`], `wire/servers`, `wire/exchanges` |
//! | 12 | ids that are mistaken for others, or used twice | [`answers`], `wire/exchanges`, `wire/servers` |
//! | 13 | learning of what is hidden: instructions, answers, times, caches, tasks, errors | [`leaks`]; texts of the server's in descriptions, prompts, results and its log pass unless a plugin judges them |
//! | 14 | lists in pages, with cursors of the client's or in circles | [`lists`], [`floods`], `wire/servers` |
//! | 15 | definitions that change after they were seen | [`lists`]; pinned definitions are not there yet |
//! | 16 | sessions, streams and requests of others | [`sessions`], [`answers`], `wire/sessions`; that a session, a task and a state belong to somebody is left to principals, which are not there yet |
//! | 17 | too much, too deep, too slow, without end | [`floods`], [`answers`], `listening/slowness`, `listening/http2`, `hostile`, `wire/smuggling` |
//! | 18 | more calls than the policy allows | [`quotas`], [`rounds`]; a quota is of a session, so a new session has a new one, until there are principals |
//! | 19 | the way around the gateway | [`transports`]; that a server listens to others is its operator's to prevent |
//! | 20 | pages of other origins | [`headers`], `wire/http_rules`, `listening/browsers` |
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test's helper that cannot go on fails the test"
)]

mod answers;
mod floods;
mod headers;
mod leaks;
mod lists;
mod modern;
mod names;
mod parsing;
mod quotas;
mod rounds;
mod sessions;
mod transports;

use bartizan_tests::{gateway, waiting};
use serde_json::{Value, json};

/// The server on its pipes whose tools misbehave.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");
/// The server on its pipes that means harm.
const HOSTILE: &str = env!("CARGO_BIN_EXE_bartizan-hostile-server");

/// Allows everything.
fn allow() -> Value {
    json!({"version": "1", "default": "allow"})
}

/// Allows everything but what is named `delete_run`, which does not exist.
fn hide() -> Value {
    json!({"version": "1", "default": "allow", "hide": ["delete_run"]})
}

/// What a server on its pipes keeps of what it got.
struct Record(tempfile::TempDir);

impl Record {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory can be made"))
    }

    fn path(&self) -> String {
        let path = self.0.path().join("record");
        path.to_str().expect("paths of temporary files are text").to_owned()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// How many lines contain this.
    fn count(&self, part: &str) -> usize {
        self.text().lines().filter(|line| line.contains(part)).count()
    }

    /// How often a tool was called.
    fn calls(&self, tool: &str) -> usize {
        let calls =
            |line: &&str| line.contains("\"tools/call\"") && line.contains(&format!("\"name\":\"{tool}\""));
        self.text().lines().filter(calls).count()
    }

    /// Waits until so many lines contain this.
    async fn until(&self, part: &str, number: usize) {
        waiting::until(&format!("the server got {part}"), || self.count(part) >= number).await;
    }

    /// A server that records, as an entry of a configuration.
    fn server(&self, program: &str, policy: &Value) -> Value {
        gateway::server(program, &["--record", &self.path()], policy)
    }
}
