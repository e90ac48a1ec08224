//! The languages that plugins are written in, as far as tests go: which of them are tested in a run, and the
//! tools that those need.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cache::Cache;
use crate::guest_toolchain::GuestToolchain;
use crate::workspace::Workspace;
use crate::{node, python, step};

/// What a language takes beside what is there anyway.
enum Tools {
    Python(&'static python::Requirements),
    Node(&'static node::Requirements),
    Cargo,
}

struct Language {
    /// As in `bartizan plugin new --lang`.
    name: &'static str,
    /// Tested unless something else is said.
    usual: bool,
    tools: Tools,
}

const LANGUAGES: [Language; 7] = [
    Language { name: "rust", usual: true, tools: Tools::Cargo },
    Language { name: "c", usual: true, tools: Tools::Python(&python::ZIG) },
    Language { name: "js", usual: true, tools: Tools::Node(&node::COMPONENTIZE) },
    Language { name: "python", usual: false, tools: Tools::Python(&python::COMPONENTIZE) },
    Language { name: "ts", usual: false, tools: Tools::Node(&node::COMPONENTIZE) },
    Language { name: "go", usual: false, tools: Tools::Python(&python::GO) },
    Language { name: "zig", usual: false, tools: Tools::Python(&python::ZIG) },
];

/// Where a test finds the tools: a value of `PATH` for each language.
const PATH: &str = "BARTIZAN_TEST_PATH_";

/// Variables that cargo needs to build guests here.
const GUEST_RUST: [&str; 2] = ["RUSTC", "LD_LIBRARY_PATH"];
const GUEST: &str = "BARTIZAN_TEST_GUEST_";

/// The languages that a run tests.
pub(crate) struct Selection(Vec<&'static Language>);

impl Selection {
    /// Reads `rust,go` or `all`; nothing is the usual ones.
    pub(crate) fn parse(names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Ok(Self(LANGUAGES.iter().filter(|language| language.usual).collect()));
        }
        if names.iter().any(|name| name == "all") {
            return Ok(Self(LANGUAGES.iter().collect()));
        }
        let mut selected = Vec::new();
        for name in names {
            match LANGUAGES.iter().find(|language| language.name == name) {
                Some(language) => selected.push(language),
                None => {
                    let known = LANGUAGES.each_ref().map(|language| language.name).join(", ");
                    bail!("there is no language {name}; there are {known} and all");
                }
            }
        }
        Ok(Self(selected))
    }

    /// Installs what the languages need, and tells the tests where it is.
    pub(crate) fn prepare(&self, workspace: &Workspace, cache: &Cache, command: &mut Command) -> Result<()> {
        for language in &self.0 {
            let path = match language.tools {
                Tools::Python(requirements) => python::Environment::ensure(requirements, cache)?.path()?,
                Tools::Node(requirements) => node::Environment::ensure(requirements, cache)?.path()?,
                Tools::Cargo => {
                    guest_rust(&GuestToolchain::find_or_make(workspace, cache)?, command);
                    env::var_os("PATH").unwrap_or_default()
                }
            };
            command.env(format!("{PATH}{}", language.name.to_uppercase()), path);
        }
        Ok(())
    }

    /// The tests of the other languages, which are left out, and said to be.
    pub(crate) fn skipped(&self) -> Vec<OsString> {
        let others: Vec<&str> = LANGUAGES
            .iter()
            .map(|language| language.name)
            .filter(|name| !self.0.iter().any(|selected| selected.name == *name))
            .collect();
        if !others.is_empty() {
            step::note(&format!("plugins in {} are not tested: --languages all does", others.join(", ")));
        }
        // The test of C would be one of a language that begins with it, so names end with a word.
        others
            .iter()
            .flat_map(|name| [OsString::from("--skip"), format!("a_plugin_in_{name}_builds").into()])
            .collect()
    }
}

/// Tells tests with which compiler cargo builds guests, where it is not the usual one.
fn guest_rust(toolchain: &GuestToolchain, command: &mut Command) {
    let mut configured = Command::new("cargo");
    toolchain.configure(&mut configured);
    let settings: Vec<(String, OsString)> = configured
        .get_envs()
        .filter(|(name, _)| GUEST_RUST.iter().any(|known| name == known))
        .filter_map(|(name, value)| Some((format!("{GUEST}{}", name.to_string_lossy()), value?.to_owned())))
        .collect();
    command.envs(settings);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(names: &[&str]) -> usize {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Selection::parse(&names).unwrap().skipped().len() / 2
    }

    #[test]
    fn languages_are_selected_by_name() {
        assert_eq!(skipped(&[]), 4);
        assert_eq!(skipped(&["all"]), 0);
        assert_eq!(skipped(&["go"]), 6);
        assert_eq!(skipped(&["go", "zig"]), 5);
        assert!(Selection::parse(&["cobol".to_owned()]).is_err());
    }
}
