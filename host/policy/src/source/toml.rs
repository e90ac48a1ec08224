//! TOML, by `toml_edit`.

use toml_edit::{Document, Formatted, Item, Key, TableLike, TomlError, Value as TomlValue};

use super::members::{Members, duplicate_key};
use super::number::decimal;
use super::{MAX_DEPTH, Node, Span, Value, too_deep};
use crate::diagnostics::{Problem, Report};

pub(super) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    match Document::parse(text) {
        Ok(document) => Reader { text, report }.item(document.as_item(), Span::default(), 0),
        Err(error) => {
            report.push(syntax(text, &error, report));
            None
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    report: &'a mut Report,
}

impl Reader<'_> {
    /// `place` stands in for the span of what has none, such as a table that only a longer path names.
    fn item(&mut self, item: &Item, place: Span, depth: usize) -> Option<Node> {
        let span = item.span().map_or(place, |range| Span::new(range.start, range.end));
        if depth >= MAX_DEPTH && matches!(item, Item::Table(_) | Item::ArrayOfTables(_)) {
            self.report.push(too_deep(span.head()));
            return None;
        }
        let value = match item {
            Item::None => Value::Null,
            Item::Value(value) => return self.value(value, place, depth),
            Item::Table(table) => self.table(table, span, depth)?,
            Item::ArrayOfTables(tables) => {
                let mut items = Vec::with_capacity(tables.len());
                for table in tables {
                    let span = table.span().map_or(span, |range| Span::new(range.start, range.end));
                    items.push(Node { span, value: self.table(table, span, depth + 1)? });
                }
                Value::Array(items)
            }
        };
        Some(Node { span, value })
    }

    fn value(&mut self, value: &TomlValue, place: Span, depth: usize) -> Option<Node> {
        let span = value.span().map_or(place, |range| Span::new(range.start, range.end));
        if depth >= MAX_DEPTH && matches!(value, TomlValue::Array(_) | TomlValue::InlineTable(_)) {
            self.report.push(too_deep(span.head()));
            return None;
        }
        let value = match value {
            TomlValue::String(text) => Value::String(text.value().clone()),
            TomlValue::Boolean(value) => Value::Bool(*value.value()),
            TomlValue::Datetime(time) => Value::String(time.value().to_string()),
            TomlValue::Integer(number) => self.number(span, Some(number)),
            TomlValue::Float(_) => self.number(span, None),
            TomlValue::Array(array) => {
                let mut items = Vec::with_capacity(array.len());
                for item in array {
                    items.push(self.value(item, span, depth + 1)?);
                }
                Value::Array(items)
            }
            TomlValue::InlineTable(table) => self.table(table, span, depth)?,
        };
        Some(Node { span, value })
    }

    fn table(&mut self, table: &dyn TableLike, span: Span, depth: usize) -> Option<Value> {
        let mut members = Members::default();
        for (key, item) in table.iter() {
            let key_span = table
                .get_key_value(key)
                .and_then(|(key, _)| Key::span(key))
                .map_or(span, |range| Span::new(range.start, range.end));
            let node = self.item(item, key_span, depth + 1)?;
            members.push(key.to_owned(), key_span, node, self.report);
        }
        Some(Value::Object(members.into_vec()))
    }

    /// The literal as written, where it can be JSON; else the value of an integer in another base.
    fn number(&mut self, span: Span, integer: Option<&Formatted<i64>>) -> Value {
        let written = self.text.get(span.start..span.end).unwrap_or_default().replace('_', "");
        let literal = decimal(&written).or_else(|| integer.map(|number| number.value().to_string()));
        Value::Number(literal.unwrap_or_else(|| {
            let message = format!("`{written}` is not a finite number");
            self.report.push(Problem::error("not-json", span, message));
            "0".into()
        }))
    }
}

fn syntax(text: &str, error: &TomlError, report: &Report) -> Problem {
    let span = error.span().map_or(Span::default(), |range| Span::new(range.start, range.end));
    if error.message().starts_with("duplicate key") {
        let key = text.get(span.start..span.end).unwrap_or_default();
        return duplicate_key(key.trim_matches(['"', '\'']), span, None, report);
    }
    if error.message().contains("recursion") {
        return too_deep(span.head());
    }
    Problem::error("syntax", span, error.message())
}
