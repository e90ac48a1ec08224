//! One configured upstream server: its name, how it is reached, and the plan that judges its calls.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use crate::config::UpstreamConfig;
use crate::plan::ActivePlan;
use crate::starts::Starts;
use crate::tasks::Tasks;

/// A server as configured. The plan can be swapped while sessions are open; each message is judged by the
/// plan of its moment.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: Arc<str>,
    pub(crate) upstream: UpstreamConfig,
    /// The tasks of a server that gives all its sessions' tasks their ids.
    pub(crate) tasks: Arc<Tasks>,
    /// When its command may be started.
    pub(crate) starts: Starts,
    plan: ArcSwapOption<ActivePlan>,
    /// The digest of the policy that was held against the server's tools.
    compared: Mutex<Option<Arc<str>>>,
}

impl Server {
    pub(crate) fn new(name: &str, upstream: UpstreamConfig, plan: Option<ActivePlan>) -> Self {
        Self {
            name: name.into(),
            upstream,
            tasks: Arc::default(),
            starts: Starts::default(),
            plan: ArcSwapOption::from_pointee(plan),
            compared: Mutex::default(),
        }
    }

    /// Warns of patterns in the policy that match none of the server's tools, once for each policy: a
    /// misspelt name in `hide` hides nothing.
    pub(crate) fn compare(&self, tools: &[&str]) {
        let Some(plan) = self.plan() else { return };
        {
            let mut compared = self.compared.lock();
            if compared.as_ref() == Some(&plan.digest) {
                return;
            }
            *compared = Some(Arc::clone(&plan.digest));
        }
        for warning in &bartizan_policy::unmatched(&plan.document, tools) {
            tracing::warn!(server = %self.name, "{warning}");
        }
    }

    /// Puts another plan in force. False if it judges just as the one before.
    pub(crate) fn set_plan(&self, plan: Option<ActivePlan>) -> bool {
        let is_same = match (&*self.plan.load(), &plan) {
            (Some(before), Some(now)) => before.is_as(now),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            self.plan.store(plan.map(Arc::new));
        }
        !is_same
    }

    /// The plan that judges now. Without one, everything is denied.
    pub(crate) fn plan(&self) -> Option<Arc<ActivePlan>> {
        self.plan.load_full()
    }
}
