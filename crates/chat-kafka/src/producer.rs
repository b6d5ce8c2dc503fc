//! An idempotent producer that outlives its own fatal errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::oneshot;

use crate::config::{ConfigError, KafkaConfig};
use crate::trouble::Trouble;

/// How often the thread of a producer looks whether it should end.
const POLL: Duration = Duration::from_millis(100);
/// A client that failed for good is replaced no sooner than this after it began.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// How often a refused password is looked up again.
const PASSWORD_PERIOD: Duration = Duration::from_secs(5);

/// Who waits for a delivery.
pub enum Waiting {
    /// Is told the offset. Nothing is locked: each record has its own channel.
    For(oneshot::Sender<Result<i64, Code>>),
    /// Nobody: losing it costs little.
    Nobody,
}

struct Deliveries {
    trouble: Arc<Trouble>,
    began: Instant,
    /// Set by an error after which the library's client answers nothing else.
    dead: AtomicBool,
    /// Milliseconds after `began` of the newest acknowledgement; 0 before any.
    acknowledged: AtomicU64,
    lost: AtomicU64,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.trouble.log(level, facility, text);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        if code == Code::Fatal {
            self.dead.store(true, Ordering::Release);
        }
        self.trouble.note(code, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Waiting>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Box<Waiting>) {
        let outcome = match result {
            Ok(record) => {
                let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.acknowledged.store(now.max(1), Ordering::Relaxed);
                Ok(record.offset())
            }
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        };
        if outcome == Err(Code::Fatal) {
            self.dead.store(true, Ordering::Release);
        }
        match *waiting {
            // Nobody may be waiting any more.
            Waiting::For(sender) => drop(sender.send(outcome)),
            Waiting::Nobody if outcome.is_err() => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
            Waiting::Nobody => {}
        }
    }
}

/// One life of the library's client, with the thread that serves it.
pub struct Instance {
    client: BaseProducer<Deliveries>,
    stop: AtomicBool,
}

impl Instance {
    fn dead(&self) -> bool {
        self.client.context().dead.load(Ordering::Acquire)
    }

    /// How long ago a broker acknowledged something.
    fn acknowledged_before(&self) -> Option<Duration> {
        let context = self.client.context();
        let at = context.acknowledged.load(Ordering::Relaxed);
        (at > 0).then(|| context.began.elapsed().saturating_sub(Duration::from_millis(at)))
    }

    pub fn client(&self) -> &rdkafka::client::Client<impl ClientContext> {
        self.client.client()
    }
}

/// Hands records to the brokers and tells of each what became of it.
///
/// After a fatal error of the idempotent protocol the library's client is of no use. The next record then gets a new
/// client: what the old one still had fails first, with an unknown outcome, and nothing is sent again by itself, so that
/// no record overtakes one that was answered.
pub struct Producer {
    config: KafkaConfig,
    max_record_bytes: usize,
    pub trouble: Arc<Trouble>,
    current: RwLock<Arc<Instance>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closed: AtomicBool,
}

impl Producer {
    /// Starts a client; connecting goes on behind it, for as long as it takes.
    ///
    /// # Errors
    /// The configuration can't be right.
    pub fn open(config: &KafkaConfig, max_record_bytes: usize) -> Result<Self, ConfigError> {
        let trouble = Arc::new(Trouble::default());
        let (instance, thread) = start(config, max_record_bytes, &trouble)?;
        Ok(Self {
            config: config.clone(),
            max_record_bytes,
            trouble,
            current: RwLock::new(instance),
            threads: Mutex::new(vec![thread]),
            closed: AtomicBool::new(false),
        })
    }

