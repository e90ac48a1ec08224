//! What `record: full` keeps of a call: its content, after the built-in `redact` plugin has taken out what
//! looks like a secret.

use std::sync::Arc;

use bartizan_audit::record::{Full, Json};
use bartizan_runtime::{Call, Judgement, Plugin, Verdict};

/// The settings of the `redact` plugin for the audit log.
pub(crate) const SETTINGS: &str = r#"{"methods":[{"pattern":"*","redact":[{"in":"arguments","at":[],"detect":["secret","key","card","iban"],"action":"replace","replace":"[REDACTED]","rule":"(audit)"}]}]}"#;

/// Redacts what is recorded.
#[derive(Clone)]
pub(crate) struct Recorder {
    plugin: Arc<Plugin>,
}

impl Recorder {
    /// A recorder with the `redact` plugin, configured with [`SETTINGS`].
    pub(crate) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin }
    }

    /// The content of a call. Without arguments if they cannot be redacted.
    pub(crate) fn content(&self, call: &Arc<Call>) -> Full {
        let arguments = match self.plugin.judge(call, None) {
            Ok(Judgement::Decided(decision)) => match decision.verdict {
                Verdict::Pass => call.arguments.as_deref().map(str::to_owned),
                Verdict::Rewrite(arguments) => Some(arguments),
                Verdict::Deny(_) | Verdict::Ask(_) => None,
            },
            Ok(Judgement::Hidden) => None,
            Err(error) => {
                tracing::warn!(%error, "the arguments of a call are not recorded: they cannot be redacted");
                None
            }
        };
        let json = |text: &str| Json::new(text).ok();
        Full {
            arguments: arguments.as_deref().and_then(json),
            claims: call.claims.as_deref().and_then(json),
            definition: call.entry.as_deref().and_then(|entry| json(&entry.definition)),
        }
    }
}
