//! A document as bytes to be sent.

use bartizan_wire::json::Document;
use bytes::Bytes;

/// From this length on text is shared with who sends it instead of copied, in bytes.
const SHARED: usize = 8 << 10;

/// The text of a document: shared if it is long, copied if that is cheaper.
pub(crate) fn bytes_of(document: &Document) -> Bytes {
    struct Shared(Document);

    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    if document.as_bytes().len() < SHARED {
        Bytes::copy_from_slice(document.as_bytes())
    } else {
        Bytes::from_owner(Shared(document.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_documents_whatever_its_length() {
        for length in [0, SHARED, 2 * SHARED] {
            let document = Document::string(&"x".repeat(length));
            assert_eq!(bytes_of(&document), document.as_bytes());
        }
    }
}
