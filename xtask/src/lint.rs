//! Formatting, lints and documentation. Warnings are errors.

use anyhow::Result;

use crate::process;
use crate::step::Step;
use crate::workspace::Workspace;

struct Check {
    name: &'static str,
    cargo: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

/// In the order of what they cost.
const CHECKS: [Check; 3] = [
    Check {
        name: "formatting",
        cargo: &["fmt", "--all", "--check", "--", "--color=never"],
        environment: &[],
    },
    Check {
        name: "clippy",
        cargo: &["clippy", "--release", "--workspace", "--all-targets", "--", "--deny=warnings"],
        environment: &[],
    },
    Check {
        name: "documentation",
        cargo: &["doc", "--release", "--workspace", "--no-deps", "--lib"],
        environment: &[("RUSTDOCFLAGS", "--deny=warnings")],
    },
];

/// Needs the guests: the crate that embeds them does not compile without.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for check in &CHECKS {
        let mut step = Step::begin(check.name);
        let mut command = workspace.cargo(check.cargo);
        command.envs(check.environment.iter().copied());
        process::run(&mut step, command)?;
        step.done("clean");
    }
    Ok(())
}
