//! Whether a text was drawn at random, or is made of words.

/// What is looked at: the beginning tells enough.
const SAMPLE: usize = 128;

/// Shannon's entropy of the bytes, in bits for each of them.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    let mut total = 0_u32;
    for byte in text.bytes().take(SAMPLE) {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
        total += 1;
    }
    let total = f64::from(total);
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether it has a digit and a letter, or letters of both cases, and enough entropy.
pub(super) fn is_token(text: &str) -> bool {
    let has = |belongs: fn(&u8) -> bool| text.as_bytes().iter().take(SAMPLE).any(belongs);
    let digit = has(u8::is_ascii_digit);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    (digit || mixed) && entropy(text) >= 3.0 && !is_words(text)
}

/// Words with hyphens, points or underscores between them, and no digit but in a last number.
fn is_words(text: &str) -> bool {
    text.split(['-', '_', '.', '/']).all(|word| {
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let is_word = letters == word.len() && is_one_case(word);
        is_word && word.len() < 16 || word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `word`, `Word` or `WORD`.
fn is_one_case(word: &str) -> bool {
    let rest = word.get(1..).unwrap_or_default();
    rest.bytes().all(|byte| byte.is_ascii_lowercase()) || word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether one part of it, between hyphens and underscores, is long and has a digit.
pub(super) fn has_random_part(text: &str) -> bool {
    text.split(['-', '_']).any(|part| {
        part.len() >= 16
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
            && entropy(part) >= 3.0
    })
}
