//! Numbers of payment cards: 13 to 19 digits, in groups or not, with an issuer's prefix and length and a
//! right check digit.

use std::ops::Range;

use crate::text::Text;

/// Digits that a number may begin with, and how long such a number is.
struct Issuer {
    first: u32,
    last: u32,
    lengths: &'static [usize],
}

const fn issuer(first: u32, last: u32, lengths: &'static [usize]) -> Issuer {
    Issuer { first, last, lengths }
}

/// The six digits at the beginning, from and to.
const ISSUERS: [Issuer; 22] = [
    issuer(400_000, 499_999, &[13, 16, 19]),                 // Visa
    issuer(510_000, 559_999, &[16]),                         // Mastercard
    issuer(222_100, 272_099, &[16]),                         // Mastercard
    issuer(340_000, 349_999, &[15]),                         // American Express
    issuer(370_000, 379_999, &[15]),                         // American Express
    issuer(601_100, 601_199, &[16, 17, 18, 19]),             // Discover
    issuer(644_000, 659_999, &[16, 17, 18, 19]),             // Discover
    issuer(620_000, 629_999, &[16, 17, 18, 19]),             // UnionPay
    issuer(810_000, 829_999, &[16, 17, 18, 19]),             // UnionPay, RuPay
    issuer(352_800, 358_999, &[16, 17, 18, 19]),             // JCB
    issuer(300_000, 305_999, &[14, 15, 16, 17, 18, 19]),     // Diners Club
    issuer(309_500, 309_599, &[14, 15, 16, 17, 18, 19]),     // Diners Club
    issuer(360_000, 369_999, &[14, 15, 16, 17, 18, 19]),     // Diners Club
    issuer(380_000, 399_999, &[14, 15, 16, 17, 18, 19]),     // Diners Club
    issuer(501_800, 501_899, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    issuer(502_000, 502_099, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    issuer(503_800, 503_899, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    issuer(589_300, 589_399, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    issuer(630_400, 630_499, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    issuer(675_900, 676_399, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    issuer(220_000, 220_499, &[16, 17, 18, 19]),             // Mir
    issuer(979_200, 979_299, &[16]),                         // Troy
];

/// What may stand between two groups of digits, once.
const SEPARATORS: [&str; 8] =
    [" ", "-", "\u{a0}", "\u{2007}", "\u{2009}", "\u{202f}", "\u{2010}", "\u{2011}"];

const MOST_DIGITS: usize = 19;

pub(crate) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut position = 0;
    while position < text.len() {
        let end = text.run(position, |byte| byte.is_ascii_digit());
        if end == position {
            position += 1;
            continue;
        }
        if let Some(end) = number(text, position) {
            found.push(position..end);
            position = end;
        } else {
            position = end;
        }
    }
}

/// Where the number that begins with this group of digits ends, if it is a card's.
fn number(text: Text<'_>, start: usize) -> Option<usize> {
    if !may_begin(text, start) {
        return None;
    }
    let mut digits = [0_u8; MOST_DIGITS];
    let mut count = 0;
    let mut group = start;
    let mut best = None;
    loop {
        let end = text.run(group, |byte| byte.is_ascii_digit());
        for (slot, byte) in
            digits.get_mut(count..count + (end - group))?.iter_mut().zip(text.part(group, end).bytes())
        {
            *slot = byte - b'0';
        }
        count += end - group;
        if may_end(text, end) && digits.get(..count).is_some_and(is_card) {
            best = Some(end);
        }
        // A group of one digit is an item of a list, or the last group.
        let Some(next) = separator_end(text, end) else { return best };
        if end - group < 2 || !text.at(next).is_some_and(|byte| byte.is_ascii_digit()) {
            return best;
        }
        let room = MOST_DIGITS - count;
        if text.run(next, |byte| byte.is_ascii_digit()) - next > room {
            return best;
        }
        group = next;
    }
}

fn separator_end(text: Text<'_>, position: usize) -> Option<usize> {
    SEPARATORS
        .iter()
        .find(|separator| text.follows(position, separator))
        .map(|separator| position + separator.len())
}

/// Not inside of a word, of a decimal fraction, or of a longer number with hyphens.
fn may_begin(text: Text<'_>, start: usize) -> bool {
    let digit_before = |back: usize| {
        start.checked_sub(back).and_then(|at| text.at(at)).is_some_and(|byte| byte.is_ascii_digit())
    };
    match text.before(start) {
        Some(b'.' | b'-') => !digit_before(2),
        Some(byte) => !byte.is_ascii_alphanumeric(),
        None => true,
    }
}

fn may_end(text: Text<'_>, end: usize) -> bool {
    let next_is_digit = text.at(end + 1).is_some_and(|byte| byte.is_ascii_digit());
    match text.at(end) {
        Some(b'-') => !next_is_digit,
        // A number that went through floating point: `4111111111111111.0`.
        Some(b'.') if next_is_digit => {
            let zeros = text.run(end + 1, |byte| byte == b'0');
            text.is_word_end(zeros)
        }
        Some(byte) => !byte.is_ascii_alphanumeric(),
        None => true,
    }
}

fn is_card(digits: &[u8]) -> bool {
    let Some(prefix) = digits.get(..6) else { return false };
    let prefix = prefix.iter().fold(0, |number, &digit| number * 10 + u32::from(digit));
    ISSUERS.iter().any(|issuer| {
        (issuer.first..=issuer.last).contains(&prefix) && issuer.lengths.contains(&digits.len())
    }) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| match u32::from(digit) * (1 + u32::from(index % 2 == 1)) {
            doubled @ 10.. => doubled - 9,
            small => small,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use crate::Detector;

    #[test]
    fn numbers_of_cards_are_found() {
        for (text, expected) in [
            ("4111111111111111", "4111111111111111"),
            ("4111 1111 1111 1111", "4111 1111 1111 1111"),
            ("4111-1111-1111-1111", "4111-1111-1111-1111"),
            ("card 4111 1111 1111 1111 12/27 123", "4111 1111 1111 1111"),
            ("7 4111 1111 1111 1111", "4111 1111 1111 1111"),
            ("5555555555554444", "5555555555554444"),
            ("2223003122003222", "2223003122003222"),
            ("3782 822463 10005", "3782 822463 10005"),
            ("371449635398431,", "371449635398431"),
            ("6011111111111117", "6011111111111117"),
            ("3530111333300000", "3530111333300000"),
            ("30569309025904", "30569309025904"),
            ("38520000023237", "38520000023237"),
            ("4222222222222", "4222222222222"),
            ("6200000000000005", "6200000000000005"),
            ("6304000000000000", "6304000000000000"),
            ("2200000000000004", "2200000000000004"),
            ("4111111111111111.0", "4111111111111111"),
            ("4111111111111111.", "4111111111111111"),
            ("卡号4111111111111111。", "4111111111111111"),
            ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "4111\u{a0}1111\u{a0}1111\u{a0}1111"),
            ("-4111111111111111", "4111111111111111"),
            ("user_4111111111111111", "4111111111111111"),
        ] {
            let found: Vec<_> = Detector::Card.find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, [expected], "{text}");
        }
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "",
            "4111111111111112",
            "411111111111111",
            "41111111111111111",
            "1234567890123456",
            "1732330000000",
            "1732330000000000000",
            "0000000000000000",
            "a4111111111111111",
            "4111111111111111b",
            "0.4111111111111111",
            "4111111111111111.5",
            "4111.1111.1111.1111",
            "41 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "4  111 1111 1111 1111",
            "12345678-4111-1111-1111-1111",
            "550e8400-e29b-41d4-a716-446655440000",
            "41111111111111114111111111111111",
            "+1 (555) 010-9999",
            "9999999999999995",
            "٤١١١١١١١١١١١١١١١",
        ] {
            assert!(Detector::Card.find(text).is_empty(), "{text}");
        }
    }
}
