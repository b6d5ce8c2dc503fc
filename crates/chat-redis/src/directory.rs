//! The directory in Redis.

mod presence;

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{NodeId, Timestamp, UserId};
use chat_ports::{
    ChatStore, Directory, Lease, PortError, PresenceChange, PresenceReading, Quota, RateDecision, RateLimits, Renewal,
};
use chat_wire::PresenceState;
use parking_lot::Mutex;
use redis::Value;

use crate::counters::count;
use crate::keys;
use crate::leases::take;
use crate::redis_handle::Redis;
use crate::request::Request;
use crate::scripts;
use presence::{Change, Entry, state};

/// How long a user's entries live without a change, in seconds: 30 days. Those of dead nodes go before, when somebody
/// meets them.
const USER_TTL_S: u32 = 30 * 86_400;
/// Users of one pipeline.
const CHUNK: usize = 500;
/// Quotas counted without Redis before they are forgotten.
const LOCAL_RATES: usize = 200_000;

/// Who is connected where, in Redis.
pub struct RedisDirectory {
    redis: Redis,
    store: Arc<dyn ChatStore>,
    /// Counts while Redis is out of reach.
    local_rates: Mutex<RateLimits>,
}

impl RedisDirectory {
    /// A directory over shared connections. `store` keeps when users were seen last.
    pub fn new(redis: Redis, store: Arc<dyn ChatStore>) -> Self {
        Self { redis, store, local_rates: Mutex::default() }
    }

    /// Does it, and tells what it changed for others.
    async fn change(
        &self,
        lease: &Lease,
        change: Change,
        at: Option<Timestamp>,
    ) -> Result<Option<PresenceChange>, PortError> {
        let own = Entry::of(lease, &self.redis.inner.identities);
        let (sessions, watching) = (keys::sessions(lease.user), keys::watching(lease.user));
        let request = Request::script(&scripts::SESSION, &[&sessions, &watching]).arg(change.name()).arg(own.field());
        let request = request.arg(u8::from(lease.away)).arg(USER_TTL_S);
        let answer = self.redis.call(&request).await?;
        let mut parts = answer.into_sequence().unwrap_or_default().into_iter();
        let before = presence::entries(take(parts.next())?);
        let watchers: Vec<String> = take(parts.next())?;
        // It has been done: when it is not known who is alive, all are, rather than that the change is not told.
        let before = self.alive(lease.user, before.clone()).await.unwrap_or(before);
        let old = state(&before);
        let new = state(&change.apply(before, own));
        if old == new {
            return Ok(None);
        }
        let watching = self.watchers(lease.user, watchers).await;
        let last_seen = at.filter(|_| new == PresenceState::Offline);
        if let Some(at) = last_seen {
            self.store.set_last_seen(lease.user, at).await?;
        }
        Ok(Some(PresenceChange { reading: PresenceReading { user: lease.user, state: new, last_seen }, watching }))
    }

    /// The entries of live nodes. The others are removed; each names the life of its node, so that nothing made anew
    /// meanwhile goes with them.
    async fn alive(&self, user: UserId, entries: Vec<Entry>) -> Result<Vec<Entry>, PortError> {
        let (alive, dead) = self.redis.partition_alive(entries, Entry::member).await?;
        let fields: Vec<_> = dead.iter().map(Entry::field).collect();
        self.remove("HDEL", &keys::sessions(user), &fields).await;
        Ok(alive)
    }

    async fn watchers(&self, user: UserId, members: Vec<String>) -> Vec<NodeId> {
        let (alive, dead) = match self.redis.partition_alive(members.clone(), String::as_str).await {
            Ok(parts) => parts,
            Err(_) => (members, Vec::new()),
        };
        self.remove("SREM", &keys::watching(user), &dead).await;
        alive.iter().filter_map(|member| keys::node_of(member)).collect()
    }

    async fn remove(&self, command: &str, key: &str, what: &[impl AsRef<str>]) {
        if what.is_empty() {
            return;
        }
        let what: Vec<_> = what.iter().map(AsRef::as_ref).collect();
        if let Err(error) = self.redis.call(&Request::command(command, key).arg(what)).await {
            tracing::debug!(key, %error, "entries of dead nodes stay for now");
        }
    }

