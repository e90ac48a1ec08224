//! Judging without a server: what a policy makes of a call, with counters and approvals in memory.
//!
//! The same plugins, the same combination of what they say and the same counting as behind a gateway, and the
//! same memory of each session; only nothing is forwarded, and no plugin reaches the network. The time is that
//! of each call.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bartizan_audit::event::Occasion;
use bartizan_audit::record::{RuleRecord, Verdict};
use bartizan_policy::Policy;
use bartizan_policy::diagnostics::Diagnostics;
use bartizan_runtime::{Call, Entry, Flow, Reply};
use bartizan_state::approval::{Approvals as _, Decision, MemoryApprovals, Ticket};
use bartizan_state::quota::{Charge, MemoryQuotas, Millis};
use bartizan_wire::json::{Document, Limits, canonical};
use bartizan_wire::method::{self, Noun};
use parking_lot::Mutex;

use crate::admission::{self, Ruling, Stores, Underway};
use crate::catalogue;
use crate::digest;
use crate::folder::Folder;
use crate::generation::{self, CacheLocation, StartError};
use crate::judge::{self, Judged, Opinion, ReplyRuling};
use crate::loader::Loader;
use crate::memory::{NoRoom, Room, SessionMemory};
use crate::plan::ActivePlan;

/// Loads policies and their plugins. Plugins are configured anew for each evaluation, which spares the
/// compiling that a gateway does once for each policy.
pub struct Judges {
    loader: Loader,
    folder: Folder,
}

impl Judges {
    /// Starts the engine and reads the plugins folder.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used.
    pub fn new(plugins_dir: Option<&Path>, cache: &CacheLocation) -> Result<Self, StartError> {
        let folder = generation::folder(plugins_dir)?;
        Ok(Self { loader: generation::loader(cache)?.fresh(), folder })
    }

    /// Starts the engine, with one plugin in place of a folder: `name` is what policies call it.
    ///
    /// # Errors
    ///
    /// When the engine does not start.
    pub fn of_plugin(name: &str, path: &Path, cache: &CacheLocation) -> Result<Self, StartError> {
        Ok(Self { loader: generation::loader(cache)?.fresh(), folder: Folder::of_plugin(name, path) })
    }

    /// What the plugins that a policy names make of their settings: the first that does not take them.
    ///
    /// # Errors
    ///
    /// Every plugin that is missing or is none.
    pub fn settings(&mut self, policy: &Policy) -> Result<Taking, Diagnostics> {
        self.loader.settings(policy, &self.folder)
    }

    /// Makes a policy ready to judge.
    ///
    /// # Errors
    ///
    /// Every plugin that is missing or does not take its settings.
    pub fn load(&mut self, policy: &Policy) -> Result<Judge, Diagnostics> {
        let loaded = self.loader.load(&[policy], &self.folder, Occasion::Start)?;
        // There is a plan for each policy.
        let plan = loaded.plans.into_iter().next().ok_or_else(Diagnostics::default)?;
        Ok(Judge::new(plan))
    }
}

/// What plugins make of their settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking {
    /// They take them.
    Taken,
    /// One refuses them, in these words.
    Refused(String),
    /// One fails on them, or does not ask for what it is granted: why.
    Failed(String),
}

/// A policy that judges, with what it has counted so far.
pub struct Judge {
    plan: ActivePlan,
    stores: Stores,
    approvals: Arc<MemoryApprovals>,
    room: Arc<Room>,
    memories: Mutex<HashMap<Arc<str>, Arc<SessionMemory>>>,
}

