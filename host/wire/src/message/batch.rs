//! Batches: several messages in one JSON array (JSON-RPC 2.0 §6), which only revision 2025-03-26 has.
//!
//! [`Incoming::parse`] reads the array once, strictly, and then hands out each element as a message of its
//! own: compact, with nothing of its neighbours in its text. So whatever judges and forwards one message
//! judges and forwards the elements of a batch, one by one; the batch itself is never forwarded.

use crate::json::{Document, Kind, Limits, Value};

use super::{Message, MessageError};

/// The most elements a batch may have.
pub const BATCH: usize = 100;

/// What one transport message holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// One message.
    One(Message),
    /// The elements of a batch in the sender's order, at least one and at most [`BATCH`]. One that is no
    /// message (another array, for instance) does not spoil the others: JSON-RPC answers it with an error
    /// among theirs.
    Batch(Vec<Result<Message, MessageError>>),
}

impl Incoming {
    /// Parses foreign bytes into one message or a batch. `limits` are those of the whole text, in which
    /// the array of a batch is one level of depth.
    ///
    /// An element means the same as it would alone: its document is the one that [`Message::parse`] makes
    /// of the element's text.
    ///
    /// # Errors
    /// [`MessageError`]: as [`Message::parse`] for what is no array; [`MessageError::Json`] for an array
    /// with a fault anywhere in it, [`MessageError::EmptyBatch`], [`MessageError::LongBatch`].
    pub fn parse(input: &[u8], limits: &Limits) -> Result<Self, MessageError> {
        let document = Document::parse(input, limits)?;
        if document.root().kind() != Kind::Array {
            return Message::read(&document).map(Self::One);
        }
        let elements: Vec<Value<'_>> = document.root().elements().take(BATCH + 1).collect();
        match elements.len() {
            0 => Err(MessageError::EmptyBatch),
            1..=BATCH => {
                let messages = elements.into_iter().map(|element| Message::read(&element.to_document()));
                Ok(Self::Batch(messages.collect()))
            }
            _ => Err(MessageError::LongBatch { limit: BATCH }),
        }
    }
}

/// The array that answers a batch. Where there is nothing to answer (only notifications and responses came)
/// JSON-RPC sends nothing at all, not the empty array that this makes of no responses.
pub fn join(responses: &[Document]) -> Document {
    let texts: Vec<&str> = responses.iter().map(Document::as_str).collect();
    Document::trusted(format!("[{}]", texts.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonErrorKind;
    use crate::message::{INVALID_REQUEST, Id, PARSE_ERROR};

    const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":"s","result":{}}"#;

    fn parse(text: &str) -> Result<Incoming, MessageError> {
        Incoming::parse(text.as_bytes(), &Limits::default())
    }

    fn batch(text: &str) -> Vec<Result<Message, MessageError>> {
        match parse(text).unwrap() {
            Incoming::Batch(elements) => elements,
            Incoming::One(message) => panic!("{message:?} is no batch"),
        }
    }

    fn alone(text: &str) -> Result<Message, MessageError> {
        Message::parse(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn one_message_is_no_batch() {
        for text in [PING, NOTE, ANSWER] {
            assert_eq!(parse(text), alone(text).map(Incoming::One), "{text}");
        }
        assert_eq!(parse("7"), Err(MessageError::NotAnObject { found: Kind::Number }));
        assert_eq!(parse("{}"), Err(MessageError::Version));
    }

    #[test]
    fn elements_are_messages_of_their_own() {
        assert_eq!(batch(&format!("[{PING}]")), [alone(PING)]);
        let texts = [PING, NOTE, ANSWER];
        let elements = batch(&format!("\r\n[ {PING}\r,\r\n{NOTE}\t,{ANSWER} ]\r"));
        assert_eq!(elements, texts.map(alone));
        for (element, text) in elements.iter().zip(texts) {
            assert_eq!(element.as_ref().unwrap().document().as_str(), text);
        }
        let Ok(Message::Request(ping)) = &elements[0] else { panic!("{elements:?}") };
        let renumbered = ping.with_id(&Id::from("g")).unwrap();
        assert_eq!(renumbered.document().as_str(), PING.replace("\"id\":1", "\"id\":\"g\""));
    }

    #[test]
    fn an_element_that_is_no_message_spoils_only_itself() {
        let elements = batch(&format!("[1,[{PING}],{PING},[],{{}},null]"));
        let expected = [
            Err(MessageError::NotAnObject { found: Kind::Number }),
            Err(MessageError::Batch),
            alone(PING),
            Err(MessageError::Batch),
            Err(MessageError::Version),
            Err(MessageError::NotAnObject { found: Kind::Null }),
        ];
        assert_eq!(elements, expected);
    }

    #[test]
    fn what_spoils_the_whole() {
        let of = |length: usize| format!("[{}]", vec![PING; length].join(","));
        assert_eq!(batch(&of(BATCH)).len(), BATCH);
        let cases = [
            ("empty", "[ ]".to_owned(), MessageError::EmptyBatch),
            ("one too many", of(BATCH + 1), MessageError::LongBatch { limit: BATCH }),
            ("far too many", of(3 * BATCH), MessageError::LongBatch { limit: BATCH }),
        ];
        for (name, text, error) in cases {
            assert_eq!(error.code(), INVALID_REQUEST, "{name}");
            assert_eq!(parse(&text), Err(error), "{name}");
        }
        for text in [format!("[{PING}"), format!("[{PING},]"), format!("[{PING}]{PING}"), "[01]".to_owned()] {
            let error = parse(&text).unwrap_err();
            assert!(matches!(error, MessageError::Json(_)), "{text}: {error}");
            assert_eq!(error.code(), PARSE_ERROR);
        }
    }

    #[test]
    fn limits_are_those_of_the_whole() {
        let text = format!("[{PING},{PING}]");
        let exact = Limits { bytes: text.len(), depth: 2, entries: 3 };
        assert!(Incoming::parse(text.as_bytes(), &exact).is_ok());
        let cases = [
            (Limits { bytes: text.len() - 1, ..exact }, JsonErrorKind::TooLarge { limit: text.len() - 1 }),
            (Limits { depth: 1, ..exact }, JsonErrorKind::TooDeep { limit: 1 }),
            (Limits { entries: 2, ..exact }, JsonErrorKind::TooManyEntries { limit: 2 }),
        ];
        for (limits, kind) in cases {
            match Incoming::parse(text.as_bytes(), &limits) {
                Err(MessageError::Json(error)) => assert_eq!(error.kind(), &kind),
                other => panic!("{limits:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn answers_are_joined_as_they_are() {
        let document = |text: &str| Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        let answers = [document(ANSWER), document(r#"{"jsonrpc":"2.0","id":2,"result":{"x":1.10}}"#)];
        let joined = join(&answers);
        assert_eq!(joined.as_str(), format!("[{},{}]", answers[0], answers[1]));
        assert_eq!(document(joined.as_str()), joined);
        assert_eq!(join(&answers[..1]).as_str(), format!("[{}]", answers[0]));
        assert_eq!(join(&[]).as_str(), "[]");
    }
}
