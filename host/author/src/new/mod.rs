//! `bartizan plugin new`: a project that builds, with a rule that works, its tests and a README.
//!
//! Everything that is written is in the program: nothing is fetched, and no checkout is needed.

mod files;
mod rust;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Language;

/// The longest name in the contract.
const LONGEST_NAME: usize = 64;

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name is not one that the contract allows.
    #[error(
        "`{name}` cannot be the name of a plugin: use 1 to 64 lower-case letters, digits and hyphens, with a \
         letter first and no hyphen last, such as `change-freeze`"
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// There is something already.
    #[error("{directory} exists and is not empty; choose another place with --dir, or remove it", directory = directory.display())]
    Exists {
        /// Where.
        directory: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the program carries is not what this code takes it for: a fault of this build of Bartizan.
    #[error("the template in this program is broken ({0}); please report it")]
    Template(String),
}

/// Writes a project for a plugin of this name, in a directory that is empty or not there.
///
/// # Errors
///
/// When the name is not allowed, something is there already, or it cannot be written.
pub fn create(name: &str, language: Language, directory: &Path) -> Result<(), NewError> {
    check_name(name)?;
    let occupied = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if occupied {
        return Err(NewError::Exists { directory: directory.to_owned() });
    }
    for (path, contents) in files::project(name, language)? {
        let path = directory.join(path);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, contents));
        written.map_err(|source| NewError::Write { path, source })?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), NewError> {
    let valid = name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if valid { Ok(()) } else { Err(NewError::Name { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        for name in ["a", "change-freeze", "a1", &"a".repeat(64)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in
            ["", "Change", "change_freeze", "-a", "a-", "1a", "a b", "a/b", "..", "é", &"a".repeat(65)]
        {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_language_has_a_project_with_its_name_in_it() {
        for language in Language::ALL {
            let files = files::project("spend-limit", language).unwrap();
            for path in ["plugin.toml", "README.md", ".gitignore", "tests/spend-limit.test.yaml"] {
                assert!(files.contains_key(Path::new(path)), "{language} has no {path}");
            }
            let own = files.iter().filter(|(path, _)| !path.starts_with("sdk"));
            for (path, contents) in own.filter(|(path, _)| !path.ends_with("Cargo.lock")) {
                let text = String::from_utf8_lossy(contents);
                for left in ["change-freeze", "change_freeze"] {
                    assert!(!text.contains(left), "{language}: {left} is still in {}", path.display());
                }
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        create("a", Language::C, &directory.path().join("new")).unwrap();
        create("a", Language::C, &directory.path().join("new")).unwrap_err();
        fs::write(directory.path().join("file"), "").unwrap();
        create("a", Language::C, directory.path()).unwrap_err();
        create("a", Language::C, &directory.path().join("file")).unwrap_err();
    }
}
