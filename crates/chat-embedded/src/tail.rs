use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{ClientMsgId, ConversationId, Epoch, NodeId, ReadCursor, Rev, Seq, Timestamp, UserId};
use chat_ports::store::{ConversationStore as _, MessageStore as _};
use chat_ports::{Appended, Claim, Clock, LiveTail, PortError, Repaired, Since, TailEvent, TailHead};
use chat_wire::NodeFrame;
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::mpsc;

use crate::sqlite::SqliteStore;

/// Events kept for each conversation.
const KEPT: usize = 300;
/// Conversations kept although nobody is connected to them.
const IDLE_CONVERSATIONS: usize = 10_000;
/// How long a granted claim holds, in milliseconds.
const CLAIM_MS: i64 = 10_000;
/// Claims kept before those that lapsed are thrown out.
const SWEEP_CLAIMS_AT: usize = 10_000;
/// Hints that may wait for this node.
const HINTS: usize = 4_096;

/// One life of a conversation's tail.
struct Tail {
    epoch: Epoch,
    rev: Rev,
    last_seq: Seq,
    /// The highest `seq` that is no longer among the events.
    trimmed: Seq,
    events: VecDeque<TailEvent>,
    nodes: HashSet<NodeId>,
    cursors: HashMap<UserId, ReadCursor>,
}

impl Tail {
    fn new(last_seq: Seq) -> Self {
        Self {
            epoch: new_epoch(),
            rev: Rev::ZERO,
            last_seq,
            // What the store has was delivered, or is found by whoever refetches for the new epoch.
            trimmed: last_seq,
            events: VecDeque::new(),
            nodes: HashSet::new(),
            cursors: HashMap::new(),
        }
    }

    fn head(&self) -> TailHead {
        // Log and store are one transaction: what is here is in the store.
        TailHead { epoch: self.epoch.clone(), rev: self.rev, last_seq: self.last_seq, persisted: self.last_seq }
    }

    fn append(&mut self, seq: Seq, event: Bytes) -> Appended {
        let known = self.events.iter().rev().find(|event| event.seq == seq).map(|event| event.rev);
        let rev = known.unwrap_or_else(|| {
            self.rev = self.rev.next();
            self.last_seq = self.last_seq.max(seq);
            self.events.push_back(TailEvent { rev: self.rev, seq, event });
            if self.events.len() > KEPT
                && let Some(oldest) = self.events.pop_front()
            {
                self.trimmed = self.trimmed.max(oldest.seq);
            }
            self.rev
        });
        Appended { epoch: self.epoch.clone(), rev, nodes: self.nodes.iter().cloned().collect(), fresh: known.is_none() }
    }

    fn since(&self, epoch: &Epoch, rev: Rev, limit: usize) -> Since {
        let head = self.head();
        let missed = self.rev.get().checked_sub(rev.get()).and_then(|n| usize::try_from(n).ok());
        match missed {
            Some(missed) if self.epoch == *epoch && missed <= self.events.len() && missed <= limit => {
                let events = self.events.iter().skip(self.events.len() - missed).cloned().collect();
                Since::Events { head, events }
            }
            _ => Since::Gap { head },
        }
    }
}

fn new_epoch() -> Epoch {
    let random: u64 = rand::rng().random();
    match Epoch::try_from(format!("{random:016x}")) {
        Ok(epoch) => epoch,
        Err(error) => unreachable!("sixteen hexadecimal digits are an epoch: {error}"),
    }
}

type ClaimKey = (ConversationId, UserId, ClientMsgId);

/// The tail of a node that is alone. It is lost with the process: epochs are new then, and clients refetch.
pub struct MemoryTail {
    tails: Mutex<HashMap<ConversationId, Arc<Mutex<Tail>>>>,
    /// Claims under way; settled ones are in the store.
    pending: Mutex<HashMap<ClaimKey, Timestamp>>,
    channels: Mutex<HashMap<NodeId, mpsc::Sender<Vec<NodeFrame>>>>,
    store: Arc<SqliteStore>,
    clock: Arc<dyn Clock>,
}

