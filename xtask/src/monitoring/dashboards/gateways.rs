//! Each gateway.

use super::super::panels::{Row, lines};
use super::{each, process};

pub fn rows() -> Vec<Row> {
    vec![
        (
            "Load",
            vec![
                each(
                    "Connections",
                    "short",
                    "The operator moves some when one has many more than the mean.",
                    "chat_node_connections{}",
                ),
                each(
                    "Sends",
                    "ops",
                    "Events appended for clients of the gateway.",
                    "rate(chat_node_messages_total{}[W])",
                ),
                each(
                    "Deliveries",
                    "ops",
                    "Events queued for its connections.",
                    "rate(chat_node_deliveries_total{}[W])",
                ),
                each("Conversations", "short", "With a member connected there.", "chat_node_conversations_live{}"),
                each(
                    "Failed sends",
                    "ops",
                    "The gateway's or a backend's fault.",
                    r#"rate(chat_node_sends_total{,outcome="failed"}[W])"#,
                ),
                each(
                    "Event loop delay",
                    "s",
                    "How late timers fire.",
                    "event_loop_delay_seconds{} and on (namespace, job, instance) chat_node_connections{}",
                )
                .thresholds(0.05, 0.5),
            ],
        ),
        (
            "Coming and going",
            vec![
                lines(
                    "Attempts by outcome",
                    "ops",
                    "`draining`: another gateway takes them.",
                    &[("sum by (outcome) (rate(chat_node_sessions_total{}[W]))", "{{outcome}}")],
                ),
                lines(
                    "After a reconnect",
                    "ops",
                    "Resumed: only what was missed. Reloaded: the conversation was read anew.",
                    &[
                        ("sum(rate(chat_node_conversations_resumed_total{}[W]))", "resumed"),
                        ("sum(rate(chat_node_conversations_reloaded_total{}[W]))", "reloaded"),
                    ],
                ),
                lines(
                    "Closed by the gateway",
                    "ops",
                    "Slow: did not read. Cut: the drain time was over.",
                    &[
                        ("sum(rate(chat_node_slow_consumers_total{}[W]))", "slow"),
                        ("sum(rate(chat_node_sessions_cut_total{}[W]))", "cut"),
                        ("sum(rate(chat_node_bad_frames_total{}[W]))", "bad frames"),
                    ],
                ),
            ],
        ),
        (
            "Live delivery",
            vec![
                each(
                    "Backends that answer",
                    "short",
                    "Of three: log, tail and store.",
                    "sum by (pod, instance) (chat_node_backend_up{})",
                ),
                lines(
                    "Hints",
                    "ops",
                    "What gateways tell each other through Redis.",
                    &[
                        ("sum(rate(chat_node_hints_lost_total{}[W]))", "not published"),
                        ("sum(rate(redis_hints_dropped_total{}[W]))", "no room"),
                        ("sum(rate(chat_node_hints_missed_total{}[W]))", "missed, then found"),
                        ("sum(rate(redis_channels_lost_total{}[W]))", "channels lost"),
                    ],
                ),
                lines(
                    "Repairs",
                    "ops",
                    "Holes in the live order, tails that began anew, entries that could not be read.",
                    &[
                        ("sum(rate(chat_node_holes_filled_total{}[W]))", "holes filled"),
                        ("sum(rate(chat_node_epochs_changed_total{}[W]))", "tails begun anew"),
                        ("sum(rate(redis_entries_undecodable_total{}[W]))", "unreadable"),
                    ],
                ),
                lines(
                    "Retries of clients",
                    "ops",
                    "Answered from an earlier send: acks that clients did not get.",
                    &[("sum(rate(chat_node_duplicates_total{}[W]))", "duplicates")],
                ),
                lines(
                    "Limits without Redis",
                    "ops",
                    "Rate decisions that a process made alone.",
                    &[("sum(rate(redis_rates_local_total{}[W]))", "local")],
                ),
            ],
        ),
        process("chat_node_connections"),
    ]
}
