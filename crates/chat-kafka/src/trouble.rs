use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::types::RDKafkaErrorCode;

/// The last thing that a client of the brokers complained of. It knows the address and the reason, which the error of a
/// single record does not.
#[derive(Debug, Default)]
pub struct Trouble {
    last: Mutex<Option<(Instant, RDKafkaErrorCode, String)>>,
}

/// Older complaints explain nothing.
const FRESH: Duration = Duration::from_secs(30);

impl Trouble {
    pub fn note(&self, code: RDKafkaErrorCode, reason: &str) {
        // "All brokers are down" follows the reason why, and would hide it.
        if code == RDKafkaErrorCode::AllBrokersDown && self.recent().is_some() {
            return;
        }
        // Which of its own threads the library was in says nothing to anybody.
        let reason = reason.split_once("]: ").map_or(reason, |(_, rest)| rest);
        let new = {
            let mut last = self.last.lock();
            let new = last.as_ref().is_none_or(|(at, known, _)| *known != code || at.elapsed() > FRESH);
            *last = Some((Instant::now(), code, reason.to_owned()));
            new
        };
        if new {
            tracing::warn!(%code, "Kafka: {reason}");
        }
    }

    pub fn recent(&self) -> Option<String> {
        self.last.lock().as_ref().filter(|(at, ..)| at.elapsed() < FRESH).map(|(_, _, reason)| reason.clone())
    }

    pub fn is_authentication(&self) -> bool {
        self.last.lock().as_ref().is_some_and(|(_, code, _)| *code == RDKafkaErrorCode::Authentication)
    }

    pub fn clear(&self) {
        *self.last.lock() = None;
    }

    /// `detail`, and what the client complained of.
    pub fn explain(&self, addresses: &str, detail: impl std::fmt::Display) -> String {
        match self.recent() {
            Some(reason) => format!("{detail} (brokers {addresses}; {reason})"),
            None => format!("{detail} (brokers {addresses})"),
        }
    }
}

/// The library's own log, which is for whoever looks into the library.
pub fn library_log(level: RDKafkaLogLevel, facility: &str, text: &str) {
    if (level as i32) <= RDKafkaLogLevel::Error as i32 {
        tracing::debug!(facility, "librdkafka: {text}");
    } else {
        tracing::trace!(facility, "librdkafka: {text}");
    }
}
