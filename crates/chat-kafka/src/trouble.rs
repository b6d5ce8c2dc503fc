use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::advice::advice;

/// The last thing that a client of the brokers complained of. It knows the address and the reason, which the error of a
/// single record does not.
#[derive(Debug, Default)]
pub struct Trouble {
    last: Mutex<Option<(Instant, RDKafkaErrorCode, String)>>,
}

/// Older complaints explain nothing. The library repeats one that stays the same each 30 s only.
const FRESH: Duration = Duration::from_secs(45);

/// What the library calls such a line.
const FAILED_CONNECTION: &str = "FAIL";

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
            // It is said by the log and by the callback, each time with other milliseconds.
            let same = |known: &str| known.split(" (after ").next() == reason.split(" (after ").next();
            let new = last.as_ref().is_none_or(|(at, _, known)| !same(known) || at.elapsed() > FRESH);
            *last = Some((Instant::now(), code, reason.to_owned()));
            new
        };
        if new {
            if let Some(advice) = advice(reason) {
                tracing::warn!(%code, "Kafka: {reason}; {advice}");
            } else {
                tracing::warn!(%code, "Kafka: {reason}");
            }
        }
    }

    /// The library's own log, which is for whoever looks into the library. But that a connection could not be made within
    /// its time, or was closed at once, is said there alone; and everything is, to a client whose queue nobody polls.
    pub fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        if (level as i32) <= RDKafkaLogLevel::Error as i32 {
            tracing::debug!(facility, "librdkafka: {text}");
        } else {
            tracing::trace!(facility, "librdkafka: {text}");
        }
        if facility == FAILED_CONNECTION {
            let refused = text.contains("SASL authentication error");
            let failure = RDKafkaErrorCode::BrokerTransportFailure;
            self.note(if refused { RDKafkaErrorCode::Authentication } else { failure }, text);
        }
    }

    pub fn recent(&self) -> Option<String> {
        self.last.lock().as_ref().filter(|(at, ..)| at.elapsed() < FRESH).map(|(_, _, reason)| reason.clone())
    }

    /// The last complaint, and what to do about it.
    pub fn complaint(&self) -> Option<String> {
        let reason = self.recent()?;
        Some(match advice(&reason) {
            Some(advice) => format!("{reason}; {advice}"),
            None => reason,
        })
    }

    pub fn is_authentication(&self) -> bool {
        self.last.lock().as_ref().is_some_and(|(_, code, _)| *code == RDKafkaErrorCode::Authentication)
    }

    pub fn clear(&self) {
        *self.last.lock() = None;
    }

    /// `detail`, what the client complained of, and what to do about that.
    pub fn explain(&self, addresses: &str, detail: impl std::fmt::Display) -> String {
        match self.complaint() {
            Some(complaint) => format!("{detail} (brokers {addresses}): {complaint}"),
            None => format!("{detail} (brokers {addresses})"),
        }
    }
}

/// A client of which only its complaints are of interest.
pub struct Listening(pub Arc<Trouble>);

impl ClientContext for Listening {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log(level, facility, text);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown), reason);
    }
}

impl ConsumerContext for Listening {}
