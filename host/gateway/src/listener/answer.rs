//! An answer on its way out.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::watch;

use super::activity::InFlight;
use super::{BodyFault, stopped};

/// The body of an answer: its request is in flight until this is dropped.
pub(super) struct Outgoing<B> {
    body: B,
    end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _in_flight: InFlight,
}

impl<B> Outgoing<B> {
    pub(super) fn new(body: B, in_flight: InFlight) -> Self {
        Self { body, end: None, _in_flight: in_flight }
    }

    /// Ends it cleanly when the gateway stops, wherever it is.
    pub(super) fn until(self, stopping: watch::Receiver<bool>) -> Self {
        Self { end: Some(Box::pin(stopped(stopping))), ..self }
    }
}

impl<B: Body<Data = Bytes, Error = BodyFault> + Unpin> Body for Outgoing<B> {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        // What is there still goes out.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        match &mut self.end {
            Some(end) => end.as_mut().poll(context).map(|()| None),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
