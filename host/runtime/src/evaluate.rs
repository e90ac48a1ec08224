//! One evaluation: an instance, a deadline, a hook, an answer that is checked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Instance;
use wasmtime::{Store, UpdateDeadline};

use crate::call::{Call, Entry, Reply};
use crate::component::Capability;
use crate::configured::{Isolation, Plugin};
use crate::contract::HostState;
use crate::decision::{
    AMOUNT_BYTES, CHARGES, COUNTER_BYTES, Decision, Denial, Judgement, MESSAGE_BYTES, NOTES, RULE_BYTES,
    Verdict, Window,
};
use crate::engine::{Engine, Slot};
use crate::error::{ConfigureError, EvaluationError};
use crate::interfaces::Interfaces;
use crate::interfaces::memory::Remembered;
use crate::limits::Limits;
use crate::wasi::Wasi;

/// How many instances of a reused plugin are kept.
const WARM_INSTANCES: usize = 16;

/// A live instance, which may serve again. The store goes before the slot that it takes up.
pub(crate) struct Warm {
    store: Store<HostState>,
    instance: Instance,
    served: u32,
    _slot: Slot,
}

impl Plugin {
    /// Judges a call over the hooks `listings` (may the caller know of the target?) and `calls`, in one
    /// instance.
    ///
    /// `listing` is the list request that the target's entry would be filtered in: what `listings`
    /// reads as the current call. A hook is asked only where the plugin is interested.
    ///
    /// # Errors
    ///
    /// When the plugin gave no decision. What that means for the call is the caller's choice.
    pub fn judge(&self, call: &Arc<Call>, listing: Option<&Arc<Call>>) -> Result<Judgement, EvaluationError> {
        self.judge_with(call, listing, &Remembered::NOTHING)
    }

