use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chat_core::{ClientMsgId, ConversationId, Seq, Timestamp, UserId};
use chat_ports::{CursorUpdate, MessageLog, PortError};
use chat_wire::LogRecord;
use rdkafka::message::OwnedHeaders;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::oneshot;

use crate::check::TopicCheck;
use crate::config::{ConfigError, KafkaConfig};
use crate::producer::{Producer, Waiting};
use crate::search::{Searches, Wanted};
use crate::{BACKEND, MAX_RECORD_BYTES, cursor, failure, headers};

/// How long [`KafkaLog::close`] waits for answers.
const CLOSE_BUDGET: Duration = Duration::from_secs(6);
/// Longer than the producer's own delivery timeout: for an answer that never comes.
const ANSWER_GRACE: Duration = Duration::from_secs(5);
/// Records of one batch that are unanswered at a time: an import leaves room for the living.
const BATCH_WINDOW: usize = 1_000;
/// How long a record of a batch is waited for. Nobody else appends the same meanwhile.
const BATCH_DEADLINE: Duration = Duration::from_secs(65);
/// While records are acknowledged, nobody needs to ask.
const CHECK_FRESH: Duration = Duration::from_secs(2);

/// [`MessageLog`] over Kafka.
///
/// The record of an [`append`](MessageLog::append) is in the producer's queue after the first poll of its future, and
/// records of one conversation reach the log in the order of those first polls.
pub struct KafkaLog {
    producer: Producer,
    searches: Searches,
    generation: u16,
    events: String,
    cursors: String,
    origin: String,
    queue_messages: usize,
    answer_deadline: Duration,
    check: TopicCheck,
}

impl KafkaLog {
    /// Starts the producer. Brokers that are away are no error: they are tried for ever.
    ///
    /// # Errors
    /// The configuration contradicts itself, or one of its files can't be read.
    pub fn open(config: &KafkaConfig) -> Result<Self, ConfigError> {
        let topics = config.topics();
        Ok(Self {
            producer: Producer::open(config, MAX_RECORD_BYTES)?,
            searches: Searches::new(config.clone(), topics.events(config.generation)),
            generation: config.generation,
            check: TopicCheck::new(topics.events(config.generation)),
            events: topics.events(config.generation),
            cursors: topics.cursors(),
            origin: config.client_id.clone(),
            queue_messages: usize::try_from(config.queue_messages).unwrap_or(usize::MAX),
            answer_deadline: config.delivery_timeout + ANSWER_GRACE,
        })
    }

    /// Takes no more records, and waits up to 6 s for the answers to those that are on their way.
    pub async fn close(&self) {
        self.producer.close(CLOSE_BUDGET).await;
    }

    /// Records that are queued or unanswered now.
    pub fn in_flight(&self) -> usize {
        self.producer.in_flight()
    }

    fn failed(&self, code: Code, topic: &str) -> PortError {
        failure::of_record(code, topic, |detail| self.producer.trouble.explain(&self.producer.addresses(), detail))
    }

    /// Queues a record. Synchronous, so that the order of calls is the order of the log.
    fn begin(&self, record: &LogRecord) -> Result<oneshot::Receiver<Result<i64, Code>>, PortError> {
        let (sender, receiver) = oneshot::channel();
        let payload = record.encode();
        let key = record.conversation.to_string();
        self.producer
            .send(&self.events, &key, Some(&payload), headers::of_record(record, &self.origin), Waiting::For(sender))
            .map_err(|code| self.failed(code, &self.events))?;
        Ok(receiver)
    }

    async fn finish(&self, answer: oneshot::Receiver<Result<i64, Code>>, deadline: Duration) -> Result<Seq, PortError> {
        let offset = match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(Ok(offset))) => offset,
            Ok(Ok(Err(code))) => return Err(self.failed(code, &self.events)),
            Ok(Err(_)) => return Err(self.failed(Code::PurgeQueue, &self.events)),
            Err(_) => return Err(self.failed(Code::MessageTimedOut, &self.events)),
        };
        self.seq(offset)
    }

    fn seq(&self, offset: i64) -> Result<Seq, PortError> {
        u64::try_from(offset).ok().and_then(|offset| Seq::from_parts(self.generation, offset)).ok_or_else(|| {
            PortError::Corrupt { backend: BACKEND, detail: format!("{offset} is no offset of {}", self.events) }
        })
    }

    /// As `begin`, but waits for room: for batches, whose order is that of the list.
    async fn begin_patiently(
        &self,
        record: &LogRecord,
        waiting: &mut VecDeque<oneshot::Receiver<Result<i64, Code>>>,
        seqs: &mut Vec<Seq>,
    ) -> Result<(), PortError> {
        let begin = Instant::now();
        loop {
            match self.begin(record) {
                Ok(answer) => {
                    waiting.push_back(answer);
                    return Ok(());
                }
                Err(full @ PortError::Full { .. }) => match waiting.pop_front() {
                    Some(answer) => seqs.push(self.finish(answer, BATCH_DEADLINE).await?),
                    // Others fill the queue.
                    None if begin.elapsed() < BATCH_DEADLINE => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    None => return Err(full),
                },
                Err(error) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl MessageLog for KafkaLog {
    async fn append(&self, record: LogRecord) -> Result<Seq, PortError> {
        let answer = self.begin(&record)?;
        drop(record);
        self.finish(answer, self.answer_deadline).await
    }

    async fn append_batch(&self, records: Vec<LogRecord>) -> Result<Vec<Seq>, PortError> {
        let mut seqs = Vec::with_capacity(records.len());
        let mut waiting = VecDeque::with_capacity(records.len().min(BATCH_WINDOW));
        for record in &records {
            if waiting.len() >= BATCH_WINDOW
                && let Some(answer) = waiting.pop_front()
            {
                seqs.push(self.finish(answer, BATCH_DEADLINE).await?);
            }
            self.begin_patiently(record, &mut waiting, &mut seqs).await?;
        }
        for answer in waiting {
            seqs.push(self.finish(answer, BATCH_DEADLINE).await?);
        }
        Ok(seqs)
    }

    async fn append_cursors(&self, updates: Vec<CursorUpdate>) -> Result<(), PortError> {
        // Messages come first.
        if self.producer.in_flight() > self.queue_messages / 2 {
            return Err(self.failed(Code::QueueFull, &self.cursors));
        }
        let mut newest: HashMap<(ConversationId, UserId), CursorUpdate> = HashMap::with_capacity(updates.len());
        for update in updates {
            let entry = newest.entry((update.conversation, update.user)).or_insert(update);
            entry.cursor = entry.cursor.merge(update.cursor);
        }
        for update in newest.values() {
            let value = cursor::encode(update);
            self.producer
                .send(&self.cursors, &cursor::key(update), Some(&value), OwnedHeaders::new(), Waiting::Nobody)
                .map_err(|code| self.failed(code, &self.cursors))?;
        }
        Ok(())
    }

    async fn sent_since(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        since: Timestamp,
    ) -> Result<Option<(Seq, LogRecord)>, PortError> {
        let found = self.searches.find(Wanted { conversation, user, id, since }).await;
        let explain = |detail| self.producer.trouble.explain(&self.producer.addresses(), detail);
        let found = found.map_err(|unknown| unknown.into_error(explain))?;
        found.map(|(offset, record)| Ok((self.seq(offset)?, record))).transpose()
    }

    async fn check(&self) -> Result<(), PortError> {
        if self.producer.acknowledged_before().is_some_and(|ago| ago < CHECK_FRESH) {
            return Ok(());
        }
        self.check.ask(&self.producer).await
    }
}
