//! Alerts on causes: what will hurt soon, or is already seen in an objective, with where to look.

use super::rules::{Alert, Group, Rule, Severity};
use Severity::{Critical, Warning};

pub fn groups() -> Vec<Group> {
    let group = |name, alerts: Vec<Alert>| Group {
        name,
        interval: Some("30s"),
        rules: alerts.into_iter().map(Rule::Alert).collect(),
    };
    vec![
        group("elastic-chat-gateways", gateways()),
        group("elastic-chat-live", live()),
        group("elastic-chat-writers", writers()),
        group("elastic-chat-clusters", clusters()),
        group("elastic-chat-operator", operator()),
    ]
}

fn gateways() -> Vec<Alert> {
    vec![
        Alert::new(
            "ChatNoGateway",
            Critical,
            Some("1m"),
            r#"sum by (namespace, job) (up{app_kubernetes_io_name="elastic-chat", app_kubernetes_io_component="gateway"}) == 0"#,
            "No gateway answers",
            "None of the gateways of {{ $labels.job }} is up: nobody can connect.",
        ),
        Alert::new(
            "ChatGatewayDown",
            Warning,
            Some("5m"),
            r#"up{app_kubernetes_io_name="elastic-chat", app_kubernetes_io_component="gateway"} == 0"#,
            "A gateway does not answer",
            "{{ $labels.pod }} of {{ $labels.job }} has not answered Prometheus for five minutes. It may wait for a backend.",
        ),
        Alert::new(
            "ChatBackendAway",
            Critical,
            Some("1m"),
            "max by (namespace, job, backend) (chat_node_backend_up) == 0",
            "A backend answers no gateway",
            "No gateway of {{ $labels.job }} reaches its {{ $labels.backend }} (log: Kafka, tail: Redis, store: Cassandra).",
        ),
        Alert::new(
            "ChatBackendPartlyAway",
            Warning,
            Some("5m"),
            "chat_node_backend_up == 0 and on (namespace, job, backend) max by (namespace, job, backend) (chat_node_backend_up) == 1",
            "A gateway does not reach a backend that others reach",
            "{{ $labels.pod }} of {{ $labels.job }} does not reach its {{ $labels.backend }}; others do.",
        ),
        Alert::new(
            "ChatGatewaySaturated",
            Warning,
            Some("5m"),
            "event_loop_delay_seconds > 0.05 and on (namespace, job, instance) chat_node_connections >= 0",
            "A gateway has more to do than it can",
            "Timers of {{ $labels.pod }} fire {{ $value | humanizeDuration }} late: its CPU is used up, or taken from it.",
        ),
        Alert::new(
            "ChatSlowConsumers",
            Warning,
            Some("5m"),
            "sum by (namespace, job) (increase(chat_node_slow_consumers_total[15m])) > 10 \
             and sum by (namespace, job) (increase(chat_node_slow_consumers_total[15m])) \
             > 0.01 * sum by (namespace, job) (avg_over_time(chat_node_connections[15m]))",
            "Many clients don't read what they are sent",
            "{{ $value | humanize }} connections of {{ $labels.job }} were closed in 15 minutes because they did not read.",
        ),
        Alert::new(
            "ChatSessionsCut",
            Warning,
            None,
            "sum by (namespace, job) (increase(elastic_chat_operator_sessions_cut_total[15m])) > 0",
            "Sessions were cut while a gateway drained",
            "{{ $value | humanize }} sessions were closed in 15 minutes before their clients had moved.",
        ),
    ]
}

fn live() -> Vec<Alert> {
    vec![
        Alert::new(
            "ChatTailLost",
            Warning,
            None,
            "sum by (namespace, job) (increase(chat_node_epochs_changed_total[10m])) > 0",
            "Redis lost what it had",
            "The tails of {{ $value | humanize }} conversations of {{ $labels.job }} began anew: Redis restarted empty, failed \
             over or evicts keys.",
        ),
        Alert::new(
            "ChatHintsLost",
            Warning,
            Some("10m"),
            "(sum by (namespace, job) (rate(chat_node_hints_lost_total[10m])) \
             + sum by (namespace, job) (rate(chat_node_hints_missed_total[10m])) \
             + sum by (namespace, job) (rate(redis_hints_dropped_total[10m]))) \
             / sum by (namespace, job) (rate(chat_node_messages_total[10m])) > 0.01",
            "Live messages between gateways get lost",
            "{{ $value | humanizePercentage }} of the hints of {{ $labels.job }} got lost; what they told of comes up to ten \
             seconds later.",
        ),
        Alert::new(
            "ChatRepairs",
            Warning,
            Some("10m"),
            "sum by (namespace, job) (rate(writer_repaired_total[10m])) / sum by (namespace, job) (rate(writer_records_total[10m])) > 0.01",
            "Writers deliver what gateways did not",
            "{{ $value | humanizePercentage }} of the records of {{ $labels.job }} reached people through the writers only.",
        ),
    ]
}

