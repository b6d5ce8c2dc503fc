use std::time::{Duration, Instant};

use chat_ports::PortError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::producer::Producer;
use crate::{BACKEND, failure};

/// Longer than a connection may take to be made: then the reason why there is none is known.
const DEADLINE: Duration = Duration::from_millis(2_500);
/// One answer serves all who ask within this.
const FRESH: Duration = Duration::from_secs(1);

/// Asks the brokers whether they have a topic and a leader for each of its partitions.
pub struct TopicCheck {
    topic: String,
    checked: tokio::sync::Mutex<Option<(Instant, Result<(), PortError>)>>,
}

impl TopicCheck {
    pub fn new(topic: String) -> Self {
        Self { topic, checked: tokio::sync::Mutex::new(None) }
    }

    /// Within 2.5 s. `Unavailable` when nobody answers, `Refused` when the topic is missing or not for this user.
    pub async fn ask(&self, producer: &Producer) -> Result<(), PortError> {
        // One asks, the others take its answer.
        let mut checked = self.checked.lock().await;
        if let Some((at, result)) = checked.as_ref()
            && at.elapsed() < FRESH
        {
            return result.clone();
        }
        let result = self.ask_brokers(producer).await;
        *checked = Some((Instant::now(), result.clone()));
        result
    }

    async fn ask_brokers(&self, producer: &Producer) -> Result<(), PortError> {
        let (instance, topic) = (producer.instance(), self.topic.clone());
        let asking = tokio::task::spawn_blocking(move || {
            let metadata = instance.client().fetch_metadata(Some(&topic), DEADLINE)?;
            let known = metadata.topics().iter().find(|known| known.name() == topic);
            let leaderless = known.map(|known| known.partitions().iter().filter(|p| p.leader() < 0).count());
            let error = known.and_then(|known| known.error().map(Code::from));
            Ok::<_, rdkafka::error::KafkaError>((error, leaderless, known.is_none_or(|k| k.partitions().is_empty())))
        });
        let explain = |detail| producer.trouble.explain(&producer.addresses(), detail);
        let unavailable = |detail: String| Err(PortError::Unavailable { backend: BACKEND, detail: explain(detail) });
        match asking.await {
            Err(_) => unavailable("the process is shutting down".into()),
            Ok(Err(error)) => unavailable(failure::no_answer(&error)),
            Ok(Ok((Some(Code::UnknownTopicOrPartition | Code::UnknownTopic), ..) | (None, _, true))) => {
                Err(PortError::Refused { backend: BACKEND, detail: failure::missing(&self.topic) })
            }
            Ok(Ok((Some(code), ..))) => Err(failure::of_record(code, &self.topic, explain)),
            Ok(Ok((None, Some(count @ 1..), _))) => {
                unavailable(format!("{count} partitions of {} have no leader", self.topic))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }
}
