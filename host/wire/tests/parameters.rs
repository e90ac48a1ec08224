//! Properties of the headers that repeat a call's arguments.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod strategies;

use bartizan_wire::headers::{self, ParameterError, Parameters};
use bartizan_wire::json::{Document, Kind, Limits, Value as View};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use strategies::{text, values};

/// What a header may repeat, and null.
fn parameter() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

/// What looks like a schema, with annotations that are right, though maybe not where they stand.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => Just(serde_json::json!({ "type": "string" })),
        1 => Just(serde_json::json!({ "type": "integer", "x-mcp-header": "H" })),
        1 => values(),
    ];
    let keys = ["properties", "items", "allOf", "$defs", "x-mcp-header", "type", "a", "not"];
    leaf.prop_recursive(6, 24, 3, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..3).prop_map(Value::from),
            4 => vec((proptest::sample::select(keys.to_vec()), inner.clone()), 0..3)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            4 => inner.prop_map(|inner| serde_json::json!({ "properties": { "a": inner } })),
        ]
    })
}

/// The places of annotations at and below a schema that stands at `place`, by the names of the properties on
/// the way there; `None` for any that is not reached so. The rule of MCP, told recursively.
fn schema_at(schema: &Value, place: &str, places: &mut Vec<Option<String>>) {
    let Value::Object(members) = schema else { return elsewhere(schema, places) };
    for (key, value) in members {
        match (key.as_str(), value) {
            ("x-mcp-header", _) => places.push(Some(place.to_owned())),
            ("properties", Value::Object(properties)) => {
                properties.iter().for_each(|(name, schema)| match schema {
                    Value::Object(_) => schema_at(schema, &format!("{place}/{name}"), places),
                    _ => elsewhere(schema, places),
                });
            }
            ("$defs", Value::Object(schemas)) => {
                schemas.values().for_each(|schema| elsewhere(schema, places));
            }
            _ => elsewhere(value, places),
        }
    }
}

fn elsewhere(value: &Value, places: &mut Vec<Option<String>>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| elsewhere(element, places)),
        Value::Object(_) => {
            let mut below = Vec::new();
            schema_at(value, "", &mut below);
            places.extend(below.iter().map(|_| None));
        }
        _ => {}
    }
}

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// The schema of arguments such as these, each scalar in them annotated; and what their headers say.
fn annotated(arguments: View<'_>, headers: &mut Vec<Option<String>>) -> Value {
    let mut property = |text: Option<String>| {
        headers.push(text);
        serde_json::json!({ "type": "string", "x-mcp-header": format!("H{}", headers.len() - 1) })
    };
    match arguments.kind() {
        Kind::Object => {
            let members = arguments.members();
            let members: serde_json::Map<_, _> =
                members.map(|(key, value)| (key.into_owned(), annotated(value, headers))).collect();
            serde_json::json!({ "type": "object", "properties": members })
        }
        Kind::Array => serde_json::json!({ "type": "array", "default": [{ "x-mcp-header": "" }] }),
        Kind::Null => property(None),
        Kind::String => property(arguments.as_str().map(Into::into)),
        Kind::Bool => property(Some(arguments.text().to_owned())),
        Kind::Number => property(Some(number(arguments.text()))),
    }
}

/// A number as its header says it: below 10^21 as JavaScript writes it.
fn number(literal: &str) -> String {
    let double: f64 = literal.parse().unwrap();
    match literal.contains(['.', 'e', 'E']) {
        _ if double == 0.0 => "0".to_owned(),
        true if double.fract() == 0.0 && double.abs() < 1e21 => double.to_string(),
        _ => literal.to_owned(),
    }
}

/// A tool whose annotated parameters are these strings, integers and booleans.
fn flat(arguments: &Value) -> Parameters {
    let document = parse(&arguments.to_string());
    let schema = annotated(document.root(), &mut Vec::new());
    Parameters::read(parse(&serde_json::json!({ "inputSchema": schema }).to_string()).root()).unwrap()
}

fn pairs(headers: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

proptest! {
    #[test]
    fn parameters_are_found_wherever_they_are(value in btree_map(text(), values(), 0..4)) {
        let arguments = parse(&Value::Object(value.into_iter().collect()).to_string());
        let mut said = Vec::new();
        let schema = annotated(arguments.root(), &mut said);
        let definition = parse(&serde_json::json!({ "inputSchema": schema }).to_string());
        let parameters = Parameters::read(definition.root()).unwrap();
        prop_assert_eq!(parameters.is_empty(), said.is_empty());
        let headers = parameters.mirror(Some(arguments.root()));
        let decoded: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.clone(), headers::decode_mirror(value).unwrap().into_owned()))
            .collect();
        let said = said.into_iter().enumerate();
        let expected: Vec<_> =
            said.filter_map(|(n, text)| Some((format!("Mcp-Param-H{n}"), text?))).collect();
        prop_assert_eq!(decoded, expected);
        prop_assert_eq!(parameters.check(pairs(&headers), Some(arguments.root())), Ok(()));
        for missing in 0..headers.len() {
            let mut fewer = headers.clone();
            fewer.remove(missing);
            prop_assert!(parameters.check(pairs(&fewer), Some(arguments.root())).is_err());
        }
    }

    #[test]
    fn headers_of_other_arguments_are_refused(
        one in vec(parameter(), 3),
        other in vec(parameter(), 3),
        strays in vec((text(), text()), 0..3),
    ) {
        let named = |values: Vec<Value>| Value::Object(["a", "b", "c"].map(String::from).into_iter().zip(values).collect());
        let (one, other) = (named(one), named(other));
        let parameters = flat(&one);
        let mirrored = |arguments: &Value| parameters.mirror(Some(parse(&arguments.to_string()).root()));
        let arguments = parse(&one.to_string());
        let sent = mirrored(&other);
        let all = pairs(&sent).chain(strays.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        prop_assert_eq!(parameters.check(all, Some(arguments.root())).is_ok(), mirrored(&one) == sent);
    }

    #[test]
    fn any_json_is_a_definition_or_refused(schema in schemas(), arguments in values()) {
        let definition = parse(&serde_json::json!({ "inputSchema": schema }).to_string());
        let arguments = parse(&arguments.to_string());
        let mut places = Vec::new();
        schema_at(&schema, "", &mut places);
        let allowed = places.iter().all(|place| place.as_deref().is_some_and(|place| !place.is_empty()));
        match Parameters::read(definition.root()) {
            Ok(parameters) => {
                prop_assert!(allowed && places.len() < 2, "{places:?}");
                prop_assert_eq!(parameters.is_empty(), places.is_empty());
                prop_assert!(parameters.mirror(Some(arguments.root())).len() < 2);
            }
            Err(ParameterError::Unreachable { .. }) => prop_assert!(!allowed, "{places:?}"),
            Err(ParameterError::Repeated { .. }) => prop_assert!(places.len() > 1, "{places:?}"),
            Err(_) => {}
        }
    }
}
