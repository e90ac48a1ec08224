use bartizan_guest::testing::{TestCall, configure};
use bartizan_guest::{Charge, Scope, Unit, Verdict, Window};
use serde_json::{Value, json};

use super::Limits;

fn limits(settings: &Value) -> Limits {
    configure(&settings.to_string()).unwrap()
}

fn one(limit: &Value) -> Limits {
    limits(&json!({"tools": [{"pattern": "pay", "limits": [limit]}]}))
}

#[test]
fn a_limit_in_full() {
    let policy = one(&json!({
        "counter": "spend", "window": {"fixed": "day"}, "max": "1000.50", "scope": "grant",
        "cost": {"path": "args.amount"}, "message": "Enough for today.", "count_errors": true,
        "rule": "/tools/pay/limits/0",
    }));
    let call = TestCall::tool("pay").server("bank").arguments_text(r#"{"amount": "12.50"}"#);
    let decision = call.check(&policy);
    assert!(decision.is_pass());
    assert_eq!(
        decision.charges,
        [Charge {
            counter: "bank/spend".to_owned(),
            scope: Scope::Principal,
            cost: "12.5".to_owned(),
            limit: "1000.5".to_owned(),
            window: Window::Fixed(Unit::Day),
            message: Some("Enough for today.".to_owned()),
            rule: Some("/tools/pay/limits/0".to_owned()),
            counts_errors: true,
        }]
    );
}

#[test]
fn scopes_and_windows() {
    for (scope, expected, counter) in [
        ("session", Scope::Session, "calls"),
        ("grant", Scope::Principal, "server/calls"),
        ("server", Scope::Server, "calls"),
        ("global", Scope::Everyone, "calls"),
    ] {
        for (window, expected_window) in [
            (json!({"sliding": 90}), Window::Sliding(90)),
            (json!({"fixed": "second"}), Window::Fixed(Unit::Second)),
            (json!({"fixed": "minute"}), Window::Fixed(Unit::Minute)),
            (json!({"fixed": "hour"}), Window::Fixed(Unit::Hour)),
            (json!({"fixed": "day"}), Window::Fixed(Unit::Day)),
            (json!({"fixed": "week"}), Window::Fixed(Unit::Week)),
            (json!({"fixed": "month"}), Window::Fixed(Unit::Month)),
        ] {
            let policy =
                one(&json!({"counter": "calls", "window": window, "max": "3", "scope": scope, "rule": "r"}));
            let [charge] = TestCall::tool("pay").check(&policy).charges.try_into().unwrap();
            assert_eq!((charge.scope, charge.counter.as_str()), (expected, counter), "{scope}");
            assert_eq!((charge.window, charge.cost.as_str()), (expected_window, "1"), "{window}");
            assert_eq!((charge.message, charge.counts_errors), (None, false));
        }
    }
}

#[test]
fn costs_by_path() {
    let policy = one(&json!({
        "counter": "spend", "window": {"fixed": "day"}, "max": "1000", "cost": {"path": "args.items[*].price"},
        "message": "Enough.", "rule": "/tools/pay/limits/0",
    }));
    for (items, expected) in [
        (r#"[{"price": 1.10}]"#, Ok("1.1")),
        (r#"[{"price": 1.10}, {"price": " 2e1 "}, {"price": 0}]"#, Ok("21.1")),
        (r#"[{"price": 999999999999999999}]"#, Ok("999999999999999999")),
        (r#"[{"price": 1}, {}]"#, Err("it is missing")),
        ("[]", Err("it is missing")),
        ("null", Err("it is missing")),
        (r#"[{"price": null}]"#, Err("it is missing")),
        (r#"[{"price": -1}]"#, Err("an amount is not negative")),
        (r#"[{"price": 5}, {"price": -1}]"#, Err("an amount is not negative")),
        (r#"[{"price": true}]"#, Err("it is a boolean, not a number")),
        (r#"[{"price": [1]}]"#, Err("it is an array, not a number")),
        (r#"[{"price": "free"}]"#, Err("not a number")),
        (r#"[{"price": ""}]"#, Err("not a number")),
        (r#"[{"price": 1e18}]"#, Err("at most 18 digits before the point")),
        (r#"[{"price": 1e999999999999999}]"#, Err("at most 18 digits before the point")),
        (r#"[{"price": 999999999999999999}, {"price": 1}]"#, Err("at most 18 digits before the point")),
        (r#"[{"price": 0.0000000001}]"#, Err("at most 9 digits after the point")),
        (r#""[{\"price\": 1}]""#, Err("no parts")),
    ] {
        let decision = TestCall::tool("pay").arguments_text(format!(r#"{{"items":{items}}}"#)).check(&policy);
        match (&decision.verdict, expected) {
            (Verdict::Pass, Ok(cost)) => assert_eq!(decision.charges[0].cost, cost, "{items}"),
            (Verdict::Deny(denial), Err(reason)) => {
                assert!(
                    denial.message.starts_with("The limit `spend` counts args.items[*].price: "),
                    "{denial:?}"
                );
                assert!(denial.message.contains(reason), "{items}: {denial:?}");
                assert_eq!(denial.rule.as_deref(), Some("/tools/pay/limits/0"));
                assert!(decision.charges.is_empty());
                assert_eq!(decision.notes[0].value, r#"["args.items[*].price"]"#);
            }
            other => panic!("{items}: {other:?}"),
        }
    }
}

#[test]
fn every_entry_that_applies_charges() {
    let limit =
        |counter: &str| json!({"counter": counter, "window": {"sliding": 1}, "max": "1", "rule": counter});
    let policy = limits(&json!({
        "tools": [{"pattern": "get_*", "limits": [limit("a"), limit("b")]}, {"pattern": "get_free"}],
        "resources": [{"pattern": "file:*", "limits": [limit("c")]}],
        "methods": [{"pattern": "tools/call", "limits": [limit("d")]}],
        "all_tools": {"limits": [limit("e")]},
    }));
    for (call, expected) in [
        (TestCall::tool("get_run"), "a b e d"),
        (TestCall::tool("get_free"), "e d"),
        (TestCall::method("resources/read").target("file:///x"), "c"),
        (TestCall::method("prompts/get").target("get_run"), ""),
    ] {
        let counters: Vec<_> = call.check(&policy).charges.into_iter().map(|charge| charge.counter).collect();
        assert_eq!(counters.join(" "), expected);
    }
}

#[test]
fn mistakes_in_settings_are_named() {
    let limit = |key: &str, value: Value| {
        let mut limit = json!({"counter": "c", "window": {"sliding": 1}, "max": "1", "rule": "r"});
        limit[key] = value;
        limit
    };
    for (limit, expected) in [
        (limit("counter", json!("")), "`r`: `counter` has at least 1 byte"),
        (limit("counter", json!("é".repeat(65))), "at most 128"),
        (limit("window", json!({"sliding": 0})), "`window` is at least 1 second"),
        (limit("window", json!({"fixed": "year"})), "unknown variant `year`"),
        (limit("window", json!("day")), "expected `fixed` or `sliding`"),
        (limit("max", json!("-1")), "`max` is \"-1\": an amount is not negative"),
        (limit("max", json!("many")), "`max` is \"many\": not a number"),
        (limit("max", json!(1)), "invalid type: integer `1`, expected a string"),
        (
            limit("cost", json!("1e-10")),
            "`cost` is \"1e-10\": an amount has at most 9 digits after the point",
        ),
        (limit("cost", json!({"path": "amount"})), "`cost`: the path `amount` is wrong at character 1"),
        (limit("cost", json!({"path": "args.x", "else": 1})), "CostSettings"),
        (limit("scope", json!("principal")), "unknown variant `principal`"),
        (limit("per", json!(1)), "unknown field `per`"),
    ] {
        let settings = json!({"tools": [{"pattern": "pay", "limits": [limit]}]});
        let error = configure::<Limits>(&settings.to_string()).err().unwrap();
        assert!(error.contains(expected), "{limit}: {error}");
    }
}

#[test]
fn more_limits_than_fit_in_an_answer_are_refused() {
    let limit = json!({"counter": "c", "window": {"sliding": 1}, "max": "1", "rule": "r"});
    let settings = |own: usize, all: usize, method: usize| {
        json!({
            "tools": [{"pattern": "a", "limits": vec![&limit; own]}, {"pattern": "b", "limits": [limit]}],
            "all_tools": {"limits": vec![&limit; all]},
            "methods": [{"pattern": "tools/call", "limits": vec![&limit; method]}],
        })
        .to_string()
    };
    assert!(configure::<Limits>(&settings(8, 4, 4)).is_ok());
    let error = configure::<Limits>(&settings(8, 4, 5)).err().unwrap();
    assert!(error.contains("17 limits can apply to one call"), "{error}");
}
