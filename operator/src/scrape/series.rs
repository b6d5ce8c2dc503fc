//! One pod over time: counters become rates, restarts are found, silence and nonsense are counted.

use crate::scrape::load::{Load, State};

/// Periods for which a pod that does not answer counts at its last value without further ado.
pub const PERIODS_HELD: u32 = 3;
/// A rate above this, in events a second, is nonsense from a single process.
const MOST_RATE: f64 = 1e8;
/// CPU cores that a single process can use.
const MOST_CORES: f64 = 4_096.0;
/// The CPU of a process that is younger than this is that of its start (connections to its backends, first requests), and
/// says nothing of its load. In seconds.
const WARM_UP: f64 = 30.0;
/// CPU is a mean over about so many seconds: two seconds of it are a burst as likely as a load.
const CPU_MEAN: f64 = 15.0;
/// Two answers nearer than this say nothing about a rate, in seconds.
const LEAST_GAP: f64 = 0.2;

/// Per second, from the difference of two answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    pub handshakes: f64,
    pub messages: f64,
    pub deliveries: f64,
    /// CPU seconds a second, so cores.
    pub cores: f64,
    pub records: f64,
    pub rows: f64,
    /// Seconds of a second that the store was busy with batches.
    pub busy: f64,
}

/// How much the last value may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Fresh,
    /// Silent for so many periods, and held at its last value.
    Held(u32),
    /// Silent for longer than that: nothing may shrink.
    Lost(u32),
    /// It never answered.
    Unknown,
}

#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The last believable values; a field that was absurd keeps the one before.
    pub load: Load,
    pub rates: Rates,
    /// When it answered last, in seconds of the caller's clock.
    pub answered: Option<f64>,
    /// When it last answered without anything absurd.
    pub believed: Option<f64>,
    /// Fields that were absurd in the last answer.
    pub absurd: Vec<&'static str>,
    pub restarts: u32,
    silent: u32,
    has_rates: bool,
    /// Cores that it uses, as a slow mean, without its start.
    cpu: Option<f64>,
    /// Sessions cut since we began to look, over restarts.
    pub sessions_cut: f64,
}

impl Series {
    /// It answered at `now` (seconds, monotonic).
    pub fn answer(&mut self, now: f64, mut load: Load) {
        let mut absurd: Vec<&'static str> = load.absurd.iter().copied().collect();
        if let Some(before) = self.answered {
            self.compare(now - before, &load, &mut absurd);
        } else if let Some(uptime) = load.uptime_seconds.filter(|uptime| (LEAST_GAP..=10.0).contains(uptime)) {
            // The first look at a process that has just begun: everything it counted is recent.
            self.take_rates(&Load::default(), &load, uptime, &mut absurd);
        }
        fill(&mut load, &self.load);
        self.load = load;
        if absurd.is_empty() {
            self.believed = Some(now);
        }
        self.absurd = absurd;
        self.answered = Some(now);
        self.silent = 0;
    }

    /// It did not answer in this period.
    pub fn silence(&mut self) {
        self.silent = self.silent.saturating_add(1);
    }

    pub fn standing(&self) -> Standing {
        match (self.answered, self.silent) {
            (None, _) => Standing::Unknown,
            (_, 0) => Standing::Fresh,
            (_, periods) if periods <= PERIODS_HELD => Standing::Held(periods),
            (_, periods) => Standing::Lost(periods),
        }
    }

    /// Whether there are two answers to make a rate of.
    pub fn has_rates(&self) -> bool {
        self.has_rates
    }

    fn compare(&mut self, gap: f64, load: &Load, absurd: &mut Vec<&'static str>) {
        if self.restarted(load) {
            self.restarts += 1;
            self.cpu = None;
            self.sessions_cut += load.sessions_cut_total.unwrap_or(0.0);
            if let Some(uptime) = load.uptime_seconds.filter(|uptime| (LEAST_GAP..=10.0).contains(uptime)) {
                self.take_rates(&Load::default(), load, uptime, absurd);
            }
            return; // otherwise the rates of before stay for this one period
        }
        if let (Some(before), Some(now)) = (self.load.sessions_cut_total, load.sessions_cut_total) {
            self.sessions_cut += (now - before).max(0.0);
        }
        // The pod's own clock leaves out how late its answer came; ours is the check on it.
        let own = load.uptime_seconds.zip(self.load.uptime_seconds).map(|(now, before)| now - before);
        let gap = own.filter(|own| (gap * 0.5 - 1.0..=gap * 1.5 + 1.0).contains(own)).unwrap_or(gap);
        if gap >= LEAST_GAP {
            let before = std::mem::take(&mut self.load);
            self.take_rates(&before, load, gap, absurd);
            self.load = before;
        }
    }

