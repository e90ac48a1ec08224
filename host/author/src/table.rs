//! Numbers and columns for people.

use std::time::Duration;

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `85,021 bytes`
pub(crate) fn bytes(number: usize) -> String {
    match number {
        1 => "1 byte".to_owned(),
        number => format!("{} bytes", grouped(u64::try_from(number).unwrap_or(u64::MAX))),
    }
}

/// A time in the unit that fits: `8.4 µs`, `82 ms`.
pub(crate) fn time(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.1} µs"),
        ..1_000.0 => format!("{micros:.0} µs"),
        ..10_000.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.0} ms", micros / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_groups_and_times_in_units() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (123_456, "123,456"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!((bytes(1), bytes(65_536)), ("1 byte".to_owned(), "65,536 bytes".to_owned()));
        for (nanos, expected) in [
            (840, "0.8 µs"),
            (8_440, "8.4 µs"),
            (84_400, "84 µs"),
            (1_840_000, "1.8 ms"),
            (82_400_000, "82 ms"),
            (2_500_000_000, "2500 ms"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanos)), expected);
        }
    }
}
