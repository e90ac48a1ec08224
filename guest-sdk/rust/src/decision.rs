//! What a policy answers.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, in words for the agent that called.
    pub message: String,
    /// The rule that refused, as its author names it.
    pub rule: Option<String>,
    /// Seconds after which the same call may succeed.
    pub retry_after: Option<u32>,
}

/// A demand for a human's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What the approver is asked.
    pub message: String,
    /// The rule that asks.
    pub rule: Option<String>,
    /// Seconds until an unanswered request counts as refused.
    pub expires_after: Option<u32>,
}

/// Who shares a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// One MCP session.
    #[default]
    Session,
    /// One authenticated caller. Callers without a principal are one caller of each server.
    Principal,
    /// Everyone who uses the same server.
    Server,
    /// Everyone.
    Everyone,
}

/// A calendar unit, in UTC. Weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

/// The span of time over which a counter adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many seconds, at least 1.
    Sliding(u32),
    /// The current calendar unit.
    Fixed(Unit),
}

/// Quota that the call takes if it goes ahead. The host counts: it reserves the charges of all plugins
/// together, takes none when anything refuses, and gives them back when the server fails.
///
/// ```
/// use bartizan_guest::{Charge, Scope, Unit, Window};
///
/// // At most 500.00 a day over everybody, of which this call takes what it spends.
/// let charge = Charge {
///     cost: "12.50".to_owned(),
///     limit: "500".to_owned(),
///     ..Charge::call("spending", 0, Window::Fixed(Unit::Day))
/// };
/// let charge = charge.scope(Scope::Everyone).message("The budget of today is spent.");
/// assert_eq!(charge.scope, Scope::Everyone);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The counter's name. Plugins that name the same counter with the same scope, limit and window
    /// share it.
    pub counter: String,
    /// Who shares the counter.
    pub scope: Scope,
    /// How much this call takes: an exact decimal number.
    pub cost: String,
    /// How much there is in one window: an exact decimal number.
    pub limit: String,
    /// The window in which costs add up.
    pub window: Window,
    /// What the agent is told when the limit is reached, instead of the host's own words.
    pub message: Option<String>,
    /// The rule that charges.
    pub rule: Option<String>,
    /// Whether a call that the server answered with an error takes this quota as well.
    pub counts_errors: bool,
}

impl Charge {
    /// One call out of `limit` in each window, for each session.
    pub fn call(counter: impl Into<String>, limit: u32, window: Window) -> Self {
        Self {
            counter: counter.into(),
            scope: Scope::Session,
            cost: "1".to_owned(),
            limit: limit.to_string(),
            window,
            message: None,
            rule: None,
            counts_errors: false,
        }
    }

    /// Takes the quota also if the server answers with an error.
    #[must_use]
    pub fn counting_errors(mut self) -> Self {
        self.counts_errors = true;
        self
    }

    /// Names the rule that charges.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// What the agent is told when the limit is reached. The host adds when to try again.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Shares the counter more widely.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }
}

/// Something worth keeping in the audit record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The note's name.
    pub key: String,
    /// JSON text.
    pub value: String,
}

/// What a policy thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No objection.
    Pass,
    /// Refuse it.
    Deny(Denial),
    /// Let a human decide.
    Ask(Approval),
    /// Go on with this JSON text instead of the arguments, or of the result. Needs
    /// [`crate::Ask::RewriteArguments`] or [`crate::Ask::RewriteResults`], granted.
    Rewrite(String),
}

/// The answer of one evaluation.
///
/// ```
/// use bartizan_guest::{Charge, Decision, Window};
///
/// let decision = Decision::deny("Production goes through CI.").rule("/stages/production");
/// assert_eq!(decision.reason(), Some("Production goes through CI."));
///
/// let decision = Decision::pass()
///     .charge(Charge::call("uploads", 10, Window::Sliding(60)))
///     .note("size", "12345");
/// assert!(decision.is_pass());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the policy thinks.
    pub verdict: Verdict,
    /// Quota to take if the call goes ahead.
    pub charges: Vec<Charge>,
    /// Notes for the audit record.
    pub notes: Vec<Note>,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, charges: Vec::new(), notes: Vec::new() }
    }
}

impl Decision {
    /// No objection.
    pub fn pass() -> Self {
        Verdict::Pass.into()
    }

    /// Refuses, with a reason for the agent.
    pub fn deny(message: impl Into<String>) -> Self {
        Verdict::Deny(Denial { message: message.into(), rule: None, retry_after: None }).into()
    }

    /// Lets a human decide. Not on a reply, where it is a fault.
    pub fn ask(message: impl Into<String>) -> Self {
        Verdict::Ask(Approval { message: message.into(), rule: None, expires_after: None }).into()
    }

    /// Goes on with other arguments, or another result: the JSON text of an object, the whole of it.
    ///
    /// ```
    /// use bartizan_guest::Decision;
    ///
    /// let decision = Decision::rewrite(r#"{"run_id": "1", "stage": "Staging"}"#);
    /// assert!(!decision.is_pass() && !decision.is_denied());
    /// ```
    pub fn rewrite(json: impl Into<String>) -> Self {
        Verdict::Rewrite(json.into()).into()
    }

    /// Names the rule that refuses or asks.
    #[must_use]
    pub fn rule(mut self, name: impl Into<String>) -> Self {
        match &mut self.verdict {
            Verdict::Deny(Denial { rule, .. }) | Verdict::Ask(Approval { rule, .. }) => {
                *rule = Some(name.into());
            }
            Verdict::Pass | Verdict::Rewrite(_) => {}
        }
        self
    }

    /// Takes quota if the call goes ahead.
    #[must_use]
    pub fn charge(mut self, charge: Charge) -> Self {
        self.charges.push(charge);
        self
    }

    /// Keeps something in the audit record. `value` is JSON text.
    #[must_use]
    pub fn note(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.push(Note { key: key.into(), value: value.into() });
        self
    }

    /// Whether it refuses.
    pub fn is_denied(&self) -> bool {
        matches!(self.verdict, Verdict::Deny(_))
    }

    /// Whether it has no objection.
    pub fn is_pass(&self) -> bool {
        matches!(self.verdict, Verdict::Pass)
    }

    /// The reason it refuses with.
    pub fn reason(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Deny(denial) => Some(&denial.message),
            _ => None,
        }
    }
}
