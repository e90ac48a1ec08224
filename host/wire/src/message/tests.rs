//! Envelopes accepted, refused and rewritten.

use super::*;

fn parse(text: &str) -> Result<Message, MessageError> {
    Message::parse(text.as_bytes(), &Limits::default())
}

fn request(text: &str) -> Request {
    match parse(text).unwrap() {
        Message::Request(request) => request,
        other => panic!("{other:?} is no request"),
    }
}

fn response(text: &str) -> Response {
    match parse(text).unwrap() {
        Message::Response(response) => response,
        other => panic!("{other:?} is no response"),
    }
}

#[test]
fn reads_each_kind() {
    let call = request(
        r#" {"vendor":[1], "jsonrpc":"2.0","id":"\u0061","method":"tools\/call","params":{"name":"x"}} "#,
    );
    assert_eq!((call.method(), call.id().as_json()), ("tools/call", r#""\u0061""#));
    assert_eq!(call.params().unwrap().text(), r#"{"name":"x"}"#);
    assert!(call.document().as_str().starts_with(r#"{"vendor":[1],"jsonrpc""#));

    let Message::Notification(note) = parse(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#).unwrap()
    else {
        panic!("no notification")
    };
    assert_eq!((note.method(), note.params().is_none()), ("notifications/x", true));

    let result = response(r#"{"jsonrpc":"2.0","id":1,"result":{"a":1.10}}"#);
    assert_eq!(result.id(), Some(&Id::from(1)));
    assert_eq!(result.result().unwrap().text(), r#"{"a":1.10}"#);
    assert!(result.error().is_none());

    let error = response(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no","data":{"x":1}}}"#);
    let object = error.error().unwrap();
    assert_eq!((object.code(), object.message().as_deref()), (Some(-32602), Some("no")));
    assert_eq!(object.data().unwrap().text(), r#"{"x":1}"#);
    assert_eq!(object.value().members().count(), 3);
    assert!(error.result().is_none());

    for anonymous in [
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":""}}"#,
    ] {
        assert_eq!(response(anonymous).id(), None);
    }
}

#[test]
fn refuses_what_is_not_exactly_one_message() {
    use MessageError as E;
    let cases = [
        ("batch", r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, E::Batch),
        ("empty batch", "[]", E::Batch),
        ("nested batch", r#"[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]"#, E::Batch),
        ("string", r#""ping""#, E::NotAnObject { found: Kind::String }),
        ("null", "null", E::NotAnObject { found: Kind::Null }),
        ("no version", r#"{"id":1,"method":"ping"}"#, E::Version),
        ("version 1.0", r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, E::Version),
        ("numeric version", r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, E::Version),
        ("nothing", r#"{"jsonrpc":"2.0","id":1}"#, E::NoKind),
        ("capital Method", r#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#, E::NoKind),
        ("method and result", r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, E::Hybrid),
        ("method and error", r#"{"jsonrpc":"2.0","method":"ping","error":{}}"#, E::Hybrid),
        ("result and error", r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, E::ResultAndError),
        ("method 1", r#"{"jsonrpc":"2.0","id":1,"method":1}"#, E::Method { found: Kind::Number }),
        (
            "array params",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            E::Params { found: Kind::Array },
        ),
        (
            "null params",
            r#"{"jsonrpc":"2.0","method":"ping","params":null}"#,
            E::Params { found: Kind::Null },
        ),
        ("error text", r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, E::ErrorObject { found: Kind::String }),
        ("result without id", r#"{"jsonrpc":"2.0","result":{}}"#, E::ResultWithoutId),
        (
            "result with id null",
            r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
            E::Id(IdError::Kind { found: Kind::Null }),
        ),
        (
            "id null",
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            E::Id(IdError::Kind { found: Kind::Null }),
        ),
        (
            "id true",
            r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
            E::Id(IdError::Kind { found: Kind::Bool }),
        ),
        ("id 1.5", r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, E::Id(IdError::NotAnInteger)),
    ];
    for (name, text, error) in cases {
        assert_eq!(error.code(), INVALID_REQUEST, "{name}");
        assert_eq!(parse(text), Err(error), "{name}");
    }
    let error = parse("{").unwrap_err();
    assert_eq!(error.code(), PARSE_ERROR);
    assert_eq!(
        error.to_string(),
        "not strict JSON: a key in quotes expected, found the end of the input at byte 1"
    );
}

#[test]
fn rewrites_keep_every_other_byte() {
    let call = request(r#"{"x":1.10,"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"\u0041"}}"#);
    let seven = Document::parse(b"7", &Limits::default()).unwrap();
    assert_eq!(
        call.with_id(&Id::from("g")).unwrap().document().as_str(),
        r#"{"x":1.10,"jsonrpc":"2.0","id":"g","method":"m","params":{"name":"\u0041"}}"#
    );
    let too_long = call.with_id(&Id::from("x".repeat(Id::MAX_LENGTH).as_str()));
    assert!(matches!(too_long, Err(RewriteError::Message(MessageError::Id(IdError::TooLong { .. })))));
    let with_arguments = call.with_param("/arguments", &seven).unwrap();
    assert_eq!(with_arguments.params().unwrap().text(), r#"{"name":"\u0041","arguments":7}"#);
    assert_eq!(with_arguments.id(), call.id());
    let refused = call.with_param("", &seven);
    assert_eq!(refused, Err(RewriteError::Message(MessageError::Params { found: Kind::Number })));
    assert!(matches!(call.with_param("/a/b", &seven), Err(RewriteError::Edit(_))));

    let bare = request(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#);
    let params = Document::parse(b"{}", &Limits::default()).unwrap();
    assert_eq!(bare.with_param("", &params).unwrap().params().unwrap().text(), "{}");

    let answer = response(r#"{"jsonrpc":"2.0","id":"g","result":{"a":[1,2]}}"#);
    assert_eq!(
        answer.with_id(&Id::from(1)).unwrap().document().as_str(),
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":[1,2]}}"#
    );
    let rewritten = answer.with_result("/a/1", &seven).unwrap();
    assert_eq!(rewritten.result().unwrap().text(), r#"{"a":[1,7]}"#);
    let error = response(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#);
    assert!(matches!(error.with_result("/a", &seven), Err(RewriteError::Edit(_))));
    assert_eq!(error.with_result("", &seven), Err(RewriteError::Message(MessageError::ResultAndError)));
}

#[test]
fn a_pointer_without_its_slash_names_no_other_member() {
    let seven = Document::parse(b"7", &Limits::default()).unwrap();
    let call = request(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{}}"#);
    let answer = response(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    for pointer in ["x", "x/y", " /x"] {
        let refused = RewriteError::Edit(EditError::NotFound { pointer: pointer.into() });
        assert_eq!(call.with_param(pointer, &seven), Err(refused.clone()));
        assert_eq!(answer.with_result(pointer, &seven), Err(refused));
    }
}

#[test]
fn another_id_moves_what_comes_after_it() {
    let requests = [
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}"#,
        r#"{"params":{"a":1},"id":"one","method":"m","jsonrpc":"2.0"}"#,
    ];
    for text in requests {
        for id in [Id::from(1_234_567), Id::from("a\"b"), Id::from(2)] {
            let changed = request(text).with_id(&id).unwrap();
            assert_eq!(
                Message::read(changed.document()),
                Ok(Message::Request(changed.clone())),
                "{text} {id}"
            );
            assert_eq!(changed.id(), &id);
            assert_eq!(changed.params().unwrap().text(), r#"{"a":1}"#);
        }
    }
    let responses = [
        r#"{"jsonrpc":"2.0","id":12345,"result":{"a":1}}"#,
        r#"{"result":{"a":1},"id":1,"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":""}}"#,
    ];
    for text in responses {
        for id in [Id::from(1_234_567), Id::from("one"), Id::from(2)] {
            let changed = response(text).with_id(&id).unwrap();
            assert_eq!(
                Message::read(changed.document()),
                Ok(Message::Response(changed.clone())),
                "{text} {id}"
            );
            assert_eq!(changed.id(), Some(&id));
        }
    }
}
