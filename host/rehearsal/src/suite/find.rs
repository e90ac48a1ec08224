//! Finding suites.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How the files of suites end.
const ENDINGS: [&str; 3] = [".test.yaml", ".test.yml", ".test.json"];

/// Why suites cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A path leads nowhere.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to run.
    #[error(
        "there are no test suites in {}: their files end in .test.yaml, .test.yml or .test.json",
        path.display()
    )]
    Empty {
        /// The directory.
        path: PathBuf,
    },
}

/// Whether a file's name is that of a suite.
pub fn is_suite(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// The suites in directories, at any depth, and the files that are named themselves: each once, in the
/// order of the paths. Directories whose name begins with a point and links to directories are passed over.
///
/// # Errors
///
/// When a path cannot be read, or a directory has no suite.
pub fn find(paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, FindError> {
    let mut found = BTreeSet::new();
    for path in paths {
        let unreadable = |source| FindError::Unreadable { path: path.clone(), source };
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            found.insert(path.clone());
            continue;
        }
        let before = found.len();
        search(path, &mut found)?;
        if found.len() == before {
            return Err(FindError::Empty { path: path.clone() });
        }
    }
    Ok(found)
}

fn search(directory: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), FindError> {
    let unreadable = |source| FindError::Unreadable { path: directory.to_owned(), source };
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        let is_hidden = entry.file_name().to_str().is_some_and(|name| name.starts_with('.'));
        if kind.is_dir() && !is_hidden {
            search(&path, found)?;
        } else if !kind.is_dir() && is_suite(&path) {
            found.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_suites_at_any_depth_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for path in [
            "b.test.yaml",
            "a/c.test.json",
            "a/b/d.test.yml",
            "a/policy.json",
            ".git/x.test.yaml",
            ".test.yaml",
            "e.test.toml",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let shown = |paths: &[PathBuf]| {
            let found = find(paths).unwrap();
            found
                .iter()
                .map(|path| path.strip_prefix(root).unwrap().display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&[root.to_owned()]), ["a/b/d.test.yml", "a/c.test.json", "b.test.yaml"]);
        // A file that is named itself needs no ending, and comes once.
        assert_eq!(
            shown(&[root.join("a/policy.json"), root.join("a"), root.join("a/c.test.json")]),
            ["a/b/d.test.yml", "a/c.test.json", "a/policy.json"]
        );
    }

    #[test]
    fn nothing_to_run_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let error = find(&[directory.path().to_owned()]).unwrap_err();
        assert!(error.to_string().starts_with("there are no test suites in "), "{error}");
        assert!(matches!(find(&[directory.path().join("gone")]), Err(FindError::Unreadable { .. })));
    }
}
