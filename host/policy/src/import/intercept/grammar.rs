//! The small languages inside Intercept's texts: rates, sums, durations, paths, regular expressions.

use crate::json::Json;

/// The windows that Intercept knows. Ours have the same names, and begin and end at the same times: UTC.
pub(super) const WINDOWS: &[&str] = &["minute", "hour", "day"];

/// `5/hour`: a positive whole number of calls and a window.
pub(super) fn rate(text: &str) -> Option<(&str, &str)> {
    let (count, window) = text.split_once('/')?;
    let positive = count.parse::<u64>().is_ok_and(|count| count > 0) && !count.starts_with('+');
    (positive && WINDOWS.contains(&window)).then_some((count.trim_start_matches('0'), window))
}

/// `$500/day`: a sum and a window.
pub(super) fn spend(text: &str) -> Option<(String, &str)> {
    let (sum, window) = text.split_once('/')?;
    let sum: String = sum.trim().trim_start_matches(['$', '€', '£']).replace([',', '_'], "");
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = match sum.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && fraction.len() <= 9,
        None => digits(&sum),
    };
    let whole = sum.split('.').next().unwrap_or_default().trim_start_matches('0');
    let some = sum.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let window = window.trim();
    if !number || !some || whole.len() > 18 || !WINDOWS.contains(&window) {
        return None;
    }
    let sum = sum.trim_start_matches('0');
    Some((if sum.starts_with('.') { format!("0{sum}") } else { sum.to_owned() }, window))
}

/// A duration as Go writes it (`1h30m`, `90s`), in whole seconds rounded down, at least 1: a request that
/// waits less is the stricter one.
pub(super) fn seconds(text: &str) -> Option<u32> {
    const UNITS: &[(&str, f64)] =
        &[("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let (unit, factor) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total += number.parse::<f64>().ok()? * factor;
        rest = after.get(unit.len()..)?;
    }
    let whole = total.floor().max(1.0);
    (total > 0.0 && whole <= f64::from(u32::MAX)).then(|| format!("{whole}").parse().ok()).flatten()
}

/// A path of Intercept as one of ours: each segment is the name of a member, nothing else.
pub(super) fn path(text: &str) -> Option<String> {
    let segments = text.strip_prefix("args.")?;
    let mut path = String::from("args");
    for segment in segments.split('.') {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let number = segment.bytes().all(|byte| byte.is_ascii_digit());
        if !number && segment.chars().all(plain) {
            path.push('.');
            path.push_str(segment);
        } else {
            path.push_str(&format!("[{}]", Json::from(segment)));
        }
    }
    Some(path)
}

/// A regular expression of Go's for the `regex` crate: the classes of Perl are ASCII there, `\Q…\E` quotes,
/// a brace that repeats nothing is a brace, and within a class only `]`, `^`, `-` and `\` are special.
pub(super) fn regex(go: &str) -> String {
    let mut out = String::with_capacity(go.len());
    let mut rest = go;
    let mut in_class = false;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let next = after.chars().next();
        rest = match (first, next) {
            ('\\', Some('Q')) => {
                let quoted = after.get(1..).unwrap_or_default();
                let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                for c in quoted.chars() {
                    if c.is_ascii_punctuation() {
                        out.push('\\');
                    }
                    out.push(c);
                }
                after
            }
            ('\\', Some(escaped)) => {
                match (escaped, in_class) {
                    ('d', true) => out.push_str("0-9"),
                    ('w', true) => out.push_str("0-9A-Za-z_"),
                    ('s', true) => out.push_str(r"\t\n\f\r "),
                    ('d', false) => out.push_str("[0-9]"),
                    ('w', false) => out.push_str("[0-9A-Za-z_]"),
                    ('s', false) => out.push_str(r"[\t\n\f\r ]"),
                    ('D', _) => out.push_str("[^0-9]"),
                    ('W', _) => out.push_str("[^0-9A-Za-z_]"),
                    ('S', _) => out.push_str(r"[^\t\n\f\r ]"),
                    ('b', false) => out.push_str(r"(?-u:\b)"),
                    ('B', false) => out.push_str(r"(?-u:\B)"),
                    _ => out.extend(['\\', escaped]),
                }
                after.get(escaped.len_utf8()..).unwrap_or_default()
            }
            ('[', _) if !in_class => {
                in_class = true;
                let (begin, mut after) = match after.strip_prefix('^') {
                    Some(after) => ("[^", after),
                    None => ("[", after),
                };
                out.push_str(begin);
                // First in a class, a bracket is one of its characters.
                if let Some(inside) = after.strip_prefix(']') {
                    out.push_str("\\]");
                    after = inside;
                }
                after
            }
            ('[', Some(':')) => match after.split_once(":]") {
                Some((name, after)) => {
                    out.push_str(&format!("[{name}:]"));
                    after
                }
                None => {
                    out.push_str("\\[");
                    after
                }
            },
            ('[' | '&' | '~', _) if in_class => {
                out.extend(['\\', first]);
                after
            }
            (']', _) => {
                in_class = false;
                out.push(']');
                after
            }
            ('{', _) if !in_class && !repeats(after) => {
                out.push_str("\\{");
                after
            }
            _ => {
                out.push(first);
                after
            }
        };
    }
    out
}

