//! Built-in rule: so many calls of a tool in so many seconds, for each agent session.
//!
//! The rule says what a call costs and out of how much; the host counts. The window slides, so a limit
//! resets by itself, and a refused call takes nothing.

use bartizan_guest::prelude::*;

/// Limits by tool.
pub struct RateLimits {
    /// Every entry of the document, also those without a limit: the most specific one counts.
    tools: PatternMap<Option<Limit>>,
}

struct Limit {
    max: u32,
    window: u32,
    rule: String,
}

/// What the policy document's `rate_limit` keys compile to.
#[settings]
pub struct Settings {
    /// Tools by name; the most specific pattern counts.
    tools: Vec<Entry>,
}

#[settings]
struct Entry {
    /// A tool's name, or a glob. Each tool that a glob matches has a counter of its own.
    pattern: String,
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
}

impl Policy for RateLimits {
    type Settings = Settings;
    const NAME: &'static str = "rate-limit";
    const SUMMARY: &'static str =
        "Allows so many calls of a tool in so many seconds, for each agent session.";

    fn interests() -> Vec<Interest> {
        vec![Interest::methods(["tools/call"])]
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        let tools: Result<Vec<_>, String> = settings
            .tools
            .into_iter()
            .map(|Entry { pattern, rate_limit, rule }| {
                let limit = rate_limit.map(|limit| limit.check(&pattern, rule)).transpose()?;
                Ok((pattern, limit))
            })
            .collect();
        Ok(Self { tools: tools?.into_iter().collect() })
    }
}

impl RateLimit {
    fn check(self, pattern: &str, rule: Option<String>) -> Result<Limit, String> {
        let Self { max, window } = self;
        if max == 0 || window == 0 {
            return Err(format!("`rate_limit` of `{pattern}`: `max` and `window` are at least 1"));
        }
        Ok(Limit { max, window, rule: rule.unwrap_or_else(|| "rate_limit".to_owned()) })
    }
}

impl CallPolicy for RateLimits {
    fn check(&self, call: &Call) -> Decision {
        let Some(tool) = call.target() else { return Decision::pass() };
        match self.tools.get(&tool) {
            Some(Some(limit)) => {
                let counter = format!("rate_limit:{tool}");
                let charge = Charge::call(counter, limit.max, Window::Sliding(limit.window))
                    .rule(&limit.rule)
                    .message(format!(
                        "{tool} is limited to {} in {}.",
                        calls(limit.max),
                        seconds(limit.window)
                    ));
                Decision::pass().charge(charge)
            }
            Some(None) | None => Decision::pass(),
        }
    }
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
            assert!(error.contains("`rate_limit` of `a`"), "{error}");
        }
    }
}
