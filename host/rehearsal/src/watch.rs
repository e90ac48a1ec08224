//! Running again when a file changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;

use crate::suite::is_suite;

/// Editors write a file in several steps: changes that follow each other this closely are one.
const QUIET: Duration = Duration::from_millis(100);

/// Sees changes of files.
pub struct Watch {
    watcher: RecommendedWatcher,
    changes: Receiver<()>,
    wanted: Arc<Mutex<Wanted>>,
    watched: BTreeSet<PathBuf>,
}

/// Which changes matter.
#[derive(Default)]
struct Wanted {
    files: BTreeSet<PathBuf>,
    /// In these, at any depth, suites matter.
    suites: BTreeSet<PathBuf>,
    /// In these, plugins matter.
    plugins: BTreeSet<PathBuf>,
}

impl Wanted {
    fn matters(&self, path: &Path) -> bool {
        self.files.contains(path)
            || is_suite(path) && path.ancestors().any(|above| self.suites.contains(above))
            || path.extension().is_some_and(|ending| ending == "wasm")
                && path.parent().is_some_and(|above| self.plugins.contains(above))
    }
}

impl Watch {
    /// Watches for suites that change, come or go in the directories among `paths`.
    ///
    /// # Errors
    ///
    /// When the system cannot watch files.
    pub fn new(paths: &[PathBuf]) -> Result<Self, notify::Error> {
        let (sender, changes) = mpsc::channel();
        let wanted: Arc<Mutex<Wanted>> = Arc::default();
        let seen = Arc::clone(&wanted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let matters = match &event {
                Ok(Event { kind: EventKind::Access(_), .. }) => false,
                Ok(event) => {
                    let wanted = seen.lock();
                    event.paths.iter().any(|path| wanted.matters(path))
                }
                // What was missed may have mattered.
                Err(_) => true,
            };
            if matters {
                // Nobody waits any more: the watch is being dropped.
                let _ = sender.send(());
            }
        })?;
        let mut watch = Self { watcher, changes, wanted, watched: BTreeSet::new() };
        for path in paths.iter().filter(|path| path.is_dir()) {
            let directory = path.canonicalize().map_err(notify::Error::io)?;
            watch.wanted.lock().suites.insert(directory.clone());
            watch.add(directory, RecursiveMode::Recursive)?;
        }
        Ok(watch)
    }

    /// Watches these files and plugin folders as well, from now on. What is not there is seen when it comes.
    ///
    /// # Errors
    ///
    /// When the system cannot watch more files.
    pub fn follow(&mut self, files: &BTreeSet<PathBuf>) -> Result<(), notify::Error> {
        for path in files {
            if path.is_dir() {
                let Ok(directory) = path.canonicalize() else { continue };
                self.wanted.lock().plugins.insert(directory.clone());
                self.add(directory, RecursiveMode::NonRecursive)?;
                continue;
            }
            // A file that is replaced is another one: its directory stays.
            let parent =
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let (Ok(parent), Some(name)) = (parent.canonicalize(), path.file_name()) else { continue };
            self.wanted.lock().files.insert(parent.join(name));
            self.add(parent, RecursiveMode::NonRecursive)?;
        }
        Ok(())
    }

    fn add(&mut self, directory: PathBuf, mode: RecursiveMode) -> Result<(), notify::Error> {
        let is_covered = {
            let wanted = self.wanted.lock();
            directory.ancestors().any(|above| wanted.suites.contains(above))
                && mode == RecursiveMode::NonRecursive
        };
        if is_covered || self.watched.contains(&directory) {
            return Ok(());
        }
        self.watcher.watch(&directory, mode)?;
        self.watched.insert(directory);
        Ok(())
    }

    /// Waits for a change, and until nothing changes any more. False if none will ever come.
    pub fn wait(&self) -> bool {
        if self.changes.recv().is_err() {
            return false;
        }
        loop {
            match self.changes.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// How long a test waits for a change that does come.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Watching {
        directory: tempfile::TempDir,
        seen: Receiver<()>,
    }

    /// Watches `suites/` and the files, in a thread of its own.
    fn watching(files: &[&str]) -> Watching {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        for folder in ["suites/deep", "policies", "plugins"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let mut watch = Watch::new(&[root.join("suites")]).unwrap();
        watch.follow(&files.iter().map(|file| root.join(file)).collect()).unwrap();
        let (sender, seen) = mpsc::channel();
        std::thread::spawn(move || {
            while watch.wait() {
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Watching { directory, seen }
    }

    #[test]
    fn sees_suites_policies_and_plugins_change() {
        let files = ["suites/a.test.yaml", "policies/p.json", "suites/../policies/q.json", "plugins"];
        let watching = watching(&files);
        for path in [
            "suites/a.test.yaml",
            "suites/deep/new.test.json",
            "policies/p.json",
            "policies/p.json",
            "policies/q.json",
            "plugins/freeze.wasm",
        ] {
            fs::write(watching.directory.path().join(path), path).unwrap();
            watching.seen.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        fs::rename(
            watching.directory.path().join("policies/p.json"),
            watching.directory.path().join("policies/old.json"),
        )
        .unwrap();
        watching.seen.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn what_does_not_matter_is_not_seen() {
        let watching = watching(&["policies/p.json"]);
        let root = watching.directory.path();
        for path in
            ["suites/junit.xml", "policies/other.json", "plugins/freeze.wasm", "suites/deep/notes.yaml"]
        {
            fs::write(root.join(path), "").unwrap();
        }
        // Changes come in order: when this one is seen, the others were looked at.
        fs::write(root.join("policies/p.json"), "").unwrap();
        watching.seen.recv_timeout(PATIENCE).unwrap();
        assert_eq!(watching.seen.try_recv(), Err(mpsc::TryRecvError::Empty));
        let mut wanted = Wanted::default();
        wanted.suites.insert("/s".into());
        wanted.plugins.insert("/p".into());
        for (path, expected) in [
            ("/s/a.test.yaml", true),
            ("/s/d/a.test.json", true),
            ("/s/a.yaml", false),
            ("/t/a.test.yaml", false),
            ("/p/a.wasm", true),
            ("/p/d/a.wasm", false),
            ("/p/a.txt", false),
        ] {
            assert_eq!(wanted.matters(Path::new(path)), expected, "{path}");
        }
    }
}
