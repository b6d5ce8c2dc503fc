use crate::ClusterArgs;

/// Makes the topics and the tables, or brings them to this version; what there was to do. Safe to run twice and at once.
///
/// # Errors
/// A system does not answer, or has something that this can't become.
pub async fn migrate(args: &ClusterArgs, replication: u16, partitions: u16) -> Result<Vec<String>, MigrateError> {
    let mut done = chat_cassandra::migrate(&args.cassandra(), u32::from(replication)).await?;
    let kafka = args.kafka("chat-node migrate");
    done.extend(chat_kafka::migrate(&kafka, i32::from(partitions), i32::from(replication)).await?);
    Ok(done)
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("tables: {0}")]
    Cassandra(#[from] chat_cassandra::SetupError),
    #[error("topics: {0}")]
    Kafka(#[from] chat_kafka::MigrateError),
}
