//! Is it broken for people, and which part is it?

use super::super::objectives::OBJECTIVES;
use super::super::panels::{Panel, Row, alerts, lines, number};

pub fn rows() -> Vec<Row> {
    let sends =
        share(r#"chat_node_sends_total{,outcome="failed"}"#, r#"chat_node_sends_total{,outcome=~"acked|failed"}"#);
    let sessions = share(
        r#"chat_node_sessions_total{,outcome=~"failed|limited"}"#,
        r#"chat_node_sessions_total{,outcome=~"opened|failed|limited"}"#,
    );
    let ack = "histogram_quantile(0.99, sum by (le) (rate(chat_node_send_seconds_bucket{}[W])))";
    vec![
        (
            "Is it broken for people?",
            vec![
                number(
                    "Sends acknowledged",
                    "percentunit",
                    "Of those that were not the client's fault. Objective: 99.9 %.",
                    &sends,
                )
                .thresholds(0.999, 0.99),
                number("Ack, p99", "s", "From reading a send to its ack. Objective: 0.25 s.", ack)
                    .thresholds(0.25, 1.0),
                number(
                    "Sessions opened",
                    "percentunit",
                    "Of all attempts but bad logins and draining nodes. Objective: 99.9 %.",
                    &sessions,
                )
                .thresholds(0.999, 0.99),
                number("Connections", "short", "Open WebSocket sessions.", "sum(chat_node_connections{})"),
                number(
                    "Gateways up",
                    "short",
                    "That answer Prometheus.",
                    r#"sum(up{,app_kubernetes_io_name="elastic-chat", app_kubernetes_io_component="gateway"})"#,
                )
                .thresholds(2.0, 1.0),
                number(
                    "History behind",
                    "s",
                    "Age of the oldest record that Cassandra does not have.",
                    "max(writer_lag_seconds{})",
                )
                .thresholds(60.0, 3600.0),
                burns(),
                alerts(),
            ],
        ),
        (
            "How much",
            vec![
                lines(
                    "Sends by outcome",
                    "ops",
                    "`refused` is the client's fault, `failed` ours.",
                    &[("sum by (outcome) (rate(chat_node_sends_total{}[W]))", "{{outcome}}")],
                ),
                lines(
                    "Deliveries",
                    "ops",
                    "Events queued for connections.",
                    &[("sum by (job) (rate(chat_node_deliveries_total{}[W]))", "{{job}}")],
                ),
                lines(
                    "Attempts to come in",
                    "ops",
                    "`limited`: more than --limit-handshakes at once.",
                    &[("sum by (outcome) (rate(chat_node_sessions_total{}[W]))", "{{outcome}}")],
                ),
            ],
        ),
        (
            "How fast",
            vec![
                quantiles("Send to ack", "chat_node_send_seconds", "Read from the socket, in the log, ack queued."),
                quantiles(
                    "Log to live delivery",
                    "chat_node_live_seconds",
                    "The tail's part: Redis. What failed is not in it.",
                ),
                lines(
                    "Not delivered live at once",
                    "ops",
                    "Lost hints are found within ten seconds, what the tail lacks by the writers.",
                    &[
                        ("sum(rate(chat_node_hints_missed_total{}[W]))", "found by comparing positions"),
                        ("sum(rate(writer_repaired_total{}[W]))", "repaired by writers"),
                        ("sum(rate(chat_node_epochs_changed_total{}[W]))", "tails begun anew"),
                    ],
                ),
            ],
        ),
        (
            "Which part is it",
            vec![
                lines(
                    "Backends, as the worst gateway sees them",
                    "none",
                    "1: answers. log: Kafka, tail: Redis, store: Cassandra.",
                    &[("min by (backend) (chat_node_backend_up{})", "{{backend}}")],
                ),
                lines(
                    "Backends, as the worst writer sees them",
                    "none",
                    "1: answers.",
                    &[("min by (backend) (writer_backend_up{})", "{{backend}}")],
                ),
                lines(
                    "Event loop delay, worst",
                    "s",
                    "Timers that fire late: too little CPU.",
                    &[("topk(5, event_loop_delay_seconds{})", "{{pod}}{{instance}}")],
                )
                .thresholds(0.05, 0.5),
            ],
        ),
    ]
}

/// Burn rates of the objectives: 1 is what the budget allows.
fn burns() -> Panel {
    let queries: Vec<(String, &'static str)> = OBJECTIVES
        .iter()
        .map(|objective| (format!("{}{{}} / {}", objective.ratio("1h"), objective.budget), objective.alert))
        .collect();
    let queries: Vec<(&str, &'static str)> = queries.iter().map(|(expr, name)| (expr.as_str(), *name)).collect();
    lines(
        "Error budgets: burn rate over an hour",
        "none",
        "How many times faster than allowed the budget of thirty days is used up. At 14.4 somebody is called. A line is named \
         after its alert.",
        &queries,
    )
    .wide(12)
    .thresholds(1.0, 14.4)
}

fn share(bad: &str, total: &str) -> String {
    format!("1 - sum(rate({bad}[W])) / sum(rate({total}[W]))")
}

fn quantiles(title: &'static str, metric: &str, description: &'static str) -> Panel {
    let of = |share: f64| format!("histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{}}[W])))");
    let exprs = [(of(0.5), "p50"), (of(0.95), "p95"), (of(0.99), "p99")];
    let queries: Vec<(&str, &'static str)> = exprs.iter().map(|(expr, name)| (expr.as_str(), *name)).collect();
    lines(title, "s", description, &queries).thresholds(0.25, 1.0)
}
