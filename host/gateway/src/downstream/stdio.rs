//! A client on standard input and output.

use std::sync::Arc;
use std::time::Duration;

use bartizan_wire::json::Document;
use bartizan_wire::message::{self, Incoming, Message, MessageError};
use bartizan_wire::stdio::{Line, Lines, frame};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::interceptor::Arrival;
use crate::session::{Outgoing, Session};
use crate::upstream::carry_aside;

/// How many messages may wait for the client to read them.
const BACKLOG: usize = 64;
/// Bytes read from the client at once.
const CHUNK: usize = 64 << 10;
/// How long the client may take to read what was said when the end came.
const FINISH_PATIENCE: Duration = Duration::from_secs(10);

/// The client's output.
pub(crate) struct Output {
    /// Takes messages for the client.
    pub(crate) sender: mpsc::Sender<Outgoing>,
    writing: JoinHandle<()>,
    finish: oneshot::Sender<()>,
}

/// Opens the client's output.
pub(crate) fn open(mut output: impl AsyncWrite + Unpin + Send + 'static) -> Output {
    let (sender, mut messages) = mpsc::channel::<Outgoing>(BACKLOG);
    let (finish, mut finished) = oneshot::channel::<()>();
    let writing = tokio::spawn(async move {
        loop {
            let message = tokio::select! {
                biased;
                message = messages.recv() => message,
                _ = &mut finished => messages.try_recv().ok(),
            };
            let Some(message) = message else { return };
            let Some(document) = message.document() else { continue };
            if let Err(error) = write(&mut output, document).await {
                tracing::debug!(%error, "the client does not read any more");
                return;
            }
        }
    });
    Output { sender, writing, finish }
}

async fn write(output: &mut (impl AsyncWrite + Unpin), document: &Document) -> std::io::Result<()> {
    output.write_all(&frame(document)).await?;
    output.flush().await
}

impl Output {
    /// Writes what was said up to now, and no more. Others may still hold the sender, so the channel
    /// does not close by itself.
    pub(crate) async fn finish(self) {
        // The writer is gone already if the client reads no more.
        let _gone = self.finish.send(());
        if tokio::time::timeout(FINISH_PATIENCE, self.writing).await.is_err() {
            tracing::warn!("the client did not read all that was written for it");
        }
    }
}

/// Takes the client's messages until its input ends, and until all of them were refused or forwarded.
pub(crate) async fn read(
    session: &Arc<Session>,
    mut input: impl AsyncRead + Unpin,
    output: &mpsc::Sender<Outgoing>,
) {
    let limits = session.shared.client_limits;
    let mut lines = Lines::new(limits.bytes);
    let mut chunk = vec![0; CHUNK];
    let mut waiting = JoinSet::new();
    loop {
        match input.read(&mut chunk).await {
            Ok(0) => break,
            Ok(read) => lines.push(chunk.get(..read).unwrap_or_default()),
            Err(error) => {
                tracing::warn!(%error, "the client's messages cannot be read");
                break;
            }
        }
        take_lines(&mut lines, session, output, &mut waiting).await;
    }
    lines.finish();
    take_lines(&mut lines, session, output, &mut waiting).await;
    session.end_of_input();
    while waiting.join_next().await.is_some() {}
}

async fn take_lines(
    lines: &mut Lines,
    session: &Arc<Session>,
    output: &mpsc::Sender<Outgoing>,
    waiting: &mut JoinSet<()>,
) {
    let limits = session.shared.client_limits;
    while let Some(line) = lines.next_line() {
        let incoming = match line {
            Line::Message(bytes) if session.has_batches() => Incoming::parse(&bytes, &limits),
            Line::Message(bytes) => Message::parse(&bytes, &limits).map(Incoming::One),
            Line::TooLong { .. } => Err(MessageError::TooLong { limit: limits.bytes }),
        };
        match incoming {
            // The server is asked first, and may itself ask the client something before it answers: the
            // client's other messages must come through meanwhile.
            Ok(Incoming::One(Message::Request(request))) if !session.is_judged_at_once(&request) => {
                let (_, forwarding) = session.take_request(Arrival::plain(request), output.clone());
                waiting.spawn(async move { carry_aside(forwarding.await) });
            }
            Ok(Incoming::One(message)) => session.from_client(Ok(message), output.clone()).await,
            Ok(Incoming::Batch(messages)) => {
                waiting.spawn(take_batch(Arc::clone(session), messages, output.clone()));
            }
            Err(error) => session.from_client(Err(error), output.clone()).await,
        }
        // Those that are done are forgotten.
        while waiting.try_join_next().is_some() {}
    }
}

/// Judges each message of an array by itself, and answers with an array.
async fn take_batch(
    session: Arc<Session>,
    messages: Vec<Result<Message, MessageError>>,
    output: mpsc::Sender<Outgoing>,
) {
    let (reply, mut answers) = mpsc::channel(BACKLOG);
    for message in messages {
        match message {
            Ok(Message::Request(request)) => {
                let (_, forwarding) = session.take_request(Arrival::plain(request), reply.clone());
                tokio::spawn(async move { carry_aside(forwarding.await) });
            }
            message => {
                let (session, reply) = (Arc::clone(&session), reply.clone());
                tokio::spawn(async move { session.from_client(message, reply).await });
            }
        }
    }
    drop(reply);
    let mut gathered = Vec::new();
    while let Some(answer) = answers.recv().await {
        match answer {
            Outgoing::Last(document) => gathered.push(document),
            Outgoing::Begin | Outgoing::Pause(_) => {}
            message @ Outgoing::Message(_) => {
                // The writer is gone if the client reads no more.
                let _gone = output.send(message).await;
            }
        }
    }
    if !gathered.is_empty() {
        let _gone = output.send(Outgoing::Last(message::join(&gathered))).await;
    }
}
