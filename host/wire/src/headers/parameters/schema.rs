//! Finding the `x-mcp-header` annotations of an input schema.
//!
//! The walk does not recurse and remembers no more than what is open. It looks at every place where a
//! schema may stand, also below keywords it does not know, since an annotation may stand nowhere but on a
//! property that a chain of `properties` leads to. What is data in a schema (`default`, `enum`) or the name
//! of a property is no annotation.

use std::borrow::Cow;

use crate::json::{Elements, Kind, Members, Value};

use super::{PREFIX, Parameters, Step};

const SCHEMA: &str = "inputSchema";
const ANNOTATION: &str = "x-mcp-header";
const TYPES: [&str; 3] = ["string", "integer", "boolean"];

/// Keywords that hold schemas by name.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];
/// Keywords that hold data.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// Longest part of a definition that an error repeats, in characters.
const SHOWN: usize = 255;

/// Why a tool's annotations are invalid. Clients over HTTP must not offer such a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// It stands where no chain of `properties` alone leads to: in `items`, `oneOf`, `$defs`, at the root.
    #[error("`x-mcp-header` at {pointer:?}, which is no property reached by `properties` alone")]
    Unreachable {
        /// The schema with the annotation, as a JSON pointer into the definition.
        pointer: String,
    },
    /// It is no string.
    #[error("`x-mcp-header` at {pointer:?} must be a string, found {found}")]
    NotAString {
        /// The property, as a JSON pointer into the definition.
        pointer: String,
        /// What was there.
        found: Kind,
    },
    /// It is empty.
    #[error("`x-mcp-header` at {pointer:?} must not be empty")]
    Empty {
        /// The property, as a JSON pointer into the definition.
        pointer: String,
    },
    /// It is no RFC 9110 token.
    #[error("`x-mcp-header` at {pointer:?} is {name:?}, which cannot be part of a header's name")]
    NotAToken {
        /// The property, as a JSON pointer into the definition.
        pointer: String,
        /// The annotation.
        name: String,
    },
    /// Another property has the same, but for case.
    #[error("`x-mcp-header` at {pointer:?} is {name:?}, as that of another property is (case is ignored)")]
    Repeated {
        /// The second property, as a JSON pointer into the definition.
        pointer: String,
        /// The second annotation.
        name: String,
    },
    /// Its property is none of the types whose values can be headers.
    #[error("`x-mcp-header` at {pointer:?} needs the type string, integer or boolean, found {found}")]
    Type {
        /// The property, as a JSON pointer into the definition.
        pointer: String,
        /// The property's `type` as JSON, or `none`.
        found: String,
    },
}

/// What an open container is to the schema.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// A schema at a place that calls have: the root, or a property of such a schema.
    Place,
    /// The `properties` of such a schema.
    Properties,
    /// Any other schema.
    Elsewhere,
    /// Schemas by name, or a list of some.
    Several,
}

struct Open<'a> {
    /// What it is called in what contains it.
    name: Cow<'a, str>,
    value: Value<'a>,
    role: Role,
    members: Members<'a>,
    elements: Elements<'a>,
    /// For a place with an annotation at or below it.
    step: Option<usize>,
}

impl<'a> Open<'a> {
    fn new(name: Cow<'a, str>, value: Value<'a>, role: Role) -> Self {
        Self { name, value, role, members: value.members(), elements: value.elements(), step: None }
    }

    /// The next member or element; elements have no name.
    fn next(&mut self) -> Option<(Cow<'a, str>, Value<'a>)> {
        self.members.next().or_else(|| self.elements.next().map(|element| (Cow::Borrowed(""), element)))
    }
}

struct Walk<'a> {
    definition: Value<'a>,
    open: Vec<Open<'a>>,
    found: Parameters,
}

/// The annotated properties of a tool's definition.
pub(super) fn read(definition: Value<'_>) -> Result<Parameters, ParameterError> {
    let Some(schema) = definition.get(SCHEMA) else { return Ok(Parameters::default()) };
    let open = vec![Open::new(Cow::Borrowed(SCHEMA), schema, Role::Place)];
    let mut walk = Walk { definition, open, found: Parameters::default() };
    while let Some(open) = walk.open.last_mut() {
        let (schema, role) = (open.value, open.role);
        match open.next() {
            None => drop(walk.open.pop()),
            Some((key, value)) => walk.visit(schema, role, key, value)?,
        }
    }
    Ok(walk.found)
}

