//! Judgements that need not be made again.
//!
//! A plugin that is given nothing but the message, and starts from the same memory each time, judges the same
//! again if all that it reads is the same. What it reads is known: it asks the host for it. So the judgement
//! of a plugin that read nothing but what many calls share (the method, the target and its definition, the
//! server, the caller) is kept, and answers the next such call in a fraction of a microsecond.
//!
//! Never kept are the judgements of plugins that are reused, use WASI or an interface behind a grant, or asked
//! for an argument, a claim, the session or the time; nor rewrites, nor failures.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::call::{Call, Entry, Flow};
use crate::configured::{Isolation, Plugin};
use crate::decision::{Decision, Judgement, Verdict};
use crate::error::EvaluationError;
use crate::interfaces::memory::Remembered;

/// Judgements of one plugin that are kept, about.
const KEPT: usize = 512;
/// What they may take together, in bytes, about.
const BYTES: u64 = 1 << 20;
/// What one takes at least.
const OVERHEAD: usize = 256;
/// Longer than that it is not kept.
const LONGEST: usize = 16 << 10;

/// What one plugin has judged in one place of a plan.
pub struct Judgements {
    kept: Cache<Situation, Arc<Judgement>, ByLength>,
}

/// All that a judgement which is kept can depend on.
#[derive(Clone, Hash, PartialEq, Eq)]
struct Situation {
    server: Arc<str>,
    method: Arc<str>,
    target: Option<Arc<str>>,
    entry: Option<Definition>,
    principal: Option<Arc<str>>,
    is_from_client: bool,
    /// The list request that comes with it.
    listing: Option<Arc<str>>,
}

/// Hashed by its name and its digest, and compared whole.
#[derive(Clone)]
struct Definition(Arc<Entry>);

impl Hash for Definition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
        self.0.digest.hash(state);
    }
}

impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Definition {}

impl Situation {
    /// `None` where the list request says something else of the caller than the call, which it never should.
    fn of(call: &Call, listing: Option<&Arc<Call>>) -> Option<Self> {
        let is_alike = |listing: &Arc<Call>| {
            listing.server == call.server
                && listing.principal == call.principal
                && listing.target.is_none()
                && listing.entry.is_none()
                && listing.direction == Flow::ClientToServer
        };
        listing.is_none_or(is_alike).then(|| Self {
            server: Arc::clone(&call.server),
            method: Arc::clone(&call.method),
            target: call.target.clone(),
            entry: call.entry.clone().map(Definition),
            principal: call.principal.clone(),
            is_from_client: call.direction == Flow::ClientToServer,
            listing: listing.map(|listing| Arc::clone(&listing.method)),
        })
    }

    /// What it takes besides what others have anyway.
    fn bytes(&self) -> usize {
        self.method.len() + self.target.as_ref().map_or(0, |target| target.len())
    }
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Situation, Arc<Judgement>> for ByLength {
    fn weight(&self, situation: &Situation, judgement: &Arc<Judgement>) -> u64 {
        u64::try_from(OVERHEAD + situation.bytes() + bytes(judgement)).unwrap_or(u64::MAX)
    }
}

impl Default for Judgements {
    fn default() -> Self {
        Self { kept: Cache::with_weighter(KEPT, BYTES, ByLength) }
    }
}

impl Judgements {
    /// What the plugin says of such a call, if that is known. A plugin that fails of late is asked.
    pub fn known(&self, plugin: &Plugin, call: &Call, listing: Option<&Arc<Call>>) -> Option<Judgement> {
        if !plugin.is_pure() || !plugin.quarantine.is_clear() {
            return None;
        }
        let judgement = self.kept.get(&Situation::of(call, listing)?)?;
        plugin.counters.spared();
        Some(Judgement::clone(&judgement))
    }

    /// Lets the plugin judge a call, as [`Plugin::judge_with`], and keeps the judgement if it may.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn judge(
        &self,
        plugin: &Plugin,
        call: &Arc<Call>,
        listing: Option<&Arc<Call>>,
        remembered: &Remembered,
    ) -> Result<Judgement, EvaluationError> {
        let (judgement, is_particular) = plugin.judge_and_tell(call, listing, remembered)?;
        if plugin.is_pure()
            && !is_particular
            && is_lasting(&judgement)
            && let Some(situation) = Situation::of(call, listing)
            && situation.bytes() + bytes(&judgement) <= LONGEST
        {
            self.kept.insert(situation, Arc::new(judgement.clone()));
        }
        Ok(judgement)
    }
}

impl std::fmt::Debug for Judgements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judgements").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Whether a judgement follows from what the plugin reads of the message, and has no other effect.
    fn is_pure(&self) -> bool {
        !self.uses_wasi && self.granted.is_nothing() && !matches!(self.isolation, Isolation::Reuse { .. })
    }
}

fn is_lasting(judgement: &Judgement) -> bool {
    match judgement {
        Judgement::Hidden => true,
        Judgement::Decided(Decision { verdict, memory, .. }) => {
            memory.is_empty() && !matches!(verdict, Verdict::Rewrite(_))
        }
    }
}

/// The text in a judgement, in bytes.
fn bytes(judgement: &Judgement) -> usize {
    let Judgement::Decided(Decision { verdict, charges, notes, memory: _ }) = judgement else { return 0 };
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let verdict = match verdict {
        Verdict::Pass => 0,
        Verdict::Deny(denial) => denial.message.len() + optional(&denial.rule),
        Verdict::Ask(approval) => approval.message.len() + optional(&approval.rule),
        Verdict::Rewrite(text) => text.len(),
    };
    let charges = charges.iter().map(|charge| {
        charge.counter.len()
            + charge.cost.len()
            + charge.limit.len()
            + optional(&charge.message)
            + optional(&charge.rule)
    });
    let notes = notes.iter().map(|note| note.key.len() + note.value.len());
    verdict + charges.sum::<usize>() + notes.sum::<usize>()
}
