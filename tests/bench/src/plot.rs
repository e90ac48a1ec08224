//! Plots as SVG, with a background of their own, so that they can be read on light and on dark pages.

use std::fmt::Write as _;

use crate::report::shown;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const LEGEND: f64 = 46.0;

const BACKGROUND: &str = "#ffffff";
const INK: &str = "#1f2328";
const GRID: &str = "#d0d7de";
/// Told apart also by those who do not see all colours: Okabe and Ito's.
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"];

/// Values under one name, one for each place of the horizontal axis.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

/// The places of the horizontal axis.
pub(crate) enum Places<'p> {
    /// At even distances.
    Names(&'p [String]),
    /// On a logarithmic axis. All are positive.
    Numbers(&'p [f64]),
}

/// What a plot says of itself.
pub(crate) struct Words<'w> {
    pub(crate) title: &'w str,
    pub(crate) across: &'w str,
    pub(crate) unit: &'w str,
}

/// Bars in groups, from zero.
pub(crate) fn bars(words: &Words<'_>, names: &[String], series: &[Series]) -> String {
    let most = series.iter().flat_map(|series| &series.values).copied().fold(0.0, f64::max);
    let step = even_step(most);
    let top = (most / step).ceil().max(1.0) * step;
    let height = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);

    let mut svg = begin(words, series);
    for tick in 0..=count((top / step).round()) {
        let value = real(tick) * step;
        grid_line(&mut svg, height(value), &shown_tick(value));
    }
    let group = (WIDTH - LEFT - RIGHT) / real(names.len().max(1));
    let bar = group * 0.8 / real(series.len().max(1));
    for (index, name) in names.iter().enumerate() {
        let left = LEFT + group * (real(index) + 0.1);
        for (number, series) in series.iter().enumerate() {
            let Some(value) = series.values.get(index).filter(|value| value.is_finite()) else { continue };
            let (x, y) = (left + bar * real(number), height(*value));
            element(
                &mut svg,
                &format!(
                    r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="{}"><title>{}: {} {}</title></rect>"#,
                    bar * 0.92,
                    HEIGHT - BOTTOM - y,
                    colour(number),
                    escaped(&series.name),
                    shown(*value),
                    escaped(words.unit)
                ),
            );
        }
        place(&mut svg, LEFT + group * (real(index) + 0.5), name);
    }
    end(svg)
}

/// Lines on a logarithmic vertical axis.
pub(crate) fn lines(words: &Words<'_>, places: &Places<'_>, series: &[Series]) -> String {
    let values = || series.iter().flat_map(|series| &series.values).copied().filter(|value| *value > 0.0);
    let ticks = ticks_between(values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let (low, high) = (ticks.first().copied().unwrap_or(1.0), ticks.last().copied().unwrap_or(10.0));
    let height = |value: f64| {
        let share = (value / low).ln() / (high / low).ln();
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    };
    let marks = marks(places);

    let mut svg = begin(words, series);
    for tick in &ticks {
        grid_line(&mut svg, height(*tick), &shown_tick(*tick));
    }
    for (x, name) in &marks {
        place(&mut svg, *x, name);
    }
    for (number, series) in series.iter().enumerate() {
        let colour = colour(number);
        let points: Vec<(f64, f64, f64)> = marks
            .iter()
            .zip(&series.values)
            .filter(|(_, value)| **value > 0.0)
            .map(|((x, _), value)| (*x, height(*value), *value))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        element(
            &mut svg,
            &format!(
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
                path.join(" ")
            ),
        );
        for (x, y, value) in points {
            element(
                &mut svg,
                &format!(
                    r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"><title>{}: {} {}</title></circle>"#,
                    escaped(&series.name),
                    shown(value),
                    escaped(words.unit)
                ),
            );
        }
    }
    end(svg)
}

/// Where the places are, and what they are called.
fn marks(places: &Places<'_>) -> Vec<(f64, String)> {
    let (left, width) = (LEFT + 40.0, WIDTH - LEFT - RIGHT - 80.0);
    match places {
        Places::Names(names) => {
            let gaps = real(names.len().saturating_sub(1).max(1));
            let at = |index: usize| left + width * real(index) / gaps;
            names.iter().enumerate().map(|(index, name)| (at(index), name.clone())).collect()
        }
        Places::Numbers(numbers) => {
            let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let high = numbers.iter().copied().fold(0.0, f64::max);
            let at = |number: f64| {
                if high > low { left + width * (number / low).ln() / (high / low).ln() } else { left }
            };
            numbers.iter().map(|number| (at(*number), shown_tick(*number))).collect()
        }
    }
}

/// The steps of an even axis: about five, of 1, 2 or 5 times a power of ten.
fn even_step(most: f64) -> f64 {
    let raw = (most / 5.0).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= raw).unwrap_or(raw)
}

