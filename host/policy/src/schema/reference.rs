//! The reference page: every key with what it may be and what it means, from the schema.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use serde_json::{Map, Value};

const HEAD: &str = "\
# Policy reference

Every key of the policy document. [The policy document](policy.md) tells what they are for, with examples. This page is
made from [the schema](schema/policy.json), which editors use as well: write

```json
{ \"$schema\": \"https://github.com/bartizan/bartizan/raw/main/docs/schema/policy.json\" }
```

Keys in **bold** are required.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let schema = super::schema();
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut page = HEAD.to_owned();
    section("Policy", &schema, &definitions, &mut page);
    // In the order in which a reader comes upon them.
    let mut seen = BTreeSet::new();
    let mut ahead: VecDeque<String> = references(&without_definitions(&schema)).into();
    while let Some(name) = ahead.pop_front() {
        let Some(definition) = definitions.get(&name) else { continue };
        if seen.insert(name.clone()) {
            section(&name, definition, &definitions, &mut page);
            ahead.extend(references(definition));
        }
    }
    page
}

fn without_definitions(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(root) = schema.as_object_mut() {
        root.remove("$defs");
    }
    schema
}

/// The definitions that a schema names, sorted by the keys under which they stand.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(members) => sorted(members)
            .into_iter()
            .flat_map(|(key, value)| match (key.as_str(), value.as_str()) {
                ("$ref", Some(path)) => vec![name(path)],
                _ => references(value),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The order of members in a map of `serde_json` depends on how it was built.
fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(key, _)| key.as_str());
    members
}

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Writing to a string cannot fail, so the results are dropped.
fn section(name: &str, schema: &Value, definitions: &Map<String, Value>, page: &mut String) {
    let _ = write!(page, "\n## {}\n", heading(name));
    if let Some(text) = description(schema) {
        let _ = write!(page, "\n{text}\n");
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        table(properties, schema, page);
    } else if let Some(choices) = choices(schema).filter(|_| name != "Requirement") {
        page.push('\n');
        for choice in choices {
            let named = choice
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|path| definitions.get(&self::name(path)));
            let said: Vec<_> =
                [description(named.unwrap_or(choice)), range(choice)].into_iter().flatten().collect();
            let _ = writeln!(page, "- {}: {}", kind(choice), said.join(" "));
        }
    } else if let Some(kind) = schema.get("type").and_then(Value::as_str) {
        let _ = write!(page, "\nA {}.\n", word(kind));
    }
}

fn table(properties: &Map<String, Value>, schema: &Value, page: &mut String) {
    let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    let is_required = |key: &str| required.iter().any(|required| *required == key);
    let (first, rest): (Vec<_>, Vec<_>) =
        sorted(properties).into_iter().partition(|(key, _)| is_required(key));
    page.push_str("\n| key | value | default | |\n|---|---|---|---|\n");
    for (key, property) in first.into_iter().chain(rest) {
        let key = if is_required(key) { format!("**`{key}`**") } else { format!("`{key}`") };
        let default = property.get("default").map_or_else(String::new, |default| format!("`{default}`"));
        let meaning = [description(property), choices(property).and_then(meanings), range(property)];
        let meaning: Vec<_> = meaning.into_iter().flatten().collect();
        let _ = writeln!(page, "| {key} | {} | {default} | {} |", kind(property), meaning.join(" "));
    }
}

/// A schema's own text, as one line.
fn description(schema: &Value) -> Option<String> {
    Some(schema.get("description")?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn choices(schema: &Value) -> Option<&[Value]> {
    let choices = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?.as_slice();
    // Those of which only keys are said are conditions on the whole.
    choices
        .iter()
        .any(|choice| choice.get("type").is_some() || choice.get("$ref").is_some())
        .then_some(choices)
}

/// What each word of a set means, where that is said.
fn meanings(choices: &[Value]) -> Option<String> {
    let said: Vec<_> = choices
        .iter()
        .filter_map(|choice| Some(format!("`{}`: {}", choice.get("const")?, description(choice)?)))
        .collect();
    (!said.is_empty()).then(|| said.join(" "))
}

fn range(schema: &Value) -> Option<String> {
    let (least, greatest) = (schema.get("minimum")?, schema.get("maximum")?);
    Some(format!("From {least} to {greatest}."))
}

/// What a value may be.
fn kind(schema: &Value) -> String {
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        let heading = heading(&name(path));
        return format!("[{}](#{})", heading.to_lowercase(), heading.to_lowercase().replace(' ', "-"));
    }
    if let Some(word) = schema.get("const") {
        return format!("`{word}`");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return joined(words.iter().map(|word| format!("`{word}`")));
    }
    if let Some(choices) = choices(schema) {
        return joined(choices.iter().map(kind));
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            format!("list of {}", schema.get("items").map_or_else(|| "anything".to_owned(), self::kind))
        }
        Some(Value::String(kind)) if kind == "object" => match schema.get("additionalProperties") {
            Some(values) if values.get("$ref").is_some() => format!("object of {}", self::kind(values)),
            _ => "object".to_owned(),
        },
        Some(Value::String(kind)) => word(kind).to_owned(),
        Some(Value::Array(kinds)) => {
            joined(kinds.iter().filter_map(Value::as_str).map(|kind| word(kind).to_owned()))
        }
        _ => "anything".to_owned(),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    match parts.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        few => few.join(", "),
    }
}

fn word(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "whole number",
        "boolean" => "true or false",
        "array" => "list",
        other => other,
    }
}

/// `ToolEntry` as `Tool entry`.
fn heading(name: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.chars().enumerate() {
        if index > 0 && c.is_uppercase() {
            text.push(' ');
            text.extend(c.to_lowercase());
        } else {
            text.push(c);
        }
    }
    text
}
