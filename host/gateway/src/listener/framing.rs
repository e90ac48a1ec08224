//! Requests whose length is said twice.
//!
//! A request with `Transfer-Encoding` and `Content-Length` is what request smuggling is made of (RFC 9112
//! §6.3). The HTTP library obeys the first, hides the second and closes the connection, so that nothing can
//! be smuggled through the gateway; but something in front of it may have read it differently, so it is
//! refused. Since the library hides it, the header is looked for in what comes over the connection.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Version};

/// The extension of a request that says its length twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

const NAME: &[u8] = b"content-length";

/// Counts the lines that begin with `Content-Length:`, in a stream that comes in pieces.
///
/// A line of a body counts as well. Bodies are JSON, in which no line begins like that.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    /// How much of the name the current line has, as long as it has nothing else.
    matched: Option<usize>,
    /// Lines that belong to no request yet.
    unclaimed: usize,
}

impl Lengths {
    /// Looks at the next bytes of the connection.
    pub(super) fn look_at(&mut self, mut bytes: &[u8]) {
        loop {
            if self.matched.is_none() {
                let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
                bytes = bytes.get(end..).unwrap_or_default();
            }
            let Some((byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            self.matched = match self.matched {
                _ if *byte == b'\n' => Some(0),
                Some(matched) if matched == NAME.len() && *byte == b':' => {
                    self.unclaimed = self.unclaimed.saturating_add(1);
                    None
                }
                Some(matched) if NAME.get(matched) == Some(&byte.to_ascii_lowercase()) => Some(matched + 1),
                _ => None,
            };
        }
    }

    /// Whether this request, which has just come, says its length twice.
    pub(super) fn are_ambiguous<B>(&mut self, request: &Request<B>) -> bool {
        if request.version() >= Version::HTTP_2 {
            return false;
        }
        let shown = request.headers().get_all(CONTENT_LENGTH).iter().count();
        self.unclaimed = self.unclaimed.saturating_sub(shown);
        request.headers().contains_key(TRANSFER_ENCODING) && std::mem::take(&mut self.unclaimed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pieces: &[&str]) -> usize {
        let mut lengths = Lengths::default();
        for piece in pieces {
            lengths.look_at(piece.as_bytes());
        }
        lengths.unclaimed
    }

    #[test]
    fn finds_the_header_wherever_the_pieces_end() {
        let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\ncontent-LENGTH:2\nx-content-length: 3\r\n\r\n{}";
        for at in 0..text.len() {
            let (left, right) = text.split_at(at);
            assert_eq!(count(&[left, right]), 2, "{left:?}");
        }
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(count(&bytes), 2);
    }

    #[test]
    fn other_lines_are_not_it() {
        for text in [
            "",
            "content-length: 1",
            "GET / HTTP/1.1\r\nx: content-length: 1",
            "\ncontent-lengths: 1",
            "\ncontent-length",
            "\n content-length: 1",
            "\ncontent-lengt\n: 1",
        ] {
            assert_eq!(count(&[text]), 0, "{text:?}");
        }
    }

    #[test]
    fn a_length_belongs_to_the_request_that_shows_it() {
        let request = |headers: &[(&str, &str)]| {
            let mut request = Request::builder();
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(()).unwrap()
        };
        let chunked = request(&[("transfer-encoding", "chunked")]);
        let sized = request(&[("content-length", "2")]);
        let mut lengths = Lengths::default();
        lengths.look_at(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}");
        assert!(!lengths.are_ambiguous(&sized));
        lengths.look_at(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
        assert!(!lengths.are_ambiguous(&chunked));
        lengths
            .look_at(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n");
        assert!(lengths.are_ambiguous(&chunked));
        assert!(!lengths.are_ambiguous(&chunked));
    }
}
