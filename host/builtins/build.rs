//! Finds the built-in plugins that `cargo xtask build` compiled, to embed them.

use std::env;
use std::path::PathBuf;

const PLUGINS: [&str; 9] =
    ["access", "pin", "conditions", "schema", "redact", "inspect", "approval", "rate-limit", "limits"];

fn main() {
    println!("cargo::rerun-if-env-changed=BARTIZAN_PLUGINS");
    let directory = match env::var_os("BARTIZAN_PLUGINS") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"),
    };
    for plugin in PLUGINS {
        let file = directory.join(format!("{plugin}.wasm"));
        println!("cargo::rerun-if-changed={}", file.display());
        if !file.is_file() {
            println!(
                "cargo::error=the built-in plugin {plugin} is not compiled: run `cargo xtask build` \
                 once, which compiles the plugins to WebAssembly into target/plugins; or set BARTIZAN_PLUGINS to the folder that has {plugin}.wasm"
            );
        }
    }
    println!("cargo::rustc-env=BARTIZAN_PLUGINS_FOUND={}", directory.display());
}
