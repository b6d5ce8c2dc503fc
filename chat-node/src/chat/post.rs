//! The way of a message: claim, log, tail, live, answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_core::{ClientMsgId, ConversationId, EventBody, Seq, Timestamp, UserId};
use chat_ports::{Claim, PortError};
use chat_projector::project;
use chat_wire::rest::Posted;
use chat_wire::{ErrorCode, LogRecord};
use tokio::sync::oneshot;

use super::access::Chat;
use super::attempts::{Attempt, UnderWay};
use crate::Failure;

/// After this a send is answered with "try again": its outcome is unknown, and the retry finds out. A client is promised
/// an answer within 5 s.
const APPEND_DEADLINE: Duration = Duration::from_millis(4_500);
/// How much longer the outcome of such a send is waited for: as long as the log may try.
const LATE_DEADLINE: Duration = Duration::from_hours(24);
/// The same when the node ends: a log that works answers in this time, and one that does not may keep the record. A retry
/// elsewhere finds out.
const ENDING_GRACE: Duration = Duration::from_millis(1_500);
/// A claim is held when its append takes longer than this, which one hardly ever does: long before a client gives up, so
/// that a claim that Redis lost is there again when the client comes back.
const HOLD_AFTER: Duration = Duration::from_secs(1);
/// Claims hold for ten seconds. At first Redis may be lost as well, which is why it took so long; later it is only the log.
const HOLD_PERIODS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];
const HOLDS_AT_FIRST: usize = 10;

type Append = Pin<Box<dyn Future<Output = Result<Seq, PortError>> + Send>>;
/// For the steps after the log, which repair themselves when they are late.
const TAIL_DEADLINE: Duration = Duration::from_secs(5);

/// Something that will change a conversation once it is in the log.
#[derive(Debug, Clone)]
pub struct Draft {
    pub conversation: ConversationId,
    pub actor: UserId,
    pub client_msg_id: Option<ClientMsgId>,
    pub body: EventBody,
}

/// A draft on its way. The append was begun, in the order of the calls.
pub enum Submitted {
    /// It was done before: the same answer again.
    Before { seq: Seq, at: Timestamp },
    /// Resolves when the log has it and it was handed to live delivery. Dropping the receiver stops nothing.
    Running(oneshot::Receiver<Result<(Seq, Timestamp), Failure>>),
}

impl Submitted {
    pub async fn outcome(self) -> Result<(Seq, Timestamp), Failure> {
        match self {
            Self::Before { seq, at } => Ok((seq, at)),
            Self::Running(receiver) => receiver
                .await
                .unwrap_or_else(|_| Err(Failure::new(ErrorCode::Unavailable, "the node is shutting down"))),
        }
    }
}

/// Whether a draft may be appended.
enum Right {
    Given(UnderWay),
    /// It was done before.
    Before {
        seq: Seq,
        at: Timestamp,
    },
}

