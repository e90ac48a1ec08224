//! Built-in rule: so many calls in so many seconds, for each agent session.
//!
//! The rule says what a call costs and out of how much; the host counts. The window slides, so a limit
//! resets by itself, and a refused call takes nothing.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bartizan_guest::prelude::*;
use bartizan_rules::{Entries, Lists, shortened};

/// Names in messages have at most so many characters.
const NAME: usize = 200;

/// Names in counters have at most so many bytes; of a longer one the beginning and a digest are taken.
const COUNTED_NAME: usize = 160;

/// Limits by name.
pub struct RateLimits {
    /// Every entry of the document, also those without a limit: the most specific one counts.
    entries: Entries<Option<Limit>>,
}

struct Limit {
    max: u32,
    window: u32,
    count_errors: bool,
    rule: String,
}

/// What the policy document's `rate_limit` keys compile to. Each tool, prompt and method that a glob matches
/// has a counter of its own; resources share the one of their entry, since their URIs are without number.
#[settings]
pub struct Family {
    /// The limit; without one the entry only shadows less specific ones.
    rate_limit: Option<RateLimit>,
    /// The rule's id.
    rule: Option<String>,
}

#[settings]
struct RateLimit {
    /// Calls in one window, at least 1.
    max: u32,
    /// Seconds, at least 1.
    window: u32,
    /// Whether a call that the server answers with an error counts.
    #[serde(default)]
    count_errors: bool,
}

impl Policy for RateLimits {
    type Settings = Lists<Family>;
    const NAME: &'static str = "rate-limit";
    const SUMMARY: &'static str = "Allows so many calls in so many seconds, for each agent session.";

    fn configure(settings: Self::Settings) -> Result<Self, String> {
        let entries = settings
            .compile(|Family { rate_limit, rule }| rate_limit.map(|limit| limit.check(rule)).transpose())?;
        Ok(Self { entries })
    }
}

impl RateLimit {
    fn check(self, rule: Option<String>) -> Result<Limit, String> {
        let Self { max, window, count_errors } = self;
        if max == 0 || window == 0 {
            return Err("`rate_limit`: `max` and `window` are at least 1".to_owned());
        }
        Ok(Limit { max, window, count_errors, rule: rule.unwrap_or_else(|| "rate_limit".to_owned()) })
    }
}

impl CallPolicy for RateLimits {
    fn check(&self, call: &Call) -> Decision {
        let applicable = self.entries.applicable(call);
        let mut decision = Decision::pass();
        if let (Some(Some(limit)), Some(target)) = (applicable.own, call.target()) {
            let who = format!("{} is", shortened(&target, NAME));
            decision = decision.charge(match call.method().as_str() {
                "tools/call" => limit.charge(format!("rate_limit:{}", counted(&target)), &who),
                "prompts/get" => limit.charge(format!("rate_limit/prompts:{}", counted(&target)), &who),
                _ => limit
                    .charge(format!("rate_limit/entry:{}", counted(&limit.rule)), "Calls like this one are"),
            });
        }
        if let Some(Some(limit)) = applicable.all_tools {
            decision =
                decision.charge(limit.charge("rate_limit/all_tools".to_owned(), "All tools together are"));
        }
        if let Some(Some(limit)) = applicable.method {
            let method = call.method();
            let counter = format!("rate_limit/methods:{}", counted(&method));
            let who = format!("{} is", shortened(&method, NAME));
            decision = decision.charge(limit.charge(counter, &who));
        }
        decision
    }
}

impl Limit {
    fn charge(&self, counter: String, who: &str) -> Charge {
        let (max, window) = (calls(self.max), seconds(self.window));
        let charge = Charge::call(counter, self.max, Window::Sliding(self.window))
            .rule(&self.rule)
            .message(format!("{who} limited to {max} in {window}."));
        if self.count_errors { charge.counting_errors() } else { charge }
    }
}

/// A name as part of a counter's, which may not be of any length.
fn counted(name: &str) -> String {
    if name.len() <= COUNTED_NAME {
        return name.to_owned();
    }
    let mut digest = DefaultHasher::new();
    name.hash(&mut digest);
    // Whole characters, of at most four bytes each.
    let beginning: String = name.chars().take(COUNTED_NAME / 8).collect();
    format!("{beginning}#{:016x}", digest.finish())
}

fn calls(count: u32) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{count} calls") }
}

fn seconds(count: u32) -> String {
    if count == 1 { "1 second".to_owned() } else { format!("{count} seconds") }
}

bartizan_guest::export!(RateLimits: calls);

#[cfg(test)]
mod tests {
    use super::RateLimits;
    use bartizan_guest::testing::{TestCall, configure};
    use bartizan_guest::{Scope, Window};
    use serde_json::json;

