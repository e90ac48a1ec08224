//! Which files make a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use super::{NewError, rust};
use crate::Language;

/// The contract.
const CONTRACT: &[u8] = include_bytes!("../../../../wit/0.1.0/policy.wit");

/// The same cases for every language.
const CASES: &[u8] = include_bytes!("../../../../guest-sdk/change-freeze.test.yaml");

/// The name of the plugin in the templates, and how it is written where there can be no hyphen.
const NAME: &str = "change-freeze";
const NAME_WITHOUT_HYPHENS: &str = "change_freeze";

static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/rust/template");
static C: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/c");
static ZIG: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/zig");
static GO: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/go");
static JAVASCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/js");
static TYPESCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/ts");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/python");

/// Where the contract is in a project whose tool reads it there.
const CONTRACT_OF_WORLD: &str = "wit/deps/policy.wit";

/// The files of a project, by their paths in it.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Everything that a project begins with.
pub(super) fn project(name: &str, language: Language) -> Result<Files, NewError> {
    let mut files = Files::new();
    let mut template =
        Files::from([(PathBuf::from("tests").join(format!("{NAME}.test.yaml")), CASES.to_vec())]);
    match language {
        Language::Rust => {
            add(&RUST, Path::new(""), Path::new(""), &mut template)?;
            rust::sdk(&mut files)?;
        }
        Language::C => with_sdk(&C, &mut template, &mut files)?,
        Language::Go => with_sdk(&GO, &mut template, &mut files)?,
        Language::Zig => {
            with_sdk(&ZIG, &mut template, &mut files)?;
            for name in ["policy.h", "policy.c"] {
                let path = Path::new("sdk").join(name);
                let file = C.get_file(&path).ok_or_else(|| NewError::Template(format!("no C {name}")))?;
                files.insert(path, file.contents().to_vec());
            }
        }
        Language::JavaScript => {
            with_sdk(&JAVASCRIPT, &mut template, &mut files)?;
            files.insert(CONTRACT_OF_WORLD.into(), CONTRACT.to_vec());
        }
        Language::TypeScript => {
            add(&JAVASCRIPT, Path::new("sdk"), Path::new("sdk"), &mut files)?;
            add(&TYPESCRIPT, Path::new("template"), Path::new(""), &mut template)?;
            files.insert(CONTRACT_OF_WORLD.into(), CONTRACT.to_vec());
        }
        Language::Python => {
            with_sdk(&PYTHON, &mut template, &mut files)?;
            files.insert(CONTRACT_OF_WORLD.into(), CONTRACT.to_vec());
        }
    }
    for (path, contents) in template {
        let contents = String::from_utf8(contents)
            .map_err(|_binary| NewError::Template(format!("{} is no text", path.display())))?;
        files.insert(named(&path.to_string_lossy(), name).into(), named(&contents, name).into_bytes());
    }
    Ok(files)
}

/// A text of a template, for a plugin of another name.
fn named(text: &str, name: &str) -> String {
    text.replace(NAME, name).replace(NAME_WITHOUT_HYPHENS, &name.replace('-', "_"))
}

/// A language whose template is in `template` and whose SDK is in `sdk`.
fn with_sdk(directory: &Dir<'_>, template: &mut Files, files: &mut Files) -> Result<(), NewError> {
    add(directory, Path::new("template"), Path::new(""), template)?;
    add(directory, Path::new("sdk"), Path::new("sdk"), files)
}

/// Adds what is in a directory of an embedded one, at any depth.
pub(super) fn add(root: &Dir<'_>, from: &Path, to: &Path, files: &mut Files) -> Result<(), NewError> {
    let directory = if from.as_os_str().is_empty() { Some(root) } else { root.get_dir(from) };
    let missing = || NewError::Template(format!("no {}", from.display()));
    let mut waiting = vec![directory.ok_or_else(missing)?];
    while let Some(next) = waiting.pop() {
        for entry in next.entries() {
            match entry {
                DirEntry::Dir(inner) => waiting.push(inner),
                DirEntry::File(file) => {
                    let path = file.path().strip_prefix(from).map_err(|_elsewhere| missing())?;
                    files.insert(to.join(path), file.contents().to_vec());
                }
            }
        }
    }
    Ok(())
}
