use chat_kafka::{DeadLetter, Partition, Place, Record};

use crate::backoff::Backoff;
use crate::pipeline::Pipeline;

impl Pipeline {
    /// Lays a record aside, for as long as that takes: only then does its partition go on.
    pub async fn lay_aside(&self, partition: &Partition, record: &Record, error: String) {
        let place = Place { topic: partition.topic().to_owned(), partition: partition.number(), offset: record.offset };
        tracing::error!(%place, error, "a record can't be projected: it goes to the dead letters");
        let letter = DeadLetter {
            place,
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
            error,
            at: 0,
        };
        let mut backoff = Backoff::usual();
        while let Err(error) = self.dead.put(&letter).await {
            tracing::warn!(%error, place = %letter.place, "a dead letter is not kept yet");
            tokio::time::sleep(backoff.pause()).await;
        }
        self.counters.dead_letters.inc();
    }
}
