//! Annotations accepted and refused; headers made and checked.

use super::*;
use crate::json::{Document, Limits};

fn document(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn read(schema: &str) -> Result<Parameters, ParameterError> {
    Parameters::read(document(&format!(r#"{{"name":"t","inputSchema":{schema}}}"#)).root())
}

/// The parameters of a tool with these properties.
fn properties(properties: &str) -> Parameters {
    read(&format!(r#"{{"type":"object","properties":{{{properties}}}}}"#)).unwrap()
}

fn mirrored(parameters: &Parameters, arguments: &str) -> Vec<(String, String)> {
    parameters.mirror(Some(document(arguments).root()))
}

fn check(parameters: &Parameters, headers: &[(&str, &str)], arguments: &str) -> Result<(), MirrorError> {
    parameters.check(headers.iter().copied(), Some(document(arguments).root()))
}

fn one(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[test]
fn the_example_of_the_specification() {
    let parameters = properties(
        r#""region":{"type":"string","description":"The region","x-mcp-header":"Region"},"query":{"type":"string"}"#,
    );
    let arguments = r#"{"region":"us-west1","query":"SELECT * FROM users"}"#;
    assert!(!parameters.is_empty());
    assert_eq!(mirrored(&parameters, arguments), one("Mcp-Param-Region", "us-west1"));
    assert_eq!(check(&parameters, &[("mcp-param-region", "us-west1")], arguments), Ok(()));
}

/// MCP 2026-07-28, *Value Encoding*, the table of examples; and what stands around it.
#[test]
fn values_are_encoded() {
    let cases = [
        // The table.
        (r#""us-west1""#, "us-west1"),
        (r#""Hello, 世界""#, "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (r#"" padded ""#, "=?base64?IHBhZGRlZCA=?="),
        (r#""line1\nline2""#, "=?base64?bGluZTEKbGluZTI=?="),
        (r#""=?base64?literal?=""#, "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        // The conversions.
        ("42", "42"),
        ("-7", "-7"),
        ("true", "true"),
        ("false", "false"),
        // Values that the conformance suite sends, too.
        (r#""""#, ""),
        (r#""us west 1""#, "us west 1"),
        (r#"" us-west1""#, "=?base64?IHVzLXdlc3Qx?="),
        (r#""line1\r\nline2""#, "=?base64?bGluZTENCmxpbmUy?="),
        (r#""\tindented""#, "=?base64?CWluZGVudGVk?="),
        // An escape is the character it stands for.
        (r#""\u0075s\u002dwest1""#, "us-west1"),
        // One way to write an integer.
        ("-0", "0"),
        ("42.0", "42"),
        ("4.2e1", "42"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e400", "1e400"),
        ("3.140", "3.140"),
    ];
    let parameters = properties(r#""v":{"type":"string","x-mcp-header":"Val"}"#);
    for (value, header) in cases {
        let arguments = format!(r#"{{"v":{value}}}"#);
        assert_eq!(mirrored(&parameters, &arguments), one("Mcp-Param-Val", header), "{value}");
        assert_eq!(check(&parameters, &[("Mcp-Param-Val", header)], &arguments), Ok(()), "{value}");
    }
}

/// MCP 2026-07-28, *Server Behavior for Custom Headers*: each row of the table, both sides of it.
#[test]
fn a_header_is_there_exactly_when_the_value_is() {
    let parameters = properties(r#""v":{"type":"string","x-mcp-header":"Val"}"#);
    let header = || "Mcp-Param-Val".to_owned();
    let rows = [
        (
            "value provided",
            r#"{"v":"a"}"#,
            one("Mcp-Param-Val", "a"),
            Err(MirrorError::Missing { header: header() }),
        ),
        ("value is null", r#"{"v":null}"#, Vec::new(), Ok(())),
        ("not in arguments", r#"{"w":"a"}"#, Vec::new(), Ok(())),
        ("no argument", "{}", Vec::new(), Ok(())),
    ];
    for (row, arguments, sent, without) in rows {
        assert_eq!(mirrored(&parameters, arguments), sent, "{row}");
        // With the header, with another value in it, and without it: the last row of the table.
        let with = if sent.is_empty() { Err(MirrorError::Mismatch { header: header() }) } else { Ok(()) };
        assert_eq!(check(&parameters, &[("Mcp-Param-Val", "a")], arguments), with, "{row}");
        let other = check(&parameters, &[("Mcp-Param-Val", "b")], arguments);
        assert_eq!(other, Err(MirrorError::Mismatch { header: header() }), "{row}");
        assert_eq!(check(&parameters, &[], arguments), without, "{row}");
    }
    assert_eq!(parameters.mirror(None), Vec::new());
    assert_eq!(parameters.check([].into_iter(), None), Ok(()));
    let mismatch = Err(MirrorError::Mismatch { header: header() });
    assert_eq!(parameters.check([("Mcp-Param-Val", "")].into_iter(), None), mismatch);
}

#[test]
fn a_header_says_what_the_value_is() {
    let parameters = properties(r#""v":{"type":"string","x-mcp-header":"Val"}"#);
    let header = || "Mcp-Param-Val".to_owned();
    let encoding = || Err(MirrorError::Encoding { header: header() });
    let mismatch = || Err(MirrorError::Mismatch { header: header() });
    let cases = [
        ("encoded without need", "=?base64?YQ==?=", r#""a""#, Ok(())),
        ("encoded number", "=?base64?NDIuMA==?=", "42", Ok(())),
        ("other case", "A", r#""a""#, mismatch()),
        ("sentinel in another case", "=?BASE64?YQ==?=", r#""a""#, mismatch()),
        ("padding left out", "=?base64?YQ?=", r#""a""#, encoding()),
        ("no base64", "=?base64?Y!==?=", r#""a""#, encoding()),
        ("no UTF-8", "=?base64?/w==?=", r#""a""#, encoding()),
        ("raw non-ASCII", "é", r#""é""#, encoding()),
        ("raw control character", "a\u{1}", r#""a\u0001""#, encoding()),
        ("replacement character", "\u{fffd}", r#""\ufffd""#, encoding()),
        ("raw tab inside", "a\tb", r#""a\tb""#, Ok(())),
        ("the value twice in one", "a, a", r#""a""#, mismatch()),
        ("number as a string", "42", r#""42""#, Ok(())),
        ("strings are no numbers", "42.0", r#""42""#, mismatch()),
        ("fraction of nothing", "42.0", "42", Ok(())),
        ("fraction of nothing in the body", "42", "42.00", Ok(())),
        ("exponent in the body", "1000", "1e3", Ok(())),
        ("the same literal", "1e3", "1e3", Ok(())),
        ("exponent in the header", "1e3", "1000", mismatch()),
        ("minus nothing", "-0", "0", Ok(())),
        ("another sign", "-42", "42", mismatch()),
        ("leading zero", "042", "42", mismatch()),
        ("hexadecimal", "0x2A", "42", mismatch()),
        ("no number", "", "42", mismatch()),
        ("one more than a double can tell", "9007199254740993", "9007199254740992", mismatch()),
        ("exact beyond doubles", "9007199254740993.0", "9007199254740993", Ok(())),
        ("beyond any type", "1e99999999999999999999", "1e99999999999999999999", Ok(())),
        ("beyond any type, and not the same", "1", "1e99999999999999999999", mismatch()),
        ("a fraction", "0.10", "0.1", Ok(())),
        ("a fraction lost", "0", "0.1", mismatch()),
        ("boolean", "true", "true", Ok(())),
        ("boolean in another case", "True", "true", mismatch()),
        ("boolean as a number", "1", "true", mismatch()),
        ("other boolean", "false", "true", mismatch()),
        ("array", "a", r#"["a"]"#, mismatch()),
        ("array in full", r#"["a"]"#, r#"["a"]"#, mismatch()),
    ];
    for (name, sent, value, outcome) in cases {
        let arguments = format!(r#"{{"v":{value}}}"#);
        assert_eq!(check(&parameters, &[("Mcp-Param-Val", sent)], &arguments), outcome, "{name}");
    }
    // Nothing can repeat these, and a value without its header is refused.
    for value in [r#"["a"]"#, r#"{"a":1}"#, "[]"] {
        let arguments = format!(r#"{{"v":{value}}}"#);
        assert_eq!(mirrored(&parameters, &arguments), Vec::new());
        assert_eq!(check(&parameters, &[], &arguments), Err(MirrorError::Missing { header: header() }));
    }
}

#[test]
fn headers_are_told_apart_by_name() {
    let parameters = properties(
        r#""method":{"type":"string","x-mcp-header":"Method"},"n":{"type":"integer","x-mcp-header":"N"}"#,
    );
    let arguments = r#"{"n":1,"method":"a"}"#;
    let in_order = [("Mcp-Param-Method", "a"), ("Mcp-Param-N", "1")];
    let sent = mirrored(&parameters, arguments);
    assert_eq!(sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), in_order);

    let others = [
        ("Mcp-Method", "tools/call"),
        ("mcp-param-n", "1"),
        ("Mcp-Param-Unknown", "é"),
        ("Mcp-Param-Unknown", "twice"),
        ("Mcp-Param-", ""),
        ("MCP-PARAM-METHOD", "a"),
    ];
    assert_eq!(check(&parameters, &others, arguments), Ok(()));

    let repeated = |header: &str| Err(MirrorError::Repeated { header: header.to_owned() });
    let twice = [("Mcp-Param-N", "1"), ("Mcp-Param-Method", "a"), ("mcp-param-n", "1")];
    assert_eq!(check(&parameters, &twice, arguments), repeated("Mcp-Param-N"));
    assert_eq!(check(&parameters, &twice[..2], arguments), Ok(()));
    assert_eq!(check(&parameters, &twice, "{}"), repeated("Mcp-Param-N"));

    let nothing = properties(r#""method":{"type":"string"}"#);
    assert!(nothing.is_empty());
    assert_eq!(check(&nothing, &others, arguments), Ok(()));
    assert_eq!(mirrored(&nothing, arguments), Vec::new());
}

#[test]
fn values_are_read_at_the_exact_path() {
    let parameters = properties(
        r#""a":{"type":"object","properties":{
            "b/c":{"properties":{"d":{"type":"integer","x-mcp-header":"Deep"}}},
            "e":{"type":"boolean","x-mcp-header":"E"},
            "unused":{"properties":{"d":{"type":"integer"}}}
        }},
        "x-mcp-header":{"type":"string","x-mcp-header":"Self"},
        "properties":{"type":"string","properties":{"a":{"type":"string","x-mcp-header":"Inner"}},"x-mcp-header":"Outer"}"#,
    );
    let arguments =
        r#"{"d":0,"a":{"b":{"c":{"d":1}},"e":true,"\u0062\/c":{"d":2,"x":{"d":3}}},"x-mcp-header":"s"}"#;
    let expected: Vec<_> = [("Deep", "2"), ("E", "true"), ("Self", "s")]
        .map(|(name, value)| (format!("Mcp-Param-{name}"), value.to_owned()))
        .into();
    assert_eq!(mirrored(&parameters, arguments), expected);
    let both = mirrored(&parameters, r#"{"properties":{"a":"inner"}}"#);
    assert_eq!(both, one("Mcp-Param-Inner", "inner"));
    for arguments in [r#"{"a":[{"e":true}]}"#, r#"{"a":"e"}"#, r#"{"a":{"b/c":null,"e":null}}"#, "[]", "null"]
    {
        assert_eq!(mirrored(&parameters, arguments), Vec::new(), "{arguments}");
        assert_eq!(check(&parameters, &[], arguments), Ok(()), "{arguments}");
    }
}

#[test]
fn tools_without_annotations_have_no_parameters() {
    for definition in
        ["{}", "[]", "null", r#"{"inputSchema":null}"#, r#"{"outputSchema":{"x-mcp-header":"A"}}"#]
    {
        assert_eq!(Parameters::read(document(definition).root()), Ok(Parameters::default()), "{definition}");
    }
    let schemas = [
        ("boolean", "true"),
        ("array", "[]"),
        ("property of that name", r#"{"properties":{"x-mcp-header":{"type":"string"}}}"#),
        ("definition of that name", r#"{"$defs":{"x-mcp-header":{"type":"string"}}}"#),
        ("default", r#"{"properties":{"a":{"default":{"x-mcp-header":"A"}}}}"#),
        ("const", r#"{"const":{"x-mcp-header":"A"}}"#),
        ("enum", r#"{"items":{"enum":[{"x-mcp-header":"A"}]}}"#),
        ("examples", r#"{"examples":[{"a":{"x-mcp-header":"A"}}]}"#),
        ("required", r#"{"required":["x-mcp-header"]}"#),
    ];
    for (name, schema) in schemas {
        assert_eq!(read(schema), Ok(Parameters::default()), "{name}");
    }
}

#[test]
fn annotations_that_are_invalid() {
    use ParameterError as E;
    let at = |property: &str| format!("/inputSchema/properties/{property}");
    let token = |name: &str| E::NotAToken { pointer: at("v"), name: name.to_owned() };
    let kind = |found: &str| E::Type { pointer: at("v"), found: found.to_owned() };
    let named = |name: &str| format!(r#"{{"v":{{"type":"string","x-mcp-header":"{name}"}}}}"#);
    let typed = |kind: &str| format!(r#"{{"v":{{{kind}"x-mcp-header":"V"}}}}"#);
    let two = |first: &str, second: &str| {
        format!(
            r#"{{"f":{{"type":"string","x-mcp-header":"{first}"}},"g":{{"properties":{{"h/~":{{"type":"string","x-mcp-header":"{second}"}}}}}}}}"#
        )
    };
    let repeated = |name: &str| E::Repeated { pointer: at("g/properties/h~1~0"), name: name.to_owned() };
    let cases = [
        ("empty", named(""), E::Empty { pointer: at("v") }),
        ("space", named("My Region"), token("My Region")),
        ("colon", named("Region:Primary"), token("Region:Primary")),
        ("not ASCII", named("Région"), token("Région")),
        ("tab", named(r"Region\t1"), token("Region\t1")),
        ("line end", named(r"Region\r\nEvil: 1"), token("Region\r\nEvil: 1")),
        ("delete", named(r"a\u007f"), token("a\u{7f}")),
        ("comma", named("a,b"), token("a,b")),
        ("same", two("Region", "Region"), repeated("Region")),
        ("same but for case", two("MyField", "myfield"), repeated("myfield")),
        ("number", typed(r#""type":"number","#), kind(r#""number""#)),
        ("object", typed(r#""type":"object","#), kind(r#""object""#)),
        ("array", typed(r#""type":"array","#), kind(r#""array""#)),
        ("null", typed(r#""type":"null","#), kind(r#""null""#)),
        ("unknown type", typed(r#""type":"String","#), kind(r#""String""#)),
        ("several types", typed(r#""type":["string","null"],"#), kind(r#"["string","null"]"#)),
        ("no type", typed(""), kind("none")),
        (
            "number for a name",
            r#"{"v":{"type":"string","x-mcp-header":1}}"#.to_owned(),
            E::NotAString { pointer: at("v"), found: Kind::Number },
        ),
        (
            "null for a name",
            r#"{"v":{"type":"string","x-mcp-header":null}}"#.to_owned(),
            E::NotAString { pointer: at("v"), found: Kind::Null },
        ),
    ];
    for (name, properties, error) in cases {
        assert_eq!(read(&format!(r#"{{"properties":{properties}}}"#)), Err(error), "{name}");
    }
    for kind in ["string", "integer", "boolean"] {
        assert!(!properties(&format!(r#""v":{{"type":"{kind}","x-mcp-header":"V"}}"#)).is_empty(), "{kind}");
    }
    let all = "!#$%&'*+-.^_`|~09azAZ";
    let parameters = properties(&format!(r#""v":{{"type":"string","x-mcp-header":"{all}"}}"#));
    assert_eq!(mirrored(&parameters, r#"{"v":"x"}"#), one(&format!("Mcp-Param-{all}"), "x"));
}

#[test]
fn annotations_where_none_may_be() {
    let annotated = r#"{"type":"string","x-mcp-header":"V"}"#;
    let property = format!(r#"{{"properties":{{"p":{annotated}}}}}"#);
    let cases = [
        ("root", annotated.to_owned(), ""),
        ("items", format!(r#"{{"items":{annotated}}}"#), "/items"),
        ("prefixItems", format!(r#"{{"prefixItems":[{{}},{annotated}]}}"#), "/prefixItems/1"),
        ("contains", format!(r#"{{"contains":{annotated}}}"#), "/contains"),
        ("oneOf", format!(r#"{{"oneOf":[{annotated}]}}"#), "/oneOf/0"),
        ("anyOf", format!(r#"{{"anyOf":[{property}]}}"#), "/anyOf/0/properties/p"),
        ("allOf", format!(r#"{{"allOf":[{property}]}}"#), "/allOf/0/properties/p"),
        ("not", format!(r#"{{"not":{property}}}"#), "/not/properties/p"),
        ("if", format!(r#"{{"if":{property}}}"#), "/if/properties/p"),
        ("then", format!(r#"{{"then":{property}}}"#), "/then/properties/p"),
        ("else", format!(r#"{{"else":{property}}}"#), "/else/properties/p"),
        ("$defs", format!(r#"{{"$defs":{{"d":{annotated}}}}}"#), "/$defs/d"),
        ("definitions", format!(r#"{{"definitions":{{"d":{property}}}}}"#), "/definitions/d/properties/p"),
        (
            "patternProperties",
            format!(r#"{{"patternProperties":{{"^a":{annotated}}}}}"#),
            "/patternProperties/^a",
        ),
        (
            "additionalProperties",
            format!(r#"{{"additionalProperties":{annotated}}}"#),
            "/additionalProperties",
        ),
        ("propertyNames", format!(r#"{{"propertyNames":{annotated}}}"#), "/propertyNames"),
        (
            "dependentSchemas",
            format!(r#"{{"dependentSchemas":{{"a":{property}}}}}"#),
            "/dependentSchemas/a/properties/p",
        ),
        ("unknown keyword", format!(r#"{{"x-shared":{{"d":{annotated}}}}}"#), "/x-shared/d"),
        (
            "items of a property",
            format!(r#"{{"properties":{{"a":{{"type":"array","items":{property}}}}}}}"#),
            "/properties/a/items/properties/p",
        ),
        ("properties in a list", format!(r#"{{"properties":[{annotated}]}}"#), "/properties/0"),
        (
            "a property that is a list",
            format!(r#"{{"properties":{{"a":[{annotated}]}}}}"#),
            "/properties/a/0",
        ),
        ("not even with a name", r#"{"items":{"x-mcp-header":""}}"#.to_owned(), "/items"),
    ];
    for (name, schema, pointer) in cases {
        let pointer = format!("/inputSchema{pointer}");
        assert_eq!(read(&schema), Err(ParameterError::Unreachable { pointer }), "{name}");
    }
}

#[test]
fn errors_say_where_and_are_short() {
    let error = read(r#"{"properties":{"a\nb":{"type":"number","x-mcp-header":"V"}}}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`x-mcp-header` at \"/inputSchema/properties/a\\nb\" needs the type string, integer or boolean, \
         found \"number\""
    );
    let long = "é".repeat(9999);
    let error = read(&format!(r#"{{"properties":{{"{long}":{{"x-mcp-header":"{long}"}}}}}}"#)).unwrap_err();
    assert!(error.to_string().len() < 1200, "{error}");
}

#[test]
fn a_schema_as_deep_and_wide_as_documents_may_be() {
    let property = r#"{"type":"integer","x-mcp-header":"N"}"#;
    let deep = 30;
    let schema = format!("{}{property}{}", r#"{"properties":{"a":"#.repeat(deep), "}}".repeat(deep));
    let arguments = format!("{}7{}", r#"{"a":"#.repeat(deep), "}".repeat(deep));
    assert_eq!(mirrored(&read(&schema).unwrap(), &arguments), one("Mcp-Param-N", "7"));

    let each = |make: &dyn Fn(usize) -> String| (0..5000).map(make).collect::<Vec<_>>().join(",");
    let wide = properties(&each(&|n| format!(r#""p{n}":{{"type":"integer","x-mcp-header":"P{n}"}}"#)));
    let headers = mirrored(&wide, &format!("{{{}}}", each(&|n| format!(r#""p{n}":{n}"#))));
    assert_eq!(headers.len(), 5000);
    assert!(
        headers
            .iter()
            .enumerate()
            .all(|(n, (name, value))| { *name == format!("Mcp-Param-P{n}") && *value == n.to_string() })
    );
}
