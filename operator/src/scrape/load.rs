//! What a pod says of itself in `GET /load`, read without trust: a value that can't be is left out and named.

use std::collections::BTreeSet;

use serde_json::Value;

/// Above these a number is a lie or a fault, whatever the machine.
mod most {
    /// One process can't hold more sockets than this on any machine that Kubernetes runs.
    pub const CONNECTIONS: f64 = 4e6;
    pub const TOTAL: f64 = 9e15;
    pub const BYTES: f64 = 1e14;
    pub const SECONDS: f64 = 1e10;
    pub const RECORDS: f64 = 1e14;
    pub const PARTITIONS: usize = 10_000;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Up, but not yet taking connections (a gateway) or partitions (a writer).
    #[default]
    Starting,
    Serving,
    /// Unready; its clients are asked to move.
    Draining,
    /// Draining, and nobody is connected any longer.
    Drained,
}

/// One pod's answer. Totals count since the start of its process. `None`: not said, or not believable.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    pub state: State,
    pub uptime_seconds: Option<f64>,
    pub connections: Option<f64>,
    pub handshakes_total: Option<f64>,
    pub messages_total: Option<f64>,
    pub deliveries_total: Option<f64>,
    pub sessions_cut_total: Option<f64>,
    pub egress_backlog_bytes: Option<f64>,
    pub event_loop_delay_ms: Option<f64>,
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<f64>,
    pub lag_records: Option<f64>,
    pub lag_seconds: Option<f64>,
    pub records_total: Option<f64>,
    pub rows_total: Option<f64>,
    pub batch_seconds_total: Option<f64>,
    pub batches_total: Option<f64>,
    pub store_blocked: bool,
    pub partitions: Vec<Partition>,
    /// Names of the fields whose values can't be, in alphabetical order.
    pub absurd: BTreeSet<&'static str>,
}

/// What a writer says of one partition that it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    pub topic: String,
    pub partition: u32,
    pub lag_records: f64,
    pub lag_seconds: f64,
    /// The offset up to which its records are stored; grows with what was written.
    pub stored_offset: Option<f64>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the answer is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the answer is not an object")]
    Shape,
    #[error("the answer has no known state")]
    State,
}

impl Load {
    /// # Errors
    /// The body is no JSON object, or says nothing about its state: the pod counts as one that did not answer.
    pub fn parse(body: &[u8]) -> Result<Self, LoadError> {
        let value: Value = serde_json::from_slice(body)?;
        let object = value.as_object().ok_or(LoadError::Shape)?;
        let state = match object.get("state").and_then(Value::as_str) {
            Some("starting" | "joining") => State::Starting,
            Some("serving" | "reading") => State::Serving,
            Some("draining" | "stopping") => State::Draining,
            Some("drained") => State::Drained,
            _ => return Err(LoadError::State),
        };
        let mut absurd = BTreeSet::new();
        let mut read = |name: &'static str, most: f64| -> Option<f64> {
            let said = object.get(name)?;
            let number = said.as_f64().filter(|number| (0.0..=most).contains(number));
            if number.is_none() {
                absurd.insert(name);
            }
            number
        };
        let mut load = Self {
            state,
            uptime_seconds: read("uptime_seconds", most::SECONDS),
            connections: read("connections", most::CONNECTIONS),
            handshakes_total: read("handshakes_total", most::TOTAL),
            messages_total: read("messages_total", most::TOTAL),
            deliveries_total: read("deliveries_total", most::TOTAL),
            sessions_cut_total: read("sessions_cut_total", most::TOTAL),
            egress_backlog_bytes: read("egress_backlog_bytes", most::BYTES),
            event_loop_delay_ms: read("event_loop_delay_ms", most::SECONDS),
            cpu_seconds: read("cpu_seconds", most::SECONDS),
            resident_bytes: read("resident_bytes", most::BYTES),
            lag_records: read("lag_records", most::RECORDS),
            lag_seconds: read("lag_seconds", most::SECONDS),
            records_total: read("records_total", most::TOTAL),
            rows_total: read("rows_total", most::TOTAL),
            batch_seconds_total: read("batch_seconds_total", most::SECONDS),
            batches_total: read("batches_total", most::TOTAL),
            store_blocked: object.get("store_blocked").and_then(Value::as_bool).unwrap_or(false),
            partitions: Vec::new(),
            absurd: BTreeSet::new(),
        };
        if let Some(said) = object.get("partitions").and_then(Value::as_array) {
            load.partitions = said.iter().take(most::PARTITIONS).filter_map(Partition::parse).collect();
            if load.partitions.len() != said.len() {
                absurd.insert("partitions");
            }
        }
        load.absurd = absurd;
        Ok(load)
    }
}

impl Partition {
    fn parse(value: &Value) -> Option<Self> {
        let number = |name: &str, most: f64| value.get(name)?.as_f64().filter(|number| (0.0..=most).contains(number));
        Some(Self {
            topic: value.get("topic")?.as_str()?.to_owned(),
            partition: u32::try_from(value.get("partition")?.as_u64()?).ok()?,
            lag_records: number("lag_records", most::RECORDS)?,
            lag_seconds: number("lag_seconds", most::SECONDS)?,
            stored_offset: number("stored_offset", most::TOTAL),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let body = br#"{"state":"serving","connections":12,"messages_total":7,"cpu_seconds":1.5,"new_field":[]}"#;
        let load = Load::parse(body).expect("a load");
        assert_eq!((load.state, load.connections, load.messages_total), (State::Serving, Some(12.0), Some(7.0)));
        assert_eq!((load.cpu_seconds, load.lag_records), (Some(1.5), None));
        assert!(load.absurd.is_empty(), "what is not said is no lie");
    }

    #[test]
    fn lies_are_named_and_left_out() {
        let body = br#"{"state":"serving","connections":-5,"messages_total":1e300,"deliveries_total":"many",
            "cpu_seconds":null,"partitions":[{"topic":"t","partition":-1,"lag_records":1,"lag_seconds":1}]}"#;
        let load = Load::parse(body).expect("a load");
        assert_eq!((load.connections, load.messages_total, load.deliveries_total), (None, None, None));
        let named: Vec<_> = load.absurd.iter().copied().collect();
        assert_eq!(named, ["connections", "cpu_seconds", "deliveries_total", "messages_total", "partitions"]);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for body in ["", "[]", "{}", r#"{"state":"asleep"}"#, "<html>", r#"{"state":"serving""#] {
            assert!(Load::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_writers_partitions_are_read() {
        let body = br#"{"state":"reading","lag_records":4,"lag_seconds":0.5,"store_blocked":true,
            "partitions":[{"topic":"chat.events","partition":3,"lag_records":4,"lag_seconds":0.5,"stored_offset":99}]}"#;
        let load = Load::parse(body).expect("a load");
        assert!(load.store_blocked);
        assert_eq!(load.partitions[0].partition, 3);
        assert_eq!(load.partitions[0].stored_offset, Some(99.0));
    }
}
