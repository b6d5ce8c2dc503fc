use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client::{Callbacks, settings};
use super::thread::{Client, Shared};
use crate::config::KafkaConfig;
use crate::failure;
use crate::probe::diagnose;

const METADATA_DEADLINE: Duration = Duration::from_secs(5);

/// A client that subscribes to every generation of the log that there is, and to the cursors.
///
/// # Errors
/// Why not, for people.
pub fn connect(shared: &Arc<Shared>) -> Result<Arc<Client>, String> {
    let settings = settings(&shared.config).map_err(|error| error.to_string())?;
    let client: Client = settings.create_with_context(Callbacks(Arc::clone(shared))).map_err(|e| e.to_string())?;
    let mut names = Vec::new();
    let newest = shared.config.kafka.generation;
    for generation in 1..=newest {
        let name = shared.topics.events(generation);
        match exists(&client, &shared.config.kafka, &name)? {
            true => names.push(name),
            false if generation == newest => return Err(failure::missing(&name)),
            // Retention has long taken what the store has.
            false => {}
        }
    }
    let cursors = shared.topics.cursors();
    if !exists(&client, &shared.config.kafka, &cursors)? {
        return Err(failure::missing(&cursors));
    }
    names.push(cursors);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    client.subscribe(&names).map_err(|error| error.to_string())?;
    shared.reachable();
    tracing::info!(topics = names.join(","), group = shared.config.group, "joining the writers' group");
    Ok(Arc::new(client))
}

fn exists(client: &Client, kafka: &KafkaConfig, topic: &str) -> Result<bool, String> {
    match client.fetch_metadata(Some(topic), METADATA_DEADLINE) {
        Ok(metadata) => {
            let known = metadata.topics().iter().find(|known| known.name() == topic);
            match known.and_then(|known| known.error().map(Code::from)) {
                Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(false),
                Some(code) => Err(format!("{topic}: {code}")),
                None => Ok(known.is_some_and(|known| !known.partitions().is_empty())),
            }
        }
        Err(error) => {
            // The reason waits in the client's queue.
            for _ in 0..20 {
                drop(client.poll(Duration::ZERO));
            }
            Err(format!("no broker answers: {} ({error})", diagnose(&kafka.brokers, kafka.tls)))
        }
    }
}
