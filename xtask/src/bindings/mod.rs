//! `cargo xtask bindings`: the contract in the words of each guest language, written into `guest-sdk/`, so
//! that an author of a plugin needs no bindings generator; and its reference for people.
//!
//! What is written is a function of `wit/` alone. A test compares it with what is committed.

mod c;
mod go;
mod reference;
mod typescript;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_core::{Files, WorldGenerator};

use crate::step;
use crate::workspace::Workspace;

/// The version of the contract that guests are written against.
const CONTRACT: &str = "wit/0.1.0";

/// Everything that a plugin can import and export. What a plugin does not use is dropped when it is linked,
/// and the hooks that it does not have when it is made a component.
const WORLD: &str = "package bartizan:guest;
    world policy {
        import bartizan:policy/call@0.1.0;
        import bartizan:policy/reply@0.1.0;
        import bartizan:policy/fault@0.1.0;
        import bartizan:policy/log@0.1.0;
        import bartizan:policy/memory@0.1.0;
        import bartizan:policy/http@0.1.0;
        export bartizan:policy/plugin@0.1.0;
        export bartizan:policy/calls@0.1.0;
        export bartizan:policy/listings@0.1.0;
        export bartizan:policy/replies@0.1.0;
    }";

/// Where generated files are, with nothing else beside them that has the same ending.
const GENERATED: [Directory; 4] = [
    Directory { path: "guest-sdk/c/sdk", only: &["policy.h", "policy.c"], generate: c::generate },
    Directory { path: "guest-sdk/go/sdk/bindings", only: &[], generate: go::generate },
    Directory { path: "guest-sdk/js/sdk", only: &["policy.d.ts"], generate: typescript::generate },
    Directory { path: "docs", only: &["contract.md"], generate: reference::generate },
];

struct Directory {
    /// From the root of the workspace.
    path: &'static str,
    /// The files there that are generated; empty if all are.
    only: &'static [&'static str],
    generate: fn(&Contract) -> Result<Tree>,
}

/// The files of a directory, by their paths in it.
type Tree = BTreeMap<PathBuf, String>;

/// The contract, parsed, with [`WORLD`].
struct Contract {
    resolve: Resolve,
    world: WorldId,
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail if the committed bindings are not those of the contract
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let differing = differing(workspace.root())?;
    if differing.is_empty() {
        step::note("the bindings are those of the contract");
        return Ok(());
    }
    if arguments.check {
        let files: Vec<String> = differing.keys().map(|path| format!("\n  {}", path.display())).collect();
        bail!("these are not what `cargo xtask bindings` writes:{}", files.concat());
    }
    for (path, text) in differing {
        let path = workspace.root().join(path);
        match text {
            Some(text) => {
                fs::create_dir_all(path.parent().context("a file is in a directory")?)?;
                fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            }
            None => fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?,
        }
        step::note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// What has to be written, by its path in the workspace; `None` for a file that has to go.
fn differing(root: &Path) -> Result<BTreeMap<PathBuf, Option<String>>> {
    let contract = Contract::read(root)?;
    let mut differing = BTreeMap::new();
    for directory in &GENERATED {
        let tree = (directory.generate)(&contract)?;
        let place = root.join(directory.path);
        for path in present(&place, directory.only)? {
            if !tree.contains_key(&path) {
                differing.insert(Path::new(directory.path).join(path), None);
            }
        }
        for (path, text) in tree {
            if !fs::read_to_string(place.join(&path)).is_ok_and(|present| present == text) {
                differing.insert(Path::new(directory.path).join(path), Some(text));
            }
        }
    }
    Ok(differing)
}

/// The generated files that there are. Those of Go have one name each; what stands beside them is written
/// by hand.
fn present(directory: &Path, only: &[&str]) -> Result<Vec<PathBuf>> {
    if !only.is_empty() {
        return Ok(only.iter().map(PathBuf::from).filter(|path| directory.join(path).exists()).collect());
    }
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        if !next.exists() {
            continue;
        }
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(directory)?.to_owned());
            }
        }
    }
    Ok(found)
}

impl Contract {
    fn read(root: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        resolve.push_path(root.join(CONTRACT)).context("the contract cannot be read")?;
        let guest = resolve.push_str("guest.wit", WORLD)?;
        let world = resolve.select_world(&[guest], Some("policy"))?;
        Ok(Self { resolve, world })
    }

    /// Lets a generator of wit-bindgen write its files.
    fn generate(&self, mut generator: Box<dyn WorldGenerator>) -> Result<Tree> {
        let mut files = Files::default();
        generator.generate(&mut self.resolve.clone(), self.world, &mut files)?;
        files
            .iter()
            .map(|(path, bytes)| Ok((PathBuf::from(path), String::from_utf8(bytes.to_vec())?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    #[test]
    fn the_committed_bindings_are_those_of_the_contract() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let differing: Vec<PathBuf> = super::differing(root).unwrap().into_keys().collect();
        assert_eq!(differing, Vec::<PathBuf>::new(), "`cargo xtask bindings` writes them anew");
    }
}
