//! One line of progress: what is being done, for how long, and how it ended.
//!
//! On a terminal the line moves. Elsewhere (CI) a step says that it goes on once every half minute, and
//! every step leaves one line when it ends.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const REDRAW: Duration = Duration::from_millis(100);
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
/// Without a terminal nothing else keeps a line short.
const DETAIL_WIDTH: usize = 60;

/// Says something that took no time worth naming.
pub(crate) fn note(text: &str) {
    eprintln!("✓ {text}");
}

pub(crate) struct Step {
    what: String,
    started: Instant,
    spoken: Instant,
    line: ProgressBar,
    ended: bool,
}

impl Step {
    pub(crate) fn begin(what: impl Into<String>) -> Self {
        let what = what.into();
        let line = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}") {
            line.set_style(style);
        }
        line.set_prefix(what.clone());
        line.enable_steady_tick(REDRAW);
        let now = Instant::now();
        Self { what, started: now, spoken: now, line, ended: false }
    }

    /// What the step is doing at the moment.
    pub(crate) fn show(&self, detail: impl Into<String>) {
        self.line.set_message(detail.into());
    }

    /// To be called now and then while the step lasts.
    pub(crate) fn alive(&mut self) {
        if self.line.is_hidden() && self.spoken.elapsed() >= SIGN_OF_LIFE {
            self.spoken = Instant::now();
            let detail: String = self.line.message().chars().take(DETAIL_WIDTH).collect();
            eprintln!("· {} … {} s {detail}", self.what, self.started.elapsed().as_secs());
        }
    }

    pub(crate) fn done(mut self, outcome: &str) {
        self.end('✓', &format!("{}: {outcome}", self.what));
    }

    fn end(&mut self, sign: char, text: &str) {
        self.ended = true;
        self.line.finish_and_clear();
        eprintln!("{sign} {text} ({:.1} s)", self.started.elapsed().as_secs_f64());
    }
}

/// A step that nobody called done did not succeed.
impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end('✗', &self.what.clone());
        }
    }
}
