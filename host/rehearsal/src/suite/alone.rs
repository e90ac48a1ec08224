//! A plugin that is tested alone: a suite names its file in place of a policy.
//!
//! It is judged like any other, as the one plugin of a policy that allows everything else. That policy is
//! written here, with the places of the suite, so that what is wrong with its settings and grants is told where
//! they stand.

use std::path::{Path, PathBuf};

use bartizan_policy::document::RESERVED_PLUGIN_NAMES;
use bartizan_policy::source::{Member, Node, Span, Value};

use crate::plugins::Origin;

/// The longest name of a plugin.
const LONGEST: usize = 64;

/// A plugin with where it is named.
#[derive(Clone, Debug)]
pub(super) struct Alone {
    name: String,
    path: PathBuf,
    place: Span,
}

impl Alone {
    pub(super) fn new(path: PathBuf, place: Span) -> Self {
        Self { name: name(&path), path, place }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::File { name: self.name.clone(), path: self.path.clone() }
    }

    /// The policy: `settings` and `grants` as they stand in the suite.
    pub(super) fn policy(&self, settings: Option<&Member>, grants: Option<&Member>) -> Node {
        let entry =
            [Some(self.member("use", Value::String(self.name.clone()))), settings.cloned(), grants.cloned()];
        let entry = self.node(Value::Object(entry.into_iter().flatten().collect()));
        self.node(Value::Object(vec![
            self.member("version", Value::String("1".to_owned())),
            self.member("default", Value::String("allow".to_owned())),
            self.member("plugins", Value::Array(vec![entry])),
        ]))
    }

    fn member(&self, key: &str, value: Value) -> Member {
        Member { key: key.to_owned(), key_span: self.place, node: self.node(value) }
    }

    fn node(&self, value: Value) -> Node {
        Node { span: self.place, value }
    }
}

/// What a policy calls the plugin in a file: the file's name in the letters that names have.
pub fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let words =
        stem.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() || RESERVED_PLUGIN_NAMES.contains(&name.as_str()) {
        name.insert_str(0, if name.is_empty() { "plugin" } else { "plugin-" });
    }
    name.truncate(LONGEST);
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_give_plugins_names_that_policies_can_say() {
        for (path, expected) in [
            ("change-freeze.wasm", "change-freeze"),
            ("target/release/change_freeze.wasm", "change-freeze"),
            ("Change Freeze.v2.wasm", "change-freeze-v2"),
            ("__x__.wasm", "x"),
            ("limits.wasm", "plugin-limits"),
            ("….wasm", "plugin"),
        ] {
            assert_eq!(name(Path::new(path)), expected, "{path}");
        }
        assert_eq!(name(Path::new(&format!("{}-x.wasm", "a".repeat(63)))), "a".repeat(63));
    }
}
