//! The dashboards: first what people notice, then why.

mod gateways;
mod operator;
mod overview;
mod writers;

use serde_json::Value;

use super::panels::{Panel, Row, dashboard, lines};

pub fn all() -> Vec<Value> {
    vec![
        dashboard(
            "elastic-chat-overview",
            "Elastic Chat: overview",
            "For the person on call: is it broken for people, for how many, and which part is it.",
            "chat_node_connections",
            &overview::rows(),
        ),
        dashboard(
            "elastic-chat-gateways",
            "Elastic Chat: gateways",
            "Each gateway: load, live delivery, and its process.",
            "chat_node_connections",
            &gateways::rows(),
        ),
        dashboard(
            "elastic-chat-writers",
            "Elastic Chat: writers",
            "From the log to the store: how far behind, and what holds it up.",
            "writer_lag_seconds",
            &writers::rows(),
        ),
        dashboard(
            "elastic-chat-operator",
            "Elastic Chat: operator",
            "Who leads, what it decides, and what goes wrong. Namespace and cluster are those of the operator.",
            "elastic_chat_operator_leader",
            &operator::rows(),
        ),
    ]
}

/// One line for each process.
fn each(title: &'static str, unit: &'static str, description: &'static str, expr: &str) -> Panel {
    lines(title, unit, description, &[(expr, "{{pod}}{{instance}}")])
}

fn process(of: &str) -> Row {
    let with = |expr: &str| format!("{expr} and on (namespace, job, instance) {of}{{}}");
    (
        "Processes",
        vec![
            each("CPU", "none", "Cores in use.", &with("rate(process_cpu_seconds_total{}[W])")),
            each("Memory", "bytes", "Resident.", &with("process_resident_memory_bytes{}")),
            each(
                "Open files and sockets",
                "short",
                "A gateway has one for each connection.",
                &with("process_open_fds{}"),
            ),
        ],
    )
}
