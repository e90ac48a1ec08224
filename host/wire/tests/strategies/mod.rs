//! Values and strings from which the properties are tried.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

/// Any JSON value with unique keys, a few levels deep.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(text(), inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Strings rich in what needs care: quotes, brackets, pointer characters, controls, astral characters.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![r#"["\\/~01,:\[\]{}\r\n\t a-cé😀]{0,8}"#.prop_map(String::from), any::<String>()]
}
