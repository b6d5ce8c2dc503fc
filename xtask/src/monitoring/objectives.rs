//! Objectives, and alerts on how fast their error budgets burn.
//!
//! Windows and factors are those of the Site Reliability Workbook (Beyer et al., O'Reilly 2018), chapter 5, "6: Multiwindow,
//! Multi-Burn-Rate Alerts", table 5-8, for a budget of thirty days:
//! <https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_alerting_configuration>.
//! The long window makes sure that it matters, the short one that it still goes on.

use super::rules::{Alert, Group, Rule, Severity};

/// A share of events that has to be good, over thirty days.
pub struct Objective {
    /// In the names of recorded series.
    pub name: &'static str,
    pub alert: &'static str,
    /// The share of events that may be bad.
    pub budget: f64,
    /// As [`Self::budget`], for people.
    pub goal: &'static str,
    summary: &'static str,
    /// Bad events by `namespace` and `job`; `F` stands for `rate` or `increase`, `W` for the window.
    bad: &'static str,
    total: &'static str,
}

pub const OBJECTIVES: [Objective; 4] = [
    Objective {
        name: "chat_sends_failed",
        alert: "ChatSendsFailing",
        budget: 0.001,
        goal: "99.9 % of sends are acknowledged, not failed by the server",
        summary: "Messages can't be sent",
        bad: r#"sum by (namespace, job) (F(chat_node_sends_total{outcome="failed"}[W]))"#,
        total: r#"sum by (namespace, job) (F(chat_node_sends_total{outcome=~"acked|failed"}[W]))"#,
    },
    Objective {
        name: "chat_sends_slow",
        alert: "ChatSendsSlow",
        budget: 0.01,
        goal: "99 % of acknowledged sends have their ack within 0.25 s",
        summary: "Acks are slow",
        bad: r#"(sum by (namespace, job) (F(chat_node_send_seconds_count[W])) - sum by (namespace, job) (F(chat_node_send_seconds_bucket{le="0.25"}[W])))"#,
        total: "sum by (namespace, job) (F(chat_node_send_seconds_count[W]))",
    },
    Objective {
        name: "chat_live_late",
        alert: "ChatLiveDeliveryLate",
        budget: 0.001,
        goal: "99.9 % of events reach live delivery within 1 s of their place in the log",
        summary: "Messages are saved, and don't reach others live",
        // What the tail did not take is in no bucket, so it counts as late.
        bad: r#"clamp_min(sum by (namespace, job) (F(chat_node_messages_total[W])) - sum by (namespace, job) (F(chat_node_live_seconds_bucket{le="1.0"}[W])), 0)"#,
        total: "sum by (namespace, job) (F(chat_node_messages_total[W]))",
    },
    Objective {
        name: "chat_sessions_failed",
        alert: "ChatSessionsFailing",
        budget: 0.001,
        goal: "99.9 % of attempts to come in open a session, those with a bad login or at a draining node aside",
        summary: "People can't connect",
        bad: r#"sum by (namespace, job) (F(chat_node_sessions_total{outcome=~"failed|limited"}[W]))"#,
        total: r#"sum by (namespace, job) (F(chat_node_sessions_total{outcome=~"opened|failed|limited"}[W]))"#,
    },
];

/// Budget burnt `factor` times as fast as it lasts, over both windows.
struct Burn {
    long: &'static str,
    short: &'static str,
    factor: f64,
}

/// 2 % of the budget in an hour, or 5 % in six.
const PAGE: [Burn; 2] =
    [Burn { long: "1h", short: "5m", factor: 14.4 }, Burn { long: "6h", short: "30m", factor: 6.0 }];
/// 10 % of the budget in one day, or in three.
const TICKET: [Burn; 2] =
    [Burn { long: "1d", short: "2h", factor: 3.0 }, Burn { long: "3d", short: "6h", factor: 1.0 }];

const SHORT_WINDOWS: [&str; 5] = ["5m", "30m", "1h", "2h", "6h"];
const LONG_WINDOWS: [&str; 2] = ["1d", "3d"];
/// With little traffic one failure is a large share: below so many bad events in the long window nobody is called.
const LEAST_BAD: u32 = 10;

impl Objective {
    fn of(expr: &str, function: &str, window: &str) -> String {
        expr.replace("F(", &format!("{function}(")).replace("[W]", &format!("[{window}]"))
    }

    pub fn ratio(&self, window: &str) -> String {
        format!("job:{}:ratio_rate{window}", self.name)
    }

    fn increase(&self, window: &str) -> String {
        format!("job:{}:increase{window}", self.name)
    }

    fn records(&self, windows: &[&str]) -> Vec<Rule> {
        let ratios = windows.iter().map(|window| {
            let [bad, total] = [self.bad, self.total].map(|expr| Self::of(expr, "rate", window));
            Rule::Record { record: self.ratio(window), expr: format!("{bad} / {total}") }
        });
        let long = windows.iter().filter(|window| PAGE.iter().chain(&TICKET).any(|burn| burn.long == **window));
        let counts = long
            .map(|window| Rule::Record { record: self.increase(window), expr: Self::of(self.bad, "increase", window) });
        ratios.chain(counts).collect()
    }

    fn burns(&self, burns: &[Burn]) -> String {
        let one = |burn: &Burn| {
            let limit = format!("{} * {}", burn.factor, self.budget);
            format!(
                "({} > {limit} and {} > {limit} and {} >= {LEAST_BAD})",
                self.ratio(burn.long),
                self.ratio(burn.short),
                self.increase(burn.long),
            )
        };
        burns.iter().map(one).collect::<Vec<_>>().join(" or ")
    }

    fn alerts(&self) -> [Rule; 2] {
        let alert = |severity, hold, burns: &[Burn], pace: &str| {
            let description = format!(
                "{{{{ $value | humanizePercentage }}}} of the events are bad in {{{{ $labels.job }}}}. Objective: {}. At this \
                 pace {pace}.",
                self.goal
            );
            Rule::Alert(Alert::new(self.alert, severity, Some(hold), self.burns(burns), self.summary, &description))
        };
        [
            alert(Severity::Critical, "2m", &PAGE, "the budget of thirty days is gone within two to five days"),
            alert(Severity::Warning, "15m", &TICKET, "the budget of thirty days is gone before they are over"),
        ]
    }
}

/// Recorded series and alerts. Long windows are expensive, and don't change in half a minute.
pub fn groups() -> Vec<Group> {
    let records = |windows: &[&str]| OBJECTIVES.iter().flat_map(|objective| objective.records(windows)).collect();
    let alerts = OBJECTIVES.iter().flat_map(Objective::alerts).collect();
    vec![
        Group { name: "elastic-chat-objectives", interval: Some("30s"), rules: records(&SHORT_WINDOWS) },
        Group { name: "elastic-chat-objectives-long", interval: Some("5m"), rules: records(&LONG_WINDOWS) },
        Group { name: "elastic-chat-burn-rates", interval: Some("30s"), rules: alerts },
    ]
}
