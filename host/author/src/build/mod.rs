//! `bartizan plugin build`: drives the tools of a plugin's language, makes a component of what they leave,
//! and loads it as the gateway would.
//!
//! What the tools say goes to standard error as it comes.

mod c;
mod component;
mod go;
mod javascript;
mod manifest;
mod python;
mod rust;
mod tools;
mod zig;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_runtime::{
    Component, Description, Engine, EngineConfig, EngineError, Hooks, LoadError, Sandbox,
};

pub use manifest::{Manifest, ManifestError};
pub use tools::ToolError;

use crate::Language;

/// Where the component goes, in the project.
const OUTPUT: &str = "build";

/// Where the tools leave what the component is made from, in the project.
const INTERMEDIATE: &str = "build/intermediate";

/// Why there is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The project does not say what it is.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A tool is missing, or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// What the tools left cannot be made a component.
    #[error("what {language} left is no plugin: {problem}", language = language.name())]
    Component {
        /// The language of the plugin.
        language: Language,
        /// What is wrong with it.
        problem: String,
    },
    /// The component does not load.
    #[error("{path} was built, and does not load: {source}", path = path.display())]
    Load {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: Box<LoadError>,
    },
    /// The runtime does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A plugin that was built and loads.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: usize,
    /// How long the runtime took to load it, compiling included.
    pub load: Duration,
    /// What it says of itself.
    pub description: Arc<Description>,
    /// Which hooks it has.
    pub hooks: Hooks,
}

/// Builds the plugin of the project in a directory, into `build/NAME.wasm` there if no other place is given.
///
/// # Errors
///
/// When the directory is no project, a tool is missing or fails, or what comes of it does not load.
pub fn build(directory: &Path, output: Option<&Path>) -> Result<Built, BuildError> {
    let manifest = Manifest::read(directory)?;
    let project = Project::new(directory, manifest)?;
    let component = match project.manifest.language {
        Language::Rust => rust::build(&project),
        Language::JavaScript => javascript::build(&project),
        Language::TypeScript => javascript::build_typescript(&project),
        Language::Python => python::build(&project),
        Language::C => c::build(&project),
        Language::Go => go::build(&project),
        Language::Zig => zig::build(&project),
    }?;
    let path = match output {
        Some(path) => path.to_owned(),
        None => project.directory.join(OUTPUT).join(&project.manifest.name).with_extension("wasm"),
    };
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &component));
    written.map_err(|source| BuildError::File { path: path.clone(), source })?;
    load(path, &component)
}

/// Loads a component as the gateway does, without the cache.
fn load(path: PathBuf, component: &[u8]) -> Result<Built, BuildError> {
    let engine = Engine::new(&EngineConfig::default())?;
    let began = Instant::now();
    let loaded = Component::load(&engine, component, &Sandbox::default(), None)
        .map_err(|source| BuildError::Load { path: path.clone(), source: Box::new(source) })?;
    Ok(Built {
        path,
        size: component.len(),
        load: began.elapsed(),
        description: Arc::clone(loaded.description()),
        hooks: loaded.hooks(),
    })
}

/// The project that is built.
struct Project {
    /// Absolute, since tools run in it.
    directory: PathBuf,
    /// A directory in it, which is there.
    intermediate: PathBuf,
    manifest: Manifest,
}

impl Project {
    fn new(directory: &Path, manifest: Manifest) -> Result<Self, BuildError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BuildError::File { path, source }
        };
        let directory = std::path::absolute(directory).map_err(failed(directory))?;
        let intermediate = directory.join(INTERMEDIATE);
        fs::create_dir_all(&intermediate).map_err(failed(&intermediate))?;
        Ok(Self { directory, intermediate, manifest })
    }

    /// The sources in a directory of the project that end in this, in order.
    fn sources(&self, directory: &str, ending: &str) -> Result<Vec<PathBuf>, BuildError> {
        let path = self.directory.join(directory);
        let failed = |source| BuildError::File { path: path.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            if entry.extension().is_some_and(|present| present == ending) {
                found.push(entry);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Reads what a tool left.
    fn read(&self, path: &Path) -> Result<Vec<u8>, BuildError> {
        fs::read(path).map_err(|source| BuildError::File { path: path.to_owned(), source })
    }

    /// What a tool left as a core module, as a component.
    fn encode(&self, module: &[u8], adapter: Option<component::Adapter>) -> Result<Vec<u8>, BuildError> {
        let hooks = &self.manifest.hooks;
        component::with_type(module, hooks, adapter).map_err(|problem| self.no_plugin(problem))
    }

    fn no_plugin(&self, problem: String) -> BuildError {
        BuildError::Component { language: self.manifest.language, problem }
    }
}
