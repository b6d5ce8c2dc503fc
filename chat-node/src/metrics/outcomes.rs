//! How what people asked for ended: the numbers behind the [objectives](../../../docs/slo.md).
//!
//! All are atomics or one short lock: a send of some hundred microseconds does not notice them.

use std::time::Instant;

use chat_wire::ErrorCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

type Labels = [(&'static str, &'static str); 1];

/// Seconds. Objectives ask for some of these bounds exactly: a share of a bucket is a guess.
const SEND_BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const LIVE_BOUNDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// Whose fault a refusal was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The client asked for what can't be, or for too much.
    Client,
    Server,
}

fn fault(code: ErrorCode) -> Fault {
    match code {
        ErrorCode::Unavailable | ErrorCode::StorageFull | ErrorCode::Internal | ErrorCode::Draining => Fault::Server,
        _ => Fault::Client,
    }
}

/// Sends, edits, deletions and reactions, over WebSocket and REST.
#[derive(Debug)]
pub struct Sends {
    family: Family<Labels, Counter>,
    acked: Counter,
    refused: Counter,
    failed: Counter,
    seconds: Histogram,
    live_seconds: Histogram,
}

impl Default for Sends {
    fn default() -> Self {
        let family = Family::<Labels, Counter>::default();
        let [acked, refused, failed] =
            ["acked", "refused", "failed"].map(|outcome| family.get_or_create_owned(&[("outcome", outcome)]));
        let (seconds, live_seconds) = (Histogram::new(SEND_BOUNDS), Histogram::new(LIVE_BOUNDS));
        Self { family, acked, refused, failed, seconds, live_seconds }
    }
}

impl Sends {
    /// One that was read at `begin` is answered now. The time counts when it was acknowledged: a refusal is quick.
    pub fn ended(&self, begin: Instant, outcome: Result<(), ErrorCode>) {
        match outcome.map_err(fault) {
            Ok(()) => {
                self.acked.inc();
                self.seconds.observe(begin.elapsed().as_secs_f64());
            }
            Err(Fault::Client) => {
                self.refused.inc();
            }
            Err(Fault::Server) => {
                self.failed.inc();
            }
        }
    }

    /// What the log has had since `logged` was handed to live delivery now.
    pub fn live(&self, logged: Instant) {
        self.live_seconds.observe(logged.elapsed().as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("sends", "Sends and other changes that clients asked for, by outcome", self.family.clone());
        let help = "Time from reading a send to its ack";
        registry.register_with_unit("send", help, Unit::Seconds, self.seconds.clone());
        let help = "Time from the log having an event to live delivery having it; failures are not in it";
        registry.register_with_unit("live", help, Unit::Seconds, self.live_seconds.clone());
    }
}

/// How an attempt to come in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    Opened,
    /// No handshake, no hello, not signed in, too many of this user.
    Refused,
    /// Another node is the right one.
    Draining,
    /// More at once than the node admits.
    Limited,
    /// A backend, or the node itself.
    Failed,
}

impl Arrival {
    fn labels(self) -> Labels {
        let outcome = match self {
            Self::Opened => "opened",
            Self::Refused => "refused",
            Self::Draining => "draining",
            Self::Limited => "limited",
            Self::Failed => "failed",
        };
        [("outcome", outcome)]
    }

    /// Of a handshake that was answered with this.
    pub fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Draining => Self::Draining,
            ErrorCode::RateLimited => Self::Limited,
            _ if fault(code) == Fault::Server => Self::Failed,
            _ => Self::Refused,
        }
    }
}

/// Attempts to come in.
#[derive(Debug, Default)]
pub struct Arrivals(Family<Labels, Counter>);

impl Arrivals {
    pub fn count(&self, arrival: Arrival) {
        self.0.get_or_create(&arrival.labels()).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        // A counter that begins with its first failure hides that failure from `rate`.
        for arrival in [Arrival::Opened, Arrival::Refused, Arrival::Draining, Arrival::Limited, Arrival::Failed] {
            drop(self.0.get_or_create(&arrival.labels()));
        }
        registry.register("sessions", "Attempts to open a session, by outcome", self.0.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_faults_are_failures() {
        let sends = Sends::default();
        let begin = Instant::now();
        sends.ended(begin, Ok(()));
        for code in [ErrorCode::Unavailable, ErrorCode::StorageFull, ErrorCode::Internal] {
            sends.ended(begin, Err(code));
        }
        for code in [ErrorCode::RateLimited, ErrorCode::Forbidden, ErrorCode::NotFound, ErrorCode::InvalidRequest] {
            sends.ended(begin, Err(code));
        }
        assert_eq!((sends.acked.get(), sends.refused.get(), sends.failed.get()), (1, 4, 3));
        assert_eq!(Arrival::of(ErrorCode::RateLimited), Arrival::Limited);
        assert_eq!(Arrival::of(ErrorCode::Unavailable), Arrival::Failed);
        assert_eq!(Arrival::of(ErrorCode::Forbidden), Arrival::Refused);
    }
}
