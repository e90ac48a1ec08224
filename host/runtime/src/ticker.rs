//! The clock of deadlines: one thread that advances the epoch of every engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wasmtime::EngineWeak;

/// The length of an epoch: the resolution of every deadline.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// How long the ticker goes on when nothing evaluates, so that a steady trickle of calls does not
/// pay for waking it.
const TICKER_LINGERS: Duration = Duration::from_millis(500);

/// While it lives, epochs pass.
pub(crate) struct Ticking<'a> {
    ticker: &'a Ticker,
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.ticker.leave();
    }
}

/// Advances the epoch once a millisecond while anything evaluates, on its own OS thread so that a
/// busy async runtime cannot make deadlines late.
pub(crate) struct Ticker {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
    handle: Thread,
}

#[derive(Default)]
struct State {
    evaluating: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
    engines: Mutex<Vec<EngineWeak>>,
}

impl Ticker {
    pub(crate) fn start() -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new().name("bartizan-epoch".to_owned()).spawn(move || {
            let mut idle_since = Instant::now();
            while !shared.stopped.load(Ordering::SeqCst) {
                if shared.evaluating.load(Ordering::SeqCst) > 0 {
                    idle_since = Instant::now();
                } else if idle_since.elapsed() > TICKER_LINGERS {
                    // `enter` counts first and looks at `parked` second; here it is the other way
                    // round, so one of the two sees the other.
                    shared.parked.store(true, Ordering::SeqCst);
                    if shared.evaluating.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst)
                    {
                        thread::park();
                    }
                    shared.parked.store(false, Ordering::SeqCst);
                    idle_since = Instant::now();
                }
                thread::park_timeout(TICK);
                for engine in shared.engines.lock().iter().filter_map(EngineWeak::upgrade) {
                    engine.increment_epoch();
                }
            }
        })?;
        Ok(Self { state, handle: thread.thread().clone(), thread: Some(thread) })
    }

    /// Advances the epoch of this engine as well.
    pub(crate) fn tick(&self, engine: &wasmtime::Engine) {
        self.state.engines.lock().push(engine.weak());
    }

    /// Whether it rests, since nothing evaluates.
    #[cfg(test)]
    pub(crate) fn rests(&self) -> bool {
        self.state.parked.load(Ordering::SeqCst)
    }

    /// Keeps it going while a guest runs.
    pub(crate) fn ticking(&self) -> Ticking<'_> {
        self.enter();
        Ticking { ticker: self }
    }

    fn enter(&self) {
        self.state.evaluating.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.load(Ordering::SeqCst) {
            self.handle.unpark();
        }
    }

    fn leave(&self) {
        self.state.evaluating.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread holds no engine and ends within a tick; its result is `()`.
            let _ended = thread.join();
        }
    }
}
