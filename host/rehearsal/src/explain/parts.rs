//! The parts of a call that mattered, by the paths that plugins name: `args.items[*].amount`.

use bartizan_runtime::Call;
use bartizan_wire::json::{Document, Kind, Value, quote};

use crate::call::strict;

/// A path and what it leads to in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The path.
    pub path: String,
    /// What is there: one for each element that `*` finds. Empty if the path cannot be read.
    pub found: Vec<Found>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A value: JSON text.
    Value(String),
    /// Nothing, or null.
    Missing,
    /// Something that has no parts, where the path goes on.
    Opaque,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    Every,
}

/// Follows a path into a call.
pub(crate) fn resolve(path: &str, call: &Call) -> Part {
    let found = split(path).map(|(root, steps)| follow(root, &steps, call)).unwrap_or_default();
    Part { path: path.to_owned(), found }
}

fn follow(root: &str, steps: &[Step], call: &Call) -> Vec<Found> {
    let text = |text: Option<&str>| vec![text.map_or(Found::Missing, |text| Found::Value(quote(text)))];
    let json = |json: Option<&str>| match json.map(strict) {
        Some(Ok(document)) => walk_all(&document, steps),
        _ => vec![Found::Missing],
    };
    match root {
        "args" => json(call.arguments.as_deref()),
        "claims" => json(call.claims.as_deref()),
        "tool" => json(call.entry.as_deref().map(|entry| entry.definition.as_str())),
        "principal" => text(call.principal.as_deref()),
        "server" => text(Some(&call.server)),
        "session" => text(Some(&call.session)),
        "method" => text(Some(&call.method)),
        "target" => text(call.target.as_deref()),
        _ => Vec::new(),
    }
}

fn walk_all(document: &Document, steps: &[Step]) -> Vec<Found> {
    let mut found = Vec::new();
    walk(document.root(), steps, &mut found);
    if found.is_empty() {
        found.push(Found::Missing);
    }
    found
}

fn walk(value: Value<'_>, steps: &[Step], found: &mut Vec<Found>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(match value.kind() {
            Kind::Null => Found::Missing,
            _ => Found::Value(value.text().to_owned()),
        });
        return;
    };
    let next = match (step, value.kind()) {
        (_, Kind::Null) | (Step::Index(_), Kind::Object) => None,
        (Step::Every, Kind::Array) => return value.elements().for_each(|element| walk(element, rest, found)),
        (Step::Every, Kind::Object) => {
            return value.members().for_each(|(_, member)| walk(member, rest, found));
        }
        (Step::Name(name), Kind::Object) => value.get(name),
        (Step::Name(name), Kind::Array) => index(name).and_then(|index| value.elements().nth(index)),
        (Step::Index(index), Kind::Array) => value.elements().nth(*index),
        _ => return found.push(Found::Opaque),
    };
    match next {
        Some(value) => walk(value, rest, found),
        None => found.push(Found::Missing),
    }
}

/// A path's root and steps. None if it is not written as paths are.
fn split(path: &str) -> Option<(&str, Vec<Step>)> {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (root, mut rest) = path.split_at_checked(end)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at_checked(end)?;
            steps.push(if name == "*" { Step::Every } else { Step::Name(name.to_owned()) });
            rest = after;
            continue;
        }
        let inside = rest.strip_prefix('[')?;
        if inside.starts_with('"') {
            let mut names = serde_json::Deserializer::from_str(inside).into_iter::<String>();
            steps.push(Step::Name(names.next()?.ok()?));
            rest = inside.get(names.byte_offset()..)?.strip_prefix(']')?;
            continue;
        }
        let (inside, after) = inside.split_once(']')?;
        steps.push(if inside == "*" { Step::Every } else { Step::Index(index(inside)?) });
        rest = after;
    }
    Some((root, steps))
}

fn index(text: &str) -> Option<usize> {
    (text == "0" || !text.starts_with(['0', '+'])).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Circumstances, Message};

    #[test]
    fn what_paths_lead_to() {
        let mut call = Message::list("tools/call").call(
            &Circumstances {
                principal: Some("alice".into()),
                claims: Some(r#"{"groups":["ops"]}"#.into()),
                ..Circumstances::default()
            },
            None,
        );
        call.target = Some("pay".into());
        call.arguments = Some(
            r#"{"stage":"Production","items":[{"amount":5},{"amount":7.50},{}],"none":null,"a.b":1,"text":"{}","list":[3]}"#.into(),
        );
        let value = |text: &str| Found::Value(text.to_owned());
        for (path, expected) in [
            ("args.stage", vec![value("\"Production\"")]),
            ("args.items[*].amount", vec![value("5"), value("7.50"), Found::Missing]),
            ("args.items.1.amount", vec![value("7.50")]),
            ("args.items[1].amount", vec![value("7.50")]),
            ("args.none", vec![Found::Missing]),
            ("args.gone.deeper", vec![Found::Missing]),
            (r#"args["a.b"]"#, vec![value("1")]),
            ("args.text.x", vec![Found::Opaque]),
            ("args.list.*", vec![value("3")]),
            ("claims.groups[0]", vec![value("\"ops\"")]),
            ("principal", vec![value("\"alice\"")]),
            ("server", vec![value("\"server\"")]),
            ("target", vec![value("\"pay\"")]),
            ("method", vec![value("\"tools/call\"")]),
            ("tool.name", vec![Found::Missing]),
            ("args[", vec![]),
            ("nothing", vec![]),
        ] {
            assert_eq!(resolve(path, &call).found, expected, "{path}");
        }
    }
}
