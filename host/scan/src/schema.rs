//! What the arguments of a tool say.

use serde_json::Value;

use crate::name::Name;
use crate::vocabulary::{self, ACTION_ARGUMENTS, CODE_ARGUMENTS, DESTRUCTIVE_SWITCHES};
use crate::{Class, words};

/// How many schemas within each other are read for the values of one argument, and how many altogether:
/// references may form circles.
const DEEPEST: u32 = 4;
const MOST_SCHEMAS: u32 = 200;

/// What an input schema says about its tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The worst that an argument like `action` can ask for: the argument, the value, its class.
    pub(crate) action: Option<(String, String, Class)>,
    /// Whether an argument says what to do, but not out of a list that is all understood.
    pub(crate) open: Option<String>,
    /// An argument that is code.
    pub(crate) code: Option<String>,
    /// A switch like `purge`.
    pub(crate) switch: Option<String>,
}

impl Arguments {
    pub(crate) fn read(schema: &Value) -> Self {
        let mut arguments = Self::default();
        let variants =
            ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        for object in std::iter::once(schema).chain(variants) {
            for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                arguments.argument(schema, name, property);
            }
        }
        arguments
    }

    fn argument(&mut self, root: &Value, name: &str, property: &Value) {
        let words = words::of_name(name);
        let spelled = words.join("_");
        let last = words.last().map(String::as_str).unwrap_or_default();
        if ACTION_ARGUMENTS.contains(&spelled.as_str()) || ["action", "operation"].contains(&last) {
            self.choice(root, name, property);
        }
        if CODE_ARGUMENTS.contains(&spelled.as_str()) && values(root, property).is_empty() {
            self.code.get_or_insert_with(|| name.to_owned());
        }
        let boolean = property.get("type").and_then(Value::as_str) == Some("boolean");
        if boolean && DESTRUCTIVE_SWITCHES.contains(&spelled.as_str()) {
            self.switch.get_or_insert_with(|| name.to_owned());
        }
    }

    fn choice(&mut self, root: &Value, name: &str, property: &Value) {
        let values = values(root, property);
        let mut understood = !values.is_empty();
        for value in &values {
            match Name::read(value).verdict {
                Some(verdict) => self.worse(name, value, verdict.class),
                None => understood = false,
            }
        }
        // Without a list, what its own description names.
        if values.is_empty() {
            let text = property.get("description").and_then(Value::as_str).unwrap_or_default();
            for word in text.split(|c: char| !c.is_alphanumeric()) {
                let word = word.to_lowercase();
                if let Some((verb, words::Form::Base)) = vocabulary::look(&word)
                    && verb.kind == vocabulary::Kind::Verb
                {
                    self.worse(name, &word, verb.class);
                }
            }
        }
        if !understood {
            self.open.get_or_insert_with(|| name.to_owned());
        }
    }

    fn worse(&mut self, name: &str, value: &str, class: Class) {
        if self.action.as_ref().is_none_or(|(_, _, known)| *known < class) {
            self.action = Some((name.to_owned(), value.to_owned(), class));
        }
    }
}

/// The texts that a property may be, if it says so; also behind one local `$ref` or alternative.
fn values(root: &Value, property: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(property, 0)];
    let mut left = MOST_SCHEMAS;
    while let Some((schema, depth)) = open.pop() {
        if depth > DEEPEST || left == 0 {
            continue;
        }
        left -= 1;
        if let Some(Value::Array(items)) = schema.get("enum") {
            found.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        found.extend(schema.get("const").and_then(Value::as_str).map(str::to_owned));
        for key in ["anyOf", "oneOf", "allOf"] {
            open.extend(
                schema.get(key).and_then(Value::as_array).into_iter().flatten().map(|item| (item, depth + 1)),
            );
        }
        open.extend(schema.get("items").map(|items| (items, depth + 1)));
        let referred = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        open.extend(referred.and_then(|pointer| root.pointer(pointer)).map(|target| (target, depth + 1)));
    }
    found
}
