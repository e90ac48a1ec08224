//! What stands for `log`, `memory` and `http` in tests.
#![expect(clippy::panic, reason = "what ends an evaluation in the gateway fails a test")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::http::{Request, Response};
use crate::log::Level;

/// The bounds of `memory` in the contract.
const KEYS: usize = 64;
const KEY_BYTES: usize = 256;
const VALUE_BYTES: usize = 4 * 1024;
const LONGEST: u32 = 30 * 24 * 60 * 60;

/// What a policy remembers of one session. Calls that are given the same one are of one session.
///
/// ```
/// use bartizan_guest::testing::{TestCall, TestMemory};
///
/// let memory = TestMemory::default();
/// memory.set("tainted", "true", u64::MAX);
/// let call = TestCall::tool("send_mail").memory(&memory);
/// assert!(call.read(|call| call.memory().contains("tainted")));
/// assert_eq!(memory.get("tainted", 0).as_deref(), Some("true"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct TestMemory(Rc<RefCell<BTreeMap<String, Kept>>>);

#[derive(Clone, Debug)]
struct Kept {
    json: String,
    until: u64,
}

impl TestMemory {
    /// The JSON text under a key, at this time: milliseconds since the Unix epoch.
    pub fn get(&self, key: &str, time: u64) -> Option<String> {
        self.0.borrow().get(key).filter(|kept| kept.until > time).map(|kept| kept.json.clone())
    }

    /// Puts JSON text under a key, until this time.
    pub fn set(&self, key: impl Into<String>, json: impl Into<String>, until: u64) {
        self.0.borrow_mut().insert(key.into(), Kept { json: json.into(), until });
    }

    /// The keys that there are, those whose time is over included.
    pub fn keys(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

/// What one evaluation sees of a memory: what there was, and its own changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    memory: TestMemory,
    seen: Rc<RefCell<BTreeMap<String, Kept>>>,
}

impl View {
    pub(crate) fn of(memory: &TestMemory) -> Self {
        let view = Self { memory: memory.clone(), seen: Rc::default() };
        view.begin();
        view
    }

    pub(crate) fn begin(&self) {
        self.seen.replace(self.memory.0.borrow().clone());
    }

    pub(crate) fn keep(&self) {
        self.memory.0.replace(self.seen.borrow().clone());
    }

    pub(crate) fn get(&self, key: &str, time: u64) -> Option<String> {
        self.seen.borrow().get(key).filter(|kept| kept.until > time).map(|kept| kept.json.clone())
    }

    pub(crate) fn set(&self, key: &str, json: &str, seconds: u32, time: u64) {
        let mut seen = self.seen.borrow_mut();
        seen.retain(|_, kept| kept.until > time);
        let is_new = !seen.contains_key(key);
        if key.len() > KEY_BYTES || json.len() > VALUE_BYTES || seconds > LONGEST {
            panic!("`{key}` is over the bounds of a policy's memory, which ends the evaluation");
        }
        if is_new && seen.len() == KEYS {
            panic!("a policy may have {KEYS} keys in a session; one more ends the evaluation");
        }
        let until = time.saturating_add(u64::from(seconds) * 1_000);
        seen.insert(key.to_owned(), Kept { json: json.to_owned(), until });
    }

    pub(crate) fn remove(&self, key: &str) {
        self.seen.borrow_mut().remove(key);
    }
}

/// What answers requests.
type Answer = dyn Fn(&Request) -> Result<Response, String>;

/// What answers the requests of an evaluation.
#[derive(Clone, Default)]
pub(crate) struct Stub(Option<Rc<Answer>>);

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stub").field(&self.0.is_some()).finish()
    }
}

thread_local! {
    static STUB: RefCell<Option<Rc<Answer>>> = const { RefCell::new(None) };
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

impl Stub {
    pub(crate) fn new(answer: impl Fn(&Request) -> Result<Response, String> + 'static) -> Self {
        Self(Some(Rc::new(answer)))
    }

    /// Answers while this runs.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Restore(Option<Rc<Answer>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                STUB.set(self.0.take());
            }
        }
        let _restore = Restore(STUB.replace(self.0.clone()));
        work()
    }
}

/// Answers a request as the test wants.
pub(crate) fn exchange(request: &Request) -> Result<Response, String> {
    let stub = STUB.with_borrow(Clone::clone);
    stub.ok_or_else(|| "there is no network in tests: answer with `TestCall::http`".to_owned())?(request)
}

/// A line that a policy wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
}

/// Collects the lines that are written while `work` runs. Outside of it they go to standard error.
///
/// ```
/// use bartizan_guest::log;
/// use bartizan_guest::testing::logged;
///
/// let (answer, lines) = logged(|| {
///     log::warn("nobody may do that");
///     42
/// });
/// assert_eq!(answer, 42);
/// assert_eq!((lines[0].level, lines[0].message.as_str()), (log::Level::Warn, "nobody may do that"));
/// ```
pub fn logged<T>(work: impl FnOnce() -> T) -> (T, Vec<Line>) {
    struct Restore(Option<Vec<Line>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LINES.set(self.0.take());
        }
    }
    let restore = Restore(LINES.replace(Some(Vec::new())));
    let answer = work();
    let lines = LINES.take().unwrap_or_default();
    drop(restore);
    (answer, lines)
}

pub(crate) fn write_line(level: Level, message: &str) {
    let line = Line { level, message: message.to_owned() };
    LINES.with_borrow_mut(|lines| match lines {
        Some(lines) => lines.push(line),
        None => eprintln!("{level:?}: {message}"),
    });
}
