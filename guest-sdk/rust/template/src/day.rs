//! Days in UTC.

const MILLISECONDS: u64 = 86_400_000;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The day of a time in milliseconds since the Unix epoch.
    pub fn of(time: u64) -> Self {
        Self((time / MILLISECONDS).cast_signed())
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digits = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        if bytes.len() != 10 || ![0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(digits) {
            return None;
        }
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then(|| Self(days_since_1970(year, month, day)))
    }
}

/// By the calendar that ISO 8601 uses.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Counted from March, so that the day that a leap year has more is the last one.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::Day;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("2026-12-20", Some(20_807)),
            ("2027-01-02", Some(20_820)),
            ("1900-02-29", None),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-00-01", None),
            ("2026-04-31", None),
            ("2026-04-00", None),
            ("2026-4-1", None),
            ("20260-4-1", None),
            ("2026-12-20 ", None),
            ("+026-12-20", None),
            ("", None),
        ] {
            assert_eq!(Day::parse(text), days.map(Day), "{text}");
        }
        assert_eq!(Day::of(86_399_999), Day(0));
        assert_eq!(Day::of(86_400_000), Day(1));
    }
}
