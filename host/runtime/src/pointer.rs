//! JSON Pointers (RFC 6901) into JSON text, giving text: literals stay as they were written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The text of the value that `pointer` leads to. `None` if nothing is there or the pointer is not
/// one. Walks the text without building a tree.
pub(crate) fn find(text: &str, pointer: &str) -> Option<String> {
    let mut current = text;
    if !pointer.is_empty() {
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = unescape(token)?;
            let mut deserializer = serde_json::Deserializer::from_str(current);
            current = Step(&token).deserialize(&mut deserializer).ok().flatten()?.get();
        }
    }
    Some(current.to_owned())
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

/// One step into a container: the raw text of one member or element.
struct Step<'t>(&'t str);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let wanted = array_index(self.0).ok_or_else(|| A::Error::custom("not an index"))?;
        for _ in 0..wanted {
            if elements.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = elements.next_element()?;
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
