//! From the charges of a plugin to those of the quota engine, and from a refusal to words.

use std::num::NonZeroU32;

use bartizan_runtime::{Call, Charge as Asked, Scope, Unit as AskedUnit, Window as AskedWindow};
use bartizan_state::quota::{Amount, AmountError, Charge, Counter, ScopeKey, Unit, Window};

/// A charge that cannot be read: the plugin's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChargeError {
    /// `cost` or `limit` is not an amount.
    #[error("the {field} \"{text}\" of the charge on `{counter}` is unusable: {source}")]
    Amount { field: &'static str, text: String, counter: String, source: AmountError },
    /// A window of no length.
    #[error("the window of the charge on `{counter}` has no length")]
    Window { counter: String },
}

/// Reads a plugin's charges on a call.
pub(crate) fn read(charges: &[Asked], call: &Call) -> Result<Vec<Charge>, ChargeError> {
    charges.iter().map(|charge| read_one(charge, call)).collect()
}

fn read_one(charge: &Asked, call: &Call) -> Result<Charge, ChargeError> {
    let amount = |field, text: &str| {
        text.parse::<Amount>().map_err(|source| ChargeError::Amount {
            field,
            text: text.to_owned(),
            counter: charge.counter.clone(),
            source,
        })
    };
    let window = match charge.window {
        AskedWindow::Sliding(seconds) => Window::Sliding {
            seconds: NonZeroU32::new(seconds)
                .ok_or_else(|| ChargeError::Window { counter: charge.counter.clone() })?,
        },
        AskedWindow::Fixed(unit) => Window::Fixed(match unit {
            AskedUnit::Second => Unit::Second,
            AskedUnit::Minute => Unit::Minute,
            AskedUnit::Hour => Unit::Hour,
            AskedUnit::Day => Unit::Day,
            AskedUnit::Week => Unit::Week,
            AskedUnit::Month => Unit::Month,
        }),
    };
    Ok(Charge {
        counter: Counter {
            name: charge.counter.as_str().into(),
            limit: amount("limit", &charge.limit)?,
            window,
        },
        scope: match charge.scope {
            Scope::Session => ScopeKey::Session(call.session.clone()),
            Scope::Principal => match &call.principal {
                Some(principal) => ScopeKey::Principal(principal.clone()),
                None => ScopeKey::Anonymous(call.server.clone()),
            },
            Scope::Server => ScopeKey::Server(call.server.clone()),
            Scope::Everyone => ScopeKey::Everyone,
        },
        cost: amount("cost", &charge.cost)?,
        message: charge.message.clone(),
        rule: charge.rule.clone(),
        counts_errors: charge.counts_errors,
    })
}

/// What the agent is told when a charge does not fit.
pub(crate) fn refusal(charge: Option<&Charge>, retry_after: Option<u32>) -> String {
    let what = match charge {
        Some(Charge { message: Some(message), .. }) => message.clone(),
        Some(charge) => match charge.counter.window {
            Window::Sliding { seconds } => {
                format!("The limit of {} in {seconds} seconds is reached.", charge.counter.limit)
            }
            Window::Fixed(unit) => format!("The limit of {} per {unit} is reached.", charge.counter.limit),
        },
        None => "A limit is reached.".to_owned(),
    };
    // A message of a plugin may lack its full stop.
    let what = if what.ends_with(['.', '!', '?']) { what } else { format!("{what}.") };
    match retry_after {
        Some(1) => format!("{what} Try again in 1 second."),
        Some(seconds) => format!("{what} Try again in {seconds} seconds."),
        None => format!("{what} This call does not fit into it at any time."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_to_try_again() {
        let charge = |message: Option<&str>| Charge {
            counter: Counter {
                name: "calls".into(),
                limit: "10".parse().unwrap(),
                window: Window::Sliding { seconds: NonZeroU32::new(60).unwrap() },
            },
            scope: ScopeKey::Everyone,
            cost: Amount::ONE,
            message: message.map(str::to_owned),
            rule: None,
            counts_errors: false,
        };
        assert_eq!(
            refusal(Some(&charge(None)), Some(42)),
            "The limit of 10 in 60 seconds is reached. Try again in 42 seconds."
        );
        assert_eq!(refusal(Some(&charge(Some("Slow down."))), Some(1)), "Slow down. Try again in 1 second.");
        assert!(refusal(Some(&charge(None)), None).ends_with("at any time."));
    }
}
