//! What waits to be written to one connection, bounded by bytes and frames.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use chat_wire::close_code;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::net::TcpStream;

use super::ws_frame::close_frame;

/// How many buffers one system call takes.
const SLICES: usize = 64;

/// What may wait for one connection.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    pub bytes: usize,
    pub frames: usize,
}

/// Why a connection is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    pub code: u16,
    pub reason: &'static str,
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // four independent facts
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// In a flusher's list, or stalled: somebody will write.
    scheduled: bool,
    /// The socket took no more: the connection's own task waits until it does.
    stalled: bool,
    closing: Option<Closing>,
    /// The socket failed: everything is thrown away.
    broken: bool,
    started_frame: bool,
}

/// The only writer of a connection's socket.
pub struct Outbox {
    queue: Mutex<Queue>,
    socket: TcpStream,
    limits: QueueLimits,
    attention: AtomicWaker,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Somebody will write it.
    Queued,
    /// The caller has to schedule a flush.
    NeedsFlush,
    /// The connection is ending; the frame is gone.
    Dropped,
    /// This frame was one too many: the queue is gone, and a close frame took its place.
    Overflowed,
}

impl Outbox {
    pub fn new(socket: TcpStream, limits: QueueLimits) -> Self {
        Self { queue: Mutex::default(), socket, limits, attention: AtomicWaker::new() }
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Queues one whole frame. Never blocks.
    pub fn push(&self, frame: Bytes) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.closing.is_some() || queue.broken {
            return Pushed::Dropped;
        }
        if queue.bytes + frame.len() > self.limits.bytes.max(frame.len()) || queue.frames.len() >= self.limits.frames {
            let closing = Closing { code: close_code::SLOW_CONSUMER, reason: "slow consumer" };
            Self::close_locked(&mut queue, closing, true);
            drop(queue);
            self.attention.wake();
            return Pushed::Overflowed;
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        if std::mem::replace(&mut queue.scheduled, true) { Pushed::Queued } else { Pushed::NeedsFlush }
    }

    /// Ends the connection after what is queued; `discard` drops what has not begun to be written.
    pub fn close(&self, closing: Closing, discard: bool) {
        {
            let mut queue = self.queue.lock();
            if queue.closing.is_some() || queue.broken {
                return;
            }
            Self::close_locked(&mut queue, closing, discard);
        }
        self.attention.wake();
    }

    fn close_locked(queue: &mut Queue, closing: Closing, discard: bool) {
        if discard {
            // A frame that is partly on its way must be finished, or the peer reads garbage.
            let keep = usize::from(queue.started_frame);
            queue.frames.truncate(keep);
            queue.bytes = queue.frames.iter().map(Bytes::len).sum();
        }
        let frame = close_frame(closing.code, closing.reason);
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        queue.closing = Some(closing);
        // The connection's own task writes from here on.
        queue.scheduled = true;
        queue.stalled = true;
    }

    pub fn closing(&self) -> Option<Closing> {
        self.queue.lock().closing
    }

    /// Bytes that wait.
    pub fn backlog(&self) -> usize {
        self.queue.lock().bytes
    }

    /// Writes as much as the socket takes now. Called by the flushers and by the connection's own task.
    pub fn flush(&self) {
        let mut queue = self.queue.lock();
        self.write(&mut queue);
        let stalled = queue.stalled;
        drop(queue);
        if stalled {
            self.attention.wake();
        }
    }

    fn write(&self, queue: &mut Queue) {
        while !queue.frames.is_empty() && !queue.broken {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            for (slice, frame) in slices.iter_mut().zip(&queue.frames) {
                *slice = IoSlice::new(frame);
                count += 1;
            }
            match self.socket.try_write_vectored(&slices[..count]) {
                Ok(written) => advance(queue, written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    queue.scheduled = true;
                    queue.stalled = true;
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    queue.broken = true;
                    queue.frames.clear();
                    queue.bytes = 0;
                }
            }
        }
        queue.scheduled = false;
        queue.stalled = queue.closing.is_some();
        if queue.frames.is_empty() && queue.frames.capacity() > 64 {
            queue.frames = VecDeque::new();
        }
    }

    /// Ready when the connection is to end: everything is written and a close frame was the last, or the socket failed.
    /// Until then it writes whenever a stalled socket takes more. Polled by the connection's own task.
    pub fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.attention.register(cx.waker());
        loop {
            {
                let mut queue = self.queue.lock();
                if queue.broken || (queue.closing.is_some() && queue.frames.is_empty()) {
                    return Poll::Ready(());
                }
                if !queue.stalled {
                    return Poll::Pending;
                }
                queue.stalled = false;
                self.write(&mut queue);
                if !queue.stalled || queue.frames.is_empty() {
                    continue;
                }
            }
            if self.socket.poll_write_ready(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Waits until at most `bytes` and half the frames are queued, or the connection is ending.
    pub async fn drained_to(&self, bytes: usize) {
        loop {
            {
                let queue = self.queue.lock();
                let few = queue.bytes <= bytes && queue.frames.len() <= self.limits.frames / 2;
                if few || queue.closing.is_some() || queue.broken {
                    return;
                }
            }
            self.flush();
            if self.backlog() > bytes && self.socket.writable().await.is_err() {
                return;
            }
        }
    }
}

fn advance(queue: &mut Queue, mut written: usize) {
    queue.bytes -= written;
    while let Some(front) = queue.frames.front_mut() {
        if written < front.len() {
            front.advance(written);
            queue.started_frame |= written > 0;
            return;
        }
        written -= front.len();
        queue.frames.pop_front();
        queue.started_frame = false;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::super::ws_frame::text_frame;
    use super::*;

    async fn pair(limits: QueueLimits) -> (Outbox, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (Outbox::new(server.expect("accept").0, limits), client.expect("connect"))
    }

    #[tokio::test]
    async fn frames_arrive_whole_and_in_order_through_a_slow_socket() {
        let (outbox, mut client) = pair(QueueLimits { bytes: 64 << 20, frames: 10_000 }).await;
        let frames: Vec<Bytes> = (0..200u8).map(|n| text_frame(&vec![n; usize::from(n) * 300])).collect();
        for frame in &frames {
            outbox.push(frame.clone());
        }
        outbox.close(Closing { code: 1000, reason: "done" }, false);
        let expected: Vec<u8> = frames.iter().flat_map(|f| f.to_vec()).chain(close_frame(1000, "done")).collect();
        let mut read = vec![0; expected.len()];
        let writing = std::future::poll_fn(|cx| outbox.poll_end(cx));
        let ((), result) = tokio::join!(writing, client.read_exact(&mut read));
        result.expect("all bytes");
        assert!(read == expected, "the bytes differ");
    }

    #[tokio::test]
    async fn a_reader_that_stops_is_closed_and_never_gets_half_a_frame() {
        let (outbox, mut client) = pair(QueueLimits { bytes: 1 << 20, frames: 1000 }).await;
        let frame = text_frame(&vec![b'x'; 100_000]);
        let mut pushed = 0;
        loop {
            let result = outbox.push(frame.clone());
            outbox.flush();
            if result == Pushed::Overflowed {
                break;
            }
            pushed += 1;
            assert!(pushed < 10_000, "the queue never overflowed");
        }
        assert_eq!(outbox.push(frame.clone()), Pushed::Dropped);
        assert_eq!(outbox.closing().map(|c| c.code), Some(4503));
        let mut read = Vec::new();
        let reading = async {
            let mut buffer = vec![0; 65_536];
            let close = close_frame(4503, "slow consumer");
            while !read.ends_with(&close) {
                let n = client.read(&mut buffer).await.expect("read");
                read.extend_from_slice(&buffer[..n]);
            }
        };
        tokio::join!(std::future::poll_fn(|cx| outbox.poll_end(cx)), reading);
        let body = read.len() - close_frame(4503, "slow consumer").len();
        assert_eq!(body % frame.len(), 0, "a frame was cut");
    }
}
