//! What was measured, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// How long answers took, sorted, in each round.
#[derive(Default)]
pub(crate) struct Rounds {
    pub(crate) without: Vec<Vec<Duration>>,
    pub(crate) with: Vec<Vec<Duration>>,
}

/// A plugin, and medians over its rounds.
pub(crate) struct Row {
    pub(crate) plugin: &'static str,
    without: Times,
    with: Times,
}

/// In milliseconds.
struct Times {
    p50: f64,
    p99: f64,
    p99_of_rounds: Vec<f64>,
}

impl Times {
    fn new(rounds: &[Vec<Duration>]) -> Self {
        let of_rounds =
            |share: f64| -> Vec<f64> { rounds.iter().map(|round| quantile(round, share)).collect() };
        Self { p50: median(of_rounds(0.5)), p99: median(of_rounds(0.99)), p99_of_rounds: of_rounds(0.99) }
    }

    fn json(&self) -> Value {
        json!({"p50_ms": self.p50, "p99_ms": self.p99, "p99_ms_of_rounds": self.p99_of_rounds})
    }
}

impl Row {
    pub(crate) fn new(plugin: &'static str, rounds: &Rounds) -> Self {
        Self { plugin, without: Times::new(&rounds.without), with: Times::new(&rounds.with) }
    }

    /// The p99 with the plugin over that without.
    pub(crate) fn ratio(&self) -> f64 {
        self.with.p99 / self.without.p99
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "plugin": self.plugin,
            "ratio": self.ratio(),
            "without": self.without.json(),
            "with": self.with.json(),
        })
    }
}

/// A table.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut table = String::from(
        "| plugin | p50 without | p50 with | p99 without | p99 with | p99 with / without |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let (without, with) = (&row.without, &row.with);
        writeln!(
            table,
            "| `{}` | {:.2} ms | {:.2} ms | {:.2} ms | {:.2} ms | {:.2} |",
            row.plugin,
            without.p50,
            with.p50,
            without.p99,
            with.p99,
            row.ratio()
        )
        .expect("a text can be written to");
    }
    table
}

/// The time below which this share of the sorted times is, in milliseconds.
fn quantile(times: &[Duration], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand times"
    )]
    let index = (times.len() as f64 * share) as usize;
    times.get(index.min(times.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
