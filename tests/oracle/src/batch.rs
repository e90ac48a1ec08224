//! Batches: every element means what it would mean alone, and nothing else is in it.

use bartizan_wire::json::{Document, Limits};
use bartizan_wire::message::{BATCH, Incoming, Message, join};

use crate::tree::Tree;

/// Checks bytes that may be a message or an array of messages.
pub fn check(input: &[u8]) {
    let limits = Limits::default();
    let incoming = Incoming::parse(input, &limits);
    let (Ok(document), Ok(tree)) =
        (Document::parse(input, &limits), Tree::read(&String::from_utf8_lossy(input)))
    else {
        assert!(incoming.is_err(), "a message that is no document");
        return;
    };
    let Tree::Array(elements) = tree else {
        let alone = Message::parse(input, &limits);
        match incoming {
            Ok(Incoming::One(message)) => assert_eq!(Ok(message), alone),
            Ok(Incoming::Batch(_)) => panic!("a batch that is no array"),
            Err(error) => assert_eq!(Err(error), alone),
        }
        return;
    };
    let messages = match incoming {
        Ok(Incoming::Batch(messages)) => messages,
        Ok(Incoming::One(_)) => panic!("an array that is one message"),
        Err(_) => {
            assert!(elements.is_empty() || elements.len() > BATCH, "a batch is refused");
            return;
        }
    };
    assert_eq!(messages.len(), elements.len());
    for (message, element) in messages.iter().zip(&elements) {
        let text = element.text();
        assert_eq!(message, &Message::parse(text.as_bytes(), &limits), "{text}");
        if let Ok(message) = message {
            assert_eq!(message.document().as_str(), text);
        }
        assert!(message.is_err() || matches!(element, Tree::Object(_)), "{text} is a message");
    }
    let documents: Vec<Document> =
        messages.iter().flatten().map(|message| message.document().clone()).collect();
    if documents.len() == elements.len() {
        assert_eq!(join(&documents), document, "the parts are the whole");
    }
}
