//! The built-in plugins, as WebAssembly, embedded.
//!
//! They are ordinary plugins: they use the public contract and run in the same sandbox as a
//! stranger's. Their sources are in `plugins/`.
#![forbid(unsafe_code)]

/// A plugin that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name that plans use.
    pub name: &'static str,
    /// A core module with a `component-type` section.
    pub wasm: &'static [u8],
}

macro_rules! builtin {
    ($name:literal) => {
        Builtin {
            name: $name,
            wasm: include_bytes!(concat!(env!("BARTIZAN_PLUGINS_FOUND"), "/", $name, ".wasm")),
        }
    };
}

/// Every built-in plugin.
pub const BUILTINS: [Builtin; 9] = [
    builtin!("access"),
    builtin!("pin"),
    builtin!("conditions"),
    builtin!("schema"),
    builtin!("redact"),
    builtin!("inspect"),
    builtin!("approval"),
    builtin!("rate-limit"),
    builtin!("limits"),
];

/// The built-in plugin of this name.
pub fn find(name: &str) -> Option<Builtin> {
    BUILTINS.into_iter().find(|builtin| builtin.name == name)
}
