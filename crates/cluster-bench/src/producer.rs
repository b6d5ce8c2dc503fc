//! Records straight into the log, past the nodes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_core::{ClientMsgId, ConversationId, EventBody, MessageBody, MessageId, Seq, Timestamp, UserId};
use chat_ports::MessageLog;
use chat_wire::LogRecord;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// Between two batches.
const TICK: Duration = Duration::from_millis(20);
/// Batches that are unanswered at a time: above that the generator waits, and what it could not send is seen in the rate.
const BATCHES: usize = 16;
const BACKLOG_BATCH: usize = 10_000;
const LETTERS: usize = 64 * 1024;

/// Makes messages of several people in several conversations.
pub struct Source {
    /// Empty: each message has its own.
    conversations: Vec<ConversationId>,
    authors: Vec<UserId>,
    /// Texts are parts of it: letters of chance, which compress no better than words.
    letters: String,
    body: usize,
    random: StdRng,
}

/// A record whose way into the store is watched.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    pub conversation: ConversationId,
    pub seq: Seq,
    /// When it should have been sent.
    pub intended: Instant,
}

impl Source {
    /// `conversations` of 0: every message is of another one.
    pub fn new(conversations: usize, body: usize, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let letters = (0..LETTERS + body).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect();
        Self {
            conversations: (0..conversations).map(|_| ConversationId::new(Uuid::new_v4())).collect(),
            authors: (0..200).map(|_| UserId::new(Uuid::new_v4())).collect(),
            letters,
            body,
            random,
        }
    }

    fn record(&mut self) -> LogRecord {
        let conversation = match self.conversations.len() {
            0 => ConversationId::new(Uuid::new_v4()),
            count => self.conversations[self.random.random_range(0..count)],
        };
        let begin = self.random.random_range(0..LETTERS);
        let text = &self.letters[begin..begin + self.body];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        LogRecord {
            conversation,
            at: Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX)),
            actor: self.authors[self.random.random_range(0..self.authors.len())],
            client_msg_id: Some(ClientMsgId::new(Uuid::now_v7())),
            body: EventBody::Message { id: MessageId::new(Uuid::now_v7()), body: MessageBody::text(text) },
        }
    }

    fn batch(&mut self, count: usize) -> Vec<LogRecord> {
        (0..count).map(|_| self.record()).collect()
    }

    /// Appends `count` records as fast as the log takes them.
    pub async fn backlog(&mut self, log: &dyn MessageLog, count: usize) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            let now = left.min(BACKLOG_BATCH);
            log.append_batch(self.batch(now)).await?;
            left -= now;
        }
        Ok(())
    }

    /// Appends `rate` records a second for `duration`, at times that were fixed beforehand, and gives the last record of
    /// each batch to `watch`. Returns how many the log has.
    pub async fn stream(
        &mut self,
        log: &Arc<dyn MessageLog>,
        rate: usize,
        duration: Duration,
        watch: impl Fn(Watched),
    ) -> anyhow::Result<u64> {
        let begin = Instant::now();
        let (mut sent, mut acked) = (0, 0);
        let mut under_way = JoinSet::new();
        let mut tick = 0;
        while tick * TICK < duration {
            let intended = begin + tick * TICK;
            tokio::time::sleep_until(intended).await;
            tick += 1;
            let until = rate * usize::try_from((tick * TICK).as_millis())? / 1_000;
            let records = self.batch(until - sent);
            sent = until;
            while under_way.len() >= BATCHES
                && let Some(done) = under_way.join_next().await
            {
                acked += answered(done?, &watch)?;
            }
            let log = Arc::clone(log);
            under_way.spawn(async move {
                let last = records.last().map(|record| record.conversation);
                let seqs = log.append_batch(records).await?;
                let last = last.zip(seqs.last().copied());
                let watched = last.map(|(conversation, seq)| Watched { conversation, seq, intended });
                Ok::<_, chat_ports::PortError>((seqs.len() as u64, watched))
            });
            while let Some(done) = under_way.try_join_next() {
                acked += answered(done?, &watch)?;
            }
        }
        while let Some(done) = under_way.join_next().await {
            acked += answered(done?, &watch)?;
        }
        Ok(acked)
    }
}

type Answer = Result<(u64, Option<Watched>), chat_ports::PortError>;

fn answered(answer: Answer, watch: &impl Fn(Watched)) -> anyhow::Result<u64> {
    let (count, last) = answer?;
    if let Some(last) = last {
        watch(last);
    }
    Ok(count)
}
