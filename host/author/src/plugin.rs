//! A plugin's file, loaded by itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::{Format, Source, Value};
use bartizan_runtime::{
    Cache, Component, ConfigureError, Engine, EngineError, EvaluationError, LoadError, Sandbox,
};

/// Why a plugin cannot be looked at, or not be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadingError {
    /// The file cannot be read.
    #[error("{}: {source}", .file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no plugin.
    #[error("{} is not a usable plugin: {error}", .file.display())]
    NoPlugin {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        error: LoadError,
    },
    /// It does not take its settings.
    #[error("{} cannot be used: {error}", .file.display())]
    Settings {
        /// Which file.
        file: PathBuf,
        /// What it says.
        error: ConfigureError,
    },
    /// An evaluation fails.
    #[error("{} could not decide: {error}", .file.display())]
    Evaluation {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: EvaluationError,
    },
    /// A document cannot be used.
    #[error("{0}")]
    Diagnostics(Diagnostics),
    /// The call is of no use here.
    #[error("{0}")]
    Call(String),
    /// The engine that runs plugins does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The machine lacks something.
    #[error("{0}")]
    Machine(String),
}

impl From<Diagnostics> for LoadingError {
    fn from(problems: Diagnostics) -> Self {
        Self::Diagnostics(problems)
    }
}

/// Settings for a plugin: the JSON text of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings(String);

impl Default for Settings {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl Settings {
    /// Reads settings: JSON text that begins with a brace, or the path of a file in JSON, YAML or TOML.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn read(given: &str) -> Result<Self, Diagnostics> {
        let source = if given.trim_start().starts_with('{') {
            Source::new("--settings", given, Format::Json)
        } else {
            Source::read(Path::new(given))?
        };
        let mut report = Report::new(&source);
        let node = source.parse(&mut report);
        if let Some(node) = &node
            && !matches!(node.value, Value::Object(_))
        {
            report.push(Problem::error("wrong-value", node.span, "settings must be an object"));
        }
        match node {
            Some(node) if !report.has_errors() => Ok(Self(node.to_json())),
            _ => Err(report.finish()),
        }
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a plugin is granted: JSON text as in `grants` of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants(String);

impl Default for Grants {
    fn default() -> Self {
        Self("[]".to_owned())
    }
}

impl Grants {
    /// Reads grants: names with commas between them, or JSON text. Whether there are such grants is found when
    /// they are used.
    pub fn read(given: &str) -> Self {
        if given.trim_start().starts_with(['[', '{']) {
            return Self(given.to_owned());
        }
        let names = given.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self(serde_json::Value::from_iter(names).to_string())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes of a plugin's file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, LoadingError> {
    std::fs::read(file).map_err(|source| LoadingError::Unreadable { file: file.to_owned(), source })
}

/// Loads a plugin, and says how long that took.
pub(crate) fn load(
    engine: &Engine,
    file: &Path,
    bytes: &[u8],
    cache: Option<&Cache>,
) -> Result<(Component, Duration), LoadingError> {
    let begin = Instant::now();
    let component = Component::load(engine, bytes, &Sandbox::default(), cache)
        .map_err(|error| LoadingError::NoPlugin { file: file.to_owned(), error })?;
    Ok((component, begin.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_names_or_json() {
        for (given, expected) in [
            ("rewrite-arguments", r#"["rewrite-arguments"]"#),
            ("log, rewrite-results,", r#"["log","rewrite-results"]"#),
            ("", "[]"),
            (r#"["log"]"#, r#"["log"]"#),
        ] {
            assert_eq!(Grants::read(given).as_str(), expected, "{given}");
        }
    }

    #[test]
    fn settings_are_text_or_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("settings.yaml");
        std::fs::write(&file, "until: 1.0\n").unwrap();
        for (given, expected) in [
            (r#"{"until": 1.0}"#, Ok(r#"{"until":1.0}"#)),
            (" {} ", Ok("{}")),
            (file.to_str().unwrap(), Ok(r#"{"until":1.0}"#)),
            ("{", Err("--settings:1:")),
            (r#"{"a": 1, "a": 2}"#, Err("--settings:1:10: error: ")),
            ("gone.json", Err("gone.json: error: ")),
        ] {
            match (Settings::read(given), expected) {
                (Ok(settings), Ok(expected)) => assert_eq!(settings.as_str(), expected, "{given}"),
                (Err(problems), Err(expected)) => {
                    assert!(problems.to_string().starts_with(expected), "{given}: {problems}");
                }
                (found, _) => panic!("{given}: {found:?}"),
            }
        }
        std::fs::write(&file, "- 1\n").unwrap();
        let problems = Settings::read(file.to_str().unwrap()).unwrap_err().to_string();
        assert!(problems.ends_with("settings must be an object"), "{problems}");
    }
}
