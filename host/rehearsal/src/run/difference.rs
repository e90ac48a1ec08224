//! What is not as it was expected.

use bartizan_audit::record::{Mode, RuleRecord, RuleVerdict};
use bartizan_policy::source::Position;

/// Where a case went another way, and how.
#[derive(Debug)]
pub struct Difference {
    /// Where the step stands.
    pub position: Position,
    /// Which step of the case, counted from 1, if it is a sequence.
    pub step: Option<usize>,
    /// Which time of so many, counted from 1, if the step happens more than once.
    pub time: Option<(u32, u32)>,
    /// What was done, for people: `tools/call delete_run {"run_id":"1"}`.
    pub done: String,
    /// What was expected beside what came, field by field.
    pub lines: Vec<Line>,
    /// Every rule that spoke.
    pub spoke: Vec<Spoke>,
}

/// A line of a comparison: a field, for JSON with the pointer of the part, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// As expected.
    Same(String, String),
    /// Expected, and not so.
    Expected(String, String),
    /// So, and not expected.
    Actual(String, String),
}

/// What a rule said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoke {
    /// The plugin's name.
    pub plugin: String,
    /// What it thinks.
    pub verdict: RuleVerdict,
    /// Which rule.
    pub rule: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Whether it counts.
    pub mode: Mode,
}

impl From<&RuleRecord> for Spoke {
    fn from(record: &RuleRecord) -> Self {
        Self {
            plugin: record.plugin.to_string(),
            verdict: record.verdict,
            rule: record.rule.clone(),
            reason: record.reason.clone(),
            mode: record.mode,
        }
    }
}

/// `conditions: deny /tools/x/deny_if/0: Production goes through CI.`
impl std::fmt::Display for Spoke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.plugin, self.verdict.as_str())?;
        if let Some(rule) = &self.rule {
            write!(f, " {rule}")?;
        }
        if self.mode == Mode::Monitor {
            f.write_str(" (monitor: not enforced)")?;
        }
        match &self.reason {
            Some(reason) => write!(f, ": {}", crate::text::whole(reason)),
            None => Ok(()),
        }
    }
}

impl Line {
    /// The mark that unified diffs have before the line.
    pub fn mark(&self) -> char {
        match self {
            Self::Same(..) => ' ',
            Self::Expected(..) => '-',
            Self::Actual(..) => '+',
        }
    }

    /// The field and its value.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Same(field, value) | Self::Expected(field, value) | Self::Actual(field, value) => {
                (field, value)
            }
        }
    }
}

/// `- verdict: deny`
impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (field, value) = self.parts();
        write!(f, "{} {field}: {value}", self.mark())
    }
}
