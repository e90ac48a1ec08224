//! `wasi:random`: numbers that follow from the call. They are no secret and no surprise to whoever knows it.

use sha2::{Digest, Sha256};
use wasmtime::Result;
use wasmtime::component::Linker;

use super::{Context, Wasi, current};
use crate::call::{Call, Flow};
use crate::contract::{HostState, Raised};

/// The most bytes that are given at once.
const AT_ONCE: u64 = 64 << 10;
const BLOCK: u64 = 32;

pub(super) fn link(linker: &mut Linker<HostState>) -> Result<()> {
    for (interface, bytes, number) in [
        ("wasi:random/random@0.2.0", "get-random-bytes", "get-random-u64"),
        ("wasi:random/insecure@0.2.0", "get-insecure-random-bytes", "get-insecure-random-u64"),
    ] {
        let mut random = linker.instance(interface)?;
        random.func_wrap(bytes, |mut context: Context<'_>, (length,): (u64,)| -> Result<(Vec<u8>,)> {
            if length > AT_ONCE {
                let words = format!("it wanted {length} random bytes at once, more than {AT_ONCE}");
                return Err(Raised(words).into());
            }
            Ok((current(&mut context).random(length),))
        })?;
        random.func_wrap(number, |mut context: Context<'_>, (): ()| Ok((current(&mut context).number(),)))?;
    }
    linker.instance("wasi:random/insecure-seed@0.2.0")?.func_wrap(
        "insecure-seed",
        |mut context: Context<'_>, (): ()| {
            let wasi = current(&mut context);
            Ok(((wasi.number(), wasi.number()),))
        },
    )
}

impl Wasi {
    /// The next bytes: SHA-256 of the call and of a count.
    fn random(&mut self, length: u64) -> Vec<u8> {
        let seed = seed(self.call.as_deref());
        let mut bytes = Vec::new();
        for _ in 0..length.div_ceil(BLOCK) {
            self.given = self.given.wrapping_add(1);
            bytes.extend_from_slice(
                &Sha256::new().chain_update(seed).chain_update(self.given.to_le_bytes()).finalize(),
            );
        }
        bytes.truncate(usize::try_from(length).unwrap_or(0));
        bytes
    }

    fn number(&mut self) -> u64 {
        self.random(8).try_into().map_or(0, u64::from_le_bytes)
    }
}

/// A digest of all that a plugin can read of a call. Without a call, always the same.
fn seed(call: Option<&Call>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: Option<&str>| {
        // The length keeps parts from running into each other.
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(text.unwrap_or_default());
    };
    if let Some(call) = call {
        let entry = call.entry.as_deref();
        part(Some(&call.method));
        part(Some(match call.direction {
            Flow::ClientToServer => "client",
            Flow::ServerToClient => "server",
        }));
        part(Some(&call.server));
        part(call.target.as_deref());
        part(call.arguments.as_deref());
        part(entry.map(|entry| entry.name.as_str()));
        part(entry.map(|entry| entry.definition.as_str()));
        part(Some(&call.session));
        part(call.principal.as_deref());
        part(call.claims.as_deref());
        part(Some(&call.time.to_string()));
    }
    hash.finalize().into()
}
