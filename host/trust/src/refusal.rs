//! Why a plugin may not run: what was expected, what was found, and what to do.

use std::path::PathBuf;

use crate::signature::SignatureProblem;

/// A plugin that the lock file or the trusted keys refuse.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody accepted this file.
    #[error("{} is not in the lock file {}", .file.display(), .lock.display())]
    Unlocked {
        /// The plugin's file.
        file: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },
    /// The file is another than the one that was accepted.
    #[error(
        "{} is not the file that was accepted: its SHA-256 is {found}, and {} expects {expected}",
        .file.display(), .lock.display()
    )]
    OtherFile {
        /// The plugin's file.
        file: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// What the lock file says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The plugin has another version than the one that was accepted.
    #[error("{} is version {found}, and {} expects {expected}", .file.display(), .lock.display())]
    OtherVersion {
        /// The plugin's file.
        file: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// What the lock file says.
        expected: String,
        /// What the plugin says.
        found: String,
    },
    /// The plugin asks for other capabilities than was accepted.
    #[error("{} asks for {found}, and {} expects {expected}", .file.display(), .lock.display())]
    OtherAsks {
        /// The plugin's file.
        file: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// What the lock file says.
        expected: String,
        /// What the plugin says.
        found: String,
    },
    /// A policy grants more than was accepted.
    #[error(
        "the policy {policy} grants {found} to `{plugin}`, and {} expects {expected}", .lock.display()
    )]
    OtherGrants {
        /// The plugin's name.
        plugin: String,
        /// The lock file.
        lock: PathBuf,
        /// The policy.
        policy: String,
        /// What the lock file says.
        expected: String,
        /// What the policy says.
        found: String,
    },
    /// A plugin that was accepted is gone.
    #[error("{} is missing: {} expects it, with the SHA-256 {expected}", .file.display(), .lock.display())]
    Gone {
        /// Where the plugin should be.
        file: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// The digest of the file that was accepted.
        expected: String,
    },
    /// The signature is not good.
    #[error("{} is refused, since `plugins.trusted_keys` demands a signature: {problem}", .file.display())]
    Signature {
        /// The plugin's file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        problem: SignatureProblem,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unlocked { .. } => {
                "take it out of the plugins folder; or, if it is to run, accept it with `bartizan plugin lock`"
            }
            Self::OtherFile { .. } | Self::OtherVersion { .. } | Self::OtherAsks { .. } => {
                "put the accepted file back; or, if this one is to run, accept it with `bartizan plugin lock`"
            }
            Self::OtherGrants { .. } => {
                "take the grant away; or, if it is meant, accept it with `bartizan plugin lock`"
            }
            Self::Gone { .. } => {
                "put the file back; or, if the plugin is not to run any more, write the lock file anew with \
                 `bartizan plugin lock`"
            }
            Self::Signature { problem, .. } => match problem {
                SignatureProblem::Missing { .. } => {
                    "get the signature from where the plugin is from, or sign it with `bartizan plugin sign`"
                }
                SignatureProblem::Unreadable { .. } | SignatureProblem::Malformed { .. } => {
                    "put the right signature beside the file"
                }
                SignatureProblem::Tampered { .. } => {
                    "do not use this file: get the plugin and its signature again from where they are from"
                }
                SignatureProblem::OtherKey { .. } => {
                    "if you trust who signed it, add the public key to `plugins.trusted_keys`"
                }
                SignatureProblem::OtherName { .. } => {
                    "give the file the name that was signed, or have it signed under this one"
                }
                SignatureProblem::NoName => {
                    "have it signed with `bartizan plugin sign`, or with minisign and the comment that it writes by itself"
                }
            },
        }
    }
}