/// What became of a call.
#[derive(Debug)]
pub struct Outcome {
    /// What was decided.
    pub verdict: Verdict,
    /// The rule that decided, if one objected.
    pub rule: Option<String>,
    /// What the caller is told.
    pub reason: Option<String>,
    /// Seconds after which the same call may succeed.
    pub retry_after: Option<u32>,
    /// The ticket of the approval that it waits for, or that it used.
    pub ticket: Option<Ticket>,
    /// Every rule that spoke, in the order of the plan.
    pub rules: Vec<RuleRecord>,
    /// The quota that it takes if it goes on; none if a rule refuses it.
    pub charges: Vec<Charge>,
    /// The call as it goes on, if a plugin rewrote its arguments.
    pub rewritten: Option<Arc<Call>>,
    taken: Option<Underway>,
}

/// How a call that was let through ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server answered.
    Done,
    /// The server answered with an error.
    Failed,
    /// It was not reached.
    NotSent,
}

/// What became of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyOutcome {
    /// The caller gets it as it is.
    Unchanged,
    /// The caller does not get it.
    Denied {
        /// The rule that withholds it.
        rule: Option<String>,
        /// What the caller is told.
        reason: String,
    },
    /// The caller gets this instead: JSON text.
    Rewritten(String),
}

impl Judge {
    /// Begins with empty counters.
    fn new(plan: ActivePlan) -> Self {
        let approvals = Arc::new(MemoryApprovals::default());
        let stores =
            Stores { quotas: Arc::new(MemoryQuotas::new()), approvals: Arc::clone(&approvals) as Arc<_> };
        Self { plan, stores, approvals, room: Arc::default(), memories: Mutex::default() }
    }

    /// The policy's plan.
    pub fn plan(&self) -> &ActivePlan {
        &self.plan
    }

    /// What plugins remember of a session.
    fn memory(&self, session: &Arc<str>) -> Arc<SessionMemory> {
        let mut memories = self.memories.lock();
        let memory = || Arc::new(SessionMemory::new(Arc::clone(&self.room)));
        Arc::clone(memories.entry(Arc::clone(session)).or_insert_with(memory))
    }

    /// Judges a call, and takes what it needs if it goes on. To be settled then with [`Judge::settle`].
    /// `noun` is the kind of its target.
    pub fn call(&self, call: Call, noun: Option<Noun>) -> Outcome {
        let now = Millis::new(call.time);
        let listing = noun.and_then(|noun| listing_of(&call, noun));
        let (time, memory) = (call.time, self.memory(&call.session));
        let mut charges = Vec::new();
        let plan = Some(&self.plan);
        let judged = judge::judge_call(plan, call, listing.as_ref(), &Limits::default(), &memory).map(
            |opinion, rules| {
                if let Opinion::Passed(passed) = &opinion {
                    charges.clone_from(&passed.charges);
                }
                admission::admit(opinion, plan, &self.stores, now, rules)
            },
        );
        let Judged { ruling, rules, .. } = judged;
        let ruling = match ruling {
            Ruling::Allowed { memory: ref changes, .. } if memory.keep(changes, time).is_err() => {
                Ruling::Denied(NoRoom.into())
            }
            ruling => ruling,
        };
        let mut outcome = Outcome {
            verdict: Verdict::Allow,
            rule: None,
            reason: None,
            retry_after: None,
            ticket: None,
            rules,
            charges,
            rewritten: None,
            taken: None,
        };
        let refusal = match ruling {
            Ruling::Hidden => {
                outcome.verdict = Verdict::Hidden;
                outcome.rule = Some(bartizan_policy::rule::HIDDEN.to_owned());
                return outcome;
            }
            Ruling::Allowed { call, arguments, admission, .. } => {
                outcome.ticket = admission.ticket().cloned();
                outcome.rewritten = arguments.map(|_| call);
                outcome.taken = Some(admission.forwarded());
                return outcome;
            }
            Ruling::Denied(refusal) => {
                outcome.verdict = Verdict::Deny;
                refusal
            }
            Ruling::Waiting(waiting) => {
                outcome.verdict = Verdict::Ask;
                outcome.ticket = Some(waiting.approval.ticket.clone());
                admission::waiting(&waiting.approval)
            }
        };
        outcome.rule = refusal.rule;
        outcome.reason = Some(refusal.reason);
        outcome.retry_after = refusal.retry_after;
        outcome
    }