impl MemoryTail {
    pub fn new(store: Arc<SqliteStore>, clock: Arc<dyn Clock>) -> Self {
        Self { tails: Mutex::default(), pending: Mutex::default(), channels: Mutex::default(), store, clock }
    }

    async fn tail(&self, conversation: ConversationId) -> Result<Arc<Mutex<Tail>>, PortError> {
        if let Some(tail) = self.tails.lock().get(&conversation) {
            return Ok(Arc::clone(tail));
        }
        let last_seq = self.store.conversation(conversation).await?.map_or(Seq::ZERO, |row| row.last_seq);
        let mut tails = self.tails.lock();
        if tails.len() >= IDLE_CONVERSATIONS && !tails.contains_key(&conversation) {
            forget_idle(&mut tails);
        }
        Ok(Arc::clone(tails.entry(conversation).or_insert_with(|| Arc::new(Mutex::new(Tail::new(last_seq))))))
    }

    /// Loses everything, as a restart does.
    pub fn lose(&self) {
        self.tails.lock().clear();
        self.pending.lock().clear();
    }
}

/// Makes room: tails that no node serves and nobody holds at this moment. They come back with a new epoch.
fn forget_idle(tails: &mut HashMap<ConversationId, Arc<Mutex<Tail>>>) {
    let most = IDLE_CONVERSATIONS / 10;
    let idle = |tail: &Arc<Mutex<Tail>>| Arc::strong_count(tail) == 1 && tail.lock().nodes.is_empty();
    let ids: Vec<_> = tails.iter().filter(|(_, tail)| idle(tail)).map(|(id, _)| *id).take(most).collect();
    for id in ids {
        tails.remove(&id);
    }
}

#[async_trait]
impl LiveTail for MemoryTail {
    async fn head(&self, conversation: ConversationId) -> Result<TailHead, PortError> {
        Ok(self.tail(conversation).await?.lock().head())
    }

    async fn append(&self, conversation: ConversationId, seq: Seq, event: Bytes) -> Result<Appended, PortError> {
        Ok(self.tail(conversation).await?.lock().append(seq, event))
    }

    async fn repair(
        &self,
        conversation: ConversationId,
        events: Vec<(Seq, Bytes)>,
        _: Seq,
    ) -> Result<Repaired, PortError> {
        let tail = self.tail(conversation).await?;
        let mut tail = tail.lock();
        let mut repaired =
            Repaired { epoch: tail.epoch.clone(), nodes: tail.nodes.iter().cloned().collect(), appended: Vec::new() };
        for (seq, event) in events {
            if seq <= tail.trimmed {
                continue;
            }
            let Appended { rev, fresh, .. } = tail.append(seq, event.clone());
            if fresh {
                repaired.appended.push(TailEvent { rev, seq, event });
            }
        }
        Ok(repaired)
    }

    async fn since(
        &self,
        conversation: ConversationId,
        epoch: &Epoch,
        rev: Rev,
        limit: usize,
    ) -> Result<Since, PortError> {
        Ok(self.tail(conversation).await?.lock().since(epoch, rev, limit))
    }

    async fn newer_than(&self, conversation: ConversationId, after: Seq) -> Result<Vec<TailEvent>, PortError> {
        let tail = self.tail(conversation).await?;
        let mut events: Vec<_> = tail.lock().events.iter().filter(|event| event.seq > after).cloned().collect();
        events.sort_by_key(|event| event.seq);
        Ok(events)
    }

    async fn mark_persisted(&self, _: ConversationId, _: Seq) -> Result<(), PortError> {
        Ok(())
    }

    async fn register(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        self.tail(conversation).await?.lock().nodes.insert(node.clone());
        Ok(())
    }

