//! The policies of suites: each file and each text is loaded once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::{Node, Source, Span};

/// What to do about a file that cannot be read.
pub(crate) const RELATIVE: &str =
    "check the path and the file; the path is taken from this file's own directory";

/// Loads policies.
#[derive(Debug, Default)]
pub struct Policies {
    /// None for those with errors, which were reported.
    files: HashMap<PathBuf, Option<Arc<Policy>>>,
    texts: HashMap<(String, String), Option<Arc<Policy>>>,
}

impl Policies {
    /// The policy in a file. `place` is where its path stands. What is wrong with the policy itself is in
    /// `elsewhere`, once.
    pub(super) fn file(
        &mut self,
        path: &Path,
        place: Span,
        report: &mut Report,
        elsewhere: &mut Diagnostics,
    ) -> Option<Arc<Policy>> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let source = match Source::read(path) {
            Ok(source) => source,
            Err(problems) => {
                // Said where the path stands, which is where it can be mended.
                for problem in &problems {
                    let message = format!("{}: {}", path.display(), problem.message());
                    report.push(Problem::error(problem.code(), place, message).help(RELATIVE));
                }
                return None;
            }
        };
        let policy = accept(bartizan_policy::from_source(&source), elsewhere);
        self.files.insert(path.to_owned(), policy.clone());
        policy
    }

    /// A policy that stands in the suite.
    pub(super) fn inline(
        &mut self,
        source: &Source,
        node: &Node,
        place: Span,
        elsewhere: &mut Diagnostics,
    ) -> Option<Arc<Policy>> {
        let key = (source.name().to_owned(), node.to_json());
        if let Some(known) = self.texts.get(&key) {
            return known.clone();
        }
        let policy = accept(bartizan_policy::from_node(source, node, place), elsewhere);
        self.texts.insert(key, policy.clone());
        policy
    }
}

fn accept(loaded: Result<Policy, Diagnostics>, elsewhere: &mut Diagnostics) -> Option<Arc<Policy>> {
    match loaded {
        Ok(policy) => Some(Arc::new(policy)),
        Err(problems) => {
            elsewhere.extend(problems);
            None
        }
    }
}
