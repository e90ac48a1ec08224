//! How conditions are displayed, and what is said of mistakes in them.

use bartizan_rules::{Condition, ConditionSettings, Path};

fn condition(text: &str) -> Result<Condition, String> {
    let settings: ConditionSettings = serde_json::from_str(text).map_err(|error| error.to_string())?;
    settings.try_into().map_err(|error: bartizan_rules::ConditionError| error.to_string())
}

#[test]
fn conditions_are_displayed_in_a_line() {
    for (text, expected, paths) in [
        (
            r#"{"path":"args.stage","op":"eq","value":"Production"}"#,
            r#"args.stage eq "Production""#,
            "args.stage",
        ),
        (r#"{"path":"args.x","op":"exists","value":false}"#, "args.x exists false", "args.x"),
        (r#"{"path":"args.x","op":"in","value":[ 1, "a b" ]}"#, r#"args.x in [1,"a b"]"#, "args.x"),
        (
            r#"{"path":"args.x","op":"contains","value":"a","ignore_case":true}"#,
            r#"args.x contains "a" in any case"#,
            "args.x",
        ),
        (
            r#"{"any":[{"path":"args.x","op":"gt","value":1.50},{"not":{"path":"args.y","op":"eq","value":1}},
                {"all":[{"path":"args.x","op":"lt","value":0},{"not":{"any":[{"path":"principal","op":"eq","value":"a"}]}}]}]}"#,
            r#"(args.x gt 1.50 or not (args.y eq 1) or (args.x lt 0 and not (principal eq "a")))"#,
            "args.x args.y principal",
        ),
    ] {
        let condition = condition(text).unwrap();
        assert_eq!(condition.to_string(), expected);
        let found: Vec<_> = condition.paths().into_iter().map(Path::as_str).collect();
        assert_eq!(found.join(" "), paths);
    }
    let long =
        condition(&format!(r#"{{"path":"args.x","op":"eq","value":"{}"}}"#, "é".repeat(1_000))).unwrap();
    assert!(long.to_string().ends_with("é…"), "{long}");
    assert!(long.to_string().chars().count() < 150, "{long}");
}

#[test]
fn mistakes_are_named() {
    for (text, expected) in [
        ("{}", "one of `any`, `all` and `not`"),
        (r#"{"op":"eq","value":1}"#, "`path` is missing"),
        (r#"{"path":"args.x","value":1}"#, "`op` is missing"),
        (r#"{"path":"args.x","op":"eq"}"#, "`value` is missing"),
        (r#"{"path":"args.x","op":"eq","value":null}"#, "use `exists`"),
        (r#"{"path":"args.x","op":"in","value":[1,null]}"#, "use `exists`"),
        (r#"{"path":"x","op":"eq","value":1}"#, "the path `x` is wrong at character 1"),
        (r#"{"path":"args.x","op":"equals","value":1}"#, "unknown variant `equals`"),
        (r#"{"path":"args.x","op":"eq","value":1,"ignorecase":true}"#, "unknown field `ignorecase`"),
        (
            r#"{"path":"args.x","op":"lt","value":"5"}"#,
            "`value` of `lt` must be a number, without quotes, not a string",
        ),
        (r#"{"path":"args.x","op":"gte","value":true}"#, "`value` of `gte` must be a number"),
        (r#"{"path":"args.x","op":"in","value":"a"}"#, "`value` of `in` must be a list, not a string"),
        (r#"{"path":"args.x","op":"in","value":[[1]]}"#, "a list of strings, numbers and booleans"),
        (
            r#"{"path":"args.x","op":"not_in","value":{}}"#,
            "`value` of `not_in` must be a list, not an object",
        ),
        (r#"{"path":"args.x","op":"regex","value":1}"#, "`value` of `regex` must be a string, not a number"),
        (r#"{"path":"args.x","op":"regex","value":"("}"#, "`value` is no regular expression: unclosed group"),
        (r#"{"path":"args.x","op":"regex","value":"(?=a)"}"#, "look-around"),
        (r#"{"path":"args.x","op":"regex","value":"(\\w{100}){100}"}"#, "more than 1 MiB"),
        (
            r#"{"path":"args.x","op":"glob","value":true}"#,
            "`value` of `glob` must be a string, not a boolean",
        ),
        (r#"{"path":"args.x","op":"starts_with","value":[]}"#, "`value` of `starts_with` must be a string"),
        (
            r#"{"path":"args.x","op":"contains","value":["a"]}"#,
            "`value` of `contains` must be a string, a number or",
        ),
        (r#"{"path":"args.x","op":"exists","value":"true"}"#, "`value` of `exists` must be true or false"),
        (r#"{"path":"args.x","op":"lt","value":1,"ignore_case":true}"#, "`ignore_case` says nothing of `lt`"),
        (r#"{"path":"args.x","op":"regex","value":"a","ignore_case":true}"#, "with (?i)"),
        (
            r#"{"path":"args.x","op":"eq","value":1e9999999999999999999999999999999999}"#,
            "too long an exponent",
        ),
        (r#"{"path":"args.x","op":"eq","value":"\ud800"}"#, "not Unicode"),
        (r#"{"any":[]}"#, "`/any`: the list is empty"),
        (
            r#"{"any":[{"all":[{"not":{"path":"args.x","op":"eq"}}]}]}"#,
            "`/any/0/all/0/not`: `value` is missing",
        ),
        (r#"{"any":[{}],"not":{}}"#, "one of `any`, `all` and `not`"),
        (r#"{"any":[{}],"path":"args.x"}"#, "one of `any`, `all` and `not`"),
    ] {
        let error = condition(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains('\n'), "{text}: {error}");
    }
    let list = serde_json::from_str(r#"[{"path":"args.x","op":"eq","value":1},{"path":"args.x"}]"#).unwrap();
    assert_eq!(Condition::list(list).unwrap_err().to_string(), "`/1`: `op` is missing");
}
