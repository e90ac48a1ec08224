//! What a path leads to in a call.

use bartizan_guest::Call;

use crate::json::Json;
use crate::path::{Path, Root, Step, index};

/// What stands at one of the places that a path leads to.
#[derive(Debug)]
pub(crate) enum Found<'t> {
    /// A value; never null, which counts as absent.
    Value(Json<'t>),
    /// Nothing.
    Missing,
    /// Something that cannot be looked into: the path steps into a text, a number or a boolean.
    Opaque,
}

impl Path {
    /// Shows `visit` what the path leads to: once, or as often as `*` finds an element. Reads from the host
    /// no more than that, unless nothing is there.
    pub(crate) fn read(&self, call: &Call, mut visit: impl FnMut(Found<'_>)) {
        match self.root {
            Root::Args => self.read_parts(|pointer| call.argument(pointer), &mut visit),
            Root::Claims => self.read_parts(|pointer| call.claim(pointer), &mut visit),
            Root::Tool => match call.entry() {
                Some(entry) => walk_all(&entry.definition, &self.steps, &mut visit),
                None => visit(Found::Missing),
            },
            Root::Principal => visit(text(call.principal())),
            Root::Server => visit(text(Some(call.server()))),
            Root::Session => visit(text(Some(call.session()))),
            Root::Method => visit(text(Some(call.method()))),
            Root::Target => visit(text(call.target())),
        }
    }

    fn read_parts(&self, read: impl Fn(&str) -> Option<String>, visit: &mut impl FnMut(Found<'_>)) {
        let names = self.steps.iter().take_while(|step| matches!(step, Step::Name(_))).count();
        let (leading, rest) = self.steps.split_at_checked(names).unwrap_or((&[], &self.steps));
        if let Some(text) = read(&pointer(leading)) {
            return walk_all(&text, rest, visit);
        }
        // Nothing is there: because it is missing, or because a text stands where something with parts
        // was expected, which is not the same.
        let whole = if leading.is_empty() { None } else { read("") };
        match whole {
            Some(text) => walk_all(&text, &self.steps, visit),
            None => visit(Found::Missing),
        }
    }
}

fn text<'t>(text: Option<String>) -> Found<'t> {
    text.map_or(Found::Missing, |text| Found::Value(Json::Text(text.into())))
}

fn pointer(steps: &[Step]) -> String {
    let mut pointer = String::new();
    for step in steps {
        if let Step::Name(name) = step {
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
    }
    pointer
}

fn walk_all(text: &str, steps: &[Step], visit: &mut impl FnMut(Found<'_>)) {
    let mut found_any = false;
    walk(text, steps, &mut |found| {
        found_any = true;
        visit(found);
    });
    if !found_any {
        visit(Found::Missing);
    }
}

fn walk(text: &str, steps: &[Step], visit: &mut dyn FnMut(Found<'_>)) {
    let json = Json::read(text);
    let Some((step, rest)) = steps.split_first() else {
        return visit(match json {
            Json::Null => Found::Missing,
            json => Found::Value(json),
        });
    };
    let next = match (step, &json) {
        (_, Json::Null) | (Step::Index(_), Json::Object(_)) => None,
        (Step::Every, Json::Array(elements)) => {
            return elements.iter().for_each(|element| walk(element.get(), rest, visit));
        }
        (Step::Every, Json::Object(members)) => {
            return members.values().for_each(|member| walk(member.get(), rest, visit));
        }
        (Step::Name(name), Json::Object(members)) => members.get(name.as_str()),
        (Step::Name(name), Json::Array(elements)) => index(name).and_then(|index| elements.get(index)),
        (Step::Index(index), Json::Array(elements)) => elements.get(*index),
        (_, Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Unreadable) => {
            return visit(Found::Opaque);
        }
    };
    match next {
        Some(value) => walk(value.get(), rest, visit),
        None => visit(Found::Missing),
    }
}

#[cfg(test)]
mod tests {
    use bartizan_guest::testing::TestCall;
    use serde_json::json;

    use super::Found;
    use crate::Path;

    fn found(call: &TestCall, path: &str) -> Vec<String> {
        let path: Path = path.parse().unwrap();
        let mut all = Vec::new();
        call.read(|call| {
            path.read(call, |found| {
                all.push(match found {
                    Found::Value(json) => format!("{json:?}"),
                    Found::Missing => "missing".to_owned(),
                    Found::Opaque => "opaque".to_owned(),
                });
            });
        });
        all
    }

    #[test]
    fn what_paths_lead_to() {
        let arguments = r#"{
            "stage": "x", "none": null, "big": 12345678901234567890123, "text": "{\"a\":1}", "0": "zero",
            "list": [10, null, {"id": 3}], "empty": [], "items": [{"id": 1}, {"id": 2}, {}, 7],
            "map": {"b": {"id": 5}, "a": {"id": 4}}, "a/b~c": {"": 1}, "deep": [[1, 2], [], [3]]
        }"#;
        let call = TestCall::tool("pay")
            .arguments_text(arguments)
            .principal("ci")
            .server("bank")
            .session("s-1")
            .claims(json!({"groups": ["ops", "dev"]}))
            .definition(&json!({"name": "pay", "annotations": {"destructiveHint": true}}));
        for (path, expected) in [
            ("args.stage", vec![r#"Text("x")"#]),
            ("args.none", vec!["missing"]),
            ("args.none.deeper", vec!["missing"]),
            ("args.gone", vec!["missing"]),
            ("args.gone.deeper", vec!["missing"]),
            ("args.big", vec![r#"Number("12345678901234567890123")"#]),
            ("args.text.a", vec!["opaque"]),
            ("args.text[0]", vec!["opaque"]),
            ("args.text[*]", vec!["opaque"]),
            ("args.big.a", vec!["opaque"]),
            ("args.0", vec![r#"Text("zero")"#]),
            ("args[0]", vec!["missing"]),
            ("args.list[0]", vec![r#"Number("10")"#]),
            ("args.list.0", vec![r#"Number("10")"#]),
            ("args.list.00", vec!["missing"]),
            ("args.list.length", vec!["missing"]),
            ("args.list[1]", vec!["missing"]),
            ("args.list[2].id", vec![r#"Number("3")"#]),
            ("args.list[3]", vec!["missing"]),
            ("args.list[*]", vec![r#"Number("10")"#, "missing", r#"Object({Key("id"): RawValue(3)})"#]),
            ("args.empty[*]", vec!["missing"]),
            ("args.empty[*].id", vec!["missing"]),
            ("args.items[*].id", vec![r#"Number("1")"#, r#"Number("2")"#, "missing", "opaque"]),
            ("args.map.*.id", vec![r#"Number("4")"#, r#"Number("5")"#]),
            (r#"args["a/b~c"][""]"#, vec![r#"Number("1")"#]),
            ("args.deep[*][*]", vec![r#"Number("1")"#, r#"Number("2")"#, r#"Number("3")"#]),
            ("args.gone[*]", vec!["missing"]),
            ("principal", vec![r#"Text("ci")"#]),
            ("server", vec![r#"Text("bank")"#]),
            ("session", vec![r#"Text("s-1")"#]),
            ("method", vec![r#"Text("tools/call")"#]),
            ("target", vec![r#"Text("pay")"#]),
            ("claims.groups[*]", vec![r#"Text("ops")"#, r#"Text("dev")"#]),
            ("claims.sub", vec!["missing"]),
            ("tool.name", vec![r#"Text("pay")"#]),
            ("tool.annotations.destructiveHint", vec!["Boolean(true)"]),
            ("tool.annotations.readOnlyHint", vec!["missing"]),
            ("tool.name.x", vec!["opaque"]),
        ] {
            assert_eq!(found(&call, path), expected, "{path}");
        }
    }

    #[test]
    fn a_call_without_anything() {
        let call = TestCall::method("ping").arguments_text("null");
        for path in ["args", "args.x", "args[*]", "principal", "claims", "claims.x", "tool.name", "target"] {
            assert_eq!(found(&call, path), ["missing"], "{path}");
        }
        let text = TestCall::tool("x").arguments_text(r#""{\"stage\":1}""#);
        assert_eq!(found(&text, "args.stage"), ["opaque"], "arguments that are a text");
    }
}
