use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::{ConversationId, Rev, Seq};
use chat_ports::contract::conversation;
use chat_ports::{LiveTail, MessageLog as _, Since};
use chat_redis::{Redis, RedisConfig, RedisTail};
use chat_wire::NodeFrame;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::rig::{PATIENCE, Rig, environment, load, node, redis_rig, rig, says, until};

/// Redis behind a door that can be shut.
struct Door {
    address: String,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Door {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        Self { address, task: Some(Self::serve(listener)) }
    }

    fn serve(listener: TcpListener) -> tokio::task::JoinHandle<()> {
        let server = environment("ELASTIC_CHAT_TEST_REDIS").trim_start_matches("redis://").to_owned();
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.clone();
                connections.spawn(async move {
                    let mut server = TcpStream::connect(server).await.expect("Redis");
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        })
    }

    /// Cuts every connection and takes no more.
    async fn shut(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    async fn open_again(&mut self) {
        let listener = TcpListener::bind(&self.address).await.expect("the port");
        self.task = Some(Self::serve(listener));
    }
}

fn redis_at(url: String, rig: &Rig) -> Arc<dyn LiveTail> {
    let redis = Redis::open(RedisConfig { url, ..RedisConfig::default() }).expect("opens");
    Arc::new(RedisTail::new(redis, rig.embedded.store.clone()))
}

/// What a tail has, in the order of its revs.
async fn in_tail(tail: &Arc<dyn LiveTail>, conversation: ConversationId) -> Vec<Seq> {
    let Ok(head) = tail.head(conversation).await else { return Vec::new() };
    match tail.since(conversation, &head.epoch, Rev::ZERO, 10_000).await {
        Ok(Since::Events { events, .. }) => events.iter().map(|event| event.seq).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tail_lacks_is_appended_and_told() {
    let rig = redis_rig(2).await;
    let (conv, node) = (conversation(), node());
    let mut hints = rig.tail.subscribe(&node).await.expect("subscribed");
    rig.tail.register(conv, &node).await.expect("registered");
    let mut expected = Vec::new();
    for n in 0..40 {
        let record = says(conv, &n.to_string());
        let seq = rig.log.append(record.clone()).await.expect("append");
        // Every fourth node died between the log and the tail.
        if n % 4 == 3 {
            expected.push(seq);
        } else {
            let event = serde_json::to_vec(&record.into_event(seq)).expect("JSON");
            rig.tail.append(conv, seq, Bytes::from(event)).await.expect("append");
        }
    }
    let app = rig.writer("w").await;
    let mut told = Vec::new();
    while told.len() < expected.len() {
        let frames = tokio::time::timeout(PATIENCE, hints.recv()).await.expect("in time").expect("open");
        for frame in frames {
            let NodeFrame::Event { conversation, seq, event, .. } = frame else { continue };
            assert_eq!(conversation, conv);
            let event: serde_json::Value = serde_json::from_slice(&event).expect("JSON");
            assert_eq!(event["seq"].as_u64(), Some(seq.get()));
            told.push(seq);
        }
    }
    assert_eq!(told, expected, "in the log's order, and nothing that was there");
    assert_eq!(in_tail(&rig.tail, conv).await.len(), 40);
    until("it is marked as stored", async || {
        rig.tail.head(conv).await.is_ok_and(|head| Some(&head.persisted) >= expected.last())
    })
    .await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_record_of_one_send_is_not_announced() {
    let rig = redis_rig(1).await;
    let conv = conversation();
    let record = says(conv, "once");
    let first = rig.log.append(record.clone()).await.expect("append");
    rig.log.append(record).await.expect("append");
    let last = rig.log.append(says(conv, "after")).await.expect("append");
    let app = rig.writer("w").await;
    rig.until_stored(conv, &[first, last]).await;
    until("the tail has them", async || in_tail(&rig.tail, conv).await == [first, last]).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_was_away_gets_what_it_missed() {
    let mut rig = rig(2).await;
    let mut door = Door::open().await;
    rig.tail = redis_at(format!("redis://{}", door.address), &rig);
    let beside = redis_at(environment("ELASTIC_CHAT_TEST_REDIS"), &rig);
    let conversations: Vec<_> = (0..6).map(|_| conversation()).collect();
    let app = rig.writer("w").await;
    let mut said = Vec::new();
    for conv in &conversations {
        said.push((*conv, rig.say(*conv, 10).await));
    }
    for (conv, seqs) in &said {
        until("the tail has them", async || in_tail(&beside, *conv).await == *seqs).await;
    }
    door.shut().await;
    for _ in 0..5 {
        for (conv, seqs) in &mut said {
            seqs.extend(rig.say(*conv, 8).await);
        }
        // In several batches.
        for (conv, seqs) in &said {
            rig.until_stored(*conv, seqs).await;
        }
    }
    assert!(load(&app, "uncommitted_records").await >= 200, "what the tail is owed is not committed");
    assert_eq!(load(&app, "lag_records").await, 0, "the store has everything");
    for (conv, seqs) in &said {
        assert_eq!(in_tail(&beside, *conv).await, seqs[..10]);
    }
    door.open_again().await;
    for (conv, seqs) in &said {
        until("the tail has what it missed", async || in_tail(&beside, *conv).await == *seqs).await;
    }
    until("all is committed", async || load(&app, "uncommitted_records").await == 0).await;
    app.shutdown().await;
    door.shut().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tail_is_owed_survives_the_writer() {
    let mut rig = rig(2).await;
    let mut door = Door::open().await;
    rig.tail = redis_at(format!("redis://{}", door.address), &rig);
    let beside = redis_at(environment("ELASTIC_CHAT_TEST_REDIS"), &rig);
    let conv = conversation();
    door.shut().await;
    let app = rig.writer("first").await;
    let mut seqs = rig.say(conv, 20).await;
    rig.until_stored(conv, &seqs).await;
    seqs.extend(rig.say(conv, 20).await);
    rig.until_stored(conv, &seqs).await;
    app.shutdown().await;
    door.open_again().await;
    let app = rig.writer("second").await;
    // A tail that begins now needs no past: whoever sees its new epoch asks the store. It may have it all the same.
    let next = rig.say(conv, 1).await;
    until("live goes on", async || in_tail(&beside, conv).await.ends_with(&next)).await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while load(&app, "uncommitted_records").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("all is committed");
    app.shutdown().await;
    door.shut().await;
}