    /// A counter that went back, or a younger process.
    fn restarted(&self, load: &Load) -> bool {
        let back = |before: Option<f64>, now: Option<f64>| matches!((before, now), (Some(b), Some(n)) if n < b);
        let before = &self.load;
        back(before.uptime_seconds, load.uptime_seconds)
            || back(before.messages_total, load.messages_total)
            || back(before.deliveries_total, load.deliveries_total)
            || back(before.handshakes_total, load.handshakes_total)
            || back(before.records_total, load.records_total)
    }

    fn take_rates(&mut self, before: &Load, now: &Load, gap: f64, absurd: &mut Vec<&'static str>) {
        let mut rate = |name: &'static str, before: Option<f64>, now: Option<f64>, most: f64, old: f64| {
            let Some(now) = now else { return old };
            let rate = (now - before.unwrap_or(0.0)) / gap;
            if (0.0..=most).contains(&rate) {
                return rate;
            }
            absurd.push(name);
            old
        };
        let old = self.rates;
        self.rates = Rates {
            handshakes: rate(
                "handshakes_total",
                before.handshakes_total,
                now.handshakes_total,
                MOST_RATE,
                old.handshakes,
            ),
            messages: rate("messages_total", before.messages_total, now.messages_total, MOST_RATE, old.messages),
            deliveries: rate(
                "deliveries_total",
                before.deliveries_total,
                now.deliveries_total,
                MOST_RATE,
                old.deliveries,
            ),
            cores: rate("cpu_seconds", before.cpu_seconds, now.cpu_seconds, MOST_CORES, old.cores),
            records: rate("records_total", before.records_total, now.records_total, MOST_RATE, old.records),
            rows: rate("rows_total", before.rows_total, now.rows_total, MOST_RATE, old.rows),
            busy: rate(
                "batch_seconds_total",
                before.batch_seconds_total,
                now.batch_seconds_total,
                MOST_CORES,
                old.busy,
            ),
        };
        self.has_rates = true;
        let is_warm = now.uptime_seconds.or(before.uptime_seconds).is_some_and(|uptime| uptime >= WARM_UP);
        self.cpu = is_warm.then(|| {
            let mean = self.cpu.unwrap_or(self.rates.cores);
            mean + (1.0 - (-gap / CPU_MEAN).exp()) * (self.rates.cores - mean)
        });
    }

    /// Cores that it uses, over some seconds. `None` while it starts.
    pub fn cores(&self) -> Option<f64> {
        self.cpu
    }

    /// Sessions that are connected, or were when it last spoke. 0 for a pod that never answered.
    pub fn connections(&self) -> f64 {
        self.load.connections.unwrap_or(0.0)
    }

    pub fn state(&self) -> Option<State> {
        self.answered.map(|_| self.load.state)
    }
}

