//! Compiled code: the one place where bytes become machine code that runs.
//!
//! Loading it runs it with the rights of this process, outside of every sandbox, and nothing can check it. So
//! the type stands for where the bytes came from: what holds one vouches that they were made by this program's
//! own compiler.

use crate::engine::Engine;

/// Native code that this program's own compiler made.
pub(crate) struct NativeCode(Vec<u8>);

impl NativeCode {
    /// The caller vouches that the bytes were made by [`crate::compiler`]: in this process, in a child that
    /// runs this very program, or earlier, and kept in a cache that nobody else can write to.
    pub(crate) fn vouched(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Makes it a component of this engine. wasmtime refuses code of another version or configuration.
    #[expect(unsafe_code, reason = "wasmtime cannot check that serialized code is its own")]
    pub(crate) fn load(&self, engine: &Engine) -> wasmtime::Result<wasmtime::component::Component> {
        // SAFETY: the bytes are what wasmtime's compiler gave (`NativeCode::vouched`, of which there are two
        // callers):
        // - `compiler`: made in this process, or read from the pipe of a child that this process started and
        //   whose program is the compiler that the embedder of this crate named: this program itself.
        //   Nobody else holds that pipe. A child that ends in any way but success gives no code.
        // - `cache`: a whole file (checksum) in a directory that `Cache::open` found to belong to this user
        //   and to be writable by no one else, in which only `cache::write` writes what `compiler` gave.
        // Plugin files themselves never get here: `encode::component` refuses precompiled ones.
        unsafe { wasmtime::component::Component::deserialize(engine.wasmtime(), &self.0) }
    }
}
