//! One call, judged by a plugin alone.
//!
//! The plugin is the only one of a policy that allows everything else, so that the host does with its answer what
//! it does behind a gateway: charges are counted, rewrites applied, and grants held to.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::time::{Duration, Instant};

use bartizan_gateway::{CacheLocation, StartError};
use bartizan_policy::Policy;
use bartizan_policy::diagnostics::Diagnostics;
use bartizan_policy::source::Format;
use bartizan_rehearsal::definitions::Definitions;
use bartizan_rehearsal::explain::{self, Asked, Explanation};
use bartizan_rehearsal::plugins::{Origin, Plugins};
use bartizan_rehearsal::suite::plugin_name;
use bartizan_rehearsal::text;

use crate::plugin::{Grants, Settings};
use crate::table::time;

/// What a plugin makes of a call.
#[derive(Debug)]
pub struct Run {
    /// The decision, and what the plugin said.
    pub explanation: Explanation,
    /// How long all of it took, `configure` in a new instance for each hook included.
    pub took: Duration,
}

/// Several lines, each with its line break.
impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.explanation)?;
        writeln!(f, "\ntook {}, `configure` included", time(self.took))
    }
}

impl Run {
    /// As indented JSON: the explanation, with the time in microseconds.
    ///
    /// # Errors
    ///
    /// None for any explanation that can be made.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let explanation = self.explanation.to_json()?;
        // Numbers in it keep their literals, so that it cannot be parsed and written anew.
        let members = explanation.trim_start_matches('{');
        let took = self.took.as_secs_f64() * 1e6;
        Ok(text::json(&format!("{{\n  \"took_us\": {took:.1},{members}")))
    }
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The settings or the grants cannot be used.
    #[error("{0}")]
    Diagnostics(Diagnostics),
    /// The plugin cannot be used.
    #[error("{0}")]
    Start(#[from] StartError),
}

/// Judges a call with the plugin in a file.
///
/// # Errors
///
/// When the file is no plugin, or does not take its settings or its grants.
pub fn run(
    file: &Path,
    settings: &Settings,
    grants: &Grants,
    asked: &Asked,
    cache: CacheLocation,
) -> Result<Run, RunError> {
    let name = plugin_name(file);
    let policy = policy(&name, settings, grants).map_err(RunError::Diagnostics)?;
    let plugins = Plugins::new(cache);
    let judge = plugins.judge_from(&policy, &Origin::File { name, path: file.to_owned() })?;
    let begin = Instant::now();
    let mut explanation = explain::explain(&policy, &judge, asked, &Definitions::default());
    let took = begin.elapsed();
    // Nobody wrote this policy: where its rules stand says nothing.
    explanation.entries.clear();
    explanation.remarks.clear();
    let reply = explanation.reply.iter_mut().flat_map(|reply| &mut reply.rules);
    let spoken = explanation.rules.iter_mut().chain(reply).filter_map(|spoken| spoken.rule.as_mut());
    let charged = explanation.charges.iter_mut().filter_map(|taken| taken.rule.as_mut());
    for rule in spoken.chain(charged).chain(&mut explanation.rule) {
        rule.at = None;
    }
    Ok(Run { explanation, took })
}

/// The policy that has nothing but this plugin.
fn policy(name: &str, settings: &Settings, grants: &Grants) -> Result<Policy, Diagnostics> {
    let text = format!(
        r#"{{"version": "1", "default": "allow", "plugins": [{{"use": "{name}", "settings": {}, "grants": {}}}]}}"#,
        settings.as_str(),
        grants.as_str()
    );
    bartizan_policy::parse("(the plugin alone)", &text, Format::Json)
}
