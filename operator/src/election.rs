//! Who may act: one Lease on `coordination.k8s.io`, so that two operators never act at once.
//!
//! The algorithm is that of client-go's `leaderelection`: a candidate takes the lease only after it has *itself* seen the
//! same record for a whole lease duration on its own monotonic clock, so clocks that disagree do no harm. Two things are
//! stricter here. The leader counts its time from *before* it asked for the renewal, and it asks [`Leadership::check`]
//! before every write: after `renew_deadline` it stops by itself, and a write that was begun before ends, by its own
//! deadline, before anybody can take the lease.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use crate::election::record::{Observed, Record};

pub mod record;

/// How long a leader is believed, and how often it says that it is alive.
///
/// Must hold: `retry_period < renew_deadline` and `renew_deadline + call_deadline < lease_duration`.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// A candidate waits so long after the last change it saw.
    pub lease_duration: Duration,
    /// A leader that could not renew for so long stops acting.
    pub renew_deadline: Duration,
    /// Between two renewals, and between two looks of a candidate (with 20 % of jitter).
    pub retry_period: Duration,
    /// Of one request to the API server; the same bound holds for every write of the leader.
    pub call_deadline: Duration,
}

impl Default for Terms {
    /// Failover after kill -9 takes at most 12 s + 2.4 s + the time to see it: under 20 s.
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(12),
            renew_deadline: Duration::from_secs(8),
            retry_period: Duration::from_secs(2),
            call_deadline: Duration::from_secs(3),
        }
    }
}

/// This process does not, or no longer, hold the lease: nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this operator does not hold the lease")]
pub struct NotLeading;

/// Until when this process may act. Cheap to clone; asked before every write.
#[derive(Debug, Clone)]
pub struct Leadership {
    until: Arc<Mutex<Option<Until>>>,
}

/// Both clocks: the monotonic one stands still while a machine sleeps, the wall clock may be set.
#[derive(Debug, Clone, Copy)]
struct Until {
    monotonic: Instant,
    wall: SystemTime,
}

impl Leadership {
    fn none() -> Self {
        Self { until: Arc::default() }
    }

    /// Of a process that has no competitor, such as a test of one part.
    pub fn alone() -> Self {
        let leadership = Self::none();
        leadership.extend(Instant::now(), SystemTime::now(), Duration::from_hours(876_000));
        leadership
    }

    fn extend(&self, asked: Instant, asked_wall: SystemTime, by: Duration) {
        *self.until.lock() = Some(Until { monotonic: asked + by, wall: asked_wall + by });
    }

    fn end(&self) {
        *self.until.lock() = None;
    }

    /// # Errors
    /// The lease was lost, released, or could not be renewed in time.
    pub fn check(&self) -> Result<(), NotLeading> {
        let until = *self.until.lock();
        match until {
            Some(until) if Instant::now() < until.monotonic && SystemTime::now() < until.wall => Ok(()),
            _ => Err(NotLeading),
        }
    }

    pub fn leads(&self) -> bool {
        self.check().is_ok()
    }
}

/// Why a leader is no longer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The caller asked for it; the lease is still ours until [`Elector::release`].
    Stopped,
    /// Somebody else has it.
    Taken { by: String },
    /// The API server did not confirm us for `renew_deadline`.
    NotRenewed { because: String },
}

pub struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    terms: Terms,
    leadership: Leadership,
    observed: Option<Observed>,
}

/// What one attempt to take or renew the lease gave.
enum Attempt {
    Ours,
    Theirs(String),
}

#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error("no answer in {0:?}")]
    Deadline(Duration),
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

