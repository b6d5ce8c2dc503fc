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

/// A server without TLS waits for the end of what it takes for a command.
pub(crate) fn no_handshake(address: &Address, after: Duration) -> PortError {
    unavailable(format_args!("{address} gave no answer to a TLS handshake within {} ms; {NOT_TLS}", after.as_millis()))
}

const NOT_TLS: &str = "can it be reached from here, and is that its TLS port? For one without TLS the address begins with \
                       redis:// instead of rediss://";

/// A connection that was not made, or was ended before it was of use.
pub(crate) fn unconnected(address: &Address, tls: bool, error: &RedisError) -> PortError {
    let ended = error.kind() == ErrorKind::Io && !error.is_connection_refusal();
    match (tls, error.to_string()) {
        (true, words) if ended && !words.contains("certificate") => {
            unavailable(format_args!("{address}: {words}; {NOT_TLS}"))
        }
        (false, words) if error.is_timeout() => unavailable(format_args!(
            "{address}: {words}, no answer came; can it be reached from here, and is that Redis' port?"
        )),
        (false, words) if ended && error.is_connection_dropped() => unavailable(format_args!(
            "{address}: {words}; is that its TLS port? Then the address begins with rediss://"
        )),
        _ => failure(address, error),
    }
}

/// What cannot be right in an answer.
pub(crate) fn corrupt(detail: impl std::fmt::Display) -> PortError {
    PortError::Corrupt { backend: BACKEND, detail: detail.to_string() }
}

/// The server's own words, where there are any.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
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
        _ => match error.kind() {
            ErrorKind::AuthenticationFailed => "check the user and the password file",
            ErrorKind::RESP3NotSupported => "Redis 7 or later is needed",
            ErrorKind::Io => "is it running, and can it be reached from here?",
            ErrorKind::InvalidClientConfig => "check the certificates to trust",
            ErrorKind::Server(_) | ErrorKind::Extension => {
                return PortError::Refused { backend: BACKEND, detail: format!("{address}: {words}") };
            }
            _ => "the answer was not understood",
        },
    };
    unavailable(format_args!("{address}: {words}; {advice}"))
}
