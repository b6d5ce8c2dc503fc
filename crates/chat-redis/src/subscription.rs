//! The channel of a node: a connection of its own to the server that has the channel's slot.

use std::collections::HashMap;
use std::sync::Arc;

use chat_core::NodeId;
use chat_ports::PortError;
use chat_wire::NodeFrame;
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisError, Value};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Address;
use crate::counters::count;
use crate::failure::{failure, timed_out, unavailable};
use crate::keys;
use crate::link::{KEEPALIVE, KEEPALIVE_ANSWER};
use crate::redis_handle::{Redirection, Redis, redirection};
use crate::slot::slot;

/// Packed publishes that may wait for a reader, and their bytes.
const WAITING: usize = 16_384;
const WAITING_BYTES: usize = 16 * 1024 * 1024;
/// Decoded publishes handed to the reader ahead.
const AHEAD: usize = 16;
/// Servers asked until the channel's one is found.
const HOPS: usize = 5;

/// A publish as it came, and the bytes it holds of what may wait.
struct Packed {
    payload: Vec<u8>,
    _room: tokio::sync::OwnedSemaphorePermit,
}

/// The subscriptions of this process: one for each node, of which there is one but in tests.
#[derive(Default)]
pub(crate) struct Subscriptions {
    current: Mutex<HashMap<NodeId, CancellationToken>>,
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        for token in self.current.get_mut().values() {
            token.cancel();
        }
    }
}

impl Subscriptions {
    /// Subscribes, and ends the older subscription of the node. The receiver closes when continuity is lost.
    pub(crate) async fn subscribe(
        &self,
        redis: &Redis,
        node: &NodeId,
    ) -> Result<mpsc::Receiver<Vec<NodeFrame>>, PortError> {
        redis.open_still()?;
        let lost = redis.inner.token.child_token();
        let (incoming, packed) = mpsc::channel(WAITING);
        let room = Arc::new(Semaphore::new(WAITING_BYTES));
        let channel = keys::channel(node);
        let (address, connection) = find(redis, &channel, &incoming, &room, &lost).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let replaced = redis.inner.token.child_token();
        if let Some(older) = self.current.lock().insert(node.clone(), replaced.clone()) {
            older.cancel();
        }
        let keeper = Keeper { redis: redis.clone(), address, channel, connection };
        redis.inner.tasks.spawn(async move {
            let why = tokio::select! {
                biased;
                // Subscribed anew, or this process closes: not a loss.
                () = replaced.cancelled() => None,
                () = sender.closed() => None,
                () = lost.cancelled() => Some(unavailable("closed, moved to another server, or read too slowly")),
                error = keeper.keep() => Some(error),
                () = forward(&keeper.redis, packed, &sender) => (!sender.is_closed()).then(|| unavailable("closed")),
            };
            lost.cancel();
            if let Some(error) = why {
                count(&keeper.redis.inner.counters.channels_lost, 1);
                tracing::warn!(channel = keeper.channel, %error, "the node's channel was lost");
            }
        });
        Ok(receiver)
    }
}

/// Decodes what comes, and hands it on at the reader's pace.
async fn forward(redis: &Redis, mut packed: mpsc::Receiver<Packed>, sender: &mpsc::Sender<Vec<NodeFrame>>) {
    while let Some(Packed { payload, _room }) = packed.recv().await {
        match NodeFrame::decode_packed(&payload) {
            // All that a newer node said was of types that this one does not know.
            Ok(frames) if frames.is_empty() => {}
            Ok(frames) => {
                if sender.send(frames).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // Its events are found by comparing positions.
                count(&redis.inner.counters.undecodable, 1);
                tracing::debug!(%error, "a packed hint is not readable and was skipped");
            }
        }
    }
}

/// Subscribes at the server that has the channel, following redirections.
async fn find(
    redis: &Redis,
    channel: &str,
    incoming: &mpsc::Sender<Packed>,
    room: &Arc<Semaphore>,
    lost: &CancellationToken,
) -> Result<(Address, MultiplexedConnection), PortError> {
    let routes = &redis.inner.routes;
    let mut address = routes.owner(slot(channel), redis.deadline()).await?;
    for _ in 0..HOPS {
        // A connection that was redirected says that it is closed: only the last one may end the subscription.
        let tried = lost.child_token();
        let push = on_push(incoming.clone(), Arc::clone(room), tried.clone());
        let connector = redis.inner.pool.connector();
        let connected = connector.connect(&address, push).await.inspect_err(|_| routes.poke())?;
        let mut connection = connected.connection;
        let error = match subscribe(&mut connection, channel, redis.deadline()).await {
            Some(Ok(())) => {
                let lost = lost.clone();
                redis.inner.tasks.spawn(async move {
                    tried.cancelled().await;
                    lost.cancel();
                });
                return Ok((address, connection));
            }
            Some(Err(error)) => error,
            None => return Err(timed_out(&address, redis.inner.timeout)),
        };
        match redirection(&error, &address) {
            Some(Redirection::Moved(to) | Redirection::Ask(to)) => {
                routes.moved(slot(channel), &to);
                address = to;
            }
            _ => return Err(failure(&address, &error)),
        }
    }
    Err(unavailable(format_args!("the servers send each other the channel {channel}; slots are moving")))
}

/// `None` when there is no answer in time.
async fn subscribe(
    connection: &mut MultiplexedConnection,
    channel: &str,
    deadline: Instant,
) -> Option<Result<(), RedisError>> {
    let mut cmd = redis::cmd("SSUBSCRIBE");
    cmd.arg(channel);
    let answer = tokio::time::timeout_at(deadline, connection.send_packed_command(&cmd)).await.ok()?;
    Some(answer.and_then(Value::extract_error).map(|_| ()))
}

/// Takes what the connection gets, without waiting. What has no room ends the subscription: the reader is too slow.
fn on_push(
    incoming: mpsc::Sender<Packed>,
    room: Arc<Semaphore>,
    lost: CancellationToken,
) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync {
    move |PushInfo { kind, mut data }| {
        match kind {
            PushKind::SMessage => {
                let Some(Value::BulkString(payload)) = data.pop() else { return Ok(()) };
                let bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
                let packed =
                    Arc::clone(&room).try_acquire_many_owned(bytes).ok().map(|room| Packed { payload, _room: room });
                if packed.is_none_or(|packed| incoming.try_send(packed).is_err()) && !lost.is_cancelled() {
                    tracing::warn!("the reader of the node's channel is too slow");
                    lost.cancel();
                }
            }
            // Closed, or the slot went to another server.
            PushKind::Disconnection | PushKind::SUnsubscribe => lost.cancel(),
            _ => {}
        }
        Ok(())
    }
}

struct Keeper {
    redis: Redis,
    address: Address,
    channel: String,
    connection: MultiplexedConnection,
}

impl Keeper {
    /// Returns when the subscription no longer serves. Subscribing again changes nothing where it is still in force, and
    /// tells, better than a PING, when the server no longer has the channel.
    async fn keep(&self) -> PortError {
        let mut connection = self.connection.clone();
        loop {
            tokio::time::sleep(KEEPALIVE).await;
            if !self.redis.inner.routes.owns(&self.address, slot(&self.channel)) {
                return unavailable(format_args!("{} no longer has the channel", self.address));
            }
            match subscribe(&mut connection, &self.channel, Instant::now() + KEEPALIVE_ANSWER).await {
                Some(Ok(())) => {}
                Some(Err(error)) => return failure(&self.address, &error),
                None => return timed_out(&self.address, KEEPALIVE_ANSWER),
            }
        }
    }
}