impl<'a> Walk<'a> {
    /// Looks at one member or element of `schema`, which is what is open innermost.
    fn visit(
        &mut self,
        schema: Value<'a>,
        role: Role,
        key: Cow<'a, str>,
        value: Value<'a>,
    ) -> Result<(), ParameterError> {
        let keyword = matches!(role, Role::Place | Role::Elsewhere);
        if keyword && key == ANNOTATION {
            return self.annotation(schema, role, value);
        }
        if keyword && DATA.contains(&key.as_ref()) {
            return Ok(());
        }
        let role = match role {
            _ if value.kind() == Kind::Array => Role::Several,
            Role::Place if key == "properties" => Role::Properties,
            Role::Place | Role::Elsewhere if NAMED.contains(&key.as_ref()) => Role::Several,
            Role::Properties => Role::Place,
            Role::Place | Role::Elsewhere | Role::Several => Role::Elsewhere,
        };
        if matches!(value.kind(), Kind::Object | Kind::Array) {
            self.open.push(Open::new(key, value, role));
        }
        Ok(())
    }

    fn annotation(
        &mut self,
        schema: Value<'a>,
        role: Role,
        annotation: Value<'a>,
    ) -> Result<(), ParameterError> {
        let pointer = || pointer_to(self.definition, schema);
        if role == Role::Elsewhere || self.open.len() == 1 {
            return Err(ParameterError::Unreachable { pointer: pointer() });
        }
        let Some(name) = annotation.as_str() else {
            return Err(ParameterError::NotAString { pointer: pointer(), found: annotation.kind() });
        };
        if name.is_empty() {
            return Err(ParameterError::Empty { pointer: pointer() });
        }
        if !name.bytes().all(is_token) {
            return Err(ParameterError::NotAToken { pointer: pointer(), name: shown(&name) });
        }
        let kind = schema.get("type");
        if !kind.and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind.as_ref())) {
            let found = kind.map_or_else(|| "none".to_owned(), |kind| shown(kind.text()));
            return Err(ParameterError::Type { pointer: pointer(), found });
        }
        let header = format!("{PREFIX}{name}");
        let parameter = self.found.headers.len();
        if self.found.by_name.insert(header.to_ascii_lowercase(), parameter).is_some() {
            return Err(ParameterError::Repeated { pointer: pointer(), name: shown(&name) });
        }
        self.found.headers.push(header);
        self.mark(parameter);
        Ok(())
    }

    /// Remembers the way to the place that is open innermost: the names of the places in which it is.
    fn mark(&mut self, parameter: usize) {
        let steps = &mut self.found.steps;
        if steps.is_empty() {
            steps.push(Step::default());
        }
        let mut at = 0;
        for place in self.open.iter_mut().filter(|open| open.role == Role::Place).skip(1) {
            at = *place.step.get_or_insert_with(|| {
                let below = steps.len();
                steps.push(Step::default());
                if let Some(step) = steps.get_mut(at) {
                    step.below.insert(place.name.clone().into_owned(), below);
                }
                below
            });
        }
        if let Some(step) = steps.get_mut(at) {
            step.parameter = Some(parameter);
        }
    }
}

/// RFC 9110 §5.6.2: `tchar`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The pointer to `target`, a value inside `root`.
fn pointer_to(root: Value<'_>, target: Value<'_>) -> String {
    let mut pointer = String::new();
    let mut at = root;
    while at.span() != target.span() {
        let holds = |value: Value<'_>| value.span().contains(&target.span().start);
        let member = at.members().find(|(_, value)| holds(*value));
        let element = || at.elements().enumerate().find(|(_, value)| holds(*value));
        let below = member
            .map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
            .or_else(|| element().map(|(index, value)| (index.to_string(), value)));
        let Some((token, value)) = below else { break };
        pointer = format!("{pointer}/{token}");
        at = value;
    }
    shown(&pointer)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