impl Chat {
    /// Begins to append a draft that was authorised. Calls from one task reach the log in their order, although the
    /// waiting goes on elsewhere: a client that sends without waiting for its acks keeps its order.
    ///
    /// # Errors
    /// `unavailable` while another attempt with the same `client_msg_id` is under way, or when a backend does not answer.
    pub async fn submit(self: &Arc<Self>, draft: Draft) -> Result<Submitted, Failure> {
        let Draft { conversation, actor, client_msg_id, body } = draft;
        let under_way = match client_msg_id {
            None => None,
            Some(id) => match self.right(conversation, actor, id).await? {
                Right::Given(under_way) => Some(under_way),
                Right::Before { seq, at } => {
                    self.counters.duplicates.inc();
                    return Ok(Submitted::Before { seq, at });
                }
            },
        };
        let record = LogRecord { conversation, at: self.now(), actor, client_msg_id, body };
        let turn = self.delivery.hubs.get(conversation).map(|hub| hub.take_turn());
        let log = Arc::clone(&self.backends.log);
        let for_log = record.clone();
        let mut append: Append = Box::pin(async move { log.append(for_log).await });
        // The first poll hands the record to the log's queue: that fixes the order.
        let early = std::future::poll_fn(|cx| {
            Poll::Ready(match append.as_mut().poll(cx) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            })
        })
        .await;
        let (answer, receiver) = oneshot::channel();
        let chat = Arc::clone(self);
        self.tasks.spawn(async move {
            let _under_way = under_way;
            let in_time = if early.is_some() {
                early
            } else {
                tokio::select! {
                    in_time = tokio::time::timeout(APPEND_DEADLINE, &mut append) => in_time.ok(),
                    () = chat.hold(&record) => None,
                    () = chat.ended() => None,
                }
            };
            let Some(appended) = in_time else {
                let failure = Failure::new(ErrorCode::Unavailable, "the log did not answer in time");
                let _ = answer.send(Err(failure));
                // Others go on; the record may still get its place, and then its claim has to be settled.
                drop(turn);
                if let Some(appended) = chat.hold_until(&record, append).await {
                    let _ = chat.finish(record, appended).await;
                }
                return;
            };
            // Appends of a conversation run side by side; what comes after them goes in the order of the log.
            let turn = match turn {
                Some(turn) => Some(turn.begin().await),
                None => None,
            };
            let outcome = chat.finish(record, appended).await;
            drop(turn);
            // Nobody may be waiting any more; the client will ask again with the same id.
            let _ = answer.send(outcome);
        });
        Ok(Submitted::Running(receiver))
    }

    /// The right to append: nobody else appends the same, here or elsewhere, and nobody did.
    async fn right(
        self: &Arc<Self>,
        conversation: ConversationId,
        actor: UserId,
        id: ClientMsgId,
    ) -> Result<Right, Failure> {
        let pending = || Failure {
            retry_after_ms: Some(500),
            ..Failure::new(ErrorCode::Unavailable, "an earlier attempt of this is still under way")
        };
        let under_way = match self.attempts.begin((conversation, actor, id)).await {
            Attempt::First(under_way) => under_way,
            Attempt::UnderWay => return Err(pending()),
            Attempt::Placed { seq, at } => return Ok(Right::Before { seq, at }),
        };
        match self.claim(conversation, actor, id).await? {
            Claim::Granted => Ok(Right::Given(under_way)),
            Claim::Lapsed { since } => match self.take_up(conversation, actor, id, since).await? {
                Some((seq, at)) => Ok(Right::Before { seq, at }),
                None => Ok(Right::Given(under_way)),
            },
            Claim::Settled { seq, at } => Ok(Right::Before { seq, at }),
            Claim::Pending => Err(pending()),
        }
    }

    /// Finds the record of an attempt whose node died before it told anybody, and goes on in its place: with the tail, and
    /// with the answer. A second record of the same would be seen twice as long as the writers are behind.
    ///
    /// A log that has too much to look through, or may not be read, finds nothing: going on matters more, and the writers
    /// settle what is doubled. One that does not answer would not take the record either.
    async fn take_up(
        self: &Arc<Self>,
        conversation: ConversationId,
        actor: UserId,
        id: ClientMsgId,
        since: Timestamp,
    ) -> Result<Option<(Seq, Timestamp)>, Failure> {
        let (seq, record) = match self.backends.log.sent_since(conversation, actor, id, since).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error @ PortError::Unavailable { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%conversation, %error, "nobody looked whether a send is in the log already");
                return Ok(None);
            }
        };
        tracing::info!(%conversation, %seq, "a record was found whose node had died before it was announced");
        Ok(self.finish(record, Ok(seq)).await.ok())
    }

    /// The right to append. Without a tail nobody knows of attempts under way, but the store knows of those that were
    /// done; the writer settles what slips through.
    async fn claim(&self, conversation: ConversationId, actor: UserId, id: ClientMsgId) -> Result<Claim, Failure> {
        let error = match self.backends.tail.claim(conversation, actor, id).await {
            Ok(claim) => return Ok(claim),
            Err(error) if error.retryable() => error,
            Err(error) => return Err(error.into()),
        };
        tracing::debug!(%conversation, %error, "a claim goes by the store alone");
        if id.certainly_new(self.now()) {
            return Ok(Claim::Granted);
        }
        let before = self.backends.store.claimed(conversation, actor, id).await;
        Ok(before.ok().flatten().map_or(Claim::Granted, |(seq, at)| Claim::Settled { seq, at }))
    }

    /// Waits for a late append, and holds its claim meanwhile: a second record of the same would be one too many.
    async fn hold_until(&self, record: &LogRecord, append: Append) -> Option<Result<Seq, PortError>> {
        tokio::select! {
            appended = append => Some(appended),
            () = tokio::time::sleep(LATE_DEADLINE) => None,
            () = self.hold(record) => None,
            () = self.ended() => None,
        }
    }

    /// Holds the claim of what is under way, for ever.
    async fn hold(&self, record: &LogRecord) {
        let LogRecord { conversation, actor, client_msg_id, at, .. } = *record;
        let Some(id) = client_msg_id else { return std::future::pending().await };
        tokio::time::sleep(HOLD_AFTER).await;
        for turn in 0.. {
            if let Err(error) = self.backends.tail.hold(conversation, actor, id, at).await {
                tracing::debug!(%conversation, %error, "a claim may lapse while its record is under way");
            }
            tokio::time::sleep(HOLD_PERIODS[usize::from(turn >= HOLDS_AT_FIRST)]).await;
        }
    }

    /// The node ends, and what was to be waited for has had its time.
    async fn ended(&self) {
        self.ending.cancelled().await;
        tokio::time::sleep(ENDING_GRACE).await;
    }

    async fn finish(&self, record: LogRecord, appended: Result<Seq, PortError>) -> Result<(Seq, Timestamp), Failure> {
        let (conversation, actor, id, at) = (record.conversation, record.actor, record.client_msg_id, record.at);
        let seq = match appended {
            Ok(seq) => seq,
            Err(error) => {
                // Only a refusal is certain. Otherwise the claim lapses by itself, and a retry looks for the record.
                if let (Some(id), PortError::Refused { .. } | PortError::Full { .. }) = (id, &error) {
                    let _ = self.backends.tail.release(conversation, actor, id).await;
                }
                return Err(error.into());
            }
        };
        self.counters.messages.inc();
        if changes_membership(&record.body) {
            // The writer would do the same later: applying twice is harmless, and nobody reads an old membership.
            if let Err(error) = self.backends.store.apply(project(&record, seq)).await {
                tracing::warn!(%conversation, %seq, %error, "a change is in the log but not yet in the store");
            }
        }
        let settling = async {
            let Some(id) = id else { return };
            if let Err(error) = self.backends.tail.settle(conversation, actor, id, seq, at).await {
                tracing::debug!(%conversation, %error, "could not settle a claim");
                self.attempts.placed((conversation, actor, id), seq, at).await;
            }
        };
        let event = record.into_event(seq);
        let announcing = async {
            match serde_json::to_vec(&event) {
                Ok(json) => self.announce(conversation, seq, Bytes::from(json)).await,
                Err(error) => tracing::error!(%conversation, %seq, %error, "an event could not be encoded"),
            }
        };
        tokio::join!(settling, announcing);
        Ok((seq, at))
    }

    /// Into the tail and to whoever is connected. Failing costs time only: the log has it, and the projector repairs.
    async fn announce(&self, conversation: ConversationId, seq: Seq, event: Bytes) {
        let logged = Instant::now();
        let appending = self.backends.tail.append(conversation, seq, event.clone());
        match tokio::time::timeout(TAIL_DEADLINE, appending).await {
            Ok(Ok(appended)) => {
                if appended.fresh {
                    self.delivery.event(conversation, seq, &appended, &event).await;
                }
                self.counters.sends.live(logged);
            }
            Ok(Err(error)) => tracing::warn!(%conversation, %seq, %error, "an event is in the log but not in the tail"),
            Err(_) => {
                tracing::warn!(%conversation, %seq, "an event is in the log, but the tail did not answer in time");
            }
        }
    }

    /// Submits and waits.
    pub async fn post(self: &Arc<Self>, draft: Draft) -> Result<(Seq, Timestamp), Failure> {
        self.submit(draft).await?.outcome().await
    }

    pub async fn post_answer(self: &Arc<Self>, draft: Draft, id: ClientMsgId) -> Result<Posted, Failure> {
        let conversation = draft.conversation;
        let (seq, at) = self.post(draft).await?;
        Ok(Posted { client_msg_id: id, conversation, seq, at })
    }
}

fn changes_membership(body: &EventBody) -> bool {
    !matches!(
        body,
        EventBody::Message { .. }
            | EventBody::Edited { .. }
            | EventBody::Deleted { .. }
            | EventBody::ReactionAdded { .. }
            | EventBody::ReactionRemoved { .. }
    )
}
