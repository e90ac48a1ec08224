//! What a plugin's file is, without running more of it than `describe` and `configure`.

mod json;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bartizan_runtime::{Anatomy, Description, Engine, EngineConfig, Hooks, Snapshotting};

use crate::plugin::{LoadingError, Settings, load, read};

/// What was found out about a file.
#[derive(Debug)]
pub struct Inspection {
    /// The file.
    pub file: PathBuf,
    /// Bytes in it.
    pub size: usize,
    /// SHA-256 in lower-case hex.
    pub sha256: Arc<str>,
    /// What the plugin says of itself.
    pub description: Arc<Description>,
    /// Which hooks it exports.
    pub hooks: Hooks,
    /// What it is made of.
    pub anatomy: Anatomy,
    /// How long it took to compile it and to let it describe itself.
    pub compile_time: Duration,
    /// What it is when it has taken its settings, or what it says against them.
    pub configured: Result<Configured, String>,
}

/// A plugin with its settings.
#[derive(Debug)]
pub struct Configured {
    /// Bytes of linear memory after `configure`.
    pub memory: usize,
    /// Whether evaluations start from that memory.
    pub snapshotting: Snapshotting,
}

/// Looks into a file.
///
/// # Errors
///
/// Why it cannot be read, or is no plugin. Settings that it does not take are no error.
pub fn inspect(file: &Path, settings: &Settings) -> Result<Inspection, LoadingError> {
    let bytes = read(file)?;
    let engine = Engine::new(&EngineConfig::default())?;
    let (component, compile_time) = load(&engine, file, &bytes, None)?;
    let configured = component.memory_when_configured(settings.as_str()).and_then(|memory| {
        Ok(Configured { memory, snapshotting: component.snapshotting(settings.as_str())? })
    });
    Ok(Inspection {
        file: file.to_owned(),
        size: bytes.len(),
        sha256: Arc::clone(component.digest()),
        description: Arc::clone(component.description()),
        hooks: component.hooks(),
        anatomy: component.anatomy().map_err(LoadingError::Machine)?,
        compile_time,
        configured: configured.map_err(|error| error.to_string()),
    })
}

/// The hooks by name.
fn names(hooks: Hooks) -> Vec<&'static str> {
    let named = [("calls", hooks.calls), ("listings", hooks.listings), ("replies", hooks.replies)];
    named.into_iter().filter(|(_, exported)| *exported).map(|(name, _)| name).collect()
}
