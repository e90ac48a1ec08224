//! Hostile plugins as bytes: those in `tests/hostile`, written as text, and those that are too large for
//! that, which a program makes.
//!
//! A text that begins with `(component` is a component. Any other is a core module: it is completed with
//! parts of a well-behaved plugin, and gets the section that says which contract it claims to meet.

mod generated;
mod text;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::environment;

pub use text::{assemble, encode};

/// The folder of the texts.
fn directory() -> PathBuf {
    environment::repository("tests/hostile")
}

/// The names of all of them, in order.
pub fn all() -> Vec<String> {
    let mut names: Vec<String> = generated::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.extend(written());
    names.sort();
    names
}

/// The names of those that are texts.
fn written() -> Vec<String> {
    let files = std::fs::read_dir(directory()).expect("tests/hostile can be read");
    files
        .map(|file| file.expect("tests/hostile can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "wat"))
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .collect()
}

/// The bytes of the file that an operator would find in the plugins folder.
pub fn wasm(name: &str) -> Vec<u8> {
    if let Some((_, make)) = generated::ALL.iter().find(|(known, _)| *known == name) {
        return make();
    }
    let path = directory().join(name).with_extension("wat");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("there is no hostile plugin {name}: {}: {error}", path.display()));
    assemble(name, &text)
}

/// A plugins folder with these in it.
pub fn plugins<'n>(names: impl IntoIterator<Item = &'n str>) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    for name in names {
        let path = directory.path().join(name).with_extension("wasm");
        std::fs::write(path, wasm(name)).expect("a temporary file can be written");
    }
    directory
}
