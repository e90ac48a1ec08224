//! Built-in rule: the arguments of a tool must match the tool's own `inputSchema`.
//!
//! What cannot be checked is refused: a tool without a definition or a schema, a schema that is none, and one
//! that needs another document. Patterns are matched in linear time, so what only a backtracking engine
//! understands (look-around, references back) is refused as well.

#[cfg(target_family = "wasm")]
mod random;

use std::collections::BTreeMap;

use bartizan_guest::prelude::*;
use bartizan_rules::{Entries, Lists};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

/// How many violations the agent is told at once.
const MOST_TOLD: usize = 3;
/// How long the text of one may be, in characters.
const LONGEST_TEXT: usize = 300;
/// The memory that a pattern of a schema may take.
const PATTERN_SIZE: usize = 1 << 20;

/// The rules.
pub struct Schema {
    entries: Entries<Family>,
}

/// What the policy document's `schema` keys compile to. Tools only.
#[settings]
pub struct Settings {
    /// Tools by name.
    #[serde(default)]
    tools: Vec<bartizan_rules::Listed<Family>>,
    /// What applies to every tool as well.
    all_tools: Option<Family>,
}

/// What is said of one pattern.
#[settings]
#[derive(Clone, Debug)]
pub struct Family {
    /// Whether the arguments are checked. Of several families that say it the first counts.
    schema: Option<bool>,
    /// The rule's id.
    rule: Option<String>,
}

impl Policy for Schema {
    type Settings = Settings;
    const NAME: &'static str = "schema";
    const SUMMARY: &'static str = "Refuses arguments that do not match the tool's own input schema.";

    fn interests() -> Vec<Interest> {
        vec![Interest::methods(["tools/call"])]
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        warm_up();
        let lists = Lists { tools: settings.tools, all_tools: settings.all_tools, ..Lists::default() };
        Ok(Self { entries: lists.into() })
    }
}

/// Validators of the drafts are made when they are first needed; here, that is once and not in every call.
fn warm_up() {
    for draft in [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let _validator = compile(&serde_json::json!({"$schema": draft, "type": "object"}));
    }
}

impl CallPolicy for Schema {
    fn check(&self, call: &Call) -> Decision {
        if call.method() != "tools/call" {
            return Decision::pass();
        }
        let said = self.entries.applicable(call).find(|family| family.schema.is_some());
        let Some(family) = said.filter(|family| family.schema == Some(true)) else {
            return Decision::pass();
        };
        let tool = call.target().unwrap_or_default();
        match check(&tool, call) {
            Ok(()) => Decision::pass(),
            Err(message) => Decision::deny(message).rule(family.rule.as_deref().unwrap_or("schema")),
        }
    }
}

fn check(tool: &str, call: &Call) -> Result<(), String> {
    let unchecked = |why: &str| format!("The arguments of {tool} cannot be checked: {why}.");
    let entry = call.entry().ok_or_else(|| unchecked("the server's definition of it is not known"))?;
    let schema = input_schema(&entry.definition)
        .ok_or_else(|| unchecked("the server's definition of it has no `inputSchema` that could be read"))?;
    let validator = compile(&schema).map_err(|error| unchecked(&unusable(&error)))?;
    let arguments = call.argument("").unwrap_or_else(|| "{}".to_owned());
    let arguments: Value = serde_json::from_str(&arguments)
        .map_err(|_error| unchecked("they are nested too deeply, or have a number out of range"))?;
    let mut violations = validator.iter_errors(&arguments);
    let told: Vec<_> = violations.by_ref().take(MOST_TOLD).map(|violation| text(&violation)).collect();
    if told.is_empty() {
        return Ok(());
    }
    let more = if violations.next().is_some() { "; and more" } else { "" };
    Err(format!("The arguments of {tool} do not match its input schema: {}{more}.", told.join("; ")))
}

fn input_schema(definition: &str) -> Option<Value> {
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(definition).ok()?;
    let schema = members.remove("inputSchema");
    let schema: Value = serde_json::from_str(schema?.get()).ok()?;
    schema.is_object().then_some(schema)
}

fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE))
        .build(schema)
}

/// Why a schema cannot be used.
fn unusable(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Referencing(_) => format!(
            "its input schema refers to what is not in it, and nothing is fetched ({})",
            short(&error.to_string())
        ),
        _ => format!("its input schema is not valid ({})", text(error)),
    }
}

/// A violation, with its place, without the value.
fn text(violation: &ValidationError<'_>) -> String {
    let place = violation.instance_path().as_str();
    let place = if place.is_empty() { "the whole" } else { place };
    short(&format!("{place}: {}", violation.masked()))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

bartizan_guest::export!(Schema: calls);

#[cfg(test)]
mod tests;
