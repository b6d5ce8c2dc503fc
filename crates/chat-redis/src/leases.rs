//! Which nodes are alive.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chat_core::NodeId;
use chat_ports::{PortError, Renewal};
use parking_lot::Mutex;
use rand::RngExt as _;
use redis::Value;
use tokio::time::Instant;

use crate::failure::corrupt;
use crate::redis_handle::Redis;
use crate::request::Request;
use crate::scripts;

/// How long a node lives without a renewal, in milliseconds.
const LEASE_MS: u64 = 15_000;
/// How long the list of the leases is believed.
const FRESH: Duration = Duration::from_secs(1);

const LEASES: &str = "{nodes}:leases";
const HOLDERS: &str = "{nodes}:holders";
const VERSION: &str = "{nodes}:version";
const KEYS: &[&str] = &[LEASES, HOLDERS, VERSION];

/// The list of the leases as it was read last.
#[derive(Default)]
pub(crate) struct Leases {
    read: Mutex<Reading>,
    /// One reads, the others wait for what it gets.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Reading {
    version: String,
    alive: Arc<HashSet<String>>,
    /// When the question was put: whatever was made before is in the answer.
    asked: Option<Instant>,
}

impl Reading {
    fn since(&self, earliest: Instant) -> bool {
        self.asked.is_some_and(|asked| asked >= earliest)
    }
}

fn token() -> String {
    format!("{:016x}", rand::rng().random::<u64>())
}

impl Redis {
    fn renewal(&self, node: &NodeId, mode: &str) -> Request {
        let incarnation = self.inner.identities.incarnation(node);
        let request = Request::script(&scripts::RENEW, KEYS).arg(node.as_str()).arg(incarnation);
        request.arg(LEASE_MS).arg(token()).arg(mode)
    }

    fn leases_request(&self) -> Request {
        let version = self.inner.leases.read.lock().version.clone();
        Request::script(&scripts::LEASES, KEYS).arg(version).arg(token())
    }

    /// Keeps the node's lease, and reads the list in the same round trip.
    pub(crate) async fn renew_lease(&self, node: &NodeId) -> Result<Renewal, PortError> {
        let identities = &self.inner.identities;
        let asked = Instant::now();
        let mut answers = self.call_all(&[self.renewal(node, "renew"), self.leases_request()]).await.into_iter();
        let kept = answers.next().unwrap_or_else(|| Err(corrupt("no answer to a renewal")))?;
        if kept == Value::Int(1) {
            identities.made_sure(node);
            if let Some(Ok(list)) = answers.next() {
                self.note_leases(list, asked)?;
            }
            if self.inner.pool.take_disturbed() {
                // The lease came through a failover, but perhaps not all that was entered last. Nothing is void.
                return Ok(Renewal::Forgotten);
            }
            return Ok(Renewal::Kept);
        }
        self.inner.pool.take_disturbed();
        if identities.forgotten(node) {
            self.call(&self.renewal(node, "renew")).await?;
        }
        identities.made_sure(node);
        self.inner.leases.read.lock().asked = None;
        Ok(Renewal::Forgotten)
    }

    /// Makes a lease for a node that makes entries before its first renewal.
    pub(crate) async fn ensure_lease(&self, node: &NodeId) -> Result<(), PortError> {
        if !self.inner.identities.is_sure(node) {
            self.call(&self.renewal(node, "ensure")).await?;
            self.inner.identities.made_sure(node);
        }
        Ok(())
    }

    /// Ends the node's lease.
    pub(crate) async fn end_lease(&self, node: &NodeId) -> Result<(), PortError> {
        let incarnation = self.inner.identities.incarnation(node);
        let request = Request::script(&scripts::RETIRE, KEYS).arg(node.as_str()).arg(incarnation).arg(token());
        self.call(&request).await?;
        self.inner.identities.retired(node);
        self.inner.leases.read.lock().asked = None;
        Ok(())
    }

    /// All leases alive, asked for not before `earliest`.
    async fn leases_since(&self, earliest: Instant) -> Result<Arc<HashSet<String>>, PortError> {
        let leases = &self.inner.leases;
        let known = |reading: &Reading| reading.since(earliest).then(|| Arc::clone(&reading.alive));
        if let Some(alive) = known(&leases.read.lock()) {
            return Ok(alive);
        }
        let _turn = leases.gate.lock().await;
        if let Some(alive) = known(&leases.read.lock()) {
            return Ok(alive);
        }
        let asked = Instant::now();
        let answer = self.call(&self.leases_request()).await?;
        self.note_leases(answer, asked)?;
        Ok(Arc::clone(&leases.read.lock().alive))
    }

    fn note_leases(&self, answer: Value, asked: Instant) -> Result<(), PortError> {
        let mut parts = answer.into_sequence().map_err(|_| corrupt("the list of leases"))?.into_iter();
        let version: String = take(parts.next())?;
        let mut read = self.inner.leases.read.lock();
        if read.since(asked) {
            return Ok(());
        }
        match parts.next() {
            Some(members) => read.alive = Arc::new(take::<HashSet<String>>(Some(members))?),
            // Only the version came: it was ours when we asked. Another answer may have come in between.
            None if read.version != version => return Ok(()),
            None => {}
        }
        read.version = version;
        read.asked = Some(asked);
        Ok(())
    }

    /// The list, at most a second old.
    pub(crate) async fn live_leases(&self) -> Result<Arc<HashSet<String>>, PortError> {
        let now = Instant::now();
        self.leases_since(now.checked_sub(FRESH).unwrap_or(now)).await
    }

    /// Splits entries, which were read just now, into those of live nodes and those of dead ones. An entry that the list
    /// does not have is dead only when the list was asked for after the entry was read: its node made its lease first.
    pub(crate) async fn partition_alive<T>(
        &self,
        entries: Vec<T>,
        member: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Vec<T>), PortError> {
        if entries.is_empty() {
            return Ok((entries, Vec::new()));
        }
        let now = Instant::now();
        let mut alive = self.live_leases().await?;
        if !entries.iter().all(|entry| alive.contains(member(entry))) {
            alive = self.leases_since(now).await?;
        }
        Ok(entries.into_iter().partition(|entry| alive.contains(member(entry))))
    }
}

/// One part of an answer.
pub(crate) fn take<T: redis::FromRedisValue>(value: Option<Value>) -> Result<T, PortError> {
    redis::from_redis_value(value.unwrap_or_default()).map_err(|error| corrupt(format_args!("an answer: {error}")))
}
