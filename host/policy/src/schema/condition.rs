//! Conditions. A test has a shape for each group of operators, since these say what `value` is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// What a path may look like; names are held to more by the reader.
pub(super) const STEPS: &str = r#"(\.(\*|[^.\[\]\s"'*]+)|\[(\*|0|[1-9][0-9]{0,8}|"([^"\\]|\\.)*")\])*"#;

/// Something that holds for a call, does not, or cannot be told. What cannot be told counts against the call.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Condition {
    Equal(Equal),
    OneOf(OneOf),
    Order(Order),
    Text(Text),
    Contains(Contains),
    Regex(RegexTest),
    Exists(Exists),
    Any(Any),
    All(All),
    Not(Not),
}

/// A path into the call, such as `args.items[*].price` or `claims["https://example.com/roles"]`. It begins with `args`,
/// `principal`, `claims`, `tool`, `server`, `session`, `method` or `target`.
struct Path;

impl JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A path into the call, such as `args.items[*].price` or \
                `claims[\"https://example.com/roles\"]`. It begins with `args`, `principal`, `claims`, `tool`, `server`, \
                `session`, `method` or `target`; after `args`, `claims` and `tool` come steps: `.name`, `[\"any key\"]`, \
                `[0]`, and `[*]` or `.*` for everything inside.",
            "type": "string",
            "pattern": format!("^(principal|server|session|method|target|(args|claims|tool){STEPS})$"),
        })
    }
}

/// A value of one piece.
struct Scalar;

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// A value of any kind that there can be something.
struct NotNull;

impl JsonSchema for NotNull {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NotNull".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "array", "object"] })
    }
}

/// A test whether the value at a path equals another, or does not.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Equal {
    /// What is compared.
    path: Path,
    /// How.
    op: EqualOperator,
    /// With what. Not null: use `exists`.
    value: NotNull,
    /// Whether text is compared in lower case.
    #[schemars(extend("default" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum EqualOperator {
    Eq,
    Neq,
}

/// A test whether the value at a path is in a list, or is not.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct OneOf {
    /// What is compared.
    path: Path,
    /// How.
    op: ListOperator,
    /// With what.
    #[schemars(length(min = 1))]
    value: Vec<Scalar>,
    /// Whether text is compared in lower case.
    #[schemars(extend("default" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum ListOperator {
    In,
    NotIn,
}

/// A test whether the number at a path is less or greater.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Order {
    /// What is compared: a number, or text that is one.
    path: Path,
    /// How.
    op: OrderOperator,
    /// With what.
    value: f64,
    /// Means nothing here.
    #[schemars(extend("const" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum OrderOperator {
    Lt,
    Lte,
    Gt,
    Gte,
}

/// A test of the whole text at a path (`glob`: `*` for any text, `?` for one character), or of how it begins.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Text {
    /// What is compared.
    path: Path,
    /// How.
    op: TextOperator,
    /// With what.
    value: String,
    /// Whether text is compared in lower case.
    #[schemars(extend("default" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum TextOperator {
    Glob,
    StartsWith,
}

/// A test whether the text at a path has a part, or the list at a path an item.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Contains {
    /// What is searched.
    path: Path,
    /// How.
    op: ContainsOperator,
    /// For what.
    value: Scalar,
    /// Whether text is compared in lower case.
    #[schemars(extend("default" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum ContainsOperator {
    Contains,
}

/// A test whether a part of the text at a path matches a regular expression.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RegexTest {
    /// What is searched.
    path: Path,
    /// How.
    op: RegexOperator,
    /// For what: the syntax of Rust's `regex` crate, without look-around and backreferences. `^` and `$` bind it to the
    /// whole text.
    value: String,
    /// Means nothing here: begin the expression with `(?i)`.
    #[schemars(extend("const" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum RegexOperator {
    Regex,
}

/// A test whether there is something at a path other than null.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Exists {
    /// Where.
    path: Path,
    /// How.
    op: ExistsOperator,
    /// Whether something must be there.
    value: bool,
    /// Means nothing here.
    #[schemars(extend("const" = false))]
    ignore_case: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum ExistsOperator {
    Exists,
}

/// A group of which at least one condition must hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Any {
    /// The conditions. Groups may lie within each other 16 deep.
    #[schemars(length(min = 1))]
    any: Vec<Condition>,
}

/// A group of which all conditions must hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct All {
    /// The conditions.
    #[schemars(length(min = 1))]
    all: Vec<Condition>,
}

/// A condition that must not hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Not {
    /// The condition.
    not: Box<Condition>,
}

/// A condition with one key more.
pub(super) struct Requirement;

impl JsonSchema for Requirement {
    fn schema_name() -> Cow<'static, str> {
        "Requirement".into()
    }

    /// Schemas that know all their keys cannot be added to, so each shape of a condition is written out again.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Condition>();
        let definitions = generator.definitions();
        let shapes = definitions.get("Condition").and_then(|condition| condition.get("anyOf")?.as_array());
        let shapes: Vec<Value> = shapes
            .into_iter()
            .flatten()
            .filter_map(|shape| definitions.get(shape.get("$ref")?.as_str()?.rsplit('/').next()?))
            .map(|shape| {
                let mut shape = shape.clone();
                if let Some(properties) = shape.get_mut("properties").and_then(Value::as_object_mut) {
                    properties.insert("on_deny".into(), on_deny());
                }
                shape
            })
            .collect();
        json_schema!({
            "description": "A condition that must hold: a [condition](#condition) with one key more, `on_deny`, for \
                what a refused agent is told.",
            "anyOf": shapes,
        })
    }
}

fn on_deny() -> Value {
    json!({ "description": "What a refused agent is told.", "type": "string" })
}

/// Calls that are refused: those for which all conditions hold, or cannot be told.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct DenyIf {
    /// All must hold. With an empty list every call is refused.
    conditions: Vec<Condition>,
    /// What a refused agent is told.
    on_deny: Option<String>,
}
