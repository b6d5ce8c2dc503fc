//! The right to append what a client sent, once.

use std::time::{SystemTime, UNIX_EPOCH};

use chat_core::{ClientMsgId, ConversationId, Event, Seq, Timestamp, UserId};
use chat_ports::{Claim, PortError};
use redis::Value;

use super::RedisTail;
use crate::failure::corrupt;
use crate::keys::{self, TailKeys};
use crate::leases::take;
use crate::request::Request;
use crate::scripts;

/// How long a granted claim holds, in milliseconds.
const PENDING_MS: u32 = 10_000;
/// How long a claim that lapsed is remembered, in milliseconds: its holder may have appended before it died.
const LAPSED_MS: u32 = 24 * 3_600_000;
/// How long a settled claim is kept here, in milliseconds: a message costs its bytes for so long. A retry that is older,
/// which its id tells, is looked for in the tail and in the store.
const SETTLED_MS: u32 = 3_600_000;

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

impl RedisTail {
    pub(super) async fn claim_id(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
    ) -> Result<Claim, PortError> {
        let key = keys::sent(conversation, user, id);
        // Named, so that a late release takes back nobody else's.
        let request = Request::script(&scripts::CLAIM, &[&key]).arg(self.redis.inner.identities.process());
        let known = self.redis.call(&request.arg(PENDING_MS).arg(LAPSED_MS)).await?;
        let claim = read_claim(known)?;
        match claim {
            Claim::Pending | Claim::Settled { .. } => return Ok(claim),
            Claim::Granted if id.certainly_new(now()) => return Ok(claim),
            Claim::Granted | Claim::Lapsed { .. } => {}
        }
        let Some((seq, at)) = self.sent_before(conversation, user, id).await else { return Ok(claim) };
        if let Err(error) = self.settle_claim(conversation, user, id, seq, at).await {
            tracing::debug!(%conversation, %error, "a claim that was found again could not be written back");
        }
        Ok(Claim::Settled { seq, at })
    }

    /// Looks for what was appended under this id before. What cannot be asked is not found: the writer settles
    /// duplicates.
    async fn sent_before(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
    ) -> Option<(Seq, Timestamp)> {
        // The tail first: what the store gets meanwhile is found there.
        match self.in_tail(conversation, user, id).await {
            Ok(None) => {}
            Ok(found) => return found,
            Err(error) => tracing::debug!(%conversation, %error, "the tail could not be asked about a claim"),
        }
        let asked = tokio::time::timeout(self.redis.inner.timeout, self.store.claimed(conversation, user, id)).await;
        match asked {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%conversation, %error, "the store could not be asked about a claim");
                None
            }
            Err(_) => {
                tracing::debug!(%conversation, "the store did not answer about a claim in time");
                None
            }
        }
    }

    async fn in_tail(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
    ) -> Result<Option<(Seq, Timestamp)>, PortError> {
        let keys = TailKeys::of(conversation);
        let answer = self.redis.call(&Request::script(&scripts::SENT, &keys.events()).arg(id.to_string())).await?;
        let entries = answer.as_sequence().unwrap_or_default();
        let events = self.decode(conversation, entries).into_iter().filter_map(|entry| {
            let event: Event = serde_json::from_slice(&entry.event).ok()?;
            (event.client_msg_id == Some(id) && event.actor == user).then_some((entry.seq, event.at))
        });
        Ok(events.min_by_key(|(seq, _)| *seq))
    }

    /// Makes it anew when Redis has lost it: the append that is under way would not be found, and a retry be granted.
    pub(super) async fn hold_claim(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        since: Timestamp,
    ) -> Result<(), PortError> {
        let key = keys::sent(conversation, user, id);
        let request = Request::script(&scripts::HOLD, &[&key]).arg(self.redis.inner.identities.process());
        let request = request.arg(PENDING_MS).arg(LAPSED_MS).arg(since.millis().max(0));
        self.redis.call(&request).await.map(|_| ())
    }

    pub(super) async fn settle_claim(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        seq: Seq,
        at: Timestamp,
    ) -> Result<(), PortError> {
        let key = keys::sent(conversation, user, id);
        let request = Request::script(&scripts::SETTLE, &[&key]).arg(seq.get()).arg(at.millis()).arg(SETTLED_MS);
        self.redis.call(&request).await.map(|_| ())
    }

    pub(super) async fn release_claim(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
    ) -> Result<(), PortError> {
        let key = keys::sent(conversation, user, id);
        let request = Request::script(&scripts::RELEASE, &[&key]).arg(self.redis.inner.identities.process());
        self.redis.call(&request).await.map(|_| ())
    }
}

fn read_claim(known: Value) -> Result<Claim, PortError> {
    let known: String = take(Some(known))?;
    let mut words = known.split(' ');
    let kind = words.next().unwrap_or_default();
    let numbers: Option<Vec<i64>> = words.map(|word| word.parse().ok()).collect();
    match (kind, numbers.as_deref()) {
        ("", _) => Ok(Claim::Granted),
        ("pending", _) => Ok(Claim::Pending),
        ("lapsed", Some([first])) => Ok(Claim::Lapsed { since: Timestamp::from_millis(*first) }),
        ("settled", Some([seq, at])) if *seq >= 0 => {
            Ok(Claim::Settled { seq: Seq::new(seq.unsigned_abs()), at: Timestamp::from_millis(*at) })
        }
        _ => Err(corrupt(format_args!("a claim is {known:?}"))),
    }
}
