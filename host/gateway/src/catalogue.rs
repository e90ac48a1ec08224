//! What a server offers: the definitions of its tools and prompts, from its own lists.
//!
//! Definitions and their annotations come from here, never from the client, and a name that is not here
//! does not exist: a hidden tool and one that never was are the same to the caller.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bartizan_runtime::Entry;
use bartizan_wire::era::Era;
use bartizan_wire::json::{Document, Value};
use bartizan_wire::listing::{Fault, Listing};
use bartizan_wire::message::{Outcome, Response};
use bartizan_wire::method::{self, Method, Noun};
use parking_lot::Mutex;

use crate::digest;
use crate::server::Server;
use crate::session::Session;

/// The most pages of one list that are read.
const PAGES: usize = 1_000;
/// The most entries of one list that are kept.
const ENTRIES: usize = 100_000;
/// The most bytes of definitions in one list.
const BYTES: usize = 64 << 20;
/// How long all pages of a list may take together.
const PATIENCE: Duration = Duration::from_secs(60);
/// A list this old is read again when a name is not in it.
const STALE: Duration = Duration::from_secs(5);
/// A list this old is read again in any case.
const OLD: Duration = Duration::from_secs(300);

/// The lists of one session with a server.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    tools: Shelf,
    prompts: Shelf,
}

/// One list, once it was read. The async lock is held while it is being read, so that it is read once.
#[derive(Debug, Default)]
struct Shelf {
    list: Mutex<Option<Arc<List>>>,
    /// Counts what the server said of changes: a list that was being read meanwhile is old.
    changes: AtomicU64,
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct List {
    entries: HashMap<String, Arc<Entry>>,
    read: Instant,
    /// How long the server says that the list stays as it is, within bounds.
    fresh: Duration,
}

/// The server's list cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the server's list could not be read: {0}")]
pub(crate) struct CatalogueError(pub(crate) String);

/// The list in which targets of a kind are found.
pub(crate) fn list_method(noun: Noun) -> Option<&'static Method> {
    method::lookup(match noun {
        Noun::Tool => "tools/list",
        Noun::Prompt => "prompts/list",
        Noun::Resource => "resources/list",
        Noun::Task => return None,
    })
}

/// An entry with its digest.
pub(crate) fn entry(name: &str, definition: &str) -> Entry {
    Entry { name: name.to_owned(), digest: digest::of(definition), definition: definition.to_owned() }
}

impl Catalogue {
    /// The server's definition of a tool or prompt; `None` if it has none. Reads the server's list when
    /// it was not read yet, or did not have the name a while ago.
    pub(crate) async fn find(
        &self,
        session: &Arc<Session>,
        era: Era,
        noun: Noun,
        name: &str,
    ) -> Result<Option<Arc<Entry>>, CatalogueError> {
        let (Some(shelf), Some(method)) = (self.shelf(noun), list_method(noun)) else { return Ok(None) };
        let list = match shelf.known() {
            Some(list) if !list.is_stale_for(name) => list,
            old => Box::pin(shelf.renew(old, session, era, method)).await?,
        };
        Ok(list.entries.get(name).cloned())
    }

    /// Takes the time that it takes to find out that there is no such name: from how long an answer takes,
    /// nobody shall learn that something is hidden.
    pub(crate) async fn pretend_to_search(&self, session: &Arc<Session>, era: Era, noun: Noun) {
        let (Some(shelf), Some(method)) = (self.shelf(noun), list_method(noun)) else { return };
        if shelf.known().is_some_and(|list| list.read.elapsed() <= STALE) {
            return;
        }
        let _reading = shelf.reading.lock().await;
        if shelf.known().is_none_or(|list| list.read.elapsed() > STALE) {
            // Whether it can be read makes no difference to the answer.
            let _unread = shelf.read(session, era, method).await;
        }
    }

    /// Whether a target can be looked up without asking the server.
    pub(crate) fn knows(&self, noun: Noun, name: &str) -> bool {
        self.shelf(noun).is_none_or(|shelf| shelf.known().is_some_and(|list| !list.is_stale_for(name)))
    }

    /// Takes over a whole list that the client asked for.
    pub(crate) fn learn(&self, server: &Server, method: &Method, entries: &[Entry]) {
        if let Some(shelf) = self.shelf_of(method) {
            if method.name == "tools/list" {
                server.compare(&entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>());
            }
            let mut gathered = Gathered::default();
            for entry in entries {
                gathered.add(entry.clone());
            }
            *shelf.list.lock() = Some(Arc::new(gathered.finish()));
        }
    }

    /// Forgets a list, because the server says that it changed.
    pub(crate) fn forget(&self, notification: &str) {
        let shelf = match notification {
            "notifications/tools/list_changed" => &self.tools,
            "notifications/prompts/list_changed" => &self.prompts,
            _ => return,
        };
        shelf.changes.fetch_add(1, Ordering::SeqCst);
        *shelf.list.lock() = None;
    }

    fn shelf(&self, noun: Noun) -> Option<&Shelf> {
        match noun {
            Noun::Tool => Some(&self.tools),
            Noun::Prompt => Some(&self.prompts),
            Noun::Resource | Noun::Task => None,
        }
    }

    fn shelf_of(&self, method: &Method) -> Option<&Shelf> {
        match method.name {
            "tools/list" => Some(&self.tools),
            "prompts/list" => Some(&self.prompts),
            _ => None,
        }
    }
}

impl List {
    fn is_stale_for(&self, name: &str) -> bool {
        let age = self.read.elapsed();
        age > self.fresh || age > STALE && !self.entries.contains_key(name)
    }
}

