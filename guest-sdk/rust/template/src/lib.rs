//! Refuses changes between two days, except for those who may make them.

mod day;

use bartizan_guest::prelude::*;

use crate::day::Day;

pub struct ChangeFreeze {
    from: Day,
    until: Day,
    /// As it was written.
    until_text: String,
    except: Vec<String>,
}

#[settings]
pub struct Settings {
    /// The first day of the freeze, in UTC: `YYYY-MM-DD`. Without it the freeze has begun.
    #[serde(default = "always")]
    from: String,
    /// The first day after it. Without it the freeze has no end.
    #[serde(default = "never")]
    until: String,
    /// Principals who may change things all the same.
    #[serde(default)]
    except: Vec<String>,
}

fn always() -> String {
    "1970-01-01".to_owned()
}

fn never() -> String {
    "9999-12-31".to_owned()
}

impl Policy for ChangeFreeze {
    type Settings = Settings;
    const NAME: &'static str = "change-freeze";
    const SUMMARY: &'static str = "Refuses changes between two days.";

    fn interests() -> Vec<Interest> {
        vec![Interest::methods(["tools/call"])]
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        let day = |key: &str, text: &str| {
            Day::parse(text).ok_or_else(|| format!("`{key}` must be a day such as `2026-12-20`"))
        };
        let from = day("from", &settings.from)?;
        let until = day("until", &settings.until)?;
        if from >= until {
            return Err("`until` must be after `from`: it is the first day that is free again".to_owned());
        }
        Ok(Self { from, until, until_text: settings.until, except: settings.except })
    }
}

impl CallPolicy for ChangeFreeze {
    fn check(&self, call: &Call) -> Decision {
        let today = Day::of(call.time());
        let frozen = self.from <= today && today < self.until;
        if !frozen || self.is_excepted(call) || is_read_only(call) {
            return Decision::pass();
        }
        Decision::deny(format!("Changes are frozen until {}.", self.until_text)).rule("freeze")
    }
}

impl ChangeFreeze {
    fn is_excepted(&self, call: &Call) -> bool {
        call.principal().is_some_and(|principal| self.except.contains(&principal))
    }
}

/// Whether the server says that the tool changes nothing.
fn is_read_only(call: &Call) -> bool {
    call.entry().is_some_and(|tool| tool.annotation("readOnlyHint") == Some(true))
}

bartizan_guest::export!(ChangeFreeze: calls);

#[cfg(test)]
mod tests {
    use bartizan_guest::testing::{TestCall, configure};
    use serde_json::json;

    use super::ChangeFreeze;

    const SETTINGS: &str = r#"{"from": "2026-12-20", "until": "2027-01-02", "except": ["release-bot"]}"#;
    /// 2026-12-20T00:00:00Z.
    const FROM: u64 = 1_797_724_800_000;
    /// 2027-01-02T00:00:00Z.
    const UNTIL: u64 = 1_798_848_000_000;

    #[test]
    fn changes_are_refused_from_the_first_day_to_the_last() {
        let policy = configure::<ChangeFreeze>(SETTINGS).unwrap();
        let at = |time| TestCall::tool("set_run_tag").time(time).check(&policy);
        assert!(at(FROM - 1).is_pass());
        assert_eq!(at(FROM).reason(), Some("Changes are frozen until 2027-01-02."));
        assert!(at(UNTIL - 1).is_denied());
        assert!(at(UNTIL).is_pass());
    }

    #[test]
    fn without_settings_the_freeze_is_on() {
        let policy = configure::<ChangeFreeze>("{}").unwrap();
        assert!(TestCall::tool("set_run_tag").time(FROM).check(&policy).is_denied());
    }

    #[test]
    fn the_excepted_and_readers_are_let_through() {
        let policy = configure::<ChangeFreeze>(SETTINGS).unwrap();
        let call = || TestCall::tool("set_run_tag").time(FROM);
        assert!(call().principal("release-bot").check(&policy).is_pass());
        assert!(call().principal("alice").check(&policy).is_denied());
        assert!(call().definition(&json!({"annotations": {"readOnlyHint": true}})).check(&policy).is_pass());
        assert!(call().definition(&json!({"annotations": {"readOnlyHint": "yes"}})).check(&policy).is_denied());
    }
}
