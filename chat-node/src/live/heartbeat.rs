use std::sync::{Arc, Weak};
use std::time::Duration;

use chat_ports::Clock;
use chat_wire::close_code;
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::ws_frame::ping_frame;

/// How long a connection outlives its access token, in milliseconds.
const TOKEN_GRACE_MS: i64 = 60_000;
const TICK: Duration = Duration::from_millis(250);

/// One timer wheel for the pings of all connections: a slot each quarter of a second, one task, no timer per connection.
pub struct Heartbeats {
    wheel: Mutex<Wheel>,
    /// Ticks of one interval, ±10 % drawn for each ping.
    interval_ticks: usize,
    clock: Arc<dyn Clock>,
}

struct Wheel {
    slots: Vec<Vec<Weak<Connection>>>,
    now: usize,
}

impl Heartbeats {
    pub fn new(interval: Duration, clock: Arc<dyn Clock>) -> Arc<Self> {
        let ticks = usize::try_from(interval.as_millis() / TICK.as_millis()).unwrap_or(usize::MAX).clamp(4, 14_400);
        let slots = (0..ticks * 2).map(|_| Vec::new()).collect();
        Arc::new(Self { wheel: Mutex::new(Wheel { slots, now: 0 }), interval_ticks: ticks, clock })
    }

    pub fn add(&self, connection: &Arc<Connection>) {
        self.plan(Arc::downgrade(connection));
    }

    fn plan(&self, connection: Weak<Connection>) {
        let jitter = (self.interval_ticks / 10).max(1);
        let ticks = self.interval_ticks - jitter + rand::rng().random_range(0..=2 * jitter);
        let mut wheel = self.wheel.lock();
        let slot = (wheel.now + ticks.max(1)) % wheel.slots.len();
        wheel.slots[slot].push(connection);
    }

    /// Runs until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tick(),
                () = stop.cancelled() => return,
            }
        }
    }

    fn tick(&self) {
        let due = {
            let mut wheel = self.wheel.lock();
            wheel.now = (wheel.now + 1) % wheel.slots.len();
            let now = wheel.now;
            std::mem::take(&mut wheel.slots[now])
        };
        let now = self.clock.now();
        for weak in due {
            let Some(connection) = weak.upgrade() else { continue };
            if connection.token_ends().plus_millis(TOKEN_GRACE_MS) < now {
                connection.close(close_code::UNAUTHENTICATED, "the access token is over");
            } else if connection.count_ping() >= 2 {
                connection
                    .outbox
                    .close(super::Closing { code: close_code::HEARTBEAT, reason: "two pings without an answer" }, true);
            } else {
                connection.push(ping_frame());
                self.plan(weak);
            }
        }
    }
}