/// The ticks of a logarithmic axis from at most `low` to at least `high`: powers of ten, and 2 and 5 times these if
/// they are few.
fn ticks_between(low: f64, high: f64) -> Vec<f64> {
    if !(low > 0.0 && low.is_finite() && high >= low) {
        return vec![1.0, 10.0];
    }
    let factors: &[f64] = if high / low > 1e4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let mut ticks = Vec::new();
    let mut power = 10_f64.powf(low.log10().floor());
    // Beyond the highest value there is one tick.
    while ticks.last().is_none_or(|last| *last < high) {
        for factor in factors {
            if ticks.last().is_none_or(|last| *last < high) {
                ticks.push(factor * power);
            }
        }
        power *= 10.0;
    }
    let unused = ticks.iter().filter(|tick| **tick <= low).count().saturating_sub(1);
    ticks.drain(..unused);
    if let [only] = ticks[..] {
        ticks.push(only * 2.0);
    }
    ticks
}

fn begin(words: &Words<'_>, series: &[Series]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{INK}\">\n"
    );
    element(&mut svg, &format!("<title>{}</title>", escaped(words.title)));
    element(&mut svg, &format!(r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="{BACKGROUND}"/>"#));
    element(
        &mut svg,
        &format!(
            r#"<text x="{LEFT}" y="24" font-size="15" font-weight="600">{} ({})</text>"#,
            escaped(words.title),
            escaped(words.unit)
        ),
    );
    let mut x = LEFT;
    for (number, series) in series.iter().enumerate() {
        let y = LEGEND - 10.0;
        element(
            &mut svg,
            &format!(
                r#"<rect x="{x:.1}" y="{y}" width="11" height="11" fill="{}"/><text x="{:.1}" y="{LEGEND}">{}</text>"#,
                colour(number),
                x + 16.0,
                escaped(&series.name)
            ),
        );
        x += 40.0 + 6.6 * real(series.name.chars().count());
    }
    let (middle, bottom) = (LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 12.0);
    element(
        &mut svg,
        &format!(r#"<text x="{middle}" y="{bottom}" text-anchor="middle">{}</text>"#, escaped(words.across)),
    );
    svg
}

fn end(mut svg: String) -> String {
    svg.push_str("</svg>\n");
    svg
}

fn grid_line(svg: &mut String, y: f64, name: &str) {
    element(
        svg,
        &format!(
            r#"<line x1="{LEFT}" x2="{}" y1="{y:.1}" y2="{y:.1}" stroke="{GRID}"/><text x="{}" y="{:.1}" text-anchor="end">{name}</text>"#,
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0
        ),
    );
}

fn place(svg: &mut String, x: f64, name: &str) {
    let y = HEIGHT - BOTTOM + 18.0;
    element(svg, &format!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{}</text>"#, escaped(name)));
}

fn element(svg: &mut String, element: &str) {
    // A text can be written to.
    let _ = writeln!(svg, "  {element}");
}

fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or(INK)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A round number, without digits that say nothing.
fn shown_tick(value: f64) -> String {
    if value >= 1.0 || value == 0.0 {
        shown(value.round()).replace(".00", "").replace(".0", "")
    } else {
        format!("{value}")
    }
}

#[expect(clippy::cast_precision_loss, reason = "a small number of things")]
fn real(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number of things")]
fn count(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::{Places, Series, Words, bars, even_step, lines, shown_tick, ticks_between};

    #[test]
    fn axes_have_round_ticks() {
        assert_eq!(even_step(23_000.0), 5_000.0);
        assert_eq!(even_step(9.0), 2.0);
        assert_eq!(ticks_between(30.0, 90.0), [20.0, 50.0, 100.0]);
        assert_eq!(ticks_between(1.0, 1.0), [1.0, 2.0]);
        assert_eq!(ticks_between(3.0, 2e6), [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7]);
        assert_eq!(ticks_between(f64::INFINITY, 0.0), [1.0, 10.0]);
        assert_eq!([0.0, 0.5, 5.0, 20.0, 10_000.0].map(shown_tick), ["0", "0.5", "5", "20", "10,000"]);
    }

    #[test]
    fn plots_show_every_value_and_escape_names() {
        let words = Words { title: "a & b", across: "n", unit: "µs" };
        let series = || [Series { name: "<x>".to_owned(), values: vec![1.0, 20.0, f64::NAN] }];
        let names = ["1", "2", "3"].map(str::to_owned);
        let drawn = bars(&words, &names, &series());
        assert_eq!(drawn.matches("<title>&lt;x&gt;: ").count(), 2, "{drawn}");
        let drawn = lines(&words, &Places::Numbers(&[1.0, 10.0, 100.0]), &series());
        assert_eq!(drawn.matches("<circle").count(), 2, "{drawn}");
        assert!(!drawn.contains("NaN") && drawn.contains("a &amp; b"), "{drawn}");
    }
}