    async fn entries(&self, user: UserId) -> Result<Vec<Entry>, PortError> {
        let answer = self.redis.call(&Request::command("HGETALL", &keys::sessions(user))).await?;
        self.alive(user, presence::entries(take(Some(answer))?)).await
    }
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn enter(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError> {
        self.redis.ensure_lease(&lease.node).await?;
        self.change(&lease, Change::Enter, None).await
    }

    async fn update(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError> {
        self.change(&lease, Change::Update, None).await
    }

    async fn leave(&self, lease: Lease, at: Timestamp) -> Result<Option<PresenceChange>, PortError> {
        self.change(&lease, Change::Leave, Some(at)).await
    }

    async fn renew(&self, node: &NodeId) -> Result<Renewal, PortError> {
        self.redis.renew_lease(node).await
    }

    async fn retire(&self, node: &NodeId) -> Result<(), PortError> {
        self.redis.end_lease(node).await
    }

    async fn leases(&self) -> Result<Vec<String>, PortError> {
        Ok(self.redis.live_leases().await?.iter().cloned().collect())
    }

    async fn whereabouts(&self, user: UserId) -> Result<(Vec<NodeId>, usize), PortError> {
        let entries = self.entries(user).await?;
        let mut nodes: Vec<NodeId> = Vec::new();
        for node in entries.iter().filter_map(|entry| keys::node_of(entry.member())) {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        Ok((nodes, entries.len()))
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<PresenceReading>, PortError> {
        let mut readings = Vec::with_capacity(users.len());
        for chunk in users.chunks(CHUNK) {
            let requests: Vec<_> =
                chunk.iter().map(|user| Request::command("HGETALL", &keys::sessions(*user))).collect();
            for (user, answer) in chunk.iter().zip(self.redis.call_all(&requests).await) {
                let entries = self.alive(*user, presence::entries(take(Some(answer?))?)).await?;
                readings.push(PresenceReading { user: *user, state: state(&entries), last_seen: None });
            }
        }
        let offline: Vec<_> =
            readings.iter().filter(|r| r.state == PresenceState::Offline).map(|reading| reading.user).collect();
        if !offline.is_empty() {
            for row in self.store.users(&offline).await? {
                for reading in readings.iter_mut().filter(|r| r.user == row.id && r.state == PresenceState::Offline) {
                    reading.last_seen = row.last_seen;
                }
            }
        }
        Ok(readings)
    }

    async fn watch(&self, node: &NodeId, add: &[UserId], remove: &[UserId]) -> Result<(), PortError> {
        self.redis.ensure_lease(node).await?;
        let member = self.redis.inner.identities.member(node);
        let removed = remove.iter().map(|user| Request::command("SREM", &keys::watching(*user)).arg(&member));
        let added = add.iter().flat_map(|user| {
            let key = keys::watching(*user);
            [Request::command("SADD", &key).arg(&member), Request::command("EXPIRE", &key).arg(USER_TTL_S)]
        });
        let requests: Vec<_> = removed.chain(added).collect();
        for chunk in requests.chunks(2 * CHUNK) {
            for answer in self.redis.call_all(chunk).await {
                answer?;
            }
        }
        Ok(())
    }

    async fn take(&self, key: &str, quota: Quota, now: Timestamp) -> Result<RateDecision, PortError> {
        let period = quota.per_ms * 1_000;
        let interval = period / u64::from(quota.count);
        let request = Request::script(&scripts::TAKE, &[&keys::rate(key)]);
        let request = request.arg(now.millis_since(Timestamp::EPOCH) * 1_000).arg(interval).arg(period - interval);
        match self.redis.call(&request).await {
            Ok(Value::Int(0)) => Ok(RateDecision::Allowed),
            Ok(wait) => {
                let wait: u64 = take(Some(wait))?;
                Ok(RateDecision::Wait { retry_after_ms: wait.div_ceil(1_000) })
            }
            Err(error) => {
                tracing::debug!(%error, "a quota is counted without Redis");
                count(&self.redis.inner.counters.rates_local, 1);
                let mut rates = self.local_rates.lock();
                if rates.len() >= LOCAL_RATES {
                    *rates = RateLimits::default();
                }
                Ok(rates.take(key, quota, now))
            }
        }
    }
}
