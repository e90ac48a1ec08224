//! One configured upstream server: its name, how it is reached, and the plan that judges its calls.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::config::UpstreamConfig;
use crate::plan::ActivePlan;

/// A server as configured. The plan can be swapped while sessions are open; each message is judged by the
/// plan of its moment.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: Arc<str>,
    pub(crate) upstream: UpstreamConfig,
    plan: ArcSwapOption<ActivePlan>,
}

impl Server {
    pub(crate) fn new(name: &str, upstream: UpstreamConfig, plan: Option<ActivePlan>) -> Self {
        Self { name: name.into(), upstream, plan: ArcSwapOption::from_pointee(plan) }
    }

    /// The plan that judges now. Without one, everything is denied.
    pub(crate) fn plan(&self) -> Option<Arc<ActivePlan>> {
        self.plan.load_full()
    }
}
