//! Settings that a plugin is to refuse.

use bartizan_gateway::offline::Taking;
use bartizan_policy::plan::PluginName;
use bartizan_wire::json::quote;

use super::difference::{Difference, Line};
use crate::suite::Case;
use crate::text::line;

/// Compares what a plugin made of its settings with the refusal that is expected.
pub(super) fn compare(case: &Case, text: &str, taking: &Taking) -> Result<(), Box<Difference>> {
    let actual = match taking {
        Taking::Refused(words) if words.contains(text) => return Ok(()),
        Taking::Refused(words) => quote(words),
        Taking::Taken => "the settings are taken".to_owned(),
        Taking::Failed(problem) => format!("it failed: {problem}"),
    };
    let steps = &case.policy.plan.steps;
    let settings = steps.iter().find(|step| matches!(step.plugin, PluginName::Named(_)));
    Err(Box::new(Difference {
        position: case.position,
        step: None,
        time: None,
        done: line(&format!("configure {}", settings.map_or("{}", |step| step.settings.as_str()))),
        lines: vec![
            Line::Expected("refused".to_owned(), format!("…{}…", quote(text))),
            Line::Actual("refused".to_owned(), actual),
        ],
        spoke: Vec::new(),
    }))
}