/// What is not said, or not believable, stays as it was.
fn fill(load: &mut Load, before: &Load) {
    let fields = [
        (&mut load.uptime_seconds, before.uptime_seconds),
        (&mut load.connections, before.connections),
        (&mut load.handshakes_total, before.handshakes_total),
        (&mut load.messages_total, before.messages_total),
        (&mut load.deliveries_total, before.deliveries_total),
        (&mut load.sessions_cut_total, before.sessions_cut_total),
        (&mut load.egress_backlog_bytes, before.egress_backlog_bytes),
        (&mut load.event_loop_delay_ms, before.event_loop_delay_ms),
        (&mut load.cpu_seconds, before.cpu_seconds),
        (&mut load.resident_bytes, before.resident_bytes),
        (&mut load.lag_records, before.lag_records),
        (&mut load.lag_seconds, before.lag_seconds),
        (&mut load.records_total, before.records_total),
        (&mut load.rows_total, before.rows_total),
        (&mut load.batch_seconds_total, before.batch_seconds_total),
        (&mut load.batches_total, before.batches_total),
    ];
    for (now, before) in fields {
        *now = now.or(before);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(uptime: f64, messages: f64, connections: f64) -> Load {
        let body = format!(
            r#"{{"state":"serving","uptime_seconds":{uptime},"messages_total":{messages},"connections":{connections}}}"#
        );
        Load::parse(body.as_bytes()).expect("a load")
    }

    #[test]
    fn two_answers_make_a_rate() {
        let mut series = Series::default();
        series.answer(100.0, load(50.0, 1_000.0, 5.0));
        assert!(!series.has_rates());
        series.answer(102.0, load(52.0, 1_500.0, 5.0));
        assert!((series.rates.messages - 250.0).abs() < 1e-9);
    }

    #[test]
    fn a_late_answer_is_measured_by_the_pods_clock() {
        let mut series = Series::default();
        series.answer(100.0, load(50.0, 1_000.0, 5.0));
        series.answer(102.9, load(52.0, 1_500.0, 5.0));
        assert!((series.rates.messages - 250.0).abs() < 1e-9);
        // A clock that is nonsense is not.
        series.answer(104.9, load(9_000.0, 2_000.0, 5.0));
        assert!((series.rates.messages - 250.0).abs() < 1e-9);
    }

    #[test]
    fn a_restart_is_no_negative_rate() {
        let mut series = Series::default();
        series.answer(100.0, load(500.0, 1_000_000.0, 5.0));
        series.answer(102.0, load(502.0, 1_000_400.0, 5.0));
        series.answer(104.0, load(1.0, 300.0, 1.0));
        assert_eq!((series.restarts, series.rates.messages, series.connections()), (1, 300.0, 1.0));
        assert!(series.absurd.is_empty());
    }

    #[test]
    fn a_start_is_no_load_and_two_seconds_are_no_burst() {
        let said = |uptime: f64, cpu: f64| {
            let body = format!(r#"{{"state":"serving","uptime_seconds":{uptime},"cpu_seconds":{cpu}}}"#);
            Load::parse(body.as_bytes()).expect("a load")
        };
        let mut series = Series::default();
        series.answer(0.0, said(1.0, 0.5));
        series.answer(10.0, said(11.0, 8.0));
        assert_eq!(series.cores(), None, "it starts");
        series.answer(32.0, said(33.0, 8.0));
        assert_eq!(series.cores(), Some(0.0));
        let mut cpu = 8.0;
        for second in [34.0, 36.0] {
            cpu += 2.0;
            series.answer(second, said(second + 1.0, cpu));
        }
        assert!(series.cores().is_some_and(|cores| cores < 0.25), "{:?}", series.cores());
        for second in (38..100).step_by(2) {
            cpu += 2.0;
            series.answer(f64::from(second), said(f64::from(second) + 1.0, cpu));
        }
        assert!(series.cores().is_some_and(|cores| cores > 0.95), "a load is seen: {:?}", series.cores());
        series.answer(102.0, said(1.0, 3.0));
        assert_eq!(series.cores(), None, "it starts again");
    }

    #[test]
    fn nonsense_keeps_the_last_value_and_is_named() {
        let mut series = Series::default();
        series.answer(100.0, load(50.0, 1_000.0, 5_000.0));
        series.answer(102.0, load(52.0, 1_200.0, -5.0));
        assert_eq!((series.connections(), series.absurd.as_slice()), (5_000.0, ["connections"].as_slice()));
        series.answer(104.0, load(54.0, 1e15, 5_000.0));
        assert_eq!((series.rates.messages, series.absurd.as_slice()), (100.0, ["messages_total"].as_slice()));
    }

    #[test]
    fn silence_holds_for_three_periods() {
        let mut series = Series::default();
        assert_eq!(series.standing(), Standing::Unknown);
        series.answer(1.0, load(50.0, 1.0, 7.0));
        for period in 1..=3 {
            series.silence();
            assert_eq!((series.standing(), series.connections()), (Standing::Held(period), 7.0));
        }
        series.silence();
        assert_eq!(series.standing(), Standing::Lost(4));
        series.answer(9.0, load(58.0, 1.0, 7.0));
        assert_eq!(series.standing(), Standing::Fresh);
    }

    proptest! {
        #[test]
        fn rates_and_values_are_never_negative_nor_infinite(
            answers in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), 0.0..10.0f64), 1..20)
        ) {
            let mut series = Series::default();
            let mut now = 0.0;
            for (uptime, messages, connections, gap) in answers {
                now += gap;
                let value = serde_json::json!({"state": "serving", "uptime_seconds": uptime,
                    "messages_total": messages, "connections": connections, "cpu_seconds": messages});
                if let Ok(load) = Load::parse(value.to_string().as_bytes()) {
                    series.answer(now, load);
                }
                for value in [series.rates.messages, series.rates.cores, series.connections()] {
                    prop_assert!(value.is_finite() && value >= 0.0);
                }
            }
        }
    }
}
