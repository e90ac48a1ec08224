//! `wasi:filesystem`: linked, since runtimes import it, and empty.

use wasmtime::Result;
use wasmtime::component::{Linker, Resource, ResourceType, Val};

use super::{Context, Descriptor, DirectoryEntryStream, dropped};
use crate::contract::{HostState, Raised};

/// What can be done with a descriptor or a directory, if there were one.
const METHODS: &[&str] = &[
    "[method]descriptor.advise",
    "[method]descriptor.append-via-stream",
    "[method]descriptor.create-directory-at",
    "[method]descriptor.get-flags",
    "[method]descriptor.get-type",
    "[method]descriptor.is-same-object",
    "[method]descriptor.link-at",
    "[method]descriptor.metadata-hash",
    "[method]descriptor.metadata-hash-at",
    "[method]descriptor.open-at",
    "[method]descriptor.read",
    "[method]descriptor.read-directory",
    "[method]descriptor.read-via-stream",
    "[method]descriptor.readlink-at",
    "[method]descriptor.remove-directory-at",
    "[method]descriptor.rename-at",
    "[method]descriptor.set-size",
    "[method]descriptor.set-times",
    "[method]descriptor.set-times-at",
    "[method]descriptor.stat",
    "[method]descriptor.stat-at",
    "[method]descriptor.symlink-at",
    "[method]descriptor.sync",
    "[method]descriptor.sync-data",
    "[method]descriptor.unlink-file-at",
    "[method]descriptor.write",
    "[method]descriptor.write-via-stream",
    "[method]directory-entry-stream.read-directory-entry",
];

pub(super) fn link(linker: &mut Linker<HostState>) -> Result<()> {
    let mut types = linker.instance("wasi:filesystem/types@0.2.0")?;
    types.resource("descriptor", ResourceType::host::<Descriptor>(), dropped)?;
    types.resource("directory-entry-stream", ResourceType::host::<DirectoryEntryStream>(), dropped)?;
    for method in METHODS {
        types.func_new(method, move |_, _, _, _| {
            Err(Raised(format!("it called `{method}`, but there are no files")).into())
        })?;
    }
    types.func_new("filesystem-error-code", |_, _, _, results| {
        if let Some(code) = results.first_mut() {
            *code = Val::Option(None);
        }
        Ok(())
    })?;
    linker
        .instance("wasi:filesystem/preopens@0.2.0")?
        .func_wrap("get-directories", |_: Context<'_>, (): ()| {
            Ok((Vec::<(Resource<Descriptor>, String)>::new(),))
        })
}
