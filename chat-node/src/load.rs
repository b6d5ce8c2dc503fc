//! What `/load` tells the operator, who scales by it.

use serde::Serialize;
use service_kit::admin::{About, Identity};

use crate::{Node, drain};

/// Totals count since the process began: whoever asks twice has rates.
#[derive(Debug, Serialize)]
pub struct Load {
    #[serde(flatten)]
    about: About,
    /// `starting`, `serving`, `draining`, or `drained`: draining, and nobody is left.
    state: &'static str,
    connections: usize,
    conversations: usize,
    handshakes_total: u64,
    messages_total: u64,
    deliveries_total: u64,
    sessions_cut_total: u64,
    egress_backlog_bytes: usize,
    resident_bytes: u64,
    cpu_seconds: f64,
    event_loop_delay_ms: f64,
    /// Until those who are asked to leave should have gone; 0 when nothing is drained.
    drain_seconds_left: u64,
}

impl Load {
    /// Of a node that waits for the systems behind it.
    pub fn starting(identity: &Identity) -> Self {
        let process = service_kit::process::reading();
        Self {
            about: identity.about(),
            state: "starting",
            connections: 0,
            conversations: 0,
            handshakes_total: 0,
            messages_total: 0,
            deliveries_total: 0,
            sessions_cut_total: 0,
            egress_backlog_bytes: 0,
            resident_bytes: process.resident_bytes,
            cpu_seconds: process.cpu_seconds,
            event_loop_delay_ms: 0.0,
            drain_seconds_left: 0,
        }
    }

    pub fn of(node: &Node) -> Self {
        let connections = node.delivery.connections.all();
        let drain = drain::status(node);
        Self {
            state: drain.state,
            connections: drain.connections,
            conversations: node.delivery.hubs.count(),
            handshakes_total: node.counters.handshakes.get(),
            messages_total: node.counters.messages.get(),
            deliveries_total: node.counters.deliveries.get(),
            sessions_cut_total: node.counters.sessions_cut.get(),
            egress_backlog_bytes: connections.iter().map(|connection| connection.outbox.backlog()).sum(),
            event_loop_delay_ms: node.loop_delay.milliseconds(),
            drain_seconds_left: drain.deadline_seconds,
            ..Self::starting(&node.identity)
        }
    }
}
