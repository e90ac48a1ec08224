//! What every operator says of every kind of value, in both polarities.

#![expect(clippy::panic, reason = "a table that is wrong ends its test")]

use bartizan_guest::testing::TestCall;
use bartizan_rules::{Condition, ConditionSettings, Outcome, Polarity};

const T: Outcome = Outcome::Holds;
const F: Outcome = Outcome::DoesNotHold;
const U: Outcome = Outcome::Unknown;

fn condition(text: &str) -> Condition {
    let settings: ConditionSettings =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    settings.try_into().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn outcomes(condition: &Condition, arguments: &str) -> [Outcome; 2] {
    let call = TestCall::tool("pay").arguments_text(arguments);
    [Polarity::ForTheCall, Polarity::AgainstTheCall]
        .map(|polarity| call.read(|call| condition.evaluate(call, polarity)))
}

/// Rows of operator, value, argument `x`, expected outcome. One value has the same outcome in both
/// polarities. An empty argument is a missing one.
fn table(more: &str, rows: &[(&str, &str, &str, Outcome)]) {
    for &(operator, value, argument, expected) in rows {
        let comparison = format!(r#"{{"path":"args.x","op":"{operator}","value":{value}{more}}}"#);
        let arguments = if argument.is_empty() { "{}".to_owned() } else { format!(r#"{{"x":{argument}}}"#) };
        let name = format!("x {operator} {value}{more} where x is {argument}");
        assert_eq!(outcomes(&condition(&comparison), &arguments), [expected; 2], "{name}");
        let negation = condition(&format!(r#"{{"not":{comparison}}}"#));
        assert_eq!(outcomes(&negation, &arguments), [expected.negated(); 2], "not: {name}");
    }
}

/// As [`table`], for `eq`; `neq`, `in` and `not_in` have to agree.
fn equality(more: &str, rows: &[(&str, &str, Outcome)]) {
    for &(value, argument, expected) in rows {
        table(more, &[("eq", value, argument, expected), ("neq", value, argument, expected.negated())]);
        if !value.starts_with(['[', '{']) {
            let list = format!("[{value}]");
            table(
                more,
                &[("in", &list, argument, expected), ("not_in", &list, argument, expected.negated())],
            );
        }
    }
}

#[test]
fn what_is_missing_or_null() {
    for absent in ["", "null"] {
        table(
            "",
            &[
                ("eq", "1", absent, F),
                ("eq", r#""""#, absent, F),
                ("eq", "false", absent, F),
                ("neq", "1", absent, U),
                ("in", "[1]", absent, F),
                ("in", "[]", absent, F),
                ("not_in", "[1]", absent, U),
                ("not_in", "[]", absent, U),
                ("lt", "1", absent, F),
                ("lte", "1", absent, F),
                ("gt", "-1", absent, F),
                ("gte", "0", absent, F),
                ("regex", r#""""#, absent, F),
                ("contains", r#""""#, absent, F),
                ("glob", r#""*""#, absent, F),
                ("starts_with", r#""""#, absent, F),
                ("exists", "true", absent, F),
                ("exists", "false", absent, T),
            ],
        );
    }
}

#[test]
fn existence() {
    for present in ["0", "\"\"", "false", "[]", "{}", "[null]"] {
        table("", &[("exists", "true", present, T), ("exists", "false", present, F)]);
    }
    // A server that expects no text may read nothing there.
    for perhaps in ["\"null\"", "\" null\\n\""] {
        table(
            "",
            &[("exists", "true", perhaps, U), ("exists", "false", perhaps, U), ("neq", "1", perhaps, U)],
        );
    }
}

#[test]
fn numbers_are_equal_by_value() {
    equality(
        "",
        &[
            ("1", "1", T),
            ("1", "1.0", T),
            ("1.00", "1e0", T),
            ("1", "10E-1", T),
            ("0", "-0", T),
            ("-0.0", "0", T),
            ("1", "2", F),
            ("1", "-1", F),
            ("0.1", "0.10", T),
            ("0.1", "0.1000000000000000055511151231257827", F),
            ("9007199254740993", "9007199254740992", F),
            ("9007199254740993", "9007199254740993.0", T),
            ("18446744073709551616", "18446744073709551617", F),
            ("123456789012345678901234567890", "123456789012345678901234567890", T),
            ("123456789012345678901234567890", "123456789012345678901234567891", F),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e29", T),
            ("1e400", "1e401", F),
            ("1e400", "10e399", T),
            ("1e1000000000", "1e1000000000", T),
            ("1e1000000000", "1e1000000001", F),
            ("0", "1e-1000000000", F),
            // An exponent of more than thirty digits cannot be compared.
            ("1", "1e1000000000000000000000000000000000", U),
            ("1", r#""1e1000000000000000000000000000000000""#, U),
            ("0", "0e1000000000000000000000000000000000", T),
        ],
    );
}

#[test]
fn numbers_and_numeric_strings() {
    equality(
        "",
        &[
            ("1", r#""1""#, T),
            ("1", r#"" 1.0\n""#, T),
            ("1", r#""+1""#, T),
            ("1", r#""01""#, T),
            ("100", r#""1e2""#, T),
            ("9007199254740993", r#""9007199254740992""#, F),
            ("1", r#""one""#, F),
            ("1", r#""""#, F),
            ("1", r#""1,0""#, F),
            ("1", r#""0x1""#, U),
            ("1", r#""１""#, U),
            ("1", r#""\u00a01""#, U),
            ("1", r#""1_0""#, U),
            ("1", r#"".5""#, U),
            ("1", r#""1.""#, U),
            ("1", r#""1-0""#, F),
            ("1", r#""1.2.3""#, F),
            (r#""1""#, "1", T),
            (r#""1.50""#, "1.5", T),
            (r#""123456789012345678901234567890""#, "123456789012345678901234567891", F),
            (r#""one""#, "1", F),
            (r#""""#, "0", F),
        ],
    );
}

#[test]
fn strings_are_equal_code_point_by_code_point() {
    equality(
        "",
        &[
            (r#""Production""#, r#""Production""#, T),
            (r#""Production""#, r#""\u0050roduction""#, T),
            (r#""Production""#, r#""production""#, F),
            (r#""Production""#, r#""Production ""#, F),
            (r#""1""#, r#""1.0""#, F),
            (r#""1""#, r#"" 1""#, F),
            (r#""true""#, r#""yes""#, F),
            ("\"é\"", r#""\u00e9""#, T),
            ("\"é\"", r#""e\u0301""#, F),
            ("\"\u{1F600}\"", r#""\ud83d\ude00""#, T),
            (r#""""#, r#""""#, T),
            (r#""a""#, r#""\ud800""#, U),
        ],
    );
    equality(
        r#","ignore_case":true"#,
        &[
            (r#""Production""#, r#""pRODUCTION""#, T),
            ("\"ÄÖ\"", "\"äö\"", T),
            ("\"Straße\"", "\"STRASSE\"", F),
            ("\"é\"", r#""E\u0301""#, F),
            ("\"İ\"", "\"i\u{307}\"", T),
            (r#""a""#, r#""b""#, F),
            ("1", "1", T),
            ("true", r#""TRUE""#, T),
            (r#"{"k":["A"]}"#, r#"{"k":["a"]}"#, T),
            (r#"{"k":1}"#, r#"{"K":1}"#, F),
        ],
    );
}

#[test]
fn booleans_and_their_spellings() {
    equality("", &[("true", "true", T), ("true", "false", F), ("false", "false", T), ("false", "true", F)]);
    for (yes, no) in [
        (r#""true""#, r#""false""#),
        (r#""True""#, r#""FALSE""#),
        (r#""yes""#, r#""no""#),
        (r#""ON""#, r#""Off""#),
        (r#""t""#, r#""F""#),
        (r#""Y""#, r#""n""#),
        (r#""1""#, r#""0""#),
        ("1", "0"),
        ("1.0", "-0"),
    ] {
        equality("", &[("true", yes, T), ("false", no, T), ("true", no, F), ("false", yes, F)]);
        equality("", &[(yes, "true", T), (no, "false", T), (no, "true", F), (yes, "false", F)]);
    }
    for other in [r#""""#, r#""ja""#, r#"" true""#, r#""2""#, r#""1.0""#, "2", "-1", "0.5"] {
        equality("", &[("true", other, F), ("false", other, F), (other, "true", F), (other, "false", F)]);
    }
}

#[test]
fn arrays_and_objects_are_equal_by_what_is_in_them() {
    equality(
        "",
        &[
            ("[1,2]", "[1.0,2e0]", T),
            ("[1,2]", "[2,1]", F),
            ("[1,2]", "[1]", F),
            ("[]", "[]", T),
            ("{}", "[]", F),
            ("[]", "{}", F),
            (r#"{"a":1,"b":[true]}"#, r#"{"b":[true],"a":1.0}"#, T),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, F),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, F),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, T),
            (r#"{"a":1,"b":null}"#, r#"{"a":1}"#, T),
            (r#"{"a":null}"#, r#"{"a":0}"#, F),
            ("[null]", "[null]", T),
            ("[null]", "[0]", F),
            ("[0]", "[null]", F),
            (r#"{"a":12345678901234567890123}"#, r#"{"a":12345678901234567890124}"#, F),
            ("[1]", "[[1]]", U),
            ("[1,2]", "[[1],3]", F),
            ("1", "[1]", U),
            (r#""a""#, r#"{"a":1}"#, U),
            ("true", "[true]", U),
            ("[1]", "1", U),
            (r#"{"a":1}"#, r#""{\"a\":1}""#, U),
            ("[true]", "true", U),
        ],
    );
}

#[test]
fn lists_of_values() {
    table(
        "",
        &[
            ("in", r#"["a","b",3]"#, r#""b""#, T),
            ("in", r#"["a","b",3]"#, r#""3.0""#, T),
            ("in", r#"["a","b",3]"#, r#""c""#, F),
            ("in", r#"["a"]"#, "[]", U),
            ("in", "[]", "1", F),
            ("in", "[]", "[]", F),
            ("not_in", r#"["a","b",3]"#, r#""b""#, F),
            ("not_in", r#"["a","b",3]"#, "4", T),
            ("not_in", r#"["a"]"#, r#"["a"]"#, U),
            ("not_in", "[]", "1", T),
            ("in", "[1,2]", "1e9999999999999999999999999999999999", U),
        ],
    );
    table(r#","ignore_case":true"#, &[("in", r#"["A"]"#, r#""a""#, T), ("not_in", r#"["A"]"#, r#""a""#, F)]);
}

#[test]
fn order() {
    for (argument, less, equal) in [
        ("99", true, false),
        ("100", false, true),
        ("101", false, false),
        ("99.999999999999999999999", true, false),
        ("100.000000000000000000001", false, false),
        ("1e2", false, true),
        ("1e1000000", false, false),
        ("-1e1000000", true, false),
        ("1e-1000000", true, false),
        ("-0", true, false),
        (r#""99""#, true, false),
        (r#"" 1.00e2 ""#, false, true),
        (r#""100000000000000000000000000000""#, false, false),
    ] {
        let outcome = |holds: bool| if holds { T } else { F };
        table(
            "",
            &[
                ("lt", "100", argument, outcome(less)),
                ("lte", "100", argument, outcome(less || equal)),
                ("gt", "100", argument, outcome(!less && !equal)),
                ("gte", "100", argument, outcome(!less)),
            ],
        );
    }
    for other in [r#""ten""#, r#""""#, "true", "[1]", "{}", "1e9999999999999999999999999999999999"] {
        for operator in ["lt", "lte", "gt", "gte"] {
            table("", &[(operator, "100", other, U)]);
        }
    }
    table(
        "",
        &[
            ("gt", "9007199254740992", "9007199254740993", T),
            ("gt", "123456789012345678901234567890", "123456789012345678901234567891", T),
            ("lt", "0.30000000000000004", "0.3", T),
            ("lte", "-5", "-5.0", T),
        ],
    );
}

#[test]
fn text_operators() {
    table(
        "",
        &[
            ("regex", r#""^run-\\d+$""#, r#""run-12""#, T),
            ("regex", r#""^run-\\d+$""#, r#""rerun-12""#, F),
            ("regex", r#""b""#, r#""abc""#, T),
            ("regex", r#""(?i)DROP\\s+TABLE""#, r#""drop  table x""#, T),
            ("regex", r#""^\\p{Greek}+$""#, "\"αβγ\"", T),
            ("regex", r#""^\\w+$""#, "\"größe\"", T),
            ("regex", r#""^1\\.5$""#, "1.50", T),
            ("regex", r#""^100$""#, "1e2", T),
            ("regex", r#""^true$""#, "true", T),
            ("regex", r#""""#, "[]", U),
            ("regex", r#""""#, "{}", U),
            ("contains", r#""TAB""#, r#""DROP TABLE""#, T),
            ("contains", r#""tab""#, r#""DROP TABLE""#, F),
            ("contains", r#""""#, r#""""#, T),
            ("contains", "5", "1.50", T),
            ("contains", "1.50", r#""costs 1.5""#, T),
            ("contains", "true", r#""untrue""#, T),
            ("contains", r#""ru""#, "true", T),
            ("contains", r#""a""#, r#"["b","a"]"#, T),
            ("contains", r#""a""#, r#"["ab"]"#, F),
            ("contains", r#""a""#, "[]", F),
            ("contains", r#""a""#, "[null]", F),
            ("contains", "1", r#"["1.0"]"#, T),
            ("contains", "12345678901234567890", "[12345678901234567891]", F),
            ("contains", "true", r#"["yes"]"#, T),
            ("contains", r#""a""#, r#"[["a"]]"#, U),
            ("contains", r#""a""#, r#"[["a"],"a"]"#, T),
            ("contains", r#""a""#, r#"{"a":1}"#, U),
            ("glob", r#""s3://*/public/?""#, r#""s3://x/y/public/é""#, T),
            ("glob", r#""s3://*/public/?""#, r#""s3://x/public/""#, F),
            ("glob", r#""a*""#, r#""ba""#, F),
            ("glob", r#""1?0""#, "1e2", T),
            ("glob", r#""*""#, "[]", U),
            ("starts_with", r#""/tmp/""#, r#""/tmp/x""#, T),
            ("starts_with", r#""/tmp/""#, r#""/tmp""#, F),
            ("starts_with", r#""-0.0""#, "-1e-2", T),
            ("starts_with", r#""é""#, r#""e\u0301""#, F),
            ("starts_with", r#""""#, "{}", U),
            // Numbers that are not written out.
            ("regex", r#""^10*$""#, "1e63", T),
            ("regex", r#""^10*$""#, "1e64", U),
            ("contains", r#""1""#, "1e1000000000", U),
            ("glob", r#""*""#, "1e-1000000000", U),
            ("starts_with", r#""1""#, "1e9999999999999999999999999999999999", U),
            ("contains", "1e100", r#""anything""#, U),
            ("contains", "1e100", "[1e100]", T),
            ("regex", r#""""#, r#""\ud800""#, U),
        ],
    );
    table(
        r#","ignore_case":true"#,
        &[
            ("contains", r#""TÄB""#, r#""drop täble""#, T),
            ("contains", r#""A""#, r#"["a"]"#, T),
            ("glob", r#""PROD-*""#, r#""prod-1""#, T),
            ("starts_with", r#""/TMP""#, r#""/tmp/x""#, T),
            ("starts_with", r#""/TMP""#, r#""/var""#, F),
        ],
    );
}

#[test]
fn a_step_into_something_without_parts_is_unknown() {
    for operator in ["eq", "neq", "lt", "contains"] {
        let condition = condition(&format!(r#"{{"path":"args.x.y","op":"{operator}","value":1}}"#));
        for opaque in [r#""{\"y\":1}""#, "1", "true"] {
            assert_eq!(outcomes(&condition, &format!(r#"{{"x":{opaque}}}"#)), [U; 2], "{operator} {opaque}");
        }
    }
    for value in [true, false] {
        let condition = condition(&format!(r#"{{"path":"args.x.y","op":"exists","value":{value}}}"#));
        assert_eq!(outcomes(&condition, r#"{"x":"{}"}"#), [U; 2]);
        assert_eq!(outcomes(&condition, r#"{"x":null}"#), [Outcome::from(!value); 2]);
        assert_eq!(outcomes(&condition, r#"{"x":[]}"#), [Outcome::from(!value); 2]);
    }
}

#[test]
fn several_values() {
    for (operator, value, list, for_the_call, against_the_call) in [
        ("eq", "1", "[1,1.0]", T, T),
        ("eq", "1", "[1,2]", F, T),
        ("eq", "1", "[2,3]", F, F),
        ("eq", "1", "[1,null]", F, T),
        ("eq", "1", "[1,[1]]", U, T),
        ("eq", "1", "[2,[1]]", F, U),
        ("neq", "1", "[2,3]", T, T),
        ("neq", "1", "[1,2]", F, T),
        ("neq", "1", "[2,null]", U, T),
        ("lt", "5", "[1,2]", T, T),
        ("lt", "5", "[1,9]", F, T),
        ("lt", "5", r#"[1,"x"]"#, U, T),
        ("exists", "true", "[1,2]", T, T),
        ("exists", "true", "[1,null]", F, T),
        ("exists", "false", "[1,null]", F, T),
        ("exists", "false", "[null]", T, T),
        // No values at all are a missing one.
        ("eq", "1", "[]", F, F),
        ("neq", "1", "[]", U, U),
        ("exists", "true", "[]", F, F),
        ("exists", "false", "[]", T, T),
        // Members count as elements do.
        ("eq", "1", r#"{"a":1,"b":2}"#, F, T),
        ("eq", "1", r#"{"a":1,"b":1}"#, T, T),
        ("eq", "1", r#""[1]""#, U, U),
    ] {
        let comparison = format!(r#"{{"path":"args.x[*]","op":"{operator}","value":{value}}}"#);
        let arguments = format!(r#"{{"x":{list}}}"#);
        let name = format!("{operator} {value} of {list}");
        assert_eq!(outcomes(&condition(&comparison), &arguments), [for_the_call, against_the_call], "{name}");
        // `not` turns the polarity of what is in it.
        let negation = condition(&format!(r#"{{"not":{comparison}}}"#));
        assert_eq!(
            outcomes(&negation, &arguments),
            [against_the_call.negated(), for_the_call.negated()],
            "not: {name}"
        );
        let twice = condition(&format!(r#"{{"not":{{"not":{comparison}}}}}"#));
        assert_eq!(outcomes(&twice, &arguments), [for_the_call, against_the_call], "twice: {name}");
    }
}

#[test]
fn groups() {
    const HOLDS: &str = r#"{"path":"args.a","op":"eq","value":1}"#;
    const FAILS: &str = r#"{"path":"args.a","op":"eq","value":2}"#;
    const UNKNOWN: &str = r#"{"path":"args.gone","op":"neq","value":1}"#;
    for (parts, any, all) in [
        (vec![HOLDS], T, T),
        (vec![FAILS], F, F),
        (vec![UNKNOWN], U, U),
        (vec![HOLDS, FAILS], T, F),
        (vec![UNKNOWN, HOLDS], T, U),
        (vec![UNKNOWN, FAILS], U, F),
        (vec![FAILS, UNKNOWN, HOLDS], T, F),
    ] {
        let parts = parts.join(",");
        for (group, expected) in [
            (format!(r#"{{"any":[{parts}]}}"#), any),
            (format!(r#"{{"all":[{parts}]}}"#), all),
            (format!(r#"{{"not":{{"any":[{parts}]}}}}"#), any.negated()),
            (format!(r#"{{"not":{{"all":[{parts}]}}}}"#), all.negated()),
            (format!(r#"{{"all":[{HOLDS},{{"any":[{parts}]}}]}}"#), any),
            (format!(r#"{{"any":[{FAILS},{{"not":{{"not":{{"all":[{parts}]}}}}}}]}}"#), all),
        ] {
            assert_eq!(outcomes(&condition(&group), r#"{"a":1}"#), [expected; 2], "{group}");
        }
    }
}

#[test]
fn what_is_unknown_counts_against_the_call() {
    let list =
        |text: &str| Condition::list(serde_json::from_str::<Vec<ConditionSettings>>(text).unwrap()).unwrap();
    let holds = r#"{"path":"args.a","op":"eq","value":1}"#;
    let fails = r#"{"path":"args.a","op":"eq","value":2}"#;
    let unknown = r#"{"path":"args.gone","op":"neq","value":1}"#;
    TestCall::tool("x").arguments_text(r#"{"a":1}"#).read(|call| {
        for (text, expected) in [(holds, true), (fails, false), (unknown, false)] {
            assert_eq!(condition(text).holds_for(call), expected, "require {text}");
        }
        for (conditions, expected) in [
            (String::new(), true),
            (holds.to_owned(), true),
            (unknown.to_owned(), true),
            (fails.to_owned(), false),
            (format!("{holds},{unknown}"), true),
            (format!("{unknown},{fails}"), false),
        ] {
            let conditions = list(&format!("[{conditions}]"));
            assert_eq!(Condition::all_hold_against(&conditions, call), expected, "{conditions:?}");
        }
    });
}

#[test]
fn other_parts_of_a_call() {
    let call = TestCall::tool("pay")
        .principal("ci@example.com")
        .server("bank")
        .claims(serde_json::json!({"groups": ["ops", "dev"], "level": 3}))
        .definition(&serde_json::json!({"name": "pay", "annotations": {"destructiveHint": true}}));
    for (text, expected) in [
        (r#"{"path":"principal","op":"glob","value":"*@example.com"}"#, T),
        (r#"{"path":"claims.groups","op":"contains","value":"ops"}"#, T),
        (r#"{"path":"claims.groups[*]","op":"in","value":["ops","dev"]}"#, T),
        (r#"{"path":"claims.level","op":"gte","value":4}"#, F),
        (r#"{"path":"tool.annotations.destructiveHint","op":"eq","value":true}"#, T),
        (r#"{"path":"tool.annotations.readOnlyHint","op":"eq","value":true}"#, F),
        (r#"{"path":"server","op":"eq","value":"bank"}"#, T),
        (r#"{"path":"method","op":"eq","value":"tools/call"}"#, T),
        (r#"{"path":"target","op":"starts_with","value":"pa"}"#, T),
        (r#"{"path":"session","op":"exists","value":true}"#, T),
    ] {
        let condition = condition(text);
        assert_eq!(call.read(|call| condition.evaluate(call, Polarity::ForTheCall)), expected, "{text}");
    }
    let nobody = condition(r#"{"path":"principal","op":"neq","value":"root"}"#);
    let anonymous = TestCall::tool("pay").read(|call| nobody.evaluate(call, Polarity::ForTheCall));
    assert_eq!(anonymous, U, "nobody is not somebody else");
}