    /// As [`Plugin::judge`], with what the plugin remembers of the session.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn judge_with(
        &self,
        call: &Arc<Call>,
        listing: Option<&Arc<Call>>,
        remembered: &Remembered,
    ) -> Result<Judgement, EvaluationError> {
        Ok(self.judge_and_tell(call, listing, remembered)?.0)
    }

    /// The same, and whether the judgement depends on what no two calls need have in common.
    pub(crate) fn judge_and_tell(
        &self,
        call: &Arc<Call>,
        listing: Option<&Arc<Call>>,
        remembered: &Remembered,
    ) -> Result<(Judgement, bool), EvaluationError> {
        let hooks = self.hooks();
        let listed = match (listing, &call.entry) {
            (Some(listing), Some(entry))
                if hooks.listings && self.is_interested(&listing.method, Some(&entry.name)) =>
            {
                Some((listing, entry))
            }
            _ => None,
        };
        let checks = hooks.calls && self.is_interested(&call.method, call.target.as_deref());
        if listed.is_none() && !checks {
            return Ok((Judgement::Decided(Decision::PASS), false));
        }
        let mut is_particular = true;
        let judgement = self.evaluate(
            remembered,
            |live| {
                if let Some((listing, entry)) = listed {
                    live.store.data_mut().judge_listing(listing);
                    let visible = self.exports.visible(
                        &mut live.store,
                        &live.instance,
                        std::slice::from_ref(&**entry),
                    )?;
                    is_particular = live.store.data().is_particular();
                    if visible.as_deref().is_some_and(|visible| visible != [true]) {
                        return Ok(Answer::Visible(visible.unwrap_or_default()));
                    }
                }
                if !checks {
                    return Ok(Answer::Decision(Decision::PASS));
                }
                live.store.data_mut().judge_call(call);
                let decision = self.exports.check_call(&mut live.store, &live.instance)?;
                is_particular = live.store.data().is_particular();
                Ok(Answer::Decision(live.remembering(decision.unwrap_or(Decision::PASS))))
            },
            |answer| match answer {
                Answer::Visible(visible) if visible.len() == 1 => Ok(Judgement::Hidden),
                Answer::Visible(visible) => Err(wrong_count(1, visible.len())),
                Answer::Decision(decision) => {
                    check(&decision)?;
                    Ok(Judgement::Decided(self.hold_to_grants(decision, Capability::RewriteArguments)))
                }
            },
        )?;
        Ok((judgement, is_particular))
    }

    /// Which of the entries the caller of `listing` may know of, by the `listings` hook; all of them
    /// for a plugin without it.
    ///
    /// # Errors
    ///
    /// When the plugin gave no usable answer.
    pub fn visible(&self, listing: &Arc<Call>, entries: &[Entry]) -> Result<Vec<bool>, EvaluationError> {
        self.visible_with(listing, entries, &Remembered::NOTHING)
    }

    /// As [`Plugin::visible`], with what the plugin remembers of the session.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn visible_with(
        &self,
        listing: &Arc<Call>,
        entries: &[Entry],
        remembered: &Remembered,
    ) -> Result<Vec<bool>, EvaluationError> {
        if !self.hooks().listings || entries.is_empty() {
            return Ok(vec![true; entries.len()]);
        }
        self.evaluate(
            remembered,
            |live| {
                live.store.data_mut().judge_listing(listing);
                self.exports.visible(&mut live.store, &live.instance, entries)
            },
            |visible| {
                let visible = visible.unwrap_or_default();
                if visible.len() == entries.len() {
                    Ok(visible)
                } else {
                    Err(wrong_count(entries.len(), visible.len()))
                }
            },
        )
    }

    /// Judges a reply, by the `replies` hook; a plugin without it has no objection.
    ///
    /// # Errors
    ///
    /// When the plugin gave no decision.
    pub fn check_reply(&self, call: &Arc<Call>, reply: &Arc<Reply>) -> Result<Decision, EvaluationError> {
        self.check_reply_with(call, reply, &Remembered::NOTHING)
    }

    /// As [`Plugin::check_reply`], with what the plugin remembers of the session.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check_reply_with(
        &self,
        call: &Arc<Call>,
        reply: &Arc<Reply>,
        remembered: &Remembered,
    ) -> Result<Decision, EvaluationError> {
        if !self.hooks().replies {
            return Ok(Decision::PASS);
        }
        self.evaluate(
            remembered,
            |live| {
                live.store.data_mut().judge_reply(call, reply);
                let decision = self.exports.check_reply(&mut live.store, &live.instance)?;
                Ok(live.remembering(decision.unwrap_or(Decision::PASS)))
            },
            |decision| {
                check(&decision)?;
                if matches!(decision.verdict, Verdict::Ask(_)) {
                    return Err(EvaluationError::Answer("`ask` is no verdict on a reply".to_owned()));
                }
                if !decision.charges.is_empty() {
                    return Err(EvaluationError::Answer("a reply cannot be charged".to_owned()));
                }
                Ok(self.hold_to_grants(decision, Capability::RewriteResults))
            },
        )
    }

    /// Runs `hook` in an instance and `read` on its answer. Any failure is recorded and drops the
    /// instance.
    fn evaluate<A, R>(
        &self,
        remembered: &Remembered,
        hook: impl FnOnce(&mut Warm) -> wasmtime::Result<A>,
        read: impl FnOnce(A) -> Result<R, EvaluationError>,
    ) -> Result<R, EvaluationError> {
        self.quarantine.admit().inspect_err(|error| self.counters.failed(error))?;
        let begin = Instant::now();
        let deadline = self.limits.deadline;
        // What waits for others does not take the room of what does not.
        let _waiting = match self.granted.waits().then(|| self.engine.waiting_slot(deadline)) {
            Some(None) => {
                let busy = EvaluationError::Busy { deadline };
                self.counters.evaluated(begin.elapsed());
                self.counters.failed(&busy);
                return Err(busy);
            }
            Some(slot) => slot,
            None => None,
        };
        let _ticking = self.engine.ticking();
        // A panic of the host while it runs a guest must not take more than this evaluation with it;
        // the store is dropped, so no broken invariant survives.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut live = self.instance()?;
            live.store.data_mut().begin(remembered);
            let answer = hook(&mut live).map_err(|error| self.limits.classify(&error))?;
            live.store.data_mut().end();
            let answer = read(answer)?;
            self.keep(live);
            Ok(answer)
        }))
        .unwrap_or_else(|_panic| Err(EvaluationError::Host("it panicked".to_owned())));
        self.counters.evaluated(begin.elapsed());
        match &outcome {
            Ok(_) => self.quarantine.succeeded(),
            Err(error) => {
                self.counters.failed(error);
                if error.blame() == crate::Blame::Plugin
                    && let Some(time) = self.quarantine.failed()
                {
                    tracing::warn!(
                        plugin = self.description().name,
                        seconds = time.as_secs(),
                        %error,
                        "the plugin keeps failing and is quarantined: it is not asked for a while"
                    );
                }
            }
        }
        outcome
    }

    /// An instance that is configured and has the whole deadline before it.
    fn instance(&self) -> Result<Warm, EvaluationError> {
        if let Some(mut warm) = self.warm.lock().pop() {
            allow(&mut warm.store, self.limits.deadline);
            return Ok(warm);
        }
        let deadline = self.limits.deadline;
        let slot = self.engine.slot(deadline).ok_or(EvaluationError::Busy { deadline })?;
        let mut store = self.store(deadline);
        let instance = self.pre.instantiate(&mut store).map_err(|error| self.limits.classify(&error))?;
        if let Some(settings) = &self.configure {
            allow(&mut store, self.limits.load_deadline);
            self.exports
                .configure(&mut store, &instance, settings)
                .map_err(|error| self.limits.classify_load(&error))?
                .map_err(|message| {
                    EvaluationError::Answer(format!("it refused settings that it took before: {message}"))
                })?;
            allow(&mut store, self.limits.deadline);
        }
        Ok(Warm { store, instance, served: 0, _slot: slot })
    }

    pub(crate) fn store(&self, deadline: Duration) -> Store<HostState> {
        let mut store = store(&self.engine, &self.limits, deadline, self.granted.prepare(&self.limits));
        if self.uses_wasi {
            let wasi = Wasi::of(&self.description().name, self.limits.log_lines);
            store.data_mut().wasi = Some(Box::new(wasi));
        }
        store
    }

    fn keep(&self, mut live: Warm) {
        let Isolation::Reuse { invocations } = self.isolation else { return };
        live.served += 1;
        if live.served < invocations.get() && self.engine.has_spare_slots() {
            let mut warm = self.warm.lock();
            if warm.len() < WARM_INSTANCES {
                warm.push(live);
            }
        }
    }

    /// A rewrite that was not granted refuses.
    fn hold_to_grants(&self, decision: Decision, needed: Capability) -> Decision {
        match decision.verdict {
            Verdict::Rewrite(_) if !self.grants.contains(&needed) => Decision {
                verdict: Verdict::Deny(Denial {
                    message: format!(
                        "The policy plugin `{}` wanted to change the message, for which it has no grant (`{}`).",
                        self.description().name,
                        needed.as_str()
                    ),
                    rule: None,
                    retry_after: None,
                }),
                charges: Vec::new(),
                notes: decision.notes,
                memory: Vec::new(),
            },
            _ => decision,
        }
    }
}