    /// Settles what a call has taken. Without it what was taken stays taken.
    pub fn settle(&self, outcome: &mut Outcome, ending: Ending) {
        let Some(taken) = outcome.taken.take() else { return };
        match ending {
            Ending::Done => taken.commit(),
            Ending::Failed => taken.failed(),
            Ending::NotSent => taken.rollback(),
        }
    }

    /// Which entries of a list the caller may know of. `listing` is the list request.
    ///
    /// # Errors
    ///
    /// Why the list is withheld: the rule, and what the caller is told.
    pub fn visible(&self, listing: Call, entries: &[Entry]) -> Result<Vec<bool>, (Option<String>, String)> {
        let memory = self.memory(&listing.session);
        judge::filter(Some(&self.plan), &Arc::new(listing), entries, &memory)
            .ruling
            .map_err(|denial| (denial.rule, denial.reason))
    }

    /// What the caller gets of the reply to a call.
    pub fn reply(&self, call: Call, reply: Reply) -> (ReplyOutcome, Vec<RuleRecord>) {
        let memory = self.memory(&call.session);
        let call = Arc::new(call);
        let (Judged { ruling, rules, .. }, changes) =
            judge::judge_reply(&self.plan, &call, reply, &Limits::default(), &memory);
        let ruling = match memory.keep(&changes, call.time) {
            Ok(()) => ruling,
            Err(problem) => ReplyRuling::Denied(problem.into()),
        };
        let outcome = match ruling {
            ReplyRuling::Unchanged => ReplyOutcome::Unchanged,
            ReplyRuling::Denied(denial) => ReplyOutcome::Denied { rule: denial.rule, reason: denial.reason },
            ReplyRuling::Rewritten(document) => ReplyOutcome::Rewritten(document.as_str().to_owned()),
        };
        (outcome, rules)
    }

    /// Decides on a ticket, as a person would.
    ///
    /// # Errors
    ///
    /// Why that cannot be decided, in words.
    pub fn decide(&self, ticket: &Ticket, decision: Decision, by: &str, time: u64) -> Result<(), String> {
        self.approvals
            .decide(ticket, decision, by, None, Millis::new(time))
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

/// What a message acts on, and what plugins read as its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The kind of the target and its name, if the method has one.
    pub target: Option<(Noun, String)>,
    /// The arguments or params: JSON text.
    pub arguments: Option<String>,
}

/// Takes a message's `params` apart, as the gateway does.
pub fn parts(method: &str, params: Option<&Document>) -> Parts {
    let method = method::lookup(method);
    let params = params.map(Document::root);
    let target = method.and_then(|method| method.target(params));
    let arguments = match method {
        Some(method) => method.arguments(params),
        None => params,
    };
    Parts {
        target: target.map(|target| (target.noun, target.name.into_owned())),
        arguments: arguments.map(|arguments| arguments.text().to_owned()),
    }
}

/// The digest under which arguments are recorded: `arguments` is JSON text.
pub fn arguments_digest(arguments: &str) -> String {
    match Document::parse(arguments.as_bytes(), &Limits::default()) {
        Ok(document) => digest::of(&canonical(document.root())),
        Err(_not_read) => digest::of(arguments),
    }
}

/// An entry of a catalogue, from the server's definition: compact JSON text.
pub fn entry(name: &str, definition: &str) -> Entry {
    catalogue::entry(name, definition)
}

/// The list request in which a call's target would be found.
fn listing_of(call: &Call, noun: Noun) -> Option<Arc<Call>> {
    let list = catalogue::list_method(noun)?;
    Some(Arc::new(Call {
        method: list.name.into(),
        direction: Flow::ClientToServer,
        target: None,
        arguments: None,
        entry: None,
        ..call.clone()
    }))
}
