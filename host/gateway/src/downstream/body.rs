//! A request's body, read whole: not more than the limit, and not slower.

use std::fmt::Display;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body;

use crate::config::Limits;

/// The most bytes that are made room for because a head says that they will come.
const AT_ONCE: usize = 64 << 10;

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is longer than a message may be; status 413.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// `limits.body`.
        limit: usize,
    },
    /// The client did not send it in time; status 408.
    #[error("the body did not come within {} s", limit.as_secs_f64())]
    TooSlow {
        /// `limits.body_timeout`.
        limit: Duration,
    },
    /// It broke off, or its framing is wrong; status 400.
    #[error("the body cannot be read: {0}")]
    Broken(String),
}

/// Reads a body. The time is for the whole of it: a byte now and then gains nothing.
///
/// A body that is too long is read on for as much again, and thrown away: whoever has not sent all of it
/// would find the connection broken instead of the answer. One whose head says that it is longer still is
/// not waited for.
///
/// # Errors
///
/// [`BodyError`].
pub(crate) async fn read_body<B>(body: B, limits: &Limits) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.body.saturating_mul(2) {
        return Err(BodyError::TooLong { limit: limits.body });
    }
    let read = collect(body, limits.body, announced);
    tokio::time::timeout(limits.body_timeout, read)
        .await
        .unwrap_or(Err(BodyError::TooSlow { limit: limits.body_timeout }))
}

async fn collect<B>(body: B, limit: usize, announced: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let mut body = pin!(body);
    let mut kept = BytesMut::with_capacity(announced.min(AT_ONCE).min(limit));
    let mut length = 0_usize;
    while length <= limit.saturating_mul(2)
        && let Some(frame) = body.as_mut().frame().await
    {
        let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
        let Some(data) = frame.data_ref() else { continue };
        length = length.saturating_add(data.len());
        if length <= limit {
            kept.extend_from_slice(data);
        } else {
            kept = BytesMut::new();
        }
    }
    if length > limit { Err(BodyError::TooLong { limit }) } else { Ok(kept.freeze()) }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::{Frame, SizeHint};

    use super::*;

    /// Pieces, and what comes after them.
    struct Pieces {
        pieces: VecDeque<&'static str>,
        end: End,
        announced: u64,
    }

    #[derive(Clone, Copy)]
    enum End {
        Clean,
        Broken,
        Never,
    }

    /// A body: its name, pieces, end and announced length, and what reading it gives.
    type Case = (&'static str, &'static [&'static str], End, u64, Result<&'static str, BodyError>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            match (self.pieces.pop_front(), self.end) {
                (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece))))),
                (None, End::Clean) => Poll::Ready(None),
                (None, End::Broken) => Poll::Ready(Some(Err(std::io::Error::other("cut")))),
                (None, End::Never) => Poll::Pending,
            }
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.announced);
            hint
        }
    }

    #[tokio::test]
    async fn takes_what_is_small_and_quick_enough() {
        let limits = Limits { body: 10, body_timeout: Duration::from_millis(20), ..Limits::default() };
        let too_long = || Err(BodyError::TooLong { limit: 10 });
        let too_slow = || Err(BodyError::TooSlow { limit: limits.body_timeout });
        let cases: [Case; 10] = [
            ("nothing", &[], End::Clean, 0, Ok("")),
            ("the longest", &["12345", "67890"], End::Clean, 10, Ok("1234567890")),
            ("too long", &["12345", "678901"], End::Clean, 0, too_long()),
            ("much too long", &["12345678901", "1234567890"], End::Never, 0, too_long()),
            ("too long and endless", &["12345678901"], End::Never, 0, too_slow()),
            ("said to be much too long", &[], End::Never, 21, too_long()),
            ("said to be endless", &[], End::Never, u64::MAX, too_long()),
            ("broken", &["1"], End::Broken, 0, Err(BodyError::Broken("cut".to_owned()))),
            ("too slow", &["1"], End::Never, 0, too_slow()),
            ("never begun", &[], End::Never, 5, too_slow()),
        ];
        for (case, pieces, end, announced, expected) in cases {
            let body = Pieces { pieces: pieces.iter().copied().collect(), end, announced };
            let read = read_body(body, &limits).await;
            assert_eq!(read, expected.map(Bytes::from), "{case}");
        }
    }
}