    #[test]
    fn charges_one_call_to_the_tools_own_counter() {
        let policy: RateLimits = configure(
            &json!({"tools": [
                {"pattern": "set_*", "rate_limit": {"max": 10, "window": 60}, "rule": "/tools/set_*/rate_limit"},
                {"pattern": "set_free"},
            ]})
            .to_string(),
        )
        .unwrap();

        let decision = TestCall::tool("set_run_tag").check(&policy);
        assert!(decision.is_pass());
        let [charge] = decision.charges.as_slice() else { unreachable!("{decision:?}") };
        assert_eq!(
            (charge.counter.as_str(), charge.cost.as_str(), charge.limit.as_str()),
            ("rate_limit:set_run_tag", "1", "10")
        );
        assert_eq!((charge.scope, charge.window), (Scope::Session, Window::Sliding(60)));
        assert_eq!(charge.rule.as_deref(), Some("/tools/set_*/rate_limit"));
        assert_eq!(charge.message.as_deref(), Some("set_run_tag is limited to 10 calls in 60 seconds."));

        for free in ["set_free", "get_run"] {
            assert!(TestCall::tool(free).check(&policy).charges.is_empty(), "{free}");
        }
    }

    #[test]
    fn limits_that_allow_nothing_are_refused() {
        for (max, window) in [(0, 60), (10, 0)] {
            let settings = json!({"tools": [{"pattern": "a", "rate_limit": {"max": max, "window": window}}]});
            let error = configure::<RateLimits>(&settings.to_string()).err().unwrap();
            assert!(error.contains("`tools`, `a`: `rate_limit`"), "{error}");
        }
    }

    fn counters(policy: &RateLimits, call: &TestCall) -> Vec<(String, String)> {
        let decision = call.check(policy);
        assert!(decision.is_pass());
        decision.charges.into_iter().map(|charge| (charge.counter, charge.message.unwrap())).collect()
    }

    #[test]
    fn each_entry_that_applies_charges_a_counter_of_its_own() {
        let limit = |max: u32| json!({"max": max, "window": 1});
        let item = |pattern: &str, max: u32| json!({"pattern": pattern, "rate_limit": limit(max), "rule": format!("/{pattern}")});
        let settings = json!({
            "tools": [item("get_*", 1)],
            "prompts": [item("get_*", 2)],
            "resources": [item("file:*", 3)],
            "methods": [item("tools/*", 4), item("sampling/*", 5)],
            "all_tools": {"rate_limit": limit(6), "rule": "/all_tools/rate_limit"},
        });
        let policy: RateLimits = configure(&settings.to_string()).unwrap();
        let uri = format!("file:///{}", "x".repeat(5_000));
        for (call, expected) in [
            (
                TestCall::tool("get_run"),
                vec![
                    ("rate_limit:get_run", "get_run is limited to 1 call in 1 second."),
                    ("rate_limit/all_tools", "All tools together are limited to 6 calls in 1 second."),
                    ("rate_limit/methods:tools/call", "tools/call is limited to 4 calls in 1 second."),
                ],
            ),
            (
                TestCall::method("prompts/get").target("get_run"),
                vec![("rate_limit/prompts:get_run", "get_run is limited to 2 calls in 1 second.")],
            ),
            (
                TestCall::method("resources/read").target("file:///a"),
                vec![("rate_limit/entry:/file:*", "Calls like this one are limited to 3 calls in 1 second.")],
            ),
            (
                TestCall::method("sampling/createMessage"),
                vec![(
                    "rate_limit/methods:sampling/createMessage",
                    "sampling/createMessage is limited to 5 calls in 1 second.",
                )],
            ),
            (
                TestCall::method("tools/list"),
                vec![("rate_limit/methods:tools/list", "tools/list is limited to 4 calls in 1 second.")],
            ),
            (TestCall::method("prompts/list"), vec![]),
        ] {
            let found = counters(&policy, &call);
            let found: Vec<_> =
                found.iter().map(|(counter, message)| (counter.as_str(), message.as_str())).collect();
            assert_eq!(found, expected);
        }
        let [(counter, message)] =
            counters(&policy, &TestCall::method("resources/read").target(uri)).try_into().unwrap();
        assert_eq!(counter, "rate_limit/entry:/file:*", "all resources of an entry share its counter");
        assert!(message.len() < 300, "{message}");
    }

    #[test]
    fn counters_of_long_names_are_short_and_apart() {
        let settings =
            json!({"tools": [{"pattern": "*", "rate_limit": {"max": 1, "window": 1, "count_errors": true}}]});
        let policy: RateLimits = configure(&settings.to_string()).unwrap();
        let counter = |name: &str| {
            let [charge] = TestCall::tool(name).check(&policy).charges.try_into().unwrap();
            assert!(charge.counts_errors);
            charge.counter
        };
        let long = "é".repeat(1_000);
        assert!(counter(&long).len() <= 256);
        assert_eq!(counter(&long), counter(&long));
        assert_ne!(counter(&long), counter(&format!("{long}x")));
    }
}