enum Answer {
    Visible(Vec<bool>),
    Decision(Decision),
}

impl Warm {
    /// A decision with what it changes in what the plugin remembers: a refusal changes nothing.
    fn remembering(&mut self, mut decision: Decision) -> Decision {
        let changes = self.store.data_mut().interfaces.memory.take_changes();
        if !matches!(decision.verdict, Verdict::Deny(_)) {
            decision.memory = changes;
        }
        decision
    }
}

/// A store with limits and a deadline.
pub(crate) fn store(
    engine: &Engine,
    limits: &Limits,
    deadline: Duration,
    interfaces: Interfaces,
) -> Store<HostState> {
    let waits = interfaces.http.may_wait();
    let mut store = Store::new(engine.wasmtime(), HostState::new(limits, interfaces));
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.output);
    if engine.counts_fuel() {
        // More than any evaluation can use. It fails only where fuel is not counted.
        let _counted = store.set_fuel(u64::MAX);
    }
    if waits {
        // Epochs pass while a plugin waits for others; that is not its own time.
        store.epoch_deadline_callback(|store| {
            let left = store.data().time_left();
            Ok(if left.is_zero() {
                UpdateDeadline::Interrupt
            } else {
                UpdateDeadline::Continue(Engine::epochs(left))
            })
        });
    }
    allow(&mut store, deadline);
    store
}

