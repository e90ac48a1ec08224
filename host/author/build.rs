//! Assembles the adapter for Go, and has the crate compiled again when a template changes: what
//! `include_dir!` embeds is not known to cargo.
#![allow(missing_docs, reason = "a build script has no interface")]

use std::error::Error;
use std::path::{Path, PathBuf};

const EMBEDDED: [&str; 9] = [
    "guest-sdk/rust",
    "guest-sdk/pattern",
    "guest-sdk/c",
    "guest-sdk/zig",
    "guest-sdk/go",
    "guest-sdk/js",
    "guest-sdk/ts",
    "guest-sdk/python",
    "wit",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for directory in EMBEDDED {
        println!("cargo:rerun-if-changed={}", root.join(directory).display());
    }
    let adapter = wat::parse_file(root.join("guest-sdk/go/preview1.wat"))?;
    let out: PathBuf = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?.into();
    std::fs::write(out.join("preview1.wasm"), adapter)?;
    Ok(())
}
