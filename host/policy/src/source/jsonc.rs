//! JSON with comments, by `jsonc-parser` with every other leniency switched off.

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::members::Members;
use super::{MAX_DEPTH, Node, Span, Value, empty, too_deep};
use crate::diagnostics::{Problem, Report};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => match parsed.value {
            Some(ast) => node(ast, 0, text, report),
            None => {
                report.push(empty());
                None
            }
        },
        Err(error) => {
            report.push(syntax(&error));
            None
        }
    }
}

fn node(ast: Ast<'_>, depth: usize, text: &str, report: &mut Report) -> Option<Node> {
    let span = span(ast.range());
    if depth >= MAX_DEPTH && matches!(ast, Ast::Array(_) | Ast::Object(_)) {
        report.push(too_deep(span.head()));
        return None;
    }
    let value = match ast {
        Ast::NullKeyword(_) => Value::Null,
        Ast::BooleanLit(literal) => Value::Bool(literal.value),
        Ast::NumberLit(literal) => Value::Number(literal.value.to_owned()),
        Ast::StringLit(literal) => {
            check_string(span, text, report);
            Value::String(literal.value.into_owned())
        }
        Ast::Array(array) => {
            let mut items = Vec::with_capacity(array.elements.len());
            for element in array.elements {
                items.push(node(element, depth + 1, text, report)?);
            }
            Value::Array(items)
        }
        Ast::Object(object) => {
            let mut members = Members::default();
            for property in object.properties {
                let (key, key_range) = match property.name {
                    ObjectPropName::String(literal) => (literal.value.into_owned(), literal.range),
                    ObjectPropName::Word(word) => (word.value.to_owned(), word.range),
                };
                let key_span = self::span(key_range);
                check_string(key_span, text, report);
                let value = node(property.value, depth + 1, text, report)?;
                members.push(key, key_span, value, report);
            }
            Value::Object(members.into_vec())
        }
    };
    Some(Node { span, value })
}

/// RFC 8259 §7: control characters must be escaped. The parser lets them pass.
fn check_string(span: Span, text: &str, report: &mut Report) {
    let raw = text.get(span.start..span.end).unwrap_or_default();
    if let Some(at) = raw.find(|c: char| c < ' ') {
        let at = span.start + at;
        let problem = Problem::error(
            "syntax",
            Span::new(at, at + 1),
            "a string holds a control character or line break",
        );
        report.push(problem.help("write it as an escape, such as \\n or \\t"));
    }
}

fn syntax(error: &ParseError) -> Problem {
    use ParseErrorKind as Kind;
    let span = span(error.range());
    let (message, help) = match error.kind() {
        Kind::NestingDepthExceeded => return too_deep(span.head()),
        Kind::TrailingCommasNotAllowed => ("a comma with nothing after it", Some("remove it")),
        Kind::ExpectedComma => ("a comma is missing here", None),
        Kind::ExpectedColonAfterObjectKey => ("a colon is missing after the key", None),
        Kind::ExpectedObjectValue => ("a value is missing after the colon", None),
        Kind::ExpectedStringObjectProperty => ("a key without quotes", Some("put it in double quotes")),
        Kind::SingleQuotedStringsNotAllowed => ("a string in single quotes", Some("use double quotes")),
        Kind::MultipleRootJsonValues => ("more text after the end of the document", None),
        Kind::UnterminatedArray => ("this list has no closing `]`", None),
        Kind::UnterminatedObject => ("this object has no closing `}`", None),
        Kind::UnterminatedCommentBlock => ("this comment has no closing `*/`", None),
        Kind::UnexpectedWord | Kind::UnexpectedToken => {
            ("this is not JSON", Some("put text in double quotes, and write numbers in plain decimal digits"))
        }
        Kind::UnexpectedCloseBrace => ("a `}` where a value is expected", None),
        Kind::UnexpectedCloseBracket => ("a `]` where a value is expected", None),
        Kind::UnexpectedComma => ("a comma where a value is expected", None),
        Kind::UnexpectedColon => ("a colon where a value is expected", None),
        Kind::UnexpectedTokenInObject => ("a key in double quotes is expected here", None),
        other => {
            let text = other.to_string();
            let mut rest = text.chars();
            let first = rest.next().map(|c| c.to_ascii_lowercase());
            return Problem::error("syntax", span, first.into_iter().chain(rest).collect::<String>());
        }
    };
    let problem = Problem::error("syntax", span, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn span(range: Range) -> Span {
    Span::new(range.start, range.end)
}
