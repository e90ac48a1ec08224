//! The SDK for Rust as a part of a project: the sources of `bartizan-guest` and of what it is made of.
//!
//! They keep their places to each other, in a workspace of their own, from which their manifests inherit
//! what they inherit here. Versions of dependencies are those that this program was tested with.

use std::path::Path;

use include_dir::{Dir, include_dir};
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::NewError;
use super::files::{Files, add};

static SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/rust/src");
static MACROS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/rust/macros");
static PATTERN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../guest-sdk/pattern");
static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

const MANIFEST: &[u8] = include_bytes!("../../../../guest-sdk/rust/Cargo.toml");
const WORKSPACE: &str = include_str!("../../../../Cargo.toml");
const LOCK: &[u8] = include_bytes!("../../../../Cargo.lock");

/// The crates of the SDK, where they are here and in a project's `sdk/`.
const MEMBERS: [&str; 3] = ["guest-sdk/pattern", "guest-sdk/rust", "guest-sdk/rust/macros"];

/// What the crates of the SDK inherit.
const INHERITED: [&str; 3] = ["package", "dependencies", "lints"];

pub(super) fn sdk(files: &mut Files) -> Result<(), NewError> {
    let root = Path::new("");
    add(&SOURCES, root, Path::new("sdk/guest-sdk/rust/src"), files)?;
    add(&MACROS, root, Path::new("sdk/guest-sdk/rust/macros"), files)?;
    add(&PATTERN, root, Path::new("sdk/guest-sdk/pattern"), files)?;
    add(&CONTRACT, root, Path::new("sdk/wit"), files)?;
    files.insert("sdk/guest-sdk/rust/Cargo.toml".into(), MANIFEST.to_vec());
    files.insert("sdk/Cargo.toml".into(), workspace()?.into_bytes());
    // Cargo takes from it what the project needs, and drops the rest.
    files.insert("Cargo.lock".into(), LOCK.to_vec());
    Ok(())
}

/// The manifest of the workspace that the SDK's crates are in.
fn workspace() -> Result<String, NewError> {
    let broken = |problem: &str| NewError::Template(format!("Cargo.toml: {problem}"));
    let document: DocumentMut = WORKSPACE.parse().map_err(|_error| broken("it cannot be read"))?;
    let here = document.get("workspace").and_then(Item::as_table).ok_or_else(|| broken("no workspace"))?;
    let mut workspace = Table::new();
    workspace.insert("resolver", value("3"));
    workspace.insert("members", value(MEMBERS.into_iter().collect::<Array>()));
    for key in INHERITED {
        let item = here.get(key).ok_or_else(|| broken(key))?;
        workspace.insert(key, item.clone());
    }
    if let Some(dependencies) = workspace.get_mut("dependencies").and_then(Item::as_table_mut) {
        let manifests = members();
        dependencies.retain(|name, _| manifests.iter().any(|manifest| inherits(manifest, name)));
    }
    let mut document = DocumentMut::new();
    document.insert("workspace", Item::Table(workspace));
    Ok(document.to_string())
}

/// The manifests of the SDK's crates.
fn members() -> Vec<String> {
    let embedded = [MACROS.get_file("Cargo.toml"), PATTERN.get_file("Cargo.toml")];
    let embedded = embedded.into_iter().flatten().map(include_dir::File::contents);
    embedded.chain([MANIFEST]).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

/// Whether a manifest inherits a dependency: `name = { workspace = true }`.
fn inherits(manifest: &str, name: &str) -> bool {
    manifest
        .lines()
        .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', '.'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_what_its_members_inherit_and_no_more() {
        let workspace = workspace().unwrap();
        let document: DocumentMut = workspace.parse().unwrap();
        let dependencies = document["workspace"]["dependencies"].as_table().unwrap();
        assert!(dependencies.contains_key("wit-bindgen") && dependencies.contains_key("bartizan-pattern"));
        assert!(!dependencies.contains_key("wasmtime"), "{workspace}");
        for manifest in members() {
            for line in manifest.lines().filter(|line| line.contains("workspace = true")) {
                let Some((name, _)) = line.split_once(" = {") else { continue };
                assert!(dependencies.contains_key(name), "{name}");
            }
        }
    }
}
