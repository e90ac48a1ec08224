//! `plugin.toml`: what a project says of itself to `bartizan plugin build`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use crate::{Hook, Language};

/// The file's name, in the directory of the project.
const FILE: &str = "plugin.toml";

/// What a project is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The plugin's name, and that of its file.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// What it exports. For languages whose project has a world of its own, that world says it.
    pub hooks: Vec<Hook>,
}

/// Why a directory is no project.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is no manifest.
    #[error("there is no plugin.toml in {directory}; `bartizan plugin new NAME --lang LANG` makes a project", directory = directory.display())]
    Absent {
        /// Where.
        directory: PathBuf,
    },
    /// It cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says something else than a manifest may.
    #[error("{path}: {problem}", path = path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Manifest {
    /// Reads that of the project in a directory.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not one.
    pub fn read(directory: &Path) -> Result<Self, ManifestError> {
        let path = directory.join(FILE);
        let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ManifestError::Absent { directory: directory.to_owned() },
            _ => ManifestError::Unreadable { path: path.clone(), source },
        })?;
        Self::parse(&text).map_err(|problem| ManifestError::Wrong { path, problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text.parse().map_err(|error| format!("no TOML: {error}"))?;
        if let Some((key, _)) = document.iter().find(|(key, _)| !["name", "language", "hooks"].contains(key))
        {
            return Err(format!("there is no key `{key}`; the keys are `name`, `language` and `hooks`"));
        }
        let text = |key: &str| {
            document
                .get(key)
                .and_then(Item::as_str)
                .ok_or_else(|| format!("`{key}` is missing, or no text in quotes"))
        };
        let name = text("name")?.to_owned();
        let language = text("language")?;
        let language = Language::parse(language)
            .ok_or_else(|| format!("`language` is `{language}`; the languages are {}", Language::names()))?;
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err("`name` is the plugin's name, which becomes that of its file".to_owned());
        }
        let hooks = match document.get("hooks") {
            None => vec![Hook::Calls],
            Some(item) => hooks(item)?,
        };
        Ok(Self { name, language, hooks })
    }
}

fn hooks(item: &Item) -> Result<Vec<Hook>, String> {
    let wrong = || "`hooks` is a list of one or more of \"calls\", \"listings\", \"replies\"".to_owned();
    let array = item.as_array().ok_or_else(wrong)?;
    let hooks: Option<Vec<Hook>> = array.iter().map(|hook| Hook::parse(hook.as_str()?)).collect();
    hooks.filter(|hooks| !hooks.is_empty()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_name_language_and_hooks() {
        let manifest =
            Manifest::parse("name = \"a\"\nlanguage = \"c\"\nhooks = [\"calls\", \"replies\"]").unwrap();
        assert_eq!(
            manifest,
            Manifest { name: "a".to_owned(), language: Language::C, hooks: vec![Hook::Calls, Hook::Replies] }
        );
        let manifest = Manifest::parse("name = \"a\"\nlanguage = \"js\"").unwrap();
        assert_eq!(manifest.hooks, [Hook::Calls]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("", "`name`"),
            ("name = \"a\"", "`language`"),
            ("name = 1\nlanguage = \"c\"", "`name`"),
            ("name = \"../a\"\nlanguage = \"c\"", "`name`"),
            ("name = \"a\"\nlanguage = \"cobol\"", "rust, js"),
            ("name = \"a\"\nlanguage = \"c\"\nhook = 1", "`hook`"),
            ("name = \"a\"\nlanguage = \"c\"\nhooks = []", "`hooks`"),
            ("name = \"a\"\nlanguage = \"c\"\nhooks = [\"check\"]", "`hooks`"),
            ("name", "no TOML"),
        ] {
            let problem = Manifest::parse(text).unwrap_err();
            assert!(problem.contains(word), "{text}: {problem}");
        }
    }
}
