//! A curve: what something costs, against how many there are of something.

use crate::plot::{self, Places, Series, Words};
use crate::report::{Better, Report, shown};
use crate::wrk::Sample;

/// Values by place; of each place one for each round.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) rounds: Vec<Vec<f64>>,
}

pub(crate) struct Curve<'c> {
    /// In names of figures and files.
    pub(crate) name: &'c str,
    pub(crate) title: &'c str,
    /// What there is so many of.
    pub(crate) across: &'c str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) places: &'c [usize],
}

impl Curve<'_> {
    /// Adds the curve to a report: figures, a table, a plot. The medians of each line.
    pub(crate) fn tell(&self, report: &mut Report, lines: Vec<Line>) -> Vec<Vec<f64>> {
        let mut columns = vec![self.across.to_owned()];
        columns.extend(lines.iter().map(|line| format!("{} ({})", line.name, self.unit)));
        let mut rows: Vec<Vec<String>> = self.places.iter().map(|place| vec![shown_place(*place)]).collect();
        let mut series = Vec::new();
        for line in lines {
            let mut values = Vec::new();
            for ((place, row), rounds) in self.places.iter().zip(&mut rows).zip(line.rounds) {
                let figure = format!("{}/{place}/{}", self.name, line.name);
                let median = report.figure(figure, self.unit, self.better, rounds);
                row.push(shown(median));
                values.push(median);
            }
            series.push(Series { name: line.name, values });
        }
        report.table(self.title, &columns, &rows);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let places: Vec<f64> = self.places.iter().map(|place| *place as f64).collect();
        let names: Vec<String> = self.places.iter().map(|place| shown_place(*place)).collect();
        // There is no zero on a logarithmic axis.
        let places = if self.places.contains(&0) { Places::Names(&names) } else { Places::Numbers(&places) };
        let words = Words { title: self.title, across: self.across, unit: self.unit };
        report.plot(&format!("scale-{}", self.name), plot::lines(&words, &places, &series));
        series.into_iter().map(|series| series.values).collect()
    }
}

fn shown_place(place: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let place = place as f64;
    shown(place).trim_end_matches(".00").trim_end_matches(".0").to_owned()
}

/// The p50s of targets, which are the places of a line.
pub(crate) fn p50(name: impl Into<String>, samples: &[Vec<Sample>]) -> Line {
    let rounds = |samples: &Vec<Sample>| samples.iter().map(|sample| sample.latency[0]).collect();
    Line { name: name.into(), rounds: samples.iter().map(rounds).collect() }
}

#[cfg(test)]
mod tests {
    use super::{Curve, Line, shown_place};
    use crate::report::{Better, Report};

    #[test]
    fn a_curve_has_the_median_of_every_place() {
        let curve =
            Curve {
                name: "a", title: "A", across: "n", unit: "µs", better: Better::Lower, places: &[0, 10]
            };
        let rounds = vec![vec![1.0, 3.0, 2.0], vec![5.0]];
        let medians = curve.tell(&mut Report::default(), vec![Line { name: "x".to_owned(), rounds }]);
        assert_eq!(medians, [[2.0, 5.0]]);
    }

    #[test]
    fn places_are_whole_numbers() {
        assert_eq!([0, 4, 16, 100, 10_000].map(shown_place), ["0", "4", "16", "100", "10,000"]);
    }
}