impl Shelf {
    /// Reads the server's list, unless somebody else has read it since it was this one.
    async fn renew(
        &self,
        old: Option<Arc<List>>,
        session: &Arc<Session>,
        era: Era,
        method: &Method,
    ) -> Result<Arc<List>, CatalogueError> {
        let _reading = self.reading.lock().await;
        match (&old, self.known()) {
            (None, Some(current)) => Ok(current),
            (Some(before), Some(current)) if !Arc::ptr_eq(before, &current) => Ok(current),
            _ => self.read(session, era, method).await,
        }
    }

    /// Reads the server's list, and keeps it unless the server said meanwhile that it changed.
    async fn read(
        &self,
        session: &Arc<Session>,
        era: Era,
        method: &Method,
    ) -> Result<Arc<List>, CatalogueError> {
        let before = self.changes.load(Ordering::SeqCst);
        let reading = tokio::time::timeout(PATIENCE, read(session, era, method)).await;
        let fresh = Arc::new(reading.map_err(|_elapsed| {
            CatalogueError(format!("it did not come within {} s", PATIENCE.as_secs()))
        })??);
        if method.name == "tools/list" {
            session.server.compare(&fresh.entries.keys().map(String::as_str).collect::<Vec<_>>());
        }
        let mut list = self.list.lock();
        if self.changes.load(Ordering::SeqCst) == before {
            *list = Some(Arc::clone(&fresh));
        }
        drop(list);
        Ok(fresh)
    }

    fn known(&self) -> Option<Arc<List>> {
        self.list.lock().clone()
    }
}

/// A list as its pages come in. Two definitions of one name are ambiguous, so neither counts.
#[derive(Default)]
struct Gathered {
    entries: HashMap<String, Arc<Entry>>,
    ambiguous: HashSet<String>,
    fresh: Option<Duration>,
}

impl Gathered {
    fn add(&mut self, entry: Entry) {
        if self.ambiguous.contains(&entry.name) {
            return;
        }
        if self.entries.remove(&entry.name).is_some() {
            self.ambiguous.insert(entry.name);
        } else {
            self.entries.insert(entry.name.clone(), Arc::new(entry));
        }
    }

    fn finish(self) -> List {
        let fresh = self.fresh.map_or(OLD, |fresh| fresh.clamp(STALE, OLD));
        List { entries: self.entries, read: Instant::now(), fresh }
    }
}

async fn read(session: &Arc<Session>, era: Era, method: &Method) -> Result<List, CatalogueError> {
    let Some(shape) = method.shape() else {
        return Err(CatalogueError(format!("{} is no list", method.name)));
    };
    let mut gathered = Gathered::default();
    let mut bytes = 0_usize;
    let mut cursors: Vec<String> = Vec::new();
    for _ in 0..PAGES {
        let params: Vec<(&str, Document)> =
            cursors.last().iter().map(|cursor| ("cursor", Document::string(cursor))).collect();
        let response = session
            .own_request(era, method.name, &params)
            .await
            .map_err(|error| CatalogueError(error.to_string()))?;
        if let Outcome::Error(error) = response.outcome() {
            // A server without tools says so with an error.
            if error.code() == Some(bartizan_wire::denial::METHOD_NOT_FOUND) {
                return Ok(gathered.finish());
            }
            let message = error.message().unwrap_or_default().into_owned();
            return Err(CatalogueError(format!("the server answered with an error: {message}")));
        }
        let listing = Listing::read(&response, shape).map_err(|error| CatalogueError(error.to_string()))?;
        let ttl = response.result().and_then(|result| result.get("ttlMs")).and_then(Value::as_u64);
        gathered.fresh = ttl.map(Duration::from_millis);
        for fault in listing.faults() {
            if let Fault::Ambiguous { name } = fault {
                gathered.entries.remove(name.as_str());
                gathered.ambiguous.insert(name.clone());
            }
        }
        for found in listing.entries() {
            bytes = bytes.saturating_add(found.definition.text().len());
            if gathered.entries.len() >= ENTRIES || bytes > BYTES {
                return Err(CatalogueError(format!("it has more than {ENTRIES} entries or {BYTES} bytes")));
            }
            gathered.add(entry(found.name, found.definition.text()));
        }
        match listing.next_cursor() {
            Some(next) if cursors.iter().any(|cursor| *cursor == next) => {
                return Err(CatalogueError("its pages go round in circles".to_owned()));
            }
            Some(next) => cursors.push(next.into_owned()),
            None => return Ok(gathered.finish()),
        }
    }
    Err(CatalogueError(format!("it has more than {PAGES} pages")))
}

/// Every entry of a list, by name.
pub(crate) async fn all(
    session: &Arc<Session>,
    era: Era,
    noun: Noun,
) -> Result<Vec<Arc<Entry>>, CatalogueError> {
    let Some(method) = list_method(noun) else { return Ok(Vec::new()) };
    let mut entries: Vec<_> = read(session, era, method).await?.entries.into_values().collect();
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(entries)
}

/// The entries of a page that the client asked for, and whether the page is the whole list.
pub(crate) fn page(listing: &Listing, asked: Option<&Document>) -> (Vec<Entry>, bool) {
    let entries = listing.entries().map(|found| entry(found.name, found.definition.text())).collect();
    let is_first = asked.is_none_or(|params| params.root().get("cursor").is_none());
    (entries, is_first && listing.next_cursor().is_none() && listing.faults().next().is_none())
}

/// Whether a response reports a failure: a JSON-RPC error, or a tool's `isError`.
pub(crate) fn is_failure(response: &Response) -> bool {
    match response.outcome() {
        Outcome::Error(_) => true,
        Outcome::Result(result) => result.get("isError").and_then(Value::as_bool).unwrap_or(false),
    }
}