/// Whether what follows a brace makes it a repetition: `3}`, `3,}`, `3,5}`.
fn repeats(after: &str) -> bool {
    let Some((inside, _)) = after.split_once('}') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inside.split_once(',') {
        Some((least, most)) => digits(least) && (most.is_empty() || digits(most)),
        None => digits(inside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (text, expected) in [
            ("5/hour", Some(("5", "hour"))),
            ("010/day", Some(("10", "day"))),
            ("0/day", None),
            ("-1/day", None),
            ("+1/day", None),
            ("1.5/day", None),
            ("5/week", None),
            ("5 / hour", None),
            ("5", None),
        ] {
            assert_eq!(rate(text), expected, "{text}");
        }
    }

    #[test]
    fn sums() {
        for (text, expected) in [
            ("$500/day", Some(("500", "day"))),
            ("€1,250.50/hour", Some(("1250.50", "hour"))),
            ("0.5/minute", Some(("0.5", "minute"))),
            ("$0/day", None),
            ("$/day", None),
            ("$5", None),
            ("$5/week", None),
        ] {
            assert_eq!(spend(text), expected.map(|(sum, window)| (sum.to_owned(), window)), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("30m", Some(1_800)),
            ("1h30m", Some(5_400)),
            ("1.5h", Some(5_400)),
            ("90s", Some(90)),
            ("2500ms", Some(2)),
            ("10ms", Some(1)),
            ("0s", None),
            ("30", None),
            ("", None),
            ("-5m", None),
            ("1d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn paths() {
        for (text, expected) in [
            ("args.amount", Some("args.amount")),
            ("args.a.b-c", Some("args.a.b-c")),
            ("args.items.0", Some("args.items[\"0\"]")),
            ("args.items[0]", Some("args[\"items[0]\"]")),
            ("args.*", Some("args[\"*\"]")),
            ("args.a b", Some("args[\"a b\"]")),
            ("args.", Some("args[\"\"]")),
            ("state.x", None),
        ] {
            assert_eq!(path(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn regular_expressions() {
        for (go, expected) in [
            ("^feat/", "^feat/"),
            (r"^\d+$", "^[0-9]+$"),
            (r"[\w.-]+@", "[0-9A-Za-z_.-]+@"),
            (r"[^\W]", "[^[^0-9A-Za-z_]]"),
            (r"\bx\b", r"(?-u:\b)x(?-u:\b)"),
            (r"\Qa.b\Ec", r"a\.bc"),
            ("a{2,3}{x", r"a{2,3}\{x"),
            ("[[a]", r"[\[a]"),
            ("[[:alpha:]&&]", r"[[:alpha:]\&\&]"),
            ("[]a]", r"[\]a]"),
            (r"\.\\d", r"\.\\d"),
            ("(?i)é", "(?i)é"),
        ] {
            assert_eq!(regex(go), expected, "{go}");
        }
    }
}
