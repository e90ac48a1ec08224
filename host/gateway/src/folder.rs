//! The plugins folder: which files are in it, and whether they are still those that were seen before.
//!
//! A plugin is a regular file, or a link to one, whose name ends in `.wasm` and does not begin with a dot;
//! its name is the file's without the ending. Nothing here looks into a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const ENDING: &str = "wasm";

/// The folder as it was at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    directory: Option<PathBuf>,
    files: BTreeMap<String, PluginFile>,
}

/// One file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it was when it was seen. None if that cannot be found out, as of a link that leads nowhere.
    stamp: Option<Stamp>,
}

/// Tells a file from one that was put in its place, and from itself after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// No program can set this one.
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of what is at a path, whether it is a file or a directory. Links are followed.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the plugins folder {} cannot be read: {source}", .directory.display())]
pub struct FolderError {
    directory: PathBuf,
    #[source]
    source: io::Error,
}

/// A file of the folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a directory, a pipe or a device.
    #[error("it is no regular file")]
    NotAFile,
    /// It is larger than any plugin may be.
    #[error("it has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Bytes in the file.
        size: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Somebody writes to it.
    #[error("it changed while it was read; it is read again when it is whole")]
    Changing,
}

impl Folder {
    /// Looks at a directory. `None` is a folder without files.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn read(directory: Option<&Path>) -> Result<Self, FolderError> {
        let Some(directory) = directory else { return Ok(Self::default()) };
        let failed = |source| FolderError { directory: directory.to_owned(), source };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if let Some(name) = plugin_name(&path) {
                let stamp = Stamp::of(&path);
                files.insert(name, PluginFile { path, stamp });
            }
        }
        Ok(Self { directory: Some(directory.to_owned()), files })
    }

    /// A folder with nothing but this plugin, whatever its file is called.
    pub fn of_plugin(name: &str, path: &Path) -> Self {
        let file = PluginFile { path: path.to_owned(), stamp: Stamp::of(path) };
        Self { directory: None, files: BTreeMap::from([(name.to_owned(), file)]) }
    }

    /// The directory, if there is one.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The file of a plugin.
    pub fn find(&self, name: &str) -> Option<&PluginFile> {
        self.files.get(name)
    }

    /// The folder as if there were no other files than those of these plugins.
    #[must_use]
    pub fn only(&self, names: &BTreeSet<&str>) -> Self {
        let mut only = self.clone();
        only.files.retain(|name, _| names.contains(name.as_str()));
        only
    }

    /// The files by the names of their plugins, in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &PluginFile)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }
}

/// The name of the plugin in a file, if the file's name is that of one.
pub(crate) fn plugin_name(path: &Path) -> Option<String> {
    let is_plugin = path.extension().is_some_and(|ending| ending == ENDING);
    let name = path.file_stem()?.to_string_lossy();
    (is_plugin && !name.starts_with('.')).then(|| name.into_owned())
}

impl PluginFile {
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// Reads the file whole. One that is not the file that was seen any more is not read.
    ///
    /// # Errors
    ///
    /// When it cannot be read, has more than `limit` bytes, or changes meanwhile.
    pub fn read(&self, limit: usize) -> Result<Vec<u8>, FileError> {
        // A pipe would be waited for when it is opened.
        if !fs::metadata(&self.path)?.is_file() {
            return Err(FileError::NotAFile);
        }
        let mut file = File::open(&self.path)?;
        let before = file.metadata()?;
        if before.len() > limit as u64 {
            return Err(FileError::TooLarge { size: before.len(), limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(limit));
        (&mut file).take(limit as u64 + 1).read_to_end(&mut bytes)?;
        let (before, after) = (Stamp::from(&before), Stamp::from(&file.metadata()?));
        if before != after || self.stamp != Some(before) || before.size != bytes.len() as u64 {
            return Err(FileError::Changing);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_files_that_are_plugins_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", ".c.wasm", "d.wasm.part", "e.txt", "wasm"] {
            fs::write(directory.path().join(name), name).unwrap();
        }
        fs::create_dir(directory.path().join("f.wasm")).unwrap();
        std::os::unix::fs::symlink(directory.path().join("a.wasm"), directory.path().join("g.wasm")).unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("h.wasm")).unwrap();
        let folder = Folder::read(Some(directory.path())).unwrap();
        let names: Vec<&str> = folder.files().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "f", "g", "h"]);
        let read = |name| folder.find(name).unwrap().read(100);
        assert_eq!(read("a").unwrap(), b"a.wasm");
        assert_eq!(read("g").unwrap(), b"a.wasm", "a link is followed");
        assert!(matches!(read("f"), Err(FileError::NotAFile)));
        assert!(matches!(read("h"), Err(FileError::Unreadable(_))));
        assert!(matches!(folder.find("b").unwrap().read(5), Err(FileError::TooLarge { size: 6, limit: 5 })));
    }

    #[test]
    fn a_file_that_is_another_by_now_is_not_taken_for_the_one_that_was_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let folder = Folder::read(Some(directory.path())).unwrap();
        fs::write(directory.path().join("new"), "two").unwrap();
        fs::rename(directory.path().join("new"), &path).unwrap();
        assert!(matches!(folder.find("a").unwrap().read(100), Err(FileError::Changing)));
        let again = Folder::read(Some(directory.path())).unwrap();
        assert_ne!(folder, again);
        assert_eq!(again.find("a").unwrap().read(100).unwrap(), b"two");
        assert_eq!(again, Folder::read(Some(directory.path())).unwrap());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Folder::read(Some(Path::new("/no/such/folder"))).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
        assert_eq!(Folder::read(None).unwrap(), Folder::default());
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wasm");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let folder = Folder::read(Some(directory.path())).unwrap();
        assert!(matches!(folder.find("a").unwrap().read(100), Err(FileError::NotAFile)));
    }
}