    /// Puts a record into the queue, at once or not at all. Never waits.
    pub fn send(
        &self,
        topic: &str,
        key: &str,
        payload: Option<&[u8]>,
        headers: OwnedHeaders,
        waiting: Waiting,
    ) -> Result<(), Code> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Code::PurgeQueue);
        }
        let mut record: BaseRecord<'_, str, [u8], Box<Waiting>> =
            BaseRecord::with_opaque_to(topic, Box::new(waiting)).key(key).headers(headers);
        record.payload = payload;
        loop {
            let instance = self.live()?;
            match instance.client.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::Fatal), back)) => {
                    instance.client.context().dead.store(true, Ordering::Release);
                    record = back;
                }
                Err((error, _)) => return Err(error.rdkafka_error_code().unwrap_or(Code::InvalidArgument)),
            }
        }
    }

    /// Records that are queued or unanswered.
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.current.read().client.in_flight_count()).unwrap_or(0)
    }

    pub fn acknowledged_before(&self) -> Option<Duration> {
        self.current.read().acknowledged_before()
    }

    /// The client that answers questions, too: also a refused password is only then read again when it is asked for.
    pub fn instance(&self) -> Arc<Instance> {
        self.live().unwrap_or_else(|_| self.current())
    }

    fn current(&self) -> Arc<Instance> {
        Arc::clone(&self.current.read())
    }

    pub fn addresses(&self) -> String {
        self.config.addresses()
    }

    fn live(&self) -> Result<Arc<Instance>, Code> {
        let current = self.current();
        if !current.dead() {
            return Ok(current);
        }
        let mut slot = self.current.write();
        if !slot.dead() {
            return Ok(Arc::clone(&slot));
        }
        if slot.client.context().began.elapsed() < SHORTEST_LIFE {
            return Err(Code::Fatal);
        }
        match start(&self.config, self.max_record_bytes, &self.trouble) {
            Ok((instance, thread)) => {
                tracing::warn!(
                    reason = self.trouble.recent(),
                    "the Kafka producer failed for good: a new one takes over"
                );
                slot.stop.store(true, Ordering::Release);
                *slot = Arc::clone(&instance);
                let mut threads = self.threads.lock();
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
                Ok(instance)
            }
            Err(error) => {
                self.trouble.note(Code::Fatal, &error.to_string());
                Err(Code::Fatal)
            }
        }
    }

    /// Takes no more records, waits for the answers to those it has, and ends its threads: within `budget`, and a second.
    pub async fn close(&self, budget: Duration) {
        self.closed.store(true, Ordering::Release);
        let begin = Instant::now();
        while self.in_flight() > 0 && begin.elapsed() < budget {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let left = self.in_flight();
        if left > 0 {
            tracing::warn!(left, "records were still unanswered when the Kafka producer was closed");
        }
        self.current.read().stop.store(true, Ordering::Release);
        let ending = Instant::now();
        while self.threads.lock().iter().any(|thread| !thread.is_finished()) && ending.elapsed() < 10 * POLL {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.current.read().stop.store(true, Ordering::Release);
    }
}

fn settings(config: &KafkaConfig, max_record_bytes: usize) -> Result<ClientConfig, ConfigError> {
    let mut client = config.client()?;
    for (name, value) in [
        ("enable.idempotence", "true"),
        ("acks", "all"),
        ("max.in.flight.requests.per.connection", "5"),
        // Latency first. With much to send, batches fill while the ones before are on their way.
        ("linger.ms", "1"),
        ("compression.type", "lz4"),
        // As every Kafka client does it: a conversation keeps its partition whoever writes.
        ("partitioner", "murmur2_random"),
        ("request.timeout.ms", "3000"),
        ("retry.backoff.ms", "50"),
        ("retry.backoff.max.ms", "500"),
        ("topic.metadata.propagation.max.ms", "3000"),
    ] {
        client.set(name, value);
    }
    client.set("delivery.timeout.ms", config.delivery_timeout.as_millis().to_string());
    client.set("message.max.bytes", max_record_bytes.to_string());
    client.set("queue.buffering.max.messages", config.queue_messages.to_string());
    client.set("queue.buffering.max.kbytes", config.queue_kib.to_string());
    Ok(client)
}

fn start(
    config: &KafkaConfig,
    max_record_bytes: usize,
    trouble: &Arc<Trouble>,
) -> Result<(Arc<Instance>, JoinHandle<()>), ConfigError> {
    let context = Deliveries {
        trouble: Arc::clone(trouble),
        began: Instant::now(),
        dead: AtomicBool::new(false),
        acknowledged: AtomicU64::new(0),
        lost: AtomicU64::new(0),
    };
    let password = config.password()?;
    let client = settings(config, max_record_bytes)?.create_with_context(context)?;
    let instance = Arc::new(Instance { client, stop: AtomicBool::new(false) });
    let served = Arc::clone(&instance);
    let config = config.clone();
    let thread = std::thread::Builder::new()
        .name("kafka-producer".into())
        .spawn(move || serve(&served, &config, password.as_deref()))
        .map_err(|error| KafkaError::ClientCreation(format!("no thread: {error}")))?;
    Ok((instance, thread))
}

/// Gives deliveries to those who wait, until the instance is stopped; then tells the rest that they failed.
fn serve(instance: &Arc<Instance>, config: &KafkaConfig, password: Option<&str>) {
    let mut looked = Instant::now();
    while !instance.stop.load(Ordering::Acquire) {
        instance.client.poll(POLL);
        let context = instance.client.context();
        let lost = context.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::debug!(lost, "records that nobody waits for did not reach Kafka");
        }
        if password.is_some() && looked.elapsed() > PASSWORD_PERIOD && context.trouble.is_authentication() {
            looked = Instant::now();
            if config.password().is_ok_and(|now| now.as_deref() != password) {
                // The next record gets a client with the new password.
                context.trouble.clear();
                context.dead.store(true, Ordering::Release);
            }
        }
    }
    instance.client.purge(PurgeConfig::default().queue().inflight());
    let begin = Instant::now();
    // Whoever is between taking the instance and sending to it has microseconds left; dropping it here, and not on a
    // thread of the runtime, spares that one the library's farewell.
    while begin.elapsed() < 20 * POLL && (instance.client.in_flight_count() > 0 || Arc::strong_count(instance) > 1) {
        instance.client.poll(Duration::from_millis(10));
        instance.client.purge(PurgeConfig::default().queue().inflight());
    }
}
