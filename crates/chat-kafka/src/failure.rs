use chat_ports::PortError;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::BACKEND;

/// What an error of one record means for whoever sent it.
///
/// Only what can never have reached a broker, nor ever will, is refused; all else has an unknown outcome.
pub fn of_record(code: Code, topic: &str, explain: impl FnOnce(String) -> String) -> PortError {
    let refused = |detail: String| PortError::Refused { backend: BACKEND, detail };
    match code {
        Code::QueueFull => PortError::Full { backend: BACKEND, detail: explain("too many records wait".into()) },
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
            refused(format!("the record is larger than {topic} takes ({} bytes)", crate::MAX_RECORD_BYTES))
        }
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => refused(format!(
            "this user may not write to {topic}: give it the ACLs Write and Describe on the topic, and IdempotentWrite on the cluster"
        )),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => refused(missing(topic)),
        Code::InvalidTopic | Code::InvalidRecord => refused(format!("{topic} does not take this record: {code}")),
        Code::MessageTimedOut => {
            PortError::unavailable(BACKEND, explain(format!("no acknowledgement from {topic} in time")))
        }
        _ => PortError::unavailable(BACKEND, explain(format!("{topic}: {code}"))),
    }
}

/// What a request for metadata that failed says.
pub fn no_answer(error: &KafkaError) -> String {
    let why = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
    format!("no broker answers: {why}")
}

pub fn missing(topic: &str) -> String {
    format!("the topic {topic} is missing: run `chat-node migrate`")
}
