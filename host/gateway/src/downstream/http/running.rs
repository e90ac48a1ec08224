//! Work that goes on when nobody waits for it any more.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::session::Outgoing;
use crate::upstream::Carrier;

/// Work that is done in the task of who waits for it, and by itself from when that is dropped: a client that goes
/// away does not undo what it has asked for.
#[derive(Default)]
pub(super) struct Running(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Running {
    pub(super) fn new(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl Future for Running {
    type Output = ();

    /// Never ready again once the work is done: there is nothing more to come of it.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

/// Takes a request to its answer.
pub(super) async fn carry(forwarding: impl Future<Output = Option<Carrier>> + Send) {
    if let Some(carrier) = forwarding.await {
        carrier.await;
    }
}

/// The next message, while the work goes on that they come from.
pub(super) async fn receive(
    messages: &mut mpsc::Receiver<Outgoing>,
    running: &mut Running,
) -> Option<Outgoing> {
    tokio::select! {
        // What it has to say is there when it is done.
        biased;
        () = running => {}
        message = messages.recv() => return message,
    }
    messages.recv().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn is_done_where_it_is_waited_for_and_elsewhere_if_it_is_not() {
        const SOON: Duration = Duration::from_millis(10);

        let mut running = Running::new(async {});
        (&mut running).await;
        assert!(timeout(SOON, &mut running).await.is_err(), "it is done once");

        let (go, gone) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let mut running = Running::new(async {
            gone.await.unwrap();
            tell.send(()).unwrap();
        });
        assert!(timeout(SOON, &mut running).await.is_err());
        drop(running);
        go.send(()).unwrap();
        told.await.unwrap();
    }
}
