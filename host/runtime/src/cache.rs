//! The cache of compiled code, in a directory that only this program writes.
//!
//! A cache file is native code: loading one that somebody else wrote would run their code outside of
//! every sandbox. Hence the directory must belong to this user and be writable by nobody else, which
//! is checked, and each file carries a checksum against truncation. Keys hold everything that the
//! code depends on: what was compiled, and wasmtime's own compatibility hash.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::compiler::CompileError;
use crate::component::hex;
use crate::engine::Engine;
use crate::native::NativeCode;

/// Part of every key: the layout of cache files, and the release whose encoding and snapshots they hold.
const FORMAT: &str = concat!("1 ", env!("CARGO_PKG_VERSION"));

const CHECKSUM_BYTES: usize = 32;

/// A directory of compiled plugins. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// The directory cannot be a cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It could not be made or looked at.
    #[error("cannot use {} as the cache of compiled plugins: {source}", .directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Someone else could write native code into it.
    #[error(
        "{} is not used as the cache of compiled plugins: other users may write to it; \
         make it yours alone (chmod 700) or name another directory", .directory.display()
    )]
    Exposed {
        /// The directory.
        directory: PathBuf,
    },
}

impl Cache {
    /// Opens a cache directory, making it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or when others may write to it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let directory = directory.into();
        match prepare(&directory) {
            Ok(true) => Ok(Self { directory }),
            Ok(false) => Err(CacheError::Exposed { directory }),
            Err(source) => Err(CacheError::Io { directory, source }),
        }
    }

    /// Compiles a component, or takes it from the cache if there is one. `identity` names what
    /// `component` would give; the latter is asked only when it must be compiled.
    ///
    /// A cache that cannot be read or written costs time, never correctness: it is logged.
    pub(crate) fn compile<E: From<CompileError>>(
        cache: Option<&Self>,
        engine: &Engine,
        identity: &str,
        component: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<wasmtime::component::Component, E> {
        let path = cache.map(|cache| cache.path(engine, identity));
        if let Some(path) = &path
            && let Some(compiled) = read(engine, path)
        {
            return Ok(compiled);
        }
        let code = engine.compile(&component()?)?;
        let compiled = code.load(engine).map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        if let Some(path) = &path
            && let Err(error) = write(path, &code)
        {
            tracing::warn!(path = %path.display(), %error, "compiled plugin not cached");
        }
        Ok(compiled)
    }

    fn path(&self, engine: &Engine, identity: &str) -> PathBuf {
        let mut key = Sha256Hasher(Sha256::new());
        FORMAT.hash(&mut key);
        identity.hash(&mut key);
        engine.wasmtime().precompile_compatibility_hash().hash(&mut key);
        self.directory.join(format!("{}.cwasm", hex(&key.0.finalize())))
    }
}

/// Makes the directory; whether it is this user's alone.
fn prepare(directory: &Path) -> std::io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let metadata = fs::metadata(directory)?;
        Ok(metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0)
    }
    #[cfg(not(unix))]
    {
        fs::create_dir_all(directory)?;
        Ok(true)
    }
}

fn read(engine: &Engine, path: &Path) -> Option<wasmtime::component::Component> {
    let mut opened = fs::File::open(path).ok()?;
    if !is_ours(&opened) {
        tracing::warn!(path = %path.display(), "a cached plugin that others could have written is not used");
        return None;
    }
    let mut file = Vec::new();
    opened.read_to_end(&mut file).ok()?;
    if file.len() < CHECKSUM_BYTES {
        return None;
    }
    let code = file.split_off(CHECKSUM_BYTES);
    if Sha256::digest(&code).as_slice() != file {
        tracing::warn!(path = %path.display(), "a cached plugin is damaged and will be compiled again");
        return None;
    }
    NativeCode::vouched(code)
        .load(engine)
        .inspect_err(|error| {
            tracing::debug!(path = %path.display(), error = format!("{error:#}"), "cached plugin not usable");
        })
        .ok()
}

/// Whether a cache file was written by this user, and by nobody else since: a directory may have been open
/// to others before.
fn is_ours(file: &fs::File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        file.metadata().is_ok_and(|metadata| {
            metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
        })
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

/// Writes a whole file or none: a reader never sees a part.
fn write(path: &Path, code: &NativeCode) -> std::io::Result<()> {
    let code = code.as_bytes();
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Lets anything hashable go into a cryptographic hash.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // `Hash` implementations only write; the digest is read from the field.
        0
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("cache");
        assert!(Cache::open(&directory).is_ok(), "a new directory is ours");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Cache::open(&directory), Err(CacheError::Exposed { .. })));
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Cache::open(file.path().join("below")).unwrap_err();
        assert!(error.to_string().contains("below"), "{error}");
    }
}