    async fn positions(&self, conversations: &[ConversationId], node: &NodeId) -> Result<Vec<TailHead>, PortError> {
        let mut heads = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            let tail = self.tail(*conversation).await?;
            let mut tail = tail.lock();
            tail.nodes.insert(node.clone());
            heads.push(tail.head());
        }
        Ok(heads)
    }

    async fn unregister(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        if let Some(tail) = self.tails.lock().get(&conversation) {
            tail.lock().nodes.remove(node);
        }
        Ok(())
    }

    async fn nodes(&self, conversation: ConversationId) -> Result<Vec<NodeId>, PortError> {
        Ok(self.tail(conversation).await?.lock().nodes.iter().cloned().collect())
    }

    async fn publish(&self, node: &NodeId, frames: Vec<NodeFrame>) -> Result<(), PortError> {
        let channel = self.channels.lock().get(node).cloned();
        let Some(channel) = channel else { return Ok(()) };
        if channel.try_send(frames).is_err() {
            // The receiver is too slow: it must learn that it missed something. Unless it subscribed anew meanwhile.
            let mut channels = self.channels.lock();
            if channels.get(node).is_some_and(|current| current.same_channel(&channel)) {
                channels.remove(node);
            }
        }
        Ok(())
    }

    async fn subscribe(&self, node: &NodeId) -> Result<mpsc::Receiver<Vec<NodeFrame>>, PortError> {
        let (sender, receiver) = mpsc::channel(HINTS);
        self.channels.lock().insert(node.clone(), sender);
        Ok(receiver)
    }

    async fn claim(&self, conversation: ConversationId, user: UserId, id: ClientMsgId) -> Result<Claim, PortError> {
        let now = self.clock.now();
        let key = (conversation, user, id);
        {
            let mut pending = self.pending.lock();
            if pending.get(&key).is_some_and(|until| *until > now) {
                return Ok(Claim::Pending);
            }
            if pending.len() >= SWEEP_CLAIMS_AT {
                pending.retain(|_, until| *until > now);
            }
            pending.insert(key, now.plus_millis(CLAIM_MS));
        }
        // Asked after entering the claim: whoever settled in between is found here.
        match self.store.claimed(conversation, user, id).await {
            Ok(None) => Ok(Claim::Granted),
            Ok(Some((seq, at))) => {
                self.pending.lock().remove(&key);
                Ok(Claim::Settled { seq, at })
            }
            Err(error) => {
                self.pending.lock().remove(&key);
                Err(error)
            }
        }
    }

    async fn hold(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        _: Timestamp,
    ) -> Result<(), PortError> {
        if let Some(until) = self.pending.lock().get_mut(&(conversation, user, id)) {
            *until = self.clock.now().plus_millis(CLAIM_MS);
        }
        Ok(())
    }

    async fn settle(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        _: Seq,
        _: Timestamp,
    ) -> Result<(), PortError> {
        self.release(conversation, user, id).await
    }

    async fn release(&self, conversation: ConversationId, user: UserId, id: ClientMsgId) -> Result<(), PortError> {
        self.pending.lock().remove(&(conversation, user, id));
        Ok(())
    }

    async fn advance_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        to: ReadCursor,
    ) -> Result<Option<ReadCursor>, PortError> {
        let tail = self.tail(conversation).await?;
        let known = tail.lock().cursors.get(&user).copied();
        let known = match known {
            Some(cursor) => cursor,
            None => self.store.cursor(conversation, user).await?,
        };
        let mut tail = tail.lock();
        let entry = tail.cursors.entry(user).or_insert(known);
        let merged = entry.merge(to);
        Ok((std::mem::replace(entry, merged) != merged).then_some(merged))
    }

    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError> {
        let known = self.tail(conversation).await?.lock().cursors.get(&user).copied();
        match known {
            Some(cursor) => Ok(cursor),
            None => self.store.cursor(conversation, user).await,
        }
    }

    async fn check(&self) -> Result<(), PortError> {
        Ok(())
    }
}
