//! What the derived schemas lack.

use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::document::{RESERVED_PLUGIN_NAMES, SANDBOX_NUMBERS};

/// Keys are names or globs.
pub(super) fn names(schema: &mut Schema) {
    schema.insert("propertyNames".into(), json!({ "pattern": r"^[^\s\x00-\x1f\x7f]+$" }));
}

/// Keys of entries that go with some actions only.
pub(super) fn entry(schema: &mut Schema) {
    schema.insert(
        "dependentSchemas".into(),
        json!({
            "conditions": {
                "required": ["action"],
                "properties": { "action": { "enum": ["deny", "require_approval"] } },
            },
            "timeout": {
                "required": ["action"],
                "properties": { "action": { "const": "require_approval" } },
            },
        }),
    );
}

/// Keys of redactions that go with one action only.
pub(super) fn redaction(schema: &mut Schema) {
    inspection(schema);
    schema.insert(
        "dependentSchemas".into(),
        json!({
            "replace": { "properties": { "action": { "const": "replace" } } },
            "on_deny": { "required": ["action"], "properties": { "action": { "const": "deny" } } },
        }),
    );
}

/// Something must say what is looked for.
pub(super) fn inspection(schema: &mut Schema) {
    let keys = ["at", "pattern", "detect"].map(|key| json!({ "required": [key] }));
    schema.insert("anyOf".into(), json!(keys));
}

/// Names that are taken.
pub(super) fn plugin(schema: &mut Schema) {
    if let Some(name) =
        schema.get_mut("properties").and_then(|properties| properties.get_mut("use")?.as_object_mut())
    {
        name.insert("not".into(), json!({ "enum": RESERVED_PLUGIN_NAMES }));
    }
}

/// The ranges of numbers, and the key that goes with one isolation only.
pub(super) fn sandbox(schema: &mut Schema) {
    if let Some(properties) = schema.get_mut("properties") {
        for (key, range) in SANDBOX_NUMBERS {
            if let Some(number) = properties.get_mut(key).and_then(Value::as_object_mut) {
                number.insert("minimum".into(), json!(range.start()));
                number.insert("maximum".into(), json!(range.end()));
            }
        }
    }
    schema.insert(
        "dependentSchemas".into(),
        json!({
            "invocations": {
                "required": ["isolation"],
                "properties": { "isolation": { "const": "reuse" } },
            },
        }),
    );
}

/// Makes a schema one of documents: an absent key is not null, numbers have no machine format, and lines of
/// comments are not those of texts.
pub(super) fn finish(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(finish),
        Value::Object(members) => {
            without_null(members);
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            members.values_mut().for_each(finish);
        }
        _ => {}
    }
}

fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = choices.as_slice()
            && let Value::Object(only) = only.clone()
        {
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
        }
    }
    let number = schema.get("type").is_some_and(|kind| kind == "integer" || kind == "number");
    if number {
        schema.remove("format");
    }
}
