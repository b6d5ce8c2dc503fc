//! One connection, from the socket to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use chat_wire::{ErrorFrame, ServerFrame, close_code};
use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, error::CapacityError};

use super::dispatch;
use super::hello;
use super::io::WsIo;
use crate::Node;
use crate::live::{Closing, Connection, Outbox, QueueLimits};
use crate::metrics::Arrival;

/// The library's default of 128 KiB for each connection would be most of the node's memory.
const READ_BUFFER: usize = 1_024;
const FRAMES_WAITING: usize = 1_000;
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// For everything up to the last event of the replay; a client that reads slowly gets it slowly.
const GREETING_DEADLINE: Duration = Duration::from_secs(10);
const NO_HELLO: Closing = Closing { code: close_code::BAD_FRAME, reason: "no hello in time" };
/// The node ends while a client comes in.
const RESTARTS: Closing = Closing { code: close_code::RESTART, reason: "the server restarts" };
const GREETING_TOOK_TOO_LONG: Closing =
    Closing { code: close_code::RESTART, reason: "what was missed could not be read in time" };
/// For telling the cluster of one that left, when the node ends.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a closing connection may take to read what is left.
const CLOSE_DEADLINE: Duration = Duration::from_secs(3);
/// When the frame limit is switched off.
const UNLIMITED_FRAME: u64 = 16 << 20;

pub type Ws = WebSocketStream<WsIo>;

/// Runs until either side ends it. Everything the connection had is given back, whatever the reason.
pub async fn run(node: Arc<Node>, socket: TcpStream, already_read: Bytes, peer: SocketAddr) {
    let limits = &node.config.limits;
    let bytes = limits.queue_bytes.get().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    let frames = if limits.queue_bytes.get().is_some() { FRAMES_WAITING } else { usize::MAX };
    let outbox = Arc::new(Outbox::new(socket, QueueLimits { bytes, frames }));
    let frame_bytes = usize::try_from(limits.frame_bytes.get().unwrap_or(UNLIMITED_FRAME)).unwrap_or(usize::MAX);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(frame_bytes))
        .max_frame_size(Some(frame_bytes));
    let io = WsIo::new(Arc::clone(&outbox));
    let mut ws = WebSocketStream::from_partially_read(io, already_read.to_vec(), Role::Server, Some(config)).await;

    let ending = node.drain.ending();
    let admitting = Box::pin(tokio::time::timeout(HELLO_DEADLINE, hello::admit(&node, &mut ws, &outbox)));
    let admitted = match ending.run_until_cancelled(admitting).await {
        Some(Ok(Ok(admitted))) => admitted,
        Some(Ok(Err(closing))) => return turn_away(&node, &outbox, closing).await,
        Some(Err(_)) => return turn_away(&node, &outbox, NO_HELLO).await,
        None => return turn_away(&node, &outbox, RESTARTS).await,
    };
    let connection = Arc::clone(&admitted.connection);
    let greeting = Box::pin(tokio::time::timeout(GREETING_DEADLINE, hello::greet(&node, admitted)));
    let greeted = match ending.run_until_cancelled(greeting).await {
        Some(greeted) => greeted.unwrap_or(Err(GREETING_TOOK_TOO_LONG)),
        None => Err(RESTARTS),
    };
    if let Err(closing) = greeted {
        // Before anything else: it may sit in hubs and in the directory already.
        Box::pin(farewell(&node, &connection)).await;
        return turn_away(&node, &outbox, closing).await;
    }
    node.counters.arrivals.count(Arrival::Opened);
    if ending.is_cancelled() {
        // It came in after all others had been closed.
        outbox.close(RESTARTS, false);
    }
    node.counters.connections.inc();
    let closing = serve(&node, &mut ws, &connection).await;
    if closing.is_some_and(|closing| closing.code == close_code::SLOW_CONSUMER) {
        node.counters.slow_consumers.inc();
    }
    Box::pin(farewell(&node, &connection)).await;
    node.counters.connections.dec();
    tracing::debug!(user = %connection.info.user, %peer, code = closing.map(|c| c.code), "a session ended");
    if let Some(closing) = closing {
        end(&outbox, closing).await;
    }
}

/// Reads frames and writes what a stalled socket could not take, until the end. `None`: the socket is gone already.
async fn serve(node: &Arc<Node>, ws: &mut Ws, connection: &Arc<Connection>) -> Option<Closing> {
    loop {
        let next = std::future::poll_fn(|cx| {
            if connection.outbox.closing().is_some() || connection.outbox.poll_end(cx).is_ready() {
                return Poll::Ready(None);
            }
            ws.poll_next_unpin(cx).map(Some)
        })
        .await;
        let message = match next {
            // Closing by our own wish: the close frame is queued.
            None => return connection.outbox.closing(),
            Some(None) => return None,
            Some(Some(Ok(message))) => message,
            Some(Some(Err(error))) => return closing_for(&error),
        };
        connection.heard();
        match message {
            Message::Text(text) => {
                if let Some(closing) = Box::pin(dispatch::frame(node, connection, &text)).await {
                    return Some(closing);
                }
            }
            Message::Binary(_) => {
                if let Some(closing) =
                    dispatch::bad_frame(node, connection, "binary frames are not part of this subprotocol")
                {
                    return Some(closing);
                }
            }
            // The next poll writes the answer to a close, and then says that the connection is over.
            Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// What a protocol error is answered with. `None` when there is nobody to answer.
pub fn closing_for(error: &Error) -> Option<Closing> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some(Closing { code: close_code::TOO_LARGE, reason: "the frame is too large" })
        }
        Error::Utf8(_) => Some(Closing { code: close_code::BAD_FRAME, reason: "the frame is not UTF-8" }),
        Error::Protocol(_) | Error::Capacity(_) => {
            Some(Closing { code: close_code::BAD_FRAME, reason: "not the WebSocket protocol" })
        }
        _ => None,
    }
}

/// Ends a connection that never became a session.
async fn turn_away(node: &Node, outbox: &Outbox, closing: Closing) {
    node.counters.arrivals.count(match closing.code {
        close_code::RESTART if node.drain.ending().is_cancelled() => Arrival::Draining,
        close_code::RESTART => Arrival::Failed,
        _ => Arrival::Refused,
    });
    end(outbox, closing).await;
}

async fn end(outbox: &Outbox, closing: Closing) {
    outbox.close(closing, false);
    let written = std::future::poll_fn(|cx| outbox.poll_end(cx));
    if tokio::time::timeout(CLOSE_DEADLINE, written).await.is_err() {
        tracing::debug!(code = closing.code, "a closing connection did not read to its end");
    }
}

async fn farewell(node: &Arc<Node>, connection: &Arc<Connection>) {
    node.delivery.connections.remove(connection);
    let hubs = connection.detach_all();
    for hub in &hubs {
        hub.detach(connection);
    }
    let telling = async {
        for hub in hubs {
            node.delivery.hubs.leave(hub, connection).await;
        }
        node.chat.depart(connection).await;
    };
    let late = async {
        node.drain.ending().cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        () = telling => {}
        // The node's lease ends, and with it what the directory has of this connection.
        () = late => {}
    }
}

/// Answers a frame with an error.
pub fn refuse(node: &Node, connection: &Arc<Connection>, error: ErrorFrame) {
    node.counters.refusals.inc();
    connection.send(&ServerFrame::Error(error));
}
