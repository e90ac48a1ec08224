//! Plugins for a plugins folder: copies of built-in ones that differ in their bytes, so that each is compiled and
//! kept by itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::question::TOOL;

/// The section that makes a copy another file; WebAssembly lets anyone add such a one.
const SECTION: &str = "bartizan-bench";

/// A built-in plugin of which there are copies.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Looks at the name of the tool only. Without settings it has nothing to say.
    ByName,
    /// Looks at an argument, which is another one in each call.
    ByArguments,
}

impl Kind {
    fn file(self) -> &'static str {
        match self {
            Self::ByName => "rate-limit.wasm",
            Self::ByArguments => "conditions.wasm",
        }
    }

    /// The name of a copy.
    pub(crate) fn name(self, number: usize) -> String {
        match self {
            Self::ByName => format!("by-name-{number}"),
            Self::ByArguments => format!("by-arguments-{number}"),
        }
    }

    /// An item of a policy's `plugins`. The plugin lets pass what is called.
    pub(crate) fn item(self, number: usize) -> Value {
        let settings = match self {
            Self::ByName => json!({"tools": [{"pattern": "delete_*"}]}),
            Self::ByArguments => {
                let condition = json!({"path": "args.value", "op": "eq", "value": "never"});
                json!({"tools": [{"pattern": TOOL, "deny_if": [{"conditions": [condition], "rule": "never"}]}]})
            }
        };
        json!({"use": self.name(number), "settings": settings})
    }

    /// Puts so many copies into a folder.
    pub(crate) fn fill(self, bench: &Bench, folder: &Path, copies: usize) -> Result<()> {
        let plugin = read(&bench.options.plugins.join(self.file()))?;
        for number in 1..=copies {
            let path = folder.join(self.name(number)).with_extension("wasm");
            let number = u32::try_from(number).context("too many copies")?;
            fs::write(&path, edition(&plugin, number))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// A folder for plugins in the bench's directory.
pub(crate) fn folder(bench: &Bench, name: &str) -> Result<PathBuf> {
    let folder = bench.path(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// A plugin's file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(bytes.starts_with(b"\0asm"), "{} is no WebAssembly", path.display());
    Ok(bytes)
}

/// The same plugin in other bytes: with a section that nobody reads.
pub(crate) fn edition(plugin: &[u8], number: u32) -> Vec<u8> {
    // Lengths below 128 are one byte.
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap_or(0);
    let mut content = vec![length(SECTION.as_bytes())];
    content.extend_from_slice(SECTION.as_bytes());
    content.extend_from_slice(&number.to_le_bytes());
    let mut edition = plugin.to_vec();
    edition.extend_from_slice(&[0, length(&content)]);
    edition.extend_from_slice(&content);
    edition
}

#[cfg(test)]
mod tests {
    use super::{SECTION, edition};

    #[test]
    fn editions_differ_by_a_section_at_the_end() {
        let (one, two) = (edition(b"\0asm", 1), edition(b"\0asm", 2));
        assert_ne!(one, two);
        let size = u8::try_from(SECTION.len()).unwrap();
        let expected = [b"\0asm\0".as_slice(), &[size + 5, size], SECTION.as_bytes(), &[1, 0, 0, 0]].concat();
        assert_eq!(one, expected);
    }
}
