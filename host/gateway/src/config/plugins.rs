//! The object `plugins` of the configuration: where plugins are, and which of them may run.

use std::path::{Path, PathBuf};

use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::{Member, Node};
use bartizan_trust::TrustedKey;

/// What the lock file is called unless told otherwise.
const LOCK: &str = "plugins.lock";

/// What a configuration says of plugins, besides where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginsConfig {
    /// Whether plugins of the folder run that no policy names.
    pub autoload: bool,
    /// Where the lock file is, which is looked at only when that is asked for.
    pub lock: PathBuf,
    /// The keys of which one must have signed each plugin. None: they need no signature.
    pub trusted_keys: Option<Vec<TrustedKey>>,
}

impl PluginsConfig {
    /// What holds where a configuration says nothing. `base` is its folder.
    pub(super) fn of(base: &Path) -> Self {
        Self { autoload: true, lock: base.join(LOCK), trusted_keys: None }
    }

    /// Reads the object: the folder, and the rest.
    pub(super) fn read(member: &Member, base: &Path, report: &mut Report) -> (Option<PathBuf>, Self) {
        let mut config = Self::of(base);
        let Some(mut object) = Object::read(&member.node, member.key_span, "`plugins`", report) else {
            return (None, config);
        };
        let directory = object
            .require("dir", "\"plugins\"", report)
            .and_then(|member| decode::string(&member.node, "`plugins.dir`", report))
            .map(|directory| base.join(directory));
        if let Some(member) = object.take("autoload")
            && let Some(autoload) = decode::boolean(&member.node, "`plugins.autoload`", report)
        {
            config.autoload = autoload;
        }
        if let Some(member) = object.take("lock")
            && let Some(lock) = decode::string(&member.node, "`plugins.lock`", report)
        {
            config.lock = base.join(lock);
        }
        config.trusted_keys = object.take("trusted_keys").and_then(|member| read_keys(member, base, report));
        object.finish(&[], report);
        (directory, config)
    }
}

fn read_keys(member: &Member, base: &Path, report: &mut Report) -> Option<Vec<TrustedKey>> {
    let nodes = decode::list(&member.node, "`plugins.trusted_keys`", report)?;
    if nodes.is_empty() {
        let message = "`plugins.trusted_keys` is empty, so that no plugin could be signed";
        report.push(
            Problem::error("no-keys", member.key_span, message)
                .help("name a key, or leave `trusted_keys` out: then plugins need no signature"),
        );
    }
    Some(nodes.iter().filter_map(|node| read_key(node, base, report)).collect())
}

fn read_key(node: &Node, base: &Path, report: &mut Report) -> Option<TrustedKey> {
    let text = decode::string(node, "an entry of `plugins.trusted_keys`", report)?;
    let key =
        if TrustedKey::is_meant(text) { TrustedKey::parse(text) } else { TrustedKey::read(&base.join(text)) };
    key.map_err(|error| {
        report
            .push(Problem::error("trusted-key", node.span, error.to_string()).help(
                "write the public key, \"RWQ…\", or the path of its file from the folder of this file",
            ));
    })
    .ok()
}
