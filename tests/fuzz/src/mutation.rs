//! Changes to JSON text that mostly leave it JSON.
//!
//! Changed bytes of a document are hardly ever a document, and a fuzzer that only changes bytes spends
//! its time in the parser's errors. These changes work on tokens instead: another literal in place of
//! one, a value copied over another, a member added, a character escaped, whitespace put between. Some
//! changes are left to libFuzzer, whose dictionary and bytes find what tokens do not.

use std::ops::Range;

/// Literals that readers are known to differ on, or that mean something to a reader.
const LITERALS: [&str; 40] = [
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "0",
    "-0",
    "1.0",
    "1.10",
    "-1.5e-7",
    "1E+2",
    "1e400",
    "-1e400",
    "1e-400",
    "5e-324",
    "1.7976931348623157e308",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "12345678901234567890123",
    "0.1000000000000000055511151231257827",
    r#""""#,
    r#""1""#,
    r#""2.0""#,
    r#""__proto__""#,
    r#""constructor""#,
    r#""\u0000""#,
    r#""\u006e\u0061me""#,
    r#""\ud83d\ude00""#,
    r#""\udbff\udfff""#,
    r#""\/\b\f\n\r\t\\\"""#,
    "\"\u{2028}\u{feff}\u{7f}\u{85}\"",
    "\"e\u{301}\u{e9}\"",
    r#""tools/list""#,
    r#""\ud7ff\ue000\uffff""#,
    r#"[[[[]]]]"#,
    r#"{"":{"":0}}"#,
    r#"{"10":1,"9":2,"a":3,"1":4}"#,
    r#"{"__proto__":{"name":"x"},"toString":1}"#,
];

/// Keys to add; some of them twice in two spellings.
const KEYS: [&str; 20] = [
    r#""jsonrpc""#,
    r#""id""#,
    r#""method""#,
    r#""params""#,
    r#""result""#,
    r#""error""#,
    r#""tools""#,
    r#""prompts""#,
    r#""name""#,
    r#""na\u006de""#,
    r#""arguments""#,
    r#""nextCursor""#,
    r#""cacheScope""#,
    r#""ttlMs""#,
    r#""__proto__""#,
    r#""a/b~c""#,
    r#""""#,
    r#""0""#,
    r#""1""#,
    r#""a""#,
];

/// One change of so many is libFuzzer's own: it makes several before it tries the outcome.
const BYTEWISE: usize = 8;

const SPACES: [&str; 5] = [" ", "\t", "\n", "\r", " \r\n "];

/// Changes the first `size` bytes of `data` and says how many there are then; `None` to leave the change
/// to libFuzzer.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> Option<usize> {
    let mut random = Random(u64::from(seed) << 1 | 1);
    random.number();
    if random.one_in(BYTEWISE) {
        return None;
    }
    let text = std::str::from_utf8(data.get(..size)?).ok()?;
    let changed = change(text, &mut random)?;
    if changed.len() > max_size {
        return None;
    }
    data.get_mut(..changed.len())?.copy_from_slice(changed.as_bytes());
    Some(changed.len())
}

fn change(text: &str, random: &mut Random) -> Option<String> {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return None;
    }
    let at = random.below(tokens.len());
    let token = tokens.get(at)?.clone();
    Some(match random.below(9) {
        0 | 1 => splice(text, value_at(text, &tokens, at)?, random.pick(&LITERALS)),
        2 => {
            let from = random.below(tokens.len());
            let copied = value_at(text, &tokens, from)?;
            splice(text, value_at(text, &tokens, at)?, text.get(copied)?)
        }
        3 | 4 => {
            let opens = |at: &usize| is(text, &tokens, *at, b'{');
            let object = (at..tokens.len()).find(opens).or_else(|| (0..at).find(opens))?;
            let after = tokens.get(object)?.end;
            let comma = if is(text, &tokens, object + 1, b'}') { "" } else { "," };
            let value = if random.one_in(2) {
                random.pick(&LITERALS)
            } else {
                text.get(value_at(text, &tokens, random.below(tokens.len()))?)?
            };
            splice(text, after..after, &format!("{}:{value}{comma}", random.pick(&KEYS)))
        }
        5 => splice(text, token.end..token.end, random.pick(&SPACES)),
        6 => escape_one(text, token, random)?,
        7 => {
            let value = value_at(text, &tokens, at)?;
            let inner = text.get(value.clone())?;
            let wrapped = match random.below(3) {
                0 => format!("[{inner}]"),
                1 => format!("[{inner},{inner}]"),
                _ => format!("{{{}:{inner}}}", random.pick(&KEYS)),
            };
            splice(text, value, &wrapped)
        }
        _ => {
            let value = value_at(text, &tokens, at)?;
            let with_comma = match text.as_bytes().get(value.end) {
                Some(b',') => value.start..value.end + 1,
                _ => value,
            };
            splice(text, with_comma, "")
        }
    })
}

fn is(text: &str, tokens: &[Range<usize>], at: usize, first: u8) -> bool {
    tokens.get(at).and_then(|token| text.as_bytes().get(token.start)) == Some(&first)
}

/// One character of a string as an escape; another token is left out.
fn escape_one(text: &str, token: Range<usize>, random: &mut Random) -> Option<String> {
    let literal = text.get(token.clone())?;
    if !literal.starts_with('"') {
        return Some(splice(text, token, ""));
    }
    let places: Vec<(usize, char)> = literal.char_indices().filter(|(_, c)| !"\"\\".contains(*c)).collect();
    let (at, character) = *places.get(random.below(places.len().max(1)))?;
    let mut units = [0; 2];
    let escaped: String =
        character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let start = token.start + at;
    Some(splice(text, start..start + character.len_utf8(), &escaped))
}

/// The value that begins with a token: the token, or all up to the bracket that closes it.
fn value_at(text: &str, tokens: &[Range<usize>], at: usize) -> Option<Range<usize>> {
    let start = tokens.get(at)?.start;
    let mut open = 0_usize;
    for token in tokens.get(at..)? {
        match text.as_bytes().get(token.start)? {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.checked_sub(1)?,
            b',' | b':' if open == 0 => return None,
            _ => {}
        }
        if open == 0 {
            return Some(start..token.end);
        }
    }
    None
}

/// Where the tokens are, as far as the text looks like JSON.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'"' => string_length(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => rest.iter().position(|b| b" \t\n\r\"{}[],:".contains(b)).unwrap_or(rest.len()),
        };
        tokens.push(at..at + length);
        at += length;
    }
    tokens
}

fn string_length(literal: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = literal.get(at) {
        at += 1;
        match byte {
            b'"' => return at,
            b'\\' => at += 1,
            _ => {}
        }
    }
    literal.len()
}

fn splice(text: &str, span: Range<usize>, with: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    [before, with, after].concat()
}

/// xorshift: libFuzzer gives a seed for each change.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.number() >> 8) % end as u64).unwrap_or_default()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }
}
