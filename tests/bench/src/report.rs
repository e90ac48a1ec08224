//! What a bench found: figures for programs and for later comparison, tables for people, plots, and the bars
//! that must hold.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bench::Bench;
use crate::statistics::median;

/// A figure that is worse than this many times what it was is marked.
const NOTABLE: f64 = 1.10;

/// What a larger value of a figure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// Something that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What, by parts: `call/64/mlflow/p50`.
    pub(crate) name: String,
    /// `/s`, `µs`, `ms`, `MiB`, `KiB` or `×`.
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) median: f64,
    pub(crate) rounds: Vec<f64>,
}

/// What must hold.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    /// The value may be this at most; with [`Better::Higher`], at least.
    pub(crate) better: Better,
    pub(crate) limit: f64,
    pub(crate) measured: f64,
}

impl Bar {
    pub(crate) fn holds(&self) -> bool {
        match self.better {
            Better::Higher => self.measured >= self.limit,
            Better::Lower => self.measured <= self.limit,
        }
    }
}

#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    bars: Vec<Bar>,
    /// Markdown.
    text: String,
    /// Names without ending, and SVG.
    plots: Vec<(String, String)>,
}

impl Report {
    /// Keeps what was measured in each round; the median.
    pub(crate) fn figure(
        &mut self,
        name: String,
        unit: &'static str,
        better: Better,
        rounds: Vec<f64>,
    ) -> f64 {
        let median = median(&rounds);
        self.figures.push(Figure { name, unit, better, median, rounds });
        median
    }

    pub(crate) fn bar(&mut self, bar: Bar) {
        self.bars.push(bar);
    }

    pub(crate) fn plot(&mut self, name: &str, svg: String) {
        self.plots.push((name.to_owned(), svg));
    }

    /// Adds a table under a title. The first column of a row names it.
    pub(crate) fn table(&mut self, title: &str, columns: &[String], rows: &[Vec<String>]) {
        self.text.push_str(&format!("\n### {title}\n\n"));
        self.text.push_str(&markdown(columns, rows));
    }

    /// Adds a line of text.
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(&format!("\n{line}\n"));
    }

    /// Prints the report and writes it into the directory. False if a bar does not hold.
    pub(crate) async fn finish(mut self, bench: &Bench, name: &str) -> Result<bool> {
        let options = &bench.options;
        let wrk = bench.wrk.version().await?;
        let setup = format!(
            "Rounds: {} of {} s; processors: {}; {wrk}; gateway with `--log {}`.\n",
            bench.rounds(),
            bench.seconds(),
            std::thread::available_parallelism().map_or(0, usize::from),
            options.log,
        );
        if !self.bars.is_empty() {
            let rows: Vec<Vec<String>> = self.bars.iter().map(bar_row).collect();
            self.table("Bars", &words(&["what", "bar", "measured", "holds"]), &rows);
        }
        if let Some(baseline) = &options.baseline {
            let before = Baseline::read(baseline)?;
            let title = format!("Against {}", baseline.display());
            let columns = words(&["figure", "before", "now", "worse by", ""]);
            self.table(&title, &columns, &before.compare(&self.figures));
        }
        let text = format!("{setup}{}", self.text);
        print!("{text}");

        let out = &options.out;
        let json = json!({
            "bench": name, "setup": setup.trim(), "smoke": options.smoke,
            "bars": self.bars, "figures": self.figures,
        });
        write(out, &format!("{name}.json"), &format!("{json:#}\n"))?;
        write(out, &format!("{name}.md"), &text)?;
        for (plot, svg) in &self.plots {
            write(out, &format!("{plot}.svg"), svg)?;
        }
        Ok(self.bars.iter().all(Bar::holds))
    }
}

fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn bar_row(bar: &Bar) -> Vec<String> {
    let sign = match bar.better {
        Better::Higher => '≥',
        Better::Lower => '≤',
    };
    vec![
        bar.what.to_owned(),
        format!("{sign} {} {}", bar.limit, bar.unit),
        format!("{} {}", shown(bar.measured), bar.unit),
        if bar.holds() { "yes" } else { "**no**" }.to_owned(),
    ]
}

/// The figures of an earlier report.
#[derive(Deserialize)]
struct Baseline {
    figures: Vec<Before>,
}

#[derive(Deserialize)]
struct Before {
    name: String,
    /// None if it was no number.
    median: Option<f64>,
}

impl Baseline {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report of a bench", path.display()))
    }

    /// Rows for the figures that both have: by how much they got worse.
    fn compare(&self, figures: &[Figure]) -> Vec<Vec<String>> {
        let pairs = figures.iter().filter_map(|now| {
            let before = self.figures.iter().find(|before| before.name == now.name)?;
            // A difference may be nothing, or less: then there is no ratio.
            (before.median? > 0.0 && now.median > 0.0).then_some((before.median?, now))
        });
        pairs
            .map(|(before, now)| {
                let worse = match now.better {
                    Better::Higher => before / now.median,
                    Better::Lower => now.median / before,
                };
                let mark = if worse > NOTABLE { "**worse**" } else { "" };
                vec![
                    format!("`{}`", now.name),
                    format!("{} {}", shown(before), now.unit),
                    format!("{} {}", shown(now.median), now.unit),
                    format!("{worse:.2} ×"),
                    mark.to_owned(),
                ]
            })
            .collect()
    }
}

/// A value with as many digits as say something.
pub(crate) fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(str::to_owned).collect()
}

/// A table whose columns but the first are numbers.
fn markdown(columns: &[String], rows: &[Vec<String>]) -> String {
    let mut table = format!("| {} |\n|---", columns.join(" | "));
    for _ in columns.iter().skip(1) {
        table.push_str("|--:");
    }
    table.push_str("|\n");
    for row in rows {
        // A text can be written to.
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Bar, Baseline, Before, Better, Report, markdown, shown, words};

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        for (value, text) in [
            (1_234_567.8, "1,234,568"),
            (123.4, "123"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (-4321.0, "-4,321"),
        ] {
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn a_table_is_markdown() {
        let table = markdown(&words(&["a", "b"]), &[words(&["x", "1"])]);
        assert_eq!(table, "| a | b |\n|---|--:|\n| x | 1 |\n");
    }

    #[test]
    fn a_bar_holds_on_its_own_side() {
        let bar = |better, measured| Bar { what: "", unit: "", better, limit: 1.0, measured };
        for (better, measured, holds) in [
            (Better::Higher, 1.0, true),
            (Better::Higher, 0.9, false),
            (Better::Lower, 1.0, true),
            (Better::Lower, 1.1, false),
            (Better::Lower, f64::NAN, false),
        ] {
            assert_eq!(bar(better, measured).holds(), holds, "{better:?} {measured}");
        }
    }

    #[test]
    fn what_got_worse_is_marked() {
        let mut report = Report::default();
        report.figure("a/throughput".to_owned(), "/s", Better::Higher, vec![50.0]);
        report.figure("a/p50".to_owned(), "µs", Better::Lower, vec![50.0, 70.0, 60.0]);
        report.figure("new".to_owned(), "µs", Better::Lower, vec![1.0]);
        report.figure("a/over".to_owned(), "µs", Better::Lower, vec![-1.0]);
        let before = |name: &str| Before { name: name.to_owned(), median: Some(100.0) };
        let baseline = Baseline { figures: ["a/throughput", "a/p50", "a/over", "gone"].map(before).into() };
        assert_eq!(
            baseline.compare(&report.figures),
            [
                words(&["`a/throughput`", "100 /s", "50.0 /s", "2.00 ×", "**worse**"]),
                words(&["`a/p50`", "100 µs", "60.0 µs", "0.60 ×", ""]),
            ]
        );
    }
}
