//! The official conformance suite of MCP: at a server of our own that passes all of it, and at the same
//! server behind the gateway. Whatever differs was changed by the gateway.

mod comparison;
mod report;
mod suite;
mod targets;

use std::collections::BTreeMap;
use std::thread;

use anyhow::{Result, anyhow, ensure};
use clap::{Args, ValueEnum};

use self::comparison::{Finding, Judgement};
use self::report::Row;
use self::suite::{Outcome, Suite};
use self::targets::{Target, Targets};
use crate::cache::Cache;
use crate::node::{self, Environment};
use crate::step::Step;
use crate::workspace::Workspace;
use crate::{gateway, guests};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Ask only for what this revision of MCP requires; for what each requires if absent
    #[arg(long, value_name = "REVISION")]
    requirements: Option<Revision>,
}

/// A set of requirements, and the revision whose protocol is spoken.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ValueEnum)]
enum Revision {
    /// The last one with a handshake
    #[value(name = "2025-11-25")]
    Legacy,
    /// The first one without
    #[value(name = "2026-07-28")]
    Modern,
}

impl Revision {
    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }
}

/// What a run was asked for, and what came of it.
type Outcomes = BTreeMap<(Target, Revision), Outcome>;

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    let revisions = match &arguments.requirements {
        Some(revision) => std::slice::from_ref(revision),
        None => Revision::value_variants(),
    };
    guests::build(workspace, cache)?;
    let gateway = gateway::build(workspace)?;
    let fixture = workspace.executable("bartizan-conformance-server");
    let environment = Environment::ensure(&node::CONFORMANCE, cache)?;
    let directory = workspace.output("conformance");
    let suite = Suite::new(&environment, &directory);

    let step = Step::begin("conformance");
    let targets = Targets::start(&gateway, &fixture, &directory, &workspace.output("tests/compiled"))?;
    let outcomes = run_all(&suite, &targets, revisions);
    targets.stop()?;
    let outcomes = outcomes?;
    step.done(&format!("{} runs", outcomes.len()));

    let mut rows = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    for (&(target, revision), outcome) in &outcomes {
        let judgement = match (target, outcomes.get(&(Target::Direct, revision))) {
            (Target::Direct, _) | (_, None) => Judgement::alone(target, revision, outcome),
            (_, Some(direct)) => Judgement::compared(target, revision, direct, outcome),
        };
        rows.push(Row { target, revision, tally: outcome.tally(), differences: judgement.differences });
        findings.extend(judgement.findings);
    }
    print!("\n{}", report::table(&rows));
    print!("{}", report::list(&findings));
    let failures = findings.iter().filter(|finding| finding.explanation.is_none()).count();
    ensure!(
        failures == 0,
        "{failures} not as they should be; the suite's own reports are in {}",
        directory.display()
    );
    Ok(())
}

/// The targets side by side, since the suite waits more than it computes; each of them undisturbed by
/// another set of requirements.
fn run_all(suite: &Suite<'_>, targets: &Targets, revisions: &[Revision]) -> Result<Outcomes> {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for target in Target::ALL {
            let url = targets.url(target)?;
            threads.push(scope.spawn(move || {
                let outcome =
                    |&revision: &Revision| Ok(((target, revision), suite.run(target, revision, url)?));
                revisions.iter().map(outcome).collect::<Result<Vec<_>>>()
            }));
        }
        let mut outcomes = Outcomes::new();
        for thread in threads {
            outcomes.extend(thread.join().map_err(|_panic| anyhow!("a run of the suite was given up"))??);
        }
        Ok(outcomes)
    })
}