impl Elector {
    /// `identity` must differ between any two processes that ever run: a pod's name and a random part.
    pub fn new(api: Api<Lease>, name: &str, identity: &str, terms: Terms) -> Self {
        let (name, identity) = (name.to_owned(), identity.to_owned());
        Self { api, name, identity, terms, leadership: Leadership::none(), observed: None }
    }

    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Waits until the lease is ours. `None` when `stop` was cancelled before.
    pub async fn acquire(&mut self, stop: &CancellationToken) -> Option<Leadership> {
        loop {
            if stop.is_cancelled() {
                return None;
            }
            match self.attempt(self.terms.call_deadline).await {
                Ok(Attempt::Ours) => {
                    tracing::info!(lease = self.name, identity = self.identity, "this operator leads");
                    return Some(self.leadership());
                }
                Ok(Attempt::Theirs(holder)) => tracing::debug!(lease = self.name, holder, "another operator leads"),
                Err(error) => tracing::warn!(lease = self.name, %error, "the lease could not be read or taken"),
            }
            let pause = self.terms.retry_period.mul_f64(rand::rng().random_range(1.0..1.2));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return None,
            }
        }
    }

    /// Renews until the lease is lost or `stop` is cancelled. When it returns anything but [`Ended::Stopped`], the
    /// leadership has ended already.
    pub async fn hold(&mut self, stop: &CancellationToken) -> Ended {
        let mut renewed = Instant::now();
        let mut because = String::from("never tried");
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.terms.retry_period) => {}
                () = stop.cancelled() => return Ended::Stopped,
            }
            let left = self.terms.renew_deadline.saturating_sub(renewed.elapsed());
            if left.is_zero() {
                self.leadership.end();
                return Ended::NotRenewed { because };
            }
            let asked = Instant::now();
            match self.attempt(left.min(self.terms.call_deadline)).await {
                Ok(Attempt::Ours) => renewed = asked,
                Ok(Attempt::Theirs(by)) => {
                    self.leadership.end();
                    return Ended::Taken { by };
                }
                Err(error) => {
                    tracing::warn!(lease = self.name, %error, "the lease could not be renewed");
                    because = error.to_string();
                }
            }
            if !self.leadership.leads() {
                self.leadership.end();
                return Ended::NotRenewed { because };
            }
        }
    }

    /// Gives the lease back, so that another need not wait. Call it only after everything that acts has ended.
    pub async fn release(&mut self) {
        self.leadership.end();
        let ours = self.observed.as_ref().is_some_and(|seen| seen.record.holder == self.identity);
        let seen = self.observed.take();
        let Some(seen) = seen.filter(|_| ours) else { return };
        match tokio::time::timeout(self.terms.call_deadline, self.give_back(seen)).await {
            Ok(Ok(())) => tracing::info!(lease = self.name, "the lease is released"),
            Ok(Err(error)) => tracing::warn!(lease = self.name, %error, "the lease could not be released"),
            Err(_) => tracing::warn!(lease = self.name, "the lease could not be released in time"),
        }
    }

    /// A renewal whose answer did not come in time may have been written all the same: then the lease is of another
    /// version than we know, and still ours.
    async fn give_back(&self, mut seen: Observed) -> kube::Result<()> {
        loop {
            match self.api.replace(&self.name, &PostParams::default(), &seen.released()).await {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                answer => return answer.map(drop),
            }
            let Some(lease) = self.api.get_opt(&self.name).await? else { return Ok(()) };
            seen = Observed::see(None, lease, Instant::now());
            if seen.record.holder != self.identity {
                return Ok(());
            }
        }
    }

    async fn attempt(&mut self, deadline: Duration) -> Result<Attempt, AttemptError> {
        tokio::time::timeout(deadline, self.try_once()).await.unwrap_or(Err(AttemptError::Deadline(deadline)))
    }

    /// Reads the lease, and writes it when it is ours or free. The write carries the version that was read, so of two who
    /// try at once the API server refuses one.
    ///
    /// A leader writes without reading: it has the version from its last write, and one call is saved.
    async fn try_once(&mut self) -> Result<Attempt, AttemptError> {
        if let Some(seen) = self.observed.as_ref().filter(|seen| seen.record.holder == self.identity)
            && self.leadership.leads()
        {
            let next = seen.next(&self.identity, self.terms.lease_duration);
            let (asked, wall) = (Instant::now(), SystemTime::now());
            match self.api.replace(&self.name, &PostParams::default(), &next).await {
                Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {}
                answer => return self.written(answer, asked, wall),
            }
        }
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let record = Record::first(&self.identity, self.terms.lease_duration);
            let (asked, wall) = (Instant::now(), SystemTime::now());
            let lease = self.api.create(&PostParams::default(), &record.lease(&self.name)).await;
            return self.written(lease, asked, wall);
        };
        let seen = Observed::see(self.observed.take(), lease, Instant::now());
        let free = seen.record.holder.is_empty() || seen.expired(Instant::now(), self.terms.lease_duration);
        let ours = seen.record.holder == self.identity;
        if !ours && !free {
            let holder = seen.record.holder.clone();
            self.observed = Some(seen);
            return Ok(Attempt::Theirs(holder));
        }
        let next = seen.next(&self.identity, self.terms.lease_duration);
        self.observed = Some(seen);
        let (asked, wall) = (Instant::now(), SystemTime::now());
        let answer = self.api.replace(&self.name, &PostParams::default(), &next).await;
        self.written(answer, asked, wall)
    }

    fn written(
        &mut self,
        answer: kube::Result<Lease>,
        asked: Instant,
        wall: SystemTime,
    ) -> Result<Attempt, AttemptError> {
        match answer {
            Ok(lease) => {
                self.observed = Some(Observed::see(self.observed.take(), lease, Instant::now()));
                self.leadership.extend(asked, wall, self.terms.renew_deadline);
                Ok(Attempt::Ours)
            }
            Err(error) => Err(error.into()),
        }
    }
}
