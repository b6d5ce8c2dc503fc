//! Looking for records among the newest of their partitions. Very many may be looked for at once, when a node dies with
//! all that it had under way: one reading answers all who wait.

mod partition;
mod scan;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::{ClientMsgId, ConversationId, Timestamp, UserId};
use chat_ports::PortError;
use chat_wire::LogRecord;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::BACKEND;
use crate::config::KafkaConfig;
use scan::Reader;

/// For each who asks: a client is promised an answer within 5 s.
const DEADLINE: Duration = Duration::from_secs(3);
/// How many may wait, of some 300 bytes each.
const MOST_WAITING: usize = 50_000;

/// What to look for.
pub struct Wanted {
    pub conversation: ConversationId,
    pub user: UserId,
    pub id: ClientMsgId,
    pub since: Timestamp,
}

impl Wanted {
    fn is(&self, record: &LogRecord) -> bool {
        record.conversation == self.conversation && record.actor == self.user && record.client_msg_id == Some(self.id)
    }
}

/// Why nothing is known.
#[derive(Debug, Clone)]
pub enum Unknown {
    /// The brokers do not answer.
    Away(String),
    /// They answer, but not all could be read in time, or too many ask.
    TooMuch(String),
    /// They do not let us read.
    Refused(String),
}

impl Unknown {
    pub fn into_error(self, explain: impl FnOnce(String) -> String) -> PortError {
        match self {
            Self::Away(detail) => PortError::Unavailable { backend: BACKEND, detail: explain(detail) },
            Self::TooMuch(detail) => PortError::Full { backend: BACKEND, detail },
            Self::Refused(detail) => PortError::Refused { backend: BACKEND, detail },
        }
    }
}

/// The offset and the first record that fits, of those up to the partition's end when it was read.
type Answer = Result<Option<(i64, LogRecord)>, Unknown>;

struct Asked {
    wanted: Wanted,
    until: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Asked {
    fn answer(self, answer: Answer) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(answer);
    }
}

/// All searches of one topic.
pub struct Searches {
    config: KafkaConfig,
    topic: String,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Asked>,
    /// A thread reads, and takes who waits when it comes round.
    reading: bool,
}

impl Searches {
    pub fn new(config: KafkaConfig, topic: String) -> Self {
        Self { config, topic, queue: Arc::default() }
    }

    /// Within 3 s.
    ///
    /// # Errors
    /// Nothing is known then.
    pub async fn find(&self, wanted: Wanted) -> Answer {
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.queue.lock();
            if queue.waiting.len() >= MOST_WAITING {
                return Err(Unknown::TooMuch("too many searches of the log at a time".to_owned()));
            }
            queue.waiting.push(Asked { wanted, until: Instant::now() + DEADLINE, answer });
            if !std::mem::replace(&mut queue.reading, true) {
                let (config, topic, turn) =
                    (self.config.clone(), self.topic.clone(), Turn { queue: Arc::clone(&self.queue), over: false });
                tokio::task::spawn_blocking(move || turn.read(&config, &topic));
            }
        }
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Unknown::Away("the node is shutting down".to_owned())),
            Err(_) => Err(Unknown::TooMuch(format!("{} could not be searched in time", self.topic))),
        }
    }
}

/// The right to read; given back when it is dropped, however that comes about.
struct Turn {
    queue: Arc<Mutex<Queue>>,
    over: bool,
}

impl Turn {
    /// Reads until nobody waits. Blocks.
    fn read(mut self, config: &KafkaConfig, topic: &str) {
        let mut reader = None;
        loop {
            let mut asked = {
                let mut queue = self.queue.lock();
                if queue.waiting.is_empty() {
                    queue.reading = false;
                    self.over = true;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            asked.retain(|asked| !asked.answer.is_closed() && asked.until > Instant::now());
            if asked.is_empty() {
                continue;
            }
            let open = match reader.take() {
                Some(open) => Ok(open),
                None => Reader::open(config, topic),
            };
            match open {
                Ok(open) => reader = open.answer(asked, Instant::now() + DEADLINE).then_some(open),
                Err(unknown) => asked.into_iter().for_each(|asked| asked.answer(Err(unknown.clone()))),
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A panic, or the runtime ended before the thread began: those who wait are told so.
        if !self.over {
            *self.queue.lock() = Queue::default();
        }
    }
}
