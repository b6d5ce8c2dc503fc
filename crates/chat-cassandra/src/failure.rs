use chat_ports::PortError;
use scylla::errors::{
    DbError, ExecutionError, NextPageError, NextRowError, PagerExecutionError, RequestAttemptError, RequestError,
};

pub const BACKEND: &str = "Cassandra";

/// Why a store could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting is wrong, or a file that it names.
    #[error("{0}")]
    Config(String),
    /// No node answered, or none let us in.
    #[error("Cassandra is unreachable: {0}")]
    Unreachable(String),
    /// The tables are newer than this program.
    #[error(
        "the schema in keyspace {keyspace} is at version {found}, this program knows {known}: use a newer chat-node"
    )]
    TooNew { keyspace: String, found: i32, known: i32 },
    /// A statement that makes the schema was refused.
    #[error("{statement}: {detail}")]
    Schema { statement: String, detail: String },
}

/// What went wrong, by what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unavailable,
    Refused,
    Corrupt,
}

fn of_database(error: &DbError) -> Kind {
    match error {
        DbError::SyntaxError
        | DbError::Invalid
        | DbError::AlreadyExists { .. }
        | DbError::FunctionFailure { .. }
        | DbError::ConfigError => Kind::Refused,
        // Also `Unauthorized` and `AuthenticationError`: who administers the cluster can mend that while we run.
        _ => Kind::Unavailable,
    }
}

fn of_attempt(error: &RequestAttemptError) -> Kind {
    match error {
        RequestAttemptError::DbError(error, _) => of_database(error),
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => Kind::Refused,
        RequestAttemptError::CqlResultParseError(_)
        | RequestAttemptError::CqlErrorParseError(_)
        | RequestAttemptError::BodyExtensionsParseError(_) => Kind::Corrupt,
        _ => Kind::Unavailable,
    }
}

fn of_execution(error: &ExecutionError) -> Kind {
    match error {
        ExecutionError::BadQuery(_) => Kind::Refused,
        ExecutionError::LastAttemptError(error) => of_attempt(error),
        _ => Kind::Unavailable,
    }
}

fn of_pager(error: &PagerExecutionError) -> Kind {
    match error {
        PagerExecutionError::SerializationError(_) => Kind::Refused,
        PagerExecutionError::NextPageError(error) => of_next_page(error),
        _ => Kind::Unavailable,
    }
}

fn of_next_page(error: &NextPageError) -> Kind {
    match error {
        NextPageError::RequestFailure(RequestError::LastAttemptError(error)) => of_attempt(error),
        NextPageError::ResultMetadataParseError(_) => Kind::Corrupt,
        _ => Kind::Unavailable,
    }
}

fn of_row(error: &NextRowError) -> Kind {
    match error {
        NextRowError::NextPageError(error) => of_next_page(error),
        _ => Kind::Corrupt,
    }
}

/// The advice for an error that has one.
fn advice(detail: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    if says(&["credentials", "Authentication", "authentication", "Username and/or"]) {
        "; check the username and the password file"
    } else if says(&["does not exist", "unconfigured table", "No keyspace"]) {
        "; run `chat-node migrate`"
    } else if says(&["InvalidContentType"]) {
        "; what listens there does not speak TLS: name the port that does, or leave the CA file out"
    } else if says(&["resolve", "lookup address"]) {
        "; no such host: check the address"
    } else if says(&["certificate", "tls", "TLS"]) {
        "; check the CA file, and that the node's certificate names its address"
    } else if says(&["early eof"]) {
        "; it closed the connection at once: is that the CQL port? One with TLS needs a CA file set"
    } else if says(&["deserialize frame"]) {
        "; what answers there is not Cassandra: is that the CQL port?"
    } else if says(&["refused", "Connect timeout", "unreachable", "Connection reset", "timed out"]) {
        "; check that the address is right and the node is up"
    } else if says(&["Not enough nodes"]) {
        "; too many replicas are down for LOCAL_QUORUM"
    } else {
        ""
    }
}

/// The text of an error with what one may do about it.
pub fn advise(addresses: &str, error: &dyn std::error::Error) -> String {
    let mut detail = error.to_string();
    // The driver's outer errors often name only the inner one's subject.
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !detail.contains(&text) {
            detail = format!("{detail}: {text}");
        }
        source = inner.source();
    }
    // What led to a failed connection is the same for all of them.
    let detail = detail.rsplit("Last connection failed with: ").next().unwrap_or(&detail);
    let advice = advice(detail);
    if addresses.is_empty() { format!("{detail}{advice}") } else { format!("{addresses}: {detail}{advice}") }
}

fn port_error(kind: Kind, addresses: &str, error: &dyn std::error::Error) -> PortError {
    let (backend, detail) = (BACKEND, advise(addresses, error));
    match kind {
        Kind::Unavailable => PortError::Unavailable { backend, detail },
        Kind::Refused => PortError::Refused { backend, detail },
        Kind::Corrupt => PortError::Corrupt { backend, detail },
    }
}

pub fn execution(addresses: &str, error: &ExecutionError) -> PortError {
    port_error(of_execution(error), addresses, error)
}

pub fn pager(addresses: &str, error: &PagerExecutionError) -> PortError {
    port_error(of_pager(error), addresses, error)
}

pub fn next_row(addresses: &str, error: &NextRowError) -> PortError {
    port_error(of_row(error), addresses, error)
}

/// What was read is not what this version writes.
pub fn corrupt(detail: impl std::fmt::Display) -> PortError {
    PortError::Corrupt { backend: BACKEND, detail: detail.to_string() }
}

pub fn refused(detail: impl std::fmt::Display) -> PortError {
    PortError::Refused { backend: BACKEND, detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_for_what_happened() {
        // As the driver says it.
        let pool = "Control connection pool error: The pool is broken; Last connection failed with: ";
        let cases = [
            ("Authentication failed - bad credentials, Error message: Provided username x", "the password file"),
            ("Authentication is required. You can use SessionBuilder::user", "the password file"),
            ("IO error: Connection refused (os error 111)", "the node is up"),
            ("Connect timeout elapsed", "the node is up"),
            ("received corrupt message of type InvalidContentType", "does not speak TLS"),
            ("invalid peer certificate: UnknownIssuer", "the CA file"),
            ("Failed to read the frame header: early eof", "needs a CA file"),
            ("Failed to deserialize frame: Received frame marked as coming from a client", "is not Cassandra"),
            ("Keyspace 'chat' does not exist", "chat-node migrate"),
            ("unconfigured table messages", "chat-node migrate"),
            ("Not enough nodes are alive to satisfy required consistency level", "LOCAL_QUORUM"),
        ];
        for (cause, expected) in cases {
            let text = advise("db:9042", &std::io::Error::other(format!("{pool}{cause}")));
            assert!(text.starts_with("db:9042: ") && text.contains(cause) && text.contains(expected), "{text}");
            assert!(!text.contains("pool is broken"), "{text}");
        }
    }

    #[test]
    fn what_the_server_says_and_what_it_means() {
        let of =
            |error| of_execution(&ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, String::new())));
        for error in [DbError::Overloaded, DbError::ServerError, DbError::IsBootstrapping, DbError::Unauthorized] {
            assert_eq!(of(error), Kind::Unavailable);
        }
        for error in [DbError::Invalid, DbError::SyntaxError] {
            assert_eq!(of(error), Kind::Refused);
        }
        let timeout = ExecutionError::RequestTimeout(std::time::Duration::from_secs(2));
        assert!(matches!(execution("db:9042", &timeout), PortError::Unavailable { .. }));
    }
}
