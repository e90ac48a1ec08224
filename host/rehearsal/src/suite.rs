//! Test suites of policies.
//!
//! A suite is one file: a policy (or a plugin that is tested alone) and cases, each a call or a sequence of steps
//! with what is expected of them. docs/testing-policies.md has the format.
//!
//! Invariant: a [`Suite`] comes only from a file without errors.

mod alone;
mod expect;
mod find;
mod policies;
mod read;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bartizan_audit::record::Verdict;
use bartizan_gateway::offline::Ending;
use bartizan_policy::Policy;
use bartizan_policy::source::Position;
use bartizan_runtime::{Entry, Reply};
use bartizan_state::approval::Decision;
use bartizan_wire::json::Document;

pub use alone::name as plugin_name;
pub use expect::{Expectation, ListExpectation, ReplyExpectation, ReplyVerdict, Wording};
pub use find::{FindError, find, is_suite};
pub use policies::Policies;
pub(crate) use policies::RELATIVE;
pub use read::{Defaults, Unread, read};

use crate::call::{Circumstances, Message};
use crate::definitions::Kind;
use crate::plugins::Origin;

/// The words for verdicts in suites.
pub(crate) const VERDICTS: [(&str, Verdict); 4] =
    [("allow", Verdict::Allow), ("deny", Verdict::Deny), ("hidden", Verdict::Hidden), ("ask", Verdict::Ask)];

/// One file of cases.
#[derive(Debug)]
pub struct Suite {
    /// The file, as it was named.
    pub file: String,
    /// In the order of the file.
    pub cases: Vec<Case>,
    /// Every file that it depends on, itself included.
    pub files: BTreeSet<PathBuf>,
}

/// One case. Every case begins with empty counters and without approvals.
#[derive(Debug)]
pub struct Case {
    /// Its name, which no other case of the file has.
    pub name: String,
    /// Where it stands.
    pub position: Position,
    /// What judges.
    pub policy: Arc<Policy>,
    /// Where the plugins are that the policy names.
    pub origin: Origin,
    /// What happens, or does not.
    pub content: Content,
}

/// What a case is about.
#[derive(Debug)]
pub enum Content {
    /// Something happens.
    Steps {
        /// In order; at least one.
        steps: Vec<Step>,
        /// Whether the steps stand in a list of their own: a case may be a single call.
        is_sequence: bool,
    },
    /// The plugin that is tested alone refuses its settings.
    Refusal {
        /// With an error that contains this.
        text: String,
    },
}

/// Something that happens in a case.
#[derive(Debug)]
pub struct Step {
    /// Where it stands.
    pub position: Position,
    /// When.
    pub time: StepTime,
    /// What.
    pub action: Action,
}

/// When a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepTime {
    /// At this time: milliseconds since the Unix epoch.
    At(u64),
    /// So many milliseconds after the step before; after the case's time for the first one.
    After(u64),
}

/// What happens in a step.
#[derive(Debug)]
pub enum Action {
    /// A call is made.
    Call(Box<CallStep>),
    /// A list is asked for.
    List(Box<ListStep>),
    /// A person decides on the call that asked last.
    Decide {
        /// What they say.
        decision: Decision,
        /// Who.
        by: String,
    },
}

/// A call and what is expected of it.
#[derive(Debug)]
pub struct CallStep {
    /// What is called.
    pub message: Message,
    /// By whom; the time is that of the step.
    pub circumstances: Circumstances,
    /// The server's definition of the target.
    pub entry: Option<Arc<Entry>>,
    /// How often.
    pub times: u32,
    /// How the server ends it, if it gets there.
    pub ending: Ending,
    /// What the server answers.
    pub result: Option<Reply>,
    /// What is expected, each time.
    pub expect: Expectation,
}

/// A list and what is expected of it.
#[derive(Debug)]
pub struct ListStep {
    /// What is listed.
    pub kind: Kind,
    /// For whom; the time is that of the step.
    pub circumstances: Circumstances,
    /// What the server has.
    pub entries: Arc<[Entry]>,
    /// What is expected.
    pub expect: ListExpectation,
}

/// JSON as it is expected.
pub(crate) type Json = Document;
