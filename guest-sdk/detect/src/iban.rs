//! International bank account numbers (ISO 13616): a country, two check digits, and as many letters and
//! digits as the country's numbers have.

use std::ops::Range;

use crate::text::Text;

/// Countries of the registry with the lengths of their numbers.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// What may stand between two groups, once.
const SEPARATORS: [&str; 3] = [" ", "-", "\u{a0}"];

pub(crate) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    let mut position = 0;
    while position + 15 <= text.len() {
        match number(text, position) {
            Some(end) => {
                found.push(position..end);
                position = end;
            }
            None => position += 1,
        }
    }
}

fn number(text: Text<'_>, start: usize) -> Option<usize> {
    if !text.is_word_start(start) {
        return None;
    }
    let country = [text.at(start)?.to_ascii_uppercase(), text.at(start + 1)?.to_ascii_uppercase()];
    let length = LENGTHS.iter().find(|(code, _)| **code == country).map(|(_, length)| *length)?;

    let mut digits = Vec::with_capacity(length);
    let mut position = start;
    let mut group = 0;
    let mut in_fours = true;
    let mut has_groups = false;
    while digits.len() < length {
        let byte = text.at(position)?;
        if byte.is_ascii_alphanumeric() {
            digits.push(byte.to_ascii_uppercase());
            position += 1;
            group += 1;
            continue;
        }
        let separator = SEPARATORS.iter().find(|separator| text.follows(position, separator))?;
        if group == 0 {
            return None;
        }
        in_fours &= group == 4;
        has_groups = true;
        group = 0;
        position += separator.len();
    }
    let check_digits = digits.get(2..4)?;
    let in_digits = digits.get(4..)?.iter().all(u8::is_ascii_digit);
    // Words in a row would pass as groups otherwise.
    let plausible = !has_groups || in_fours || in_digits;
    (check_digits.iter().all(u8::is_ascii_digit)
        && plausible
        && text.is_word_end(position)
        && is_valid(&digits))
    .then_some(position)
}

/// ISO 7064 MOD 97-10, with the first four characters moved to the end.
fn is_valid(characters: &[u8]) -> bool {
    let (Some(head), Some(rest)) = (characters.get(..4), characters.get(4..)) else { return false };
    let remainder = rest.iter().chain(head).fold(0_u32, |remainder, &byte| {
        if byte.is_ascii_digit() {
            (remainder * 10 + u32::from(byte - b'0')) % 97
        } else {
            (remainder * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97
        }
    });
    remainder == 1
}

#[cfg(test)]
mod tests {
    use crate::Detector;

    #[test]
    fn account_numbers_are_found() {
        for (text, expected) in [
            ("DE89370400440532013000", "DE89370400440532013000"),
            ("DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
            ("IBAN: DE89 3704 0044 0532 0130 00 EUR 12", "DE89 3704 0044 0532 0130 00"),
            ("GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 32"),
            ("GB82WEST12345698765432.", "GB82WEST12345698765432"),
            ("FR1420041010050500013M02606", "FR1420041010050500013M02606"),
            ("NL91ABNA0417164300", "NL91ABNA0417164300"),
            ("BE68539007547034", "BE68539007547034"),
            ("CH9300762011623852957", "CH9300762011623852957"),
            ("ES9121000418450200051332", "ES9121000418450200051332"),
            ("IT60X0542811101000000123456", "IT60X0542811101000000123456"),
            ("NO9386011117947", "NO9386011117947"),
            ("no93 8601 1117 947", "no93 8601 1117 947"),
            ("PL61109010140000071219812874", "PL61109010140000071219812874"),
            ("SE45-5000-0000-0583-9825-7466", "SE45-5000-0000-0583-9825-7466"),
            ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
            ("账号DE89370400440532013000。", "DE89370400440532013000"),
            ("AT61\u{a0}1904\u{a0}3002\u{a0}3457\u{a0}3201", "AT61\u{a0}1904\u{a0}3002\u{a0}3457\u{a0}3201"),
            ("{\"iban\":\"LU280019400644750000\"}", "LU280019400644750000"),
        ] {
            let found: Vec<_> = Detector::Iban.find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, [expected], "{text}");
        }
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "",
            "DE",
            "DE8937040044053201300",
            "DE88370400440532013000",
            "DE893704004405320130001",
            "XX89370400440532013000",
            "ADE89370400440532013000",
            "DE89370400440532013000X",
            "US89370400440532013000",
            "DEA9370400440532013000",
            "DE89  3704 0044 0532 0130 00",
            "DE89_370400440532013000",
            "no10 people were in the room today",
            "AT the end of the day there were 20",
            "GB82 TEST 1234 5698 7654 32",
            "89370400440532013000",
            "ＤＥ89370400440532013000",
            "DE89.3704.0044.0532.0130.00",
        ] {
            assert!(Detector::Iban.find(text).is_empty(), "{text}");
        }
    }
}
