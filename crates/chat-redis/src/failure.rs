//! Redis' errors as the ports tell them, each with what to do about it.

use std::time::Duration;

use chat_ports::PortError;
use redis::{ErrorKind, RedisError};

use crate::config::Address;

/// The name in every error.
pub(crate) const BACKEND: &str = "Redis";

pub(crate) fn unavailable(detail: impl std::fmt::Display) -> PortError {
    PortError::unavailable(BACKEND, detail)
}

pub(crate) fn timed_out(address: &Address, after: Duration) -> PortError {
    unavailable(format_args!(
        "{address} gave no answer within {} ms; look at its load, at SLOWLOG, and at the network",
        after.as_millis()
    ))
}

/// What cannot be right in an answer.
pub(crate) fn corrupt(detail: impl std::fmt::Display) -> PortError {
    PortError::Corrupt { backend: BACKEND, detail: detail.to_string() }
}

/// The server's own words, where there are any.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// As rustls says that it was answered in plain text.
fn no_tls(words: &str) -> bool {
    words.contains("InvalidContentType")
}

/// Nothing came while a connection was made.
pub(crate) fn silent(address: &Address, tls: bool) -> PortError {
    let advice =
        if tls { "without TLS, write redis:// for rediss://" } else { "with TLS, write rediss:// for redis://" };
    unavailable(format_args!("{address} gave no answer in time: is that Redis, and not overloaded? {advice}"))
}

/// As [`failure`], while a connection is made. Who closes one at once without a word wants something else first.
pub(crate) fn not_connected(address: &Address, tls: bool, error: &RedisError) -> PortError {
    if error.is_timeout() {
        return silent(address, tls);
    }
    if !tls && error.is_connection_dropped() && !error.is_connection_refusal() {
        let words = words(error);
        return unavailable(format_args!(
            "{address}: {words}; it closed the connection at once: is that Redis? with TLS, write rediss:// for redis://"
        ));
    }
    failure(address, error)
}

/// An error that a server gave, or that the way to it made.
pub(crate) fn failure(address: &Address, error: &RedisError) -> PortError {
    let words = words(error);
    let advice = match error.code() {
        Some("OOM") => {
            let detail = format!("{address} is out of memory ({words}); raise maxmemory, or add a shard");
            return PortError::Full { backend: BACKEND, detail };
        }
        Some("NOAUTH" | "WRONGPASS") => "check the user and the password file",
        Some("NOPERM") => "give the ACL user what docs/reference/redis.md lists",
        Some("LOADING") => "it reads its data and will answer soon",
        Some("READONLY") => "this is a replica; name the primary, or use redis+sentinel:// or redis+cluster://",
        Some("MASTERDOWN") => "a replica has lost its primary; a failover is due",
        Some("CLUSTERDOWN") => "slots have no server; look at CLUSTER INFO",
        Some("NOREPLICAS") => "it has too few replicas to accept writes; look at INFO replication",
        Some("MISCONF") => "it cannot write its snapshots; look at its disk",
        Some("BUSY") => "a script runs for too long; look at SLOWLOG",
        Some("TRYAGAIN" | "MOVED" | "ASK") => "slots are moving; it will pass",
        _ if no_tls(&words) => {
            "what listens there does not speak TLS: write redis:// for rediss://, or name the TLS port"
        }
        _ if words.contains("lookup address") || words.contains("not known") => "no such host: check the address",
        _ => match error.kind() {
            ErrorKind::AuthenticationFailed => "check the user and the password file",
            ErrorKind::RESP3NotSupported => "Redis 7 or later is needed",
            ErrorKind::Io => "is it running, and can it be reached from here?",
            ErrorKind::InvalidClientConfig => "check the certificates to trust",
            ErrorKind::Server(_) | ErrorKind::Extension => {
                return PortError::Refused { backend: BACKEND, detail: format!("{address}: {words}") };
            }
            ErrorKind::Parse => "what answers there is not Redis: check the port",
            _ => "the answer was not understood",
        },
    };
    unavailable(format_args!("{address}: {words}; {advice}"))
}
