//! A compiler that can build plugins: one with a standard library and a linker for [`TARGET`].
//!
//! A machine with Rust need not have one, so several ways are tried. What a way found is believed only
//! after it has compiled something.

mod debian;
mod probe;
mod rustup;

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, bail};

use self::debian::Sysroot;
use crate::cache::Cache;
use crate::process;
use crate::step;
use crate::workspace::Workspace;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) enum GuestToolchain {
    /// The rustc that cargo uses anyway.
    InUse,
    /// A rustc of its own, unpacked into the cache directory.
    Unpacked(Sysroot),
}

struct Way {
    name: &'static str,
    attempt: fn(&Workspace, &Cache) -> Result<GuestToolchain>,
}

/// In the order in which they are tried. What is at hand comes before what must be downloaded: on a
/// closed network every download costs its time limit.
const WAYS: [Way; 4] = [
    Way { name: "the rustc in use", attempt: |workspace, _| in_use(workspace) },
    Way {
        name: "a toolchain made earlier",
        attempt: |workspace, cache| debian::made_earlier(workspace, cache).map(GuestToolchain::Unpacked),
    },
    Way {
        name: "rustup target add",
        attempt: |workspace, _| {
            rustup::add_target(workspace)?;
            in_use(workspace)
        },
    },
    Way {
        name: "packages of Debian",
        attempt: |workspace, cache| debian::make(workspace, cache).map(GuestToolchain::Unpacked),
    },
];

impl GuestToolchain {
    pub(crate) fn find_or_make(workspace: &Workspace, cache: &Cache) -> Result<Self> {
        let mut tried = String::new();
        for way in &WAYS {
            match (way.attempt)(workspace, cache) {
                Ok(toolchain) => return toolchain.announce(way.name),
                Err(reason) => {
                    let reason = format!("{reason:#}").replace('\n', "\n    ");
                    tried.push_str(&format!("\n  - {}: {reason}", way.name));
                }
            }
        }
        bail!(
            "no compiler here can build plugins for {TARGET}. What was tried:{tried}\n\
             Give the Rust toolchain in use that target, and run this again:\n  \
             with rustup:           rustup target add {TARGET}\n  \
             with a distribution:   install its package of Rust's standard library for {TARGET}, and lld\n\
             or, on Debian and its relatives, make a package mirror reachable that has rustc-web {} or later.",
            workspace.minimum_rust
        )
    }

    /// Makes a command that runs rustc or cargo use this toolchain.
    pub(crate) fn configure(&self, command: &mut Command) {
        if let Self::Unpacked(sysroot) = self {
            sysroot.configure(command);
        }
    }

    /// Differs between toolchains whose outputs cargo could not tell apart.
    pub(crate) fn identity(&self) -> &str {
        match self {
            Self::InUse => "the rustc in use",
            Self::Unpacked(sysroot) => sysroot.identity(),
        }
    }

    fn announce(self, way: &str) -> Result<Self> {
        let mut command = match &self {
            Self::InUse => Command::new(rustc_in_use()),
            Self::Unpacked(sysroot) => Command::new(sysroot.rustc()),
        };
        self.configure(&mut command);
        command.arg("--version");
        let version = process::query(command)?;
        step::note(&format!("guest toolchain: {}, by way of {way}", version.trim()));
        Ok(self)
    }
}

/// The compiler that cargo runs by default.
fn rustc_in_use() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn in_use(workspace: &Workspace) -> Result<GuestToolchain> {
    probe::compile(workspace, Command::new(rustc_in_use()))?;
    Ok(GuestToolchain::InUse)
}
