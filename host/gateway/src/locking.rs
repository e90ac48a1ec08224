//! Writing the lock file of plugins: what is in the folder, and what policies grant it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem};
use bartizan_runtime::{Component, Engine, EngineConfig, Sandbox, SizeClass};
use bartizan_trust::{Lock, LockedPlugin, policy_name};

use crate::generation::{self, CacheLocation, StartError};
use crate::loader::about_file;
use crate::vetting::Vetting;

/// What the lock file at `path` has to accept: every plugin of the folder that runs, as it is now. Plugins that
/// `vetting` refuses are not accepted.
///
/// # Errors
///
/// Every file that is no plugin or that is refused, at once.
pub fn lock<'p>(
    policies: impl Iterator<Item = &'p Policy>,
    plugins_dir: &Path,
    path: &Path,
    vetting: &Vetting,
    cache: &CacheLocation,
) -> Result<Lock, StartError> {
    let mut grants: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for policy in policies {
        let name = policy_name(path, Path::new(policy.document.source().name()));
        for plugin in &policy.document.plugins {
            // A plugin that is named and granted nothing is there all the same.
            let by_policy = grants.entry(plugin.name.value.clone()).or_default();
            if !plugin.grants.is_empty() {
                let words = plugin.grants.iter().map(|grant| grant.as_str().to_owned());
                by_policy.entry(name.clone()).or_default().extend(words);
            }
        }
    }
    let engine = Engine::new(&EngineConfig::default())?;
    let cache = cache.open();
    let mut lock = Lock::default();
    let mut problems = Diagnostics::default();
    let most = SizeClass::Large.limits().component;
    for (name, file) in generation::folder(Some(plugins_dir))?.files() {
        let granted = grants.remove(name);
        if granted.is_none() && !vetting.autoloads() {
            continue;
        }
        let unusable = |problem: &dyn std::fmt::Display| {
            Problem::error_in_file("plugin-file", format!("it is not a usable plugin: {problem}"))
                .help("take the file out of the plugins folder, or replace it")
        };
        let content = file.read(most).map_err(|error| unusable(&error));
        let plugin = content.and_then(|content| {
            vetting.file(name, &file.path, &content)?;
            Component::load(&engine, &content, &Sandbox::default(), cache.as_ref())
                .map_err(|error| unusable(&error))
        });
        match plugin {
            Ok(component) => {
                let described = component.description();
                lock.insert(
                    name,
                    LockedPlugin {
                        version: described.version.clone(),
                        sha256: component.digest().to_string(),
                        asks: described.asks.iter().cloned().collect(),
                        grants: granted.unwrap_or_default(),
                    },
                );
            }
            Err(problem) => problems.extend(about_file(&file.path, problem)),
        }
    }
    for name in grants.into_keys() {
        let message = format!("a policy names the plugin `{name}`, and there is no {name}.wasm");
        problems.extend(about_file(plugins_dir, Problem::error_in_file("missing-plugin", message)));
    }
    if problems.has_errors() { Err(problems.into()) } else { Ok(lock) }
}
