//! What an approval is bound to.

use bartizan_runtime::Call;
use bartizan_state::approval::Binding;
use sha2::{Digest as _, Sha256};

/// The call that an approval is for: server, method, target, arguments, the target's definition, caller and
/// policy. A call that differs in one of them is another one, and needs an approval of its own. `arguments` is
/// their canonical text.
pub(super) fn of(call: &Call, arguments: &str, policy_digest: &str) -> Binding {
    let parts = [
        Some(&*call.server),
        Some(&*call.method),
        call.target.as_deref(),
        Some(arguments),
        call.entry.as_deref().map(|entry| entry.digest.as_str()),
        call.principal.as_deref(),
        Some(policy_digest),
    ];
    let mut hash = Sha256::new();
    hash.update(b"bartizan approval 1\n");
    for part in parts {
        // With its length, so that no two lists of parts look the same; what is absent is not empty.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
    Binding::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use bartizan_runtime::{Entry, Flow};

    fn call() -> Call {
        Call {
            method: "tools/call".into(),
            direction: Flow::ClientToServer,
            server: "mlflow".into(),
            target: Some("delete_run".into()),
            arguments: Some(r#"{"run_id":"1","force":true}"#.into()),
            entry: Some(Arc::new(Entry {
                name: "delete_run".into(),
                digest: "d".into(),
                definition: "{}".into(),
            })),
            session: "s".into(),
            principal: Some("alice".into()),
            claims: None,
            time: 0,
        }
    }

    fn bind(call: &Call, policy_digest: &str) -> Binding {
        of(call, &crate::admission::canonical_arguments(call), policy_digest)
    }

    #[test]
    fn the_same_call_is_the_same_whenever_and_wherever_it_is_made() {
        let later = Call {
            time: 99,
            session: "t".into(),
            arguments: Some(r#"{"force":true,"run_id":"1"}"#.into()),
            ..call()
        };
        assert_eq!(bind(&call(), "p"), bind(&later, "p"));
    }

    #[test]
    fn whatever_differs_makes_another_call_of_it() {
        let definition = |digest: &str| {
            Some(Arc::new(Entry {
                name: "delete_run".into(),
                digest: digest.into(),
                definition: "{}".into(),
            }))
        };
        let others = [
            ("server", Call { server: "other".into(), ..call() }),
            ("method", Call { method: "prompts/get".into(), ..call() }),
            ("target", Call { target: Some("delete_runs".into()), ..call() }),
            ("no target", Call { target: None, ..call() }),
            ("arguments", Call { arguments: Some(r#"{"run_id":"2","force":true}"#.into()), ..call() }),
            (
                "a number for a string",
                Call { arguments: Some(r#"{"run_id":1,"force":true}"#.into()), ..call() },
            ),
            ("definition", Call { entry: definition("e"), ..call() }),
            ("principal", Call { principal: Some("bob".into()), ..call() }),
            ("no principal", Call { principal: None, ..call() }),
            ("an empty principal", Call { principal: Some("".into()), ..call() }),
        ];
        let mut seen = vec![bind(&call(), "p"), bind(&call(), "q")];
        for (name, other) in others {
            let binding = bind(&other, "p");
            assert!(!seen.contains(&binding), "{name}");
            seen.push(binding);
        }
    }
}
