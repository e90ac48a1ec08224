//! The figures, for people and for machines.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use bartizan_rehearsal::text::{self, line, whole};
use serde_json::{Value, json};

use super::{Bench, Timing};
use crate::table::{bytes, grouped, time};

/// A table, each line with its line break.
impl Display for Bench {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, version) = &self.plugin;
        writeln!(f, "{} {}, judging {}", line(name), line(version), line(&self.call))?;
        writeln!(f, "\n  {:24} {:>10} {:>10} {:>12}", "evaluation", "p50", "p99", "iterations")?;
        match &self.pristine {
            Ok(timing) => row(f, "pristine", timing)?,
            Err(reason) => writeln!(f, "  {:24} not possible: {}", "pristine", whole(reason))?,
        }
        row(f, "reused", &self.reused)?;
        row(f, "fresh", &self.fresh)?;
        row(f, "instantiation alone", &self.instantiation)?;
        writeln!(f)?;
        if let Some(fuel) = self.taken.fuel {
            writeln!(f, "  {:24} {}", "instructions (fuel)", grouped(fuel))?;
        }
        writeln!(f, "  {:24} {}", "peak linear memory", bytes(self.taken.memory))?;
        let dirtied = self.dirtied.map_or_else(|| "not known".to_owned(), bytes);
        writeln!(f, "  {:24} {dirtied}", "memory that it changes")?;
        writeln!(f, "  {:24} {}", "compile and configure", time(self.compiled))?;
        writeln!(f, "  {:24} {}", "the same from the cache", time(self.cached))
    }
}

fn row(f: &mut Formatter<'_>, name: &str, timing: &Timing) -> fmt::Result {
    let Timing { p50, p99, count } = timing;
    let count = grouped(u64::try_from(*count).unwrap_or(u64::MAX));
    writeln!(f, "  {name:24} {:>10} {:>10} {count:>12}", time(*p50), time(*p99))
}

impl Bench {
    /// The figures as indented JSON, with a line break at the end. Times are microseconds, sizes bytes.
    pub fn to_json(&self) -> String {
        let pristine = match &self.pristine {
            Ok(timing) => told(timing),
            Err(reason) => json!({"problem": reason}),
        };
        let all = json!({
            "name": self.plugin.0,
            "version": self.plugin.1,
            "file": self.file.display().to_string(),
            "call": self.call,
            "pristine": pristine,
            "reused": told(&self.reused),
            "fresh": told(&self.fresh),
            "instantiation": told(&self.instantiation),
            "instructions": self.taken.fuel,
            "memory": self.taken.memory,
            "dirtied": self.dirtied,
            "compile_us": micros(self.compiled),
            "from_cache_us": micros(self.cached),
        });
        text::json(&format!("{all:#}\n"))
    }
}

fn told(timing: &Timing) -> Value {
    json!({"p50_us": micros(timing.p50), "p99_us": micros(timing.p99), "iterations": timing.count})
}

fn micros(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e8).round() / 100.0
}
