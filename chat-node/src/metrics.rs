//! What the node counts. Names and units are in `docs/reference/metrics.md`.

mod outcomes;

use chat_cluster::Health;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use outcomes::{Arrival, Arrivals, Sends};

#[derive(Debug, Default)]
pub struct Counters {
    pub messages: Counter,
    pub deliveries: Counter,
    pub duplicates: Counter,
    pub refusals: Counter,
    pub handshakes: Counter,
    pub handshakes_refused: Counter,
    pub slow_consumers: Counter,
    pub sessions_cut: Counter,
    pub bad_frames: Counter,
    pub resumed: Counter,
    pub reloaded: Counter,
    pub holes_filled: Counter,
    pub hints_lost: Counter,
    pub hints_missed: Counter,
    pub epochs_changed: Counter,
    pub connections: Gauge,
    pub conversations_live: Gauge,
    pub sends: Sends,
    pub arrivals: Arrivals,
    backends: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Counters {
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("chat_node");
        for (name, help, counter) in [
            ("messages", "Events appended to the log for clients of this node", &self.messages),
            ("deliveries", "Events queued for connections", &self.deliveries),
            ("duplicates", "Sends answered from an earlier one with the same client_msg_id", &self.duplicates),
            ("refusals", "Client frames answered with an error", &self.refusals),
            ("handshakes", "WebSocket sessions opened", &self.handshakes),
            ("handshakes_refused", "WebSocket handshakes refused", &self.handshakes_refused),
            ("slow_consumers", "Connections closed because they did not read", &self.slow_consumers),
            ("sessions_cut", "Sessions that the node closed although their clients had not moved", &self.sessions_cut),
            ("bad_frames", "Client frames that were not readable", &self.bad_frames),
            ("conversations_resumed", "Conversations resumed without a refetch", &self.resumed),
            ("conversations_reloaded", "Conversations that a resuming client had to refetch", &self.reloaded),
            ("holes_filled", "Holes in the live order filled from the tail", &self.holes_filled),
            ("hints_missed", "Conversations found to be behind by a comparison with the tail", &self.hints_missed),
            ("epochs_changed", "Conversations whose tail was found to have begun anew", &self.epochs_changed),
            ("hints_lost", "Hints to other nodes that could not be published", &self.hints_lost),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register("connections", "Open WebSocket sessions", self.connections.clone());
        registry.register(
            "conversations_live",
            "Conversations with a member connected here",
            self.conversations_live.clone(),
        );
        self.sends.register(registry);
        self.arrivals.register(registry);
        registry.register("backend_up", "1 while the log, the tail or the store answers", self.backends.clone());
    }

    /// Takes over what the backends said.
    pub fn read_health(&self, health: &[Health]) {
        for Health { name, problem } in health {
            self.backends.get_or_create(&[("backend", *name)]).set(i64::from(problem.is_none()));
        }
    }
}
