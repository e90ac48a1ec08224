//! A client on standard input and output.

use std::sync::Arc;

use bartizan_wire::message::{Message, MessageError};
use bartizan_wire::stdio::{Line, Lines, frame};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::session::{Outgoing, Session};

/// How many messages may wait for the client to read them.
const BACKLOG: usize = 64;
/// Bytes read from the client at once.
const CHUNK: usize = 64 << 10;

/// Opens the client's output for a session. The task ends when the session has no more to say, or the
/// client reads no more.
pub(crate) fn open(
    session: &Session,
    mut output: impl AsyncWrite + Unpin + Send + 'static,
) -> (mpsc::Sender<Outgoing>, JoinHandle<()>) {
    let (sender, mut messages) = mpsc::channel::<Outgoing>(BACKLOG);
    session.open_stream(sender.clone());
    let writing = tokio::spawn(async move {
        while let Some(message) = messages.recv().await {
            let written = async {
                output.write_all(&frame(message.document())).await?;
                output.flush().await
            };
            if let Err(error) = written.await {
                tracing::debug!(%error, "the client does not read any more");
                return;
            }
        }
    });
    (sender, writing)
}

/// Takes the client's messages until its input ends.
pub(crate) async fn read(
    session: &Arc<Session>,
    mut input: impl AsyncRead + Unpin,
    output: &mpsc::Sender<Outgoing>,
) {
    let limits = session.shared.client_limits;
    let mut lines = Lines::new(limits.bytes);
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk).await {
            Ok(0) => break,
            Ok(read) => lines.push(chunk.get(..read).unwrap_or_default()),
            Err(error) => {
                tracing::warn!(%error, "the client's messages cannot be read");
                break;
            }
        }
        take_lines(&mut lines, session, output).await;
    }
    lines.finish();
    take_lines(&mut lines, session, output).await;
}

async fn take_lines(lines: &mut Lines, session: &Arc<Session>, output: &mpsc::Sender<Outgoing>) {
    let limits = session.shared.client_limits;
    while let Some(line) = lines.next_line() {
        let message = match line {
            Line::Message(bytes) => Message::parse(&bytes, &limits),
            Line::TooLong => Err(MessageError::TooLong { limit: limits.bytes }),
        };
        session.from_client(message, output.clone()).await;
    }
}
