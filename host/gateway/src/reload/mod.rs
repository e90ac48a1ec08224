//! Loading again while serving: read, validate, swap; or keep what was.
//!
//! One thread does it, for every change of a file that the configuration is made of and at a demand (SIGHUP).
//! What fails validation changes nothing: the last good state serves on, and the problem is in the log, in the
//! [status](crate::status) and in the audit log. A swap is one pointer for each server; a message is judged by
//! the plan of its moment, and none is dropped.

mod subject;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use bartizan_audit::event::Occasion;
use tokio::runtime::Handle;

use crate::generation::{self, Generation, StartError};
use crate::loader::Loader;
use crate::session::Shared;
use crate::status::Status;
pub(crate) use subject::{ConfigurationFile, Fixed, PolicyFile, Reading, Subject};
pub(crate) use watch::Notice;
use watch::Watch;

/// How often files are read until what they name is settled.
const ROUNDS: usize = 3;

/// Where demands to load again go, and where they come out.
pub(crate) struct Notices {
    sender: Sender<Notice>,
    receiver: Receiver<Notice>,
}

impl Notices {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver }
    }

    /// Takes demands to load again.
    pub(crate) fn sender(&self) -> Sender<Notice> {
        self.sender.clone()
    }
}

/// What was loaded at the start.
pub(crate) struct Beginning {
    /// What loaded it.
    pub(crate) loader: Loader,
    /// The files that it was read from.
    pub(crate) files: BTreeSet<PathBuf>,
    /// The plugins folder.
    pub(crate) folder: Option<PathBuf>,
}

/// Begins to look for changes, on a thread of its own, which ends with the process. What has changed since the
/// start is found at once.
///
/// # Errors
///
/// When there is no thread to be had.
pub(crate) fn start(
    subject: impl Subject + 'static,
    beginning: Beginning,
    shared: Arc<Shared>,
    status: Status,
    notices: Notices,
) -> std::io::Result<()> {
    let runtime = Handle::current();
    let Beginning { loader, files, folder } = beginning;
    let watch = Watch::new(notices.sender, notices.receiver);
    let mut reloader = Reloader { subject, loader, shared, status, watch, files, folder };
    thread::Builder::new().name("bartizan-reload".to_owned()).spawn(move || {
        let _entered = runtime.enter();
        // What changed while the first generation was loaded is no event any more.
        reloader.reload();
        while reloader.watch.wait() {
            reloader.reload();
        }
    })?;
    Ok(())
}

/// Loads again.
struct Reloader<S> {
    subject: S,
    loader: Loader,
    shared: Arc<Shared>,
    status: Status,
    watch: Watch,
    files: BTreeSet<PathBuf>,
    folder: Option<PathBuf>,
}

impl<S: Subject> Reloader<S> {
    fn reload(&mut self) {
        let loaded = self.read().and_then(|mut reading| {
            let folder = generation::folder(self.folder.as_deref())?;
            let servers = std::mem::take(&mut reading.servers);
            self.loader.vet(reading.vetting.clone());
            let generation =
                Generation::load(&mut self.loader, servers, &reading.source, &folder, Occasion::Reload)?;
            Ok((reading, generation))
        });
        match loaded {
            Ok((reading, generation)) => self.accept(&reading, generation),
            Err(error) => self.refuse(&error),
        }
    }

    /// Reads everything. First it is watched, then read: what changes after it was read is seen.
    fn read(&mut self) -> Result<Reading, StartError> {
        for _round in 0..ROUNDS {
            self.watch.follow(self.files.clone(), self.folder.clone());
            let reading = self.subject.read()?;
            if reading.files == self.files && reading.folder == self.folder {
                return Ok(reading);
            }
            (self.files, self.folder) = (reading.files, reading.folder);
        }
        let what = "the configuration names other files each time it is read";
        Err(StartError::Machine { what, source: std::io::ErrorKind::ResourceBusy.into() })
    }

    fn accept(&mut self, reading: &Reading, generation: Generation) {
        let Generation { servers, plugins } = generation;
        let changed = self.subject.install(servers);
        self.loader.settle(&plugins);
        let news = self.status.accepted(&plugins, reading, !changed.is_empty());
        for problem in &news.problems {
            tracing::error!("{problem}");
        }
        if !news.is_news && news.problems.is_empty() {
            return;
        }
        for warning in &reading.warnings {
            tracing::warn!("{warning}");
        }
        for key in &reading.needs_restart {
            tracing::warn!(key, "this part of the configuration has changed and is taken at the next start");
        }
        tracing::info!(generation = news.generation, "loaded again");
        crate::serve::record_reload(&self.shared, &changed, &plugins, None);
        for session in self.subject.sessions() {
            if changed.iter().any(|server| Arc::ptr_eq(server, &session.server)) {
                tokio::spawn(async move { session.tell_of_lists().await });
            }
        }
    }

    fn refuse(&mut self, error: &StartError) {
        let problems: Vec<String> = match error {
            StartError::Diagnostics(diagnostics) => diagnostics.iter().map(ToString::to_string).collect(),
            error => vec![error.to_string()],
        };
        if !self.status.refused(&problems) {
            // It was told already.
            return;
        }
        for problem in &problems {
            tracing::error!("{problem}");
        }
        tracing::error!("nothing was changed: what was loaded before stays in force");
        let servers = self.subject.servers();
        crate::serve::record_reload(&self.shared, &servers, &BTreeMap::new(), Some(&problems.join("\n")));
    }
}
