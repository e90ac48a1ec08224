//! An item of a list in settings: a pattern beside the members of a rule family.
//!
//! `#[serde(flatten)]` would do it in a line, but reads everything into a buffer first, where numbers
//! lose their literals, and does not refuse unknown members.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

const PATTERN: &str = "pattern";

/// A name or glob, and what is said of it: `{"pattern": "get_*", …members of T}`.
///
/// `T` is a struct with `#[settings]`. It must not have a member `pattern` of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// A name, or a glob.
    pub pattern: String,
    /// What is said of it.
    pub rules: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListedVisitor(PhantomData))
    }
}

struct ListedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListedVisitor<T> {
    type Value = Listed<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with a `pattern`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut pattern = None;
        let rules = T::deserialize(Rest { map, pattern: &mut pattern })?;
        let pattern = pattern.ok_or_else(|| A::Error::missing_field(PATTERN))?;
        Ok(Listed { pattern, rules })
    }
}

/// The members but for `pattern`, which is kept when it comes by.
struct Rest<'p, A> {
    map: A,
    pattern: &'p mut Option<String>,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != PATTERN {
                return seed.deserialize(StringDeserializer::new(key)).map(Some);
            }
            if self.pattern.replace(self.map.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(PATTERN));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

impl<T: JsonSchema> JsonSchema for Listed<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Listed_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("bartizan_rules::Listed<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let object = schema.ensure_object();
        if let Some(properties) = object.entry("properties").or_insert_with(empty_object).as_object_mut() {
            let mut pattern = generator.subschema_for::<String>();
            pattern.insert("description".to_owned(), "A name, or a glob.".into());
            properties.insert(PATTERN.to_owned(), pattern.into());
        }
        if let Some(required) = object.entry("required").or_insert_with(empty_array).as_array_mut() {
            required.insert(0, PATTERN.into());
        }
        schema
    }
}

fn empty_object() -> serde_json::Value {
    serde_json::Map::new().into()
}

fn empty_array() -> serde_json::Value {
    Vec::<serde_json::Value>::new().into()
}

#[cfg(test)]
mod tests {
    use super::Listed;
    use bartizan_guest::settings;
    use serde_json::json;
    use serde_json::value::RawValue;

    /// Keeps the literal, which a buffer would not.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Literal {
        max: Box<RawValue>,
        rule: Option<String>,
    }

    #[test]
    fn reads_the_pattern_wherever_it_stands_and_keeps_literals() {
        for text in [
            r#"{"pattern":"a*","max":12345678901234567890.10,"rule":"r"}"#,
            r#"{"max":12345678901234567890.10,"rule":"r","pattern":"a*"}"#,
        ] {
            let listed: Listed<Literal> = serde_json::from_str(text).unwrap();
            assert_eq!((listed.pattern.as_str(), listed.rules.rule.as_deref()), ("a*", Some("r")));
            assert_eq!(listed.rules.max.get(), "12345678901234567890.10");
        }
    }

    #[test]
    fn is_strict() {
        for (text, expected) in [
            (r#"{"max":1}"#, "missing field `pattern`"),
            (r#"{"pattern":"a"}"#, "missing field `max`"),
            (r#"{"pattern":"a","pattern":"b","max":1}"#, "duplicate field `pattern`"),
            (r#"{"pattern":"a","max":1,"mex":2}"#, "unknown field `mex`"),
            (r#"{"pattern":1,"max":1}"#, "invalid type: integer `1`, expected a string"),
            (r#"["a"]"#, "expected an object with a `pattern`"),
        ] {
            let error = serde_json::from_str::<Listed<Literal>>(text).err().unwrap().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn its_schema_is_the_familys_with_a_pattern() {
        #[settings]
        #[expect(dead_code, reason = "only its schema is read")]
        struct Family {
            rule: String,
        }
        let schema = schemars::schema_for!(Listed<Family>).to_value();
        assert_eq!(schema["required"], json!(["pattern", "rule"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["pattern"]["type"], "string");
        assert_eq!(schema["properties"]["rule"]["type"], "string");
    }
}
