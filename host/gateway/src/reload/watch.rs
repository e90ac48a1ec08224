//! Notices that files have changed.
//!
//! The system tells at once. What it cannot tell (of network file systems, or when a directory is replaced) is
//! found by looking every few seconds. Nothing is concluded from what the system tells but that it is time to
//! look: a change is a stamp that is another one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::folder::{Stamp, plugin_name};

/// How often files are looked at though nothing was told of them.
const LOOK: Duration = Duration::from_secs(3);
/// Files are written in several steps: changes that follow each other this closely are one.
const QUIET: Duration = Duration::from_millis(50);
/// How long changes may follow each other before they are taken as they are.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a watch is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Something has changed where files are watched.
    Changed,
    /// Somebody wants everything to be read again.
    Demanded,
}

/// Files and a plugins folder that are watched.
pub(crate) struct Watch {
    notices: Receiver<Notice>,
    /// None if the system does not tell of changes.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
    folder: Option<PathBuf>,
    seen: BTreeMap<PathBuf, Option<Stamp>>,
}

impl Watch {
    /// Nothing is watched yet. `sender` is the other end of `notices`; when nobody holds it any more but the
    /// watch, waiting goes on all the same.
    pub(crate) fn new(sender: Sender<Notice>, notices: Receiver<Notice>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Who reads a file changes nothing; an error can be anything.
            if !matches!(event, Ok(Event { kind: EventKind::Access(_), .. })) {
                // The watch is gone: nobody waits any more.
                let _gone = sender.send(Notice::Changed);
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "files are looked at every few seconds: the system tells nothing of changes"))
            .ok();
        Self {
            notices,
            watcher,
            watched: BTreeSet::new(),
            files: BTreeSet::new(),
            folder: None,
            seen: BTreeMap::new(),
        }
    }

    /// Watches these files and this folder, in place of what was watched before. What is not there is seen
    /// when it comes. To be called before they are read: what changes after that is seen.
    pub(crate) fn follow(&mut self, files: BTreeSet<PathBuf>, folder: Option<PathBuf>) {
        self.files = files;
        self.folder = folder;
        let directories = self.directories();
        if let Some(watcher) = &mut self.watcher {
            // A directory may have been replaced by another one of its name: each is watched anew.
            for before in std::mem::take(&mut self.watched) {
                let _gone = watcher.unwatch(&before);
            }
            for directory in directories {
                if let Err(error) = watcher.watch(&directory, RecursiveMode::NonRecursive) {
                    let directory = directory.display();
                    tracing::warn!(%directory, %error, "changes here are found by looking every few seconds");
                } else {
                    self.watched.insert(directory);
                }
            }
        }
        self.seen = self.look();
    }

    /// Waits until something is not as it was when it was followed, or everything is to be read again. False
    /// if neither will ever be.
    pub(crate) fn wait(&mut self) -> bool {
        loop {
            match self.notices.recv_timeout(LOOK) {
                Ok(Notice::Demanded) => return true,
                Ok(Notice::Changed) => {
                    if self.wait_for_quiet() == Some(Notice::Demanded) {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
            if self.look() != self.seen {
                return true;
            }
        }
    }

    fn wait_for_quiet(&self) -> Option<Notice> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.notices.recv_timeout(QUIET) {
                Ok(Notice::Demanded) => return Some(Notice::Demanded),
                Ok(Notice::Changed) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// What everything is now.
    fn look(&self) -> BTreeMap<PathBuf, Option<Stamp>> {
        let mut seen: BTreeMap<PathBuf, Option<Stamp>> =
            self.files.iter().map(|file| (file.clone(), Stamp::of(file))).collect();
        let entries = self.folder.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| matters(path)) {
            let stamp = Stamp::of(&path);
            seen.insert(path, stamp);
        }
        seen
    }

    /// The directories in which changes matter: those of files, and of what links lead to.
    fn directories(&self) -> BTreeSet<PathBuf> {
        let above = |path: &Path| match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
            parent => parent.map(Path::to_owned),
        };
        let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
        for path in self.look().keys() {
            directories.extend(above(path));
            directories.extend(fs::canonicalize(path).ok().as_deref().and_then(above));
        }
        directories.extend(self.folder.clone());
        directories.retain(|directory| directory.is_dir());
        directories
    }
}

/// Whether a file of the plugins folder matters: a plugin, or its signature.
fn matters(path: &Path) -> bool {
    let is_signature = path.extension().is_some_and(|ending| ending == "minisig");
    is_signature || plugin_name(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// How long a test waits for a change that does come.
    const LONG: Duration = Duration::from_secs(60);

    struct Watching {
        directory: tempfile::TempDir,
        seen: Receiver<BTreeSet<PathBuf>>,
        sender: Sender<Notice>,
    }

    /// Watches `plugins/` and `policies/p.json`, in a thread of its own, which says what has changed.
    fn watching() -> Watching {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        for folder in ["policies", "plugins"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("policies/p.json"), "{}").unwrap();
        let (sender, notices) = mpsc::channel();
        let mut watch = Watch::new(sender.clone(), notices);
        let files = BTreeSet::from([root.join("policies/p.json")]);
        watch.follow(files.clone(), Some(root.join("plugins")));
        let (report, seen) = mpsc::channel();
        std::thread::spawn(move || {
            while watch.wait() {
                let before = watch.seen.clone();
                watch.follow(files.clone(), Some(root.join("plugins")));
                let all: BTreeSet<&PathBuf> = before.keys().chain(watch.seen.keys()).collect();
                let changed = all.into_iter().filter(|path| before.get(*path) != watch.seen.get(*path));
                if report.send(changed.cloned().collect()).is_err() {
                    return;
                }
            }
        });
        Watching { directory, seen, sender }
    }

    #[test]
    fn sees_files_come_change_and_go() {
        let watching = watching();
        let root = watching.directory.path();
        let (policy, plugin) = (root.join("policies/p.json"), root.join("plugins/a.wasm"));
        let saw = |path: &Path| {
            let changed = watching.seen.recv_timeout(LONG).unwrap();
            assert_eq!(changed, BTreeSet::from([path.to_owned()]));
        };
        fs::write(&plugin, "one").unwrap();
        saw(&plugin);
        fs::write(root.join("plugins/new"), "two").unwrap();
        fs::rename(root.join("plugins/new"), &plugin).unwrap();
        saw(&plugin);
        fs::write(&policy, "{ }").unwrap();
        saw(&policy);
        fs::remove_file(&plugin).unwrap();
        saw(&plugin);
        fs::remove_file(&policy).unwrap();
        saw(&policy);
        fs::write(&policy, "{}").unwrap();
        saw(&policy);
    }

    #[test]
    fn sees_what_a_link_leads_to() {
        let watching = watching();
        let root = watching.directory.path();
        fs::create_dir(root.join("elsewhere")).unwrap();
        fs::write(root.join("elsewhere/real.wasm"), "one").unwrap();
        let link = root.join("plugins/a.wasm");
        std::os::unix::fs::symlink(root.join("elsewhere/real.wasm"), &link).unwrap();
        let saw = || assert_eq!(watching.seen.recv_timeout(LONG).unwrap(), BTreeSet::from([link.clone()]));
        saw();
        fs::write(root.join("elsewhere/real.wasm"), "two, longer").unwrap();
        saw();
    }

    #[test]
    fn what_does_not_matter_is_not_seen() {
        let watching = watching();
        let root = watching.directory.path();
        for path in ["policies/other.json", "plugins/notes.txt", "plugins/.a.wasm", "plugins/a.wasm.part"] {
            fs::write(root.join(path), "").unwrap();
        }
        fs::write(root.join("plugins/a.wasm"), "").unwrap();
        assert_eq!(watching.seen.recv_timeout(LONG).unwrap(), BTreeSet::from([root.join("plugins/a.wasm")]));
    }

    #[test]
    fn a_demand_is_met_though_nothing_has_changed() {
        let watching = watching();
        watching.sender.send(Notice::Demanded).unwrap();
        assert_eq!(watching.seen.recv_timeout(LONG).unwrap(), BTreeSet::new());
    }

    #[test]
    fn sees_a_folder_that_is_replaced() {
        let watching = watching();
        let root = watching.directory.path();
        fs::rename(root.join("plugins"), root.join("old")).unwrap();
        fs::create_dir(root.join("plugins")).unwrap();
        fs::write(root.join("plugins/a.wasm"), "").unwrap();
        assert_eq!(watching.seen.recv_timeout(LONG).unwrap(), BTreeSet::from([root.join("plugins/a.wasm")]));
    }
}