fn writers() -> Vec<Alert> {
    let behind = |severity, hold, seconds: u32, what: &str| {
        Alert::new(
            "ChatStoreBehind",
            severity,
            Some(hold),
            format!("max by (namespace, job) (writer_lag_seconds) > {seconds}"),
            "History is behind",
            &format!(
                "Cassandra of {{{{ $labels.job }}}} is {{{{ $value | humanizeDuration }}}} behind the log. {what}"
            ),
        )
    };
    vec![
        Alert::new(
            "ChatNoWriter",
            Critical,
            Some("10m"),
            r#"sum by (namespace, job) (up{app_kubernetes_io_name="elastic-chat", app_kubernetes_io_component="writer"}) == 0"#,
            "No writer answers",
            "None of the writers of {{ $labels.job }} is up: nothing gets into Cassandra, and nothing is repaired.",
        ),
        behind(Warning, "5m", 60, "Live messages go on; what has left the tail can't be read."),
        behind(Critical, "5m", 3_600, "What Kafka drops before it is stored is lost."),
        Alert::new(
            "ChatWriterBlocked",
            Warning,
            Some("5m"),
            "max by (namespace, job, backend) (writer_backend_up) == 0",
            "A backend answers no writer",
            "No writer of {{ $labels.job }} gets on with its {{ $labels.backend }}.",
        ),
        Alert::new(
            "ChatDeadLetters",
            Warning,
            None,
            "sum by (namespace, job) (increase(writer_dead_letters_total[1h])) > 0",
            "Records were laid aside",
            "{{ $value | humanize }} records of {{ $labels.job }} could not be projected in the last hour: they are missing in history.",
        ),
    ]
}

fn clusters() -> Vec<Alert> {
    let condition = |alert, severity, hold, condition: &str, value: u8, summary: &str, description: &str| {
        let expr = format!(r#"elastic_chat_operator_condition{{condition="{condition}"}} == {value}"#);
        Alert::new(alert, severity, Some(hold), expr, summary, description)
    };
    vec![
        condition(
            "ChatClusterNotReady",
            Critical,
            "5m",
            "Ready",
            0,
            "A ChatCluster is not ready",
            "{{ $labels.namespace }}/{{ $labels.name }} does not serve as its spec wants.",
        ),
        condition(
            "ChatClusterDegraded",
            Warning,
            "15m",
            "Degraded",
            1,
            "A ChatCluster is degraded",
            "{{ $labels.namespace }}/{{ $labels.name }} works with less than it should.",
        ),
        condition(
            "ChatScalingLimited",
            Warning,
            "15m",
            "ScalingLimited",
            1,
            "The traffic wants more gateways than the spec allows",
            "{{ $labels.namespace }}/{{ $labels.name }} is at a bound of `gateways`.",
        ),
        condition(
            "ChatWritersBound",
            Warning,
            "30m",
            "WritersBound",
            1,
            "More writers would not help",
            "Of {{ $labels.namespace }}/{{ $labels.name }} the store is the limit, or each partition has its writer.",
        ),
    ]
}

fn operator() -> Vec<Alert> {
    vec![
        Alert::new(
            "ChatOperatorAway",
            Warning,
            Some("5m"),
            "absent(elastic_chat_operator_leader == 1)",
            "No operator leads",
            "The chats go on at the size that they have: nothing scales, and nothing is rolled out.",
        ),
        Alert::new(
            "ChatTwoLeaders",
            Critical,
            Some("2m"),
            "sum by (namespace, job) (elastic_chat_operator_leader) > 1",
            "Two operators lead",
            "{{ $value }} replicas of {{ $labels.job }} say that they hold one lease.",
        ),
        Alert::new(
            "ChatScalingBlind",
            Warning,
            Some("5m"),
            "elastic_chat_operator_metric_age_seconds > 30",
            "Scaling goes by old readings",
            "The last reading of {{ $labels.namespace }}/{{ $labels.name }} is {{ $value | humanizeDuration }} old: nothing shrinks.",
        ),
        Alert::new(
            "ChatReconcileErrors",
            Warning,
            Some("15m"),
            "sum by (job, cause) (rate(elastic_chat_operator_reconcile_errors_total[10m])) > 0",
            "The operator can't do what ChatClusters want",
            "Reconciliations fail again and again: {{ $labels.cause }}.",
        ),
    ]
}
