//! Messages: which kind they are by a table of what is there; other ids and parameters change the text
//! in that one place.

use bartizan_wire::json::{Document, Limits};
use bartizan_wire::message::{Id, Message, Request, Response};

use crate::tree::{Step, Text, Tree, pointer};

const PLACES: usize = 16;

/// What a message is.
#[derive(Debug, PartialEq)]
enum Expected {
    Request { id: String, method: String },
    Notification { method: String },
    Result { id: String },
    Error { id: Option<String> },
}

/// Checks bytes that may be a message.
pub fn check(input: &[u8]) {
    let document = Document::parse(input, &Limits::default());
    let parsed = Message::parse(input, &Limits::default());
    let (Ok(document), Ok(tree)) = (&document, Tree::read(&String::from_utf8_lossy(input))) else {
        assert!(parsed.is_err(), "a message that is no document");
        return;
    };
    assert_eq!(Message::read(document), parsed);
    let expected = classify(&tree);
    let Ok(message) = parsed else {
        assert_eq!(expected, None, "refused");
        return;
    };
    assert_eq!(Some(shown(&message)), expected);
    assert_eq!(message.document(), document);
    assert_eq!(Message::parse(document.as_bytes(), &Limits::default()).as_ref(), Ok(&message));
    match &message {
        Message::Request(request) => check_request(request, &tree),
        Message::Notification(notification) => {
            let params = notification.params().map(|params| params.text().to_owned());
            assert_eq!(params, tree.get("params").map(Tree::text));
        }
        Message::Response(response) => check_response(response, &tree),
    }
}

fn shown(message: &Message) -> Expected {
    match message {
        Message::Request(request) => {
            Expected::Request { id: request.id().as_json().to_owned(), method: request.method().to_owned() }
        }
        Message::Notification(notification) => {
            Expected::Notification { method: notification.method().to_owned() }
        }
        Message::Response(response) => {
            let id = response.id().map(|id| id.as_json().to_owned());
            match (response.error(), response.result(), id) {
                (None, Some(_), Some(id)) => Expected::Result { id },
                (Some(_), None, id) => Expected::Error { id },
                other => panic!("a response that is {other:?}"),
            }
        }
    }
}

/// JSON-RPC 2.0 as MCP narrows it; `None` for what is no message.
fn classify(tree: &Tree) -> Option<Expected> {
    let object = |tree: &Tree| matches!(tree, Tree::Object(_));
    let member = |key: &str| tree.get(key);
    if !object(tree) || member("jsonrpc").and_then(Tree::characters) != Some("2.0") {
        return None;
    }
    let id = || member("id").filter(|id| is_id(id)).map(Tree::text);
    match (member("method"), member("result"), member("error")) {
        (Some(method), None, None) => {
            let method = method.characters()?.to_owned();
            if !member("params").is_none_or(object) {
                return None;
            }
            match member("id") {
                None => Some(Expected::Notification { method }),
                Some(_) => Some(Expected::Request { id: id()?, method }),
            }
        }
        (None, Some(_), None) => Some(Expected::Result { id: id()? }),
        (None, None, Some(error)) if object(error) => match member("id").map(Tree::text).as_deref() {
            None | Some("null") => Some(Expected::Error { id: None }),
            Some(_) => Some(Expected::Error { id: Some(id()?) }),
        },
        _ => None,
    }
}

fn is_id(tree: &Tree) -> bool {
    let literal = tree.text();
    literal.len() <= Id::MAX_LENGTH
        && match tree {
            Tree::String(_) => true,
            Tree::Scalar(literal) => literal.chars().all(|c| c == '-' || c.is_ascii_digit()),
            _ => false,
        }
}

fn ids() -> [Id; 3] {
    [Id::from(7), Id::from("a\"\n\u{2028}"), Id::from(u64::MAX)]
}

fn new() -> (Document, Tree) {
    (Document::string("n\"ew"), Tree::String(Text::new("n\"ew")))
}

fn literal(id: &Id) -> Tree {
    Tree::read(id.as_json()).expect("an id is JSON")
}

fn check_request(request: &Request, tree: &Tree) {
    assert_eq!(request.params().map(|params| params.text().to_owned()), tree.get("params").map(Tree::text));
    for id in ids() {
        let mut expected = tree.clone();
        expected.set("id", literal(&id));
        let renumbered = request.with_id(&id).expect("a short id fits");
        assert_eq!(renumbered.document().as_str(), expected.text());
        assert_eq!(renumbered.id(), &id);
        assert_eq!(renumbered.method(), request.method());
        let back = renumbered.with_id(request.id()).expect("it was there before");
        assert_eq!(back.document(), request.document());
    }
    let (new, new_tree) = new();
    assert!(request.with_param("", &new).is_err(), "params that are no object");
    assert!(request.with_param("x", &new).is_err(), "a member beside params");
    for path in below(tree, "params") {
        let changed = request.with_param(&pointer(&path[1..]), &new).expect("the pointer leads somewhere");
        let mut expected = tree.clone();
        *expected.at_mut(&path) = new_tree.clone();
        assert_eq!(changed.document().as_str(), expected.text());
        assert_eq!((changed.id(), changed.method()), (request.id(), request.method()));
    }
    let added = request.with_param("/a~1b", &new);
    let mut expected = tree.clone();
    match expected.get_mut("params") {
        None => assert!(added.is_err(), "a parameter without params"),
        Some(params) => {
            params.set("a/b", new_tree);
            assert_eq!(added.expect("params take members").document().as_str(), expected.text());
        }
    }
}

fn check_response(response: &Response, tree: &Tree) {
    for id in ids() {
        let mut expected = tree.clone();
        expected.set("id", literal(&id));
        let renumbered = response.with_id(&id).expect("a short id fits");
        assert_eq!(renumbered.document().as_str(), expected.text());
        assert_eq!(renumbered.id(), Some(&id));
    }
    if let Some(error) = response.error() {
        let error_tree = tree.get("error").expect("the response is an error");
        assert_eq!(error.value().text(), error_tree.text());
        assert_eq!(error.message().as_deref(), error_tree.get("message").and_then(Tree::characters));
        assert_eq!(error.data().map(|data| data.text().to_owned()), error_tree.get("data").map(Tree::text));
        let code = error_tree.get("code").and_then(|code| code.text().parse().ok());
        assert_eq!(error.code(), code);
    }
    let (new, new_tree) = new();
    assert_eq!(response.with_result("", &new).is_ok(), response.result().is_some());
    assert!(response.with_result("x", &new).is_err(), "a member beside the result");
    for path in below(tree, "result") {
        let changed = response.with_result(&pointer(&path[1..]), &new).expect("the pointer leads somewhere");
        let mut expected = tree.clone();
        *expected.at_mut(&path) = new_tree.clone();
        assert_eq!(changed.document().as_str(), expected.text());
        assert_eq!(changed.id(), response.id());
    }
}

/// Paths to values inside a member of the message.
fn below(tree: &Tree, member: &str) -> Vec<Vec<Step>> {
    let Tree::Object(members) = tree else { return Vec::new() };
    let Some(at) = members.iter().position(|(key, _)| key.characters == member) else { return Vec::new() };
    let first = Step { at, token: member.to_owned() };
    let below = members[at].1.paths(PLACES).into_iter().filter(|path| !path.is_empty());
    below.map(|path| [vec![first.clone()], path].concat()).collect()
}
