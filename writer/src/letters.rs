use chat_kafka::{DeadLetter, Partition, Place, Record};

use crate::backoff::Backoff;
use crate::pipeline::Pipeline;
use crate::store_step::Leaving;

impl Pipeline {
    /// Lays a record aside, for as long as that takes: only then does its partition go on.
    ///
    /// # Errors
    /// It could not be kept yet, and the partition is about to go: whoever has it next reads the record again.
    pub async fn lay_aside(&self, partition: &Partition, record: &Record, error: String) -> Result<(), Leaving> {
        let place = Place { topic: partition.topic().to_owned(), partition: partition.number(), offset: record.offset };
        tracing::error!(%place, error, "a record can't be projected: it goes to the dead letters");
        let letter = DeadLetter {
            place,
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
            error,
            cut_from: None,
            at: 0,
        };
        let mut backoff = Backoff::usual();
        while let Err(error) = self.dead.put(&letter).await {
            self.dead_health.fails(&error);
            tokio::select! {
                () = tokio::time::sleep(backoff.pause()) => {}
                () = partition.leaving().cancelled_owned() => return Err(Leaving),
            }
        }
        self.dead_health.works();
        self.counters.dead_letters.inc();
        Ok(())
    }
}
