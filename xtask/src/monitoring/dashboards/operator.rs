//! What the operator does.

use super::super::panels::{Row, lines, number};
use super::process;

pub fn rows() -> Vec<Row> {
    vec![
        (
            "ChatClusters",
            vec![
                number("Leaders", "short", "Exactly one.", "sum(elastic_chat_operator_leader{})"),
                number("Clusters", "short", "That the leader knows.", "max(elastic_chat_operator_clusters{})"),
                lines(
                    "Not ready, degraded, limited",
                    "none",
                    "1: so it is.",
                    &[
                        (
                            r#"1 - elastic_chat_operator_condition{condition="Ready"}"#,
                            "{{namespace}}/{{name}} not ready",
                        ),
                        (
                            r#"elastic_chat_operator_condition{condition=~"Degraded|ScalingLimited|WritersBound"}"#,
                            "{{namespace}}/{{name}} {{condition}}",
                        ),
                    ],
                )
                .wide(16),
            ],
        ),
        (
            "Scaling",
            vec![
                lines(
                    "Decisions",
                    "short",
                    "Changes of the wanted number of pods in the interval.",
                    &[(
                        "sum by (component, direction) (increase(elastic_chat_operator_decisions_total{}[W]))",
                        "{{component}} {{direction}}",
                    )],
                ),
                lines(
                    "Drains",
                    "short",
                    "Steps in the interval; `deadline`: sessions were left.",
                    &[("sum by (step) (increase(elastic_chat_operator_drains_total{}[W]))", "{{step}}")],
                ),
                lines(
                    "Connections asked to move, and cut",
                    "ops",
                    "Asked: for balance. Cut: their clients had not moved.",
                    &[
                        ("sum(rate(elastic_chat_operator_shed_connections_total{}[W]))", "asked"),
                        ("sum(rate(elastic_chat_operator_sessions_cut_total{}[W]))", "cut"),
                    ],
                ),
                lines(
                    "Age of readings",
                    "s",
                    "Nothing shrinks by old ones.",
                    &[("elastic_chat_operator_metric_age_seconds", "{{namespace}}/{{name}}")],
                )
                .thresholds(10.0, 30.0),
                lines(
                    "Questions to pods",
                    "ops",
                    "By what came of them.",
                    &[("sum by (outcome) (rate(elastic_chat_operator_scrapes_total{}[W]))", "{{outcome}}")],
                ),
            ],
        ),
        (
            "Reconciling",
            vec![
                lines(
                    "Time of a reconciliation",
                    "s",
                    "90 s at most.",
                    &[
                        (
                            "histogram_quantile(0.5, sum by (le) (rate(elastic_chat_operator_reconcile_duration_seconds_bucket{}[W])))",
                            "p50",
                        ),
                        (
                            "histogram_quantile(0.99, sum by (le) (rate(elastic_chat_operator_reconcile_duration_seconds_bucket{}[W])))",
                            "p99",
                        ),
                    ],
                ),
                lines(
                    "Errors",
                    "ops",
                    "By cause; each is tried again.",
                    &[("sum by (cause) (rate(elastic_chat_operator_reconcile_errors_total{}[W]))", "{{cause}}")],
                ),
                lines(
                    "Calls to the API server",
                    "ops",
                    "Without watches and the lease.",
                    &[(
                        "sum by (verb, outcome) (rate(elastic_chat_operator_api_calls_total{}[W]))",
                        "{{verb}} {{outcome}}",
                    )],
                ),
                lines(
                    "Spared",
                    "ops",
                    "Objects that were as wanted; events told shortly before.",
                    &[
                        ("sum(rate(elastic_chat_operator_applies_skipped_total{}[W]))", "applies"),
                        ("sum(rate(elastic_chat_operator_events_deduplicated_total{}[W]))", "events"),
                    ],
                ),
            ],
        ),
        process("elastic_chat_operator_leader"),
    ]
}
