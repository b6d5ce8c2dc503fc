//! Fills the log, to measure the writer: `fill BROKER COUNT CONVERSATIONS [PARTITIONS]`. Makes the topics when needed.

use std::time::Instant;

use chat_core::{ClientMsgId, ConversationId, EventBody, MessageBody, MessageId, Timestamp, UserId};
use chat_kafka::{KafkaConfig, KafkaLog, migrate};
use chat_ports::MessageLog as _;
use chat_wire::LogRecord;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [broker, count, conversations, rest @ ..] = args.as_slice() else {
        return Err("fill BROKER COUNT CONVERSATIONS [PARTITIONS]".into());
    };
    let (count, conversations): (u128, u128) = (count.parse()?, conversations.parse()?);
    let config = KafkaConfig { brokers: vec![broker.clone()], ..KafkaConfig::default() };
    let partitions = rest.first().map_or(Ok(64), |text| text.parse())?;
    println!("{:?}", migrate(&config, partitions, 1).await?);
    let log = KafkaLog::open(&config)?;
    let start = Instant::now();
    let mut left: Vec<u128> = (0..count).collect();
    while !left.is_empty() {
        let part = left.split_off(left.len().saturating_sub(10_000));
        let record = |n: &u128| LogRecord {
            conversation: ConversationId::new(Uuid::from_u128(1 + n % conversations)),
            at: Timestamp::from_millis(1_700_000_000_000),
            actor: UserId::new(Uuid::from_u128(7 + n % 50)),
            client_msg_id: Some(ClientMsgId::new(Uuid::new_v4())),
            body: EventBody::Message {
                id: MessageId::new(Uuid::new_v4()),
                body: MessageBody::text("A message as people write it: not long, and not quite short either."),
            },
        };
        log.append_batch(part.iter().map(record).collect()).await?;
    }
    println!("{count} records in {:.1} s", start.elapsed().as_secs_f64());
    log.close().await;
    Ok(())
}