/// Gives the plugin so much time from now on.
pub(crate) fn allow(store: &mut Store<HostState>, time: Duration) {
    store.data_mut().allow(time);
    store.set_epoch_deadline(Engine::epochs(time));
}

/// Configures one instance, to learn whether the settings are good.
pub(crate) fn try_settings(plugin: &Plugin) -> Result<(), ConfigureError> {
    let Some(settings) = &plugin.configure else { return Ok(()) };
    let limits = &plugin.limits;
    let failed = |error: wasmtime::Error| ConfigureError::Failed(limits.classify_load(&error));
    let deadline = limits.load_deadline;
    let _slot =
        plugin.engine.slot(deadline).ok_or(ConfigureError::Failed(EvaluationError::Busy { deadline }))?;
    let _ticking = plugin.engine.ticking();
    let mut store = plugin.store(deadline);
    let instance = plugin.pre.instantiate(&mut store).map_err(failed)?;
    plugin
        .exports
        .configure(&mut store, &instance, settings)
        .map_err(failed)?
        .map_err(ConfigureError::Refused)
}

pub(crate) fn instantiate_only(plugin: &Plugin) -> Result<(), EvaluationError> {
    let deadline = plugin.limits.deadline;
    let _slot = plugin.engine.slot(deadline).ok_or(EvaluationError::Busy { deadline })?;
    let _ticking = plugin.engine.ticking();
    let mut store = plugin.store(deadline);
    plugin.pre.instantiate(&mut store).map_err(|error| plugin.limits.classify(&error))?;
    Ok(())
}

fn wrong_count(expected: usize, given: usize) -> EvaluationError {
    EvaluationError::Answer(format!("it answered {given} times for {expected} entries"))
}

/// Holds an answer to the sizes that the contract promises.
fn check(decision: &Decision) -> Result<(), EvaluationError> {
    let bounded = |what: &str, text: &str, limit: usize| {
        if text.len() > limit {
            Err(EvaluationError::Answer(format!("`{what}` is {} bytes long, more than {limit}", text.len())))
        } else {
            Ok(())
        }
    };
    let few = |what: &str, count: usize, limit: usize| {
        if count > limit {
            Err(EvaluationError::Answer(format!("{count} {what}, more than {limit}")))
        } else {
            Ok(())
        }
    };
    let (message, rule) = match &decision.verdict {
        Verdict::Pass | Verdict::Rewrite(_) => ("", None),
        Verdict::Deny(denial) => (denial.message.as_str(), denial.rule.as_deref()),
        Verdict::Ask(approval) => (approval.message.as_str(), approval.rule.as_deref()),
    };
    bounded("message", message, MESSAGE_BYTES)?;
    bounded("rule", rule.unwrap_or_default(), RULE_BYTES)?;
    few("charges", decision.charges.len(), CHARGES)?;
    for charge in &decision.charges {
        bounded("charge.counter", &charge.counter, COUNTER_BYTES)?;
        bounded("charge.cost", &charge.cost, AMOUNT_BYTES)?;
        bounded("charge.limit", &charge.limit, AMOUNT_BYTES)?;
        bounded("charge.message", charge.message.as_deref().unwrap_or_default(), MESSAGE_BYTES)?;
        bounded("charge.rule", charge.rule.as_deref().unwrap_or_default(), RULE_BYTES)?;
        if charge.window == Window::Sliding(0) {
            return Err(EvaluationError::Answer("a sliding window of 0 seconds".to_owned()));
        }
    }
    few("notes", decision.notes.len(), NOTES)?;
    for note in &decision.notes {
        bounded("note", &note.key, MESSAGE_BYTES)?;
        bounded("note", &note.value, MESSAGE_BYTES)?;
    }
    Ok(())
}
