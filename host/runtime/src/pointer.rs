//! JSON Pointers (RFC 6901) into JSON text, giving text: literals stay as they were written.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The text of the value that `pointer` leads to. `None` if nothing is there or the pointer is not
/// one. Walks the text once, without building a tree.
pub(crate) fn find(text: &str, pointer: &str) -> Option<String> {
    if pointer.is_empty() {
        return Some(text.to_owned());
    }
    let tokens: Option<Vec<Cow<'_, str>>> = pointer.strip_prefix('/')?.split('/').map(unescape).collect();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = Path(&tokens?).deserialize(&mut deserializer).ok().flatten()?;
    Some(found.get().to_owned())
}

fn unescape(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut unescaped = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        unescaped.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Cow::Owned(unescaped))
}

/// The steps that are left; with none, the value itself.
struct Path<'t>(&'t [Cow<'t, str>]);

impl<'de> DeserializeSeed<'de> for Path<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.0.split_first() {
            None => <&RawValue>::deserialize(deserializer).map(Some),
            Some((step, rest)) => deserializer.deserialize_any(Step { step, rest }),
        }
    }
}

/// One step into a container; a value that is none has nothing in it.
struct Step<'t> {
    step: &'t str,
    rest: &'t [Cow<'t, str>],
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.step {
                found = map.next_value_seed(Path(self.rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let wanted = array_index(self.step).ok_or_else(|| A::Error::custom("not an index"))?;
        for _ in 0..wanted {
            if elements.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = elements.next_element_seed(Path(self.rest))?.flatten();
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

/// An array index as RFC 6901 has it: digits without leading zeros.
fn array_index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+']);
    plain.then(|| token.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_text_as_it_was_written() {
        let text = r#"{"a":{"b~c/d":[10,1.10,12345678901234567890123]},"":{"x":null},"s":"\u0041","t":true}"#;
        for (pointer, expected) in [
            ("", Some(text)),
            ("/a/b~0c~1d/0", Some("10")),
            ("/a/b~0c~1d/1", Some("1.10")),
            ("/a/b~0c~1d/2", Some("12345678901234567890123")),
            ("/a/b~0c~1d/3", None),
            ("/a/b~0c~1d/00", None),
            ("/a/b~0c~1d/+1", None),
            ("/a/b~0c~1d/-", None),
            ("/a/b~0c~1d/99999999999999999999999", None),
            ("/", Some(r#"{"x":null}"#)),
            ("//x", Some("null")),
            ("/s", Some(r#""\u0041""#)),
            ("/s/0", None),
            ("/t/x", None),
            ("/missing", None),
            ("a", None),
            ("/a/b~2c", None),
            ("/a/b~", None),
        ] {
            assert_eq!(find(text, pointer).as_deref(), expected, "{pointer:?}");
        }
    }

    #[test]
    fn finds_members_whose_keys_were_escaped() {
        assert_eq!(find(r#"{"na\u006de":1}"#, "/name").as_deref(), Some("1"));
    }

    #[test]
    fn gives_up_on_text_that_is_not_json() {
        for text in ["", "{", "{\"a\"}", "nope"] {
            assert_eq!(find(text, "/a"), None, "{text:?}");
        }
    }
}
