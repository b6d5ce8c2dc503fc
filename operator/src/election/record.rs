//! The Lease as a record, and when this process last saw it change.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Empty: nobody holds it.
    pub holder: String,
    /// That the holder promised.
    pub duration: Duration,
    acquired: Timestamp,
    renewed: Timestamp,
    transitions: i32,
}

impl Record {
    pub fn first(identity: &str, duration: Duration) -> Self {
        let now = Timestamp::now();
        Self { holder: identity.to_owned(), duration, acquired: now, renewed: now, transitions: 0 }
    }

    fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or(0)).unwrap_or(0);
        let time = |time: Option<MicroTime>| time.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
        Self {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(seconds),
            acquired: time(spec.acquire_time),
            renewed: time(spec.renew_time),
            transitions: spec.lease_transitions.unwrap_or(0),
        }
    }

    fn spec(&self) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: Some(i32::try_from(self.duration.as_secs()).unwrap_or(i32::MAX).max(1)),
            acquire_time: Some(MicroTime(self.acquired)),
            renew_time: Some(MicroTime(self.renewed)),
            lease_transitions: Some(self.transitions),
            ..LeaseSpec::default()
        }
    }

    pub fn lease(&self, name: &str) -> Lease {
        Lease { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, spec: Some(self.spec()) }
    }
}

/// A lease as it was read, and since when it has not changed for us.
#[derive(Debug)]
pub struct Observed {
    pub record: Record,
    lease: Lease,
    /// On our own monotonic clock: the holder's clock is never compared with ours.
    since: Instant,
}

impl Observed {
    pub fn see(before: Option<Self>, lease: Lease, now: Instant) -> Self {
        let record = Record::of(&lease);
        let since = match before {
            Some(before) if before.record == record => before.since,
            _ => now,
        };
        Self { record, lease, since }
    }

    /// Whether nobody may believe the holder any longer. `own` is this process's lease duration; the longer one counts.
    pub fn expired(&self, now: Instant, own: Duration) -> bool {
        now.duration_since(self.since) > own.max(self.record.duration)
    }

    /// The lease as we would hold it, with the version that was read.
    pub fn next(&self, identity: &str, duration: Duration) -> Lease {
        let now = Timestamp::now();
        let ours = self.record.holder == identity;
        let record = Record {
            holder: identity.to_owned(),
            duration,
            acquired: if ours { self.record.acquired } else { now },
            renewed: now,
            transitions: if ours { self.record.transitions } else { self.record.transitions.saturating_add(1) },
        };
        Lease { spec: Some(record.spec()), ..self.lease.clone() }
    }

    pub fn released(&self) -> Lease {
        let record = Record {
            holder: String::new(),
            duration: Duration::from_secs(1),
            renewed: Timestamp::now(),
            ..self.record.clone()
        };
        Lease { spec: Some(record.spec()), ..self.lease.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(12);

    #[test]
    fn a_lease_expires_by_our_clock_alone() {
        let begin = Instant::now();
        // Its holder's clock is a day ahead, or a day behind: neither matters.
        for skew in [86_400, -86_400] {
            let mut record = Record::first("a", LEASE);
            record.renewed = Timestamp::from_second(Timestamp::now().as_second() + skew).expect("a time");
            let seen = Observed::see(None, record.lease("lease"), begin);
            assert!(!seen.expired(begin + Duration::from_secs(12), LEASE));
            assert!(seen.expired(begin + Duration::from_secs(13), LEASE));
        }
    }

    #[test]
    fn a_renewal_begins_the_wait_anew() {
        let begin = Instant::now();
        let mut record = Record::first("a", LEASE);
        let seen = Observed::see(None, record.lease("lease"), begin);
        let same = Observed::see(Some(seen), record.lease("lease"), begin + Duration::from_secs(6));
        assert!(same.expired(begin + Duration::from_secs(13), LEASE));
        record.renewed = Timestamp::from_microsecond(record.renewed.as_microsecond() + 1).expect("a time");
        let renewed = Observed::see(Some(same), record.lease("lease"), begin + Duration::from_secs(13));
        assert!(!renewed.expired(begin + Duration::from_secs(25), LEASE));
    }

    #[test]
    fn the_longer_duration_counts() {
        let begin = Instant::now();
        let seen = Observed::see(None, Record::first("a", Duration::from_mins(1)).lease("lease"), begin);
        assert!(!seen.expired(begin + Duration::from_secs(40), LEASE));
    }

    #[test]
    fn a_new_holder_counts_a_transition_and_a_renewal_does_not() {
        let seen = Observed::see(None, Record::first("a", LEASE).lease("lease"), Instant::now());
        assert_eq!(Record::of(&seen.next("a", LEASE)).transitions, 0);
        let taken = Record::of(&seen.next("b", LEASE));
        assert_eq!((taken.transitions, taken.holder.as_str()), (1, "b"));
    }
}
