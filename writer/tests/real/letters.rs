use std::time::Duration;

use chat_core::Seq;
use chat_kafka::migrate;
use chat_ports::MessageLog as _;
use chat_ports::contract::conversation;
use chat_ports::store::MessageStore as _;
use chat_wire::LogRecord;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::producer::{FutureProducer, FutureRecord};
use writer::{Replayed, replay};

use crate::rig::{Fault, PATIENCE, Rig, get, load, rig, says, until};

/// Bytes that the log's own producer would never write.
async fn produce(rig: &Rig, value: &[u8]) -> i64 {
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", rig.kafka.addresses()).create().expect("a producer");
    let topic = rig.kafka.topics().events(1);
    let record = FutureRecord::to(&topic).key("a key").payload(value);
    producer.send(record, PATIENCE).await.expect("delivered").offset
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_laid_aside_and_the_rest_goes_on() {
    let rig = rig(1).await;
    let conv = conversation();
    let mut seqs = rig.say(conv, 3).await;
    let garbage = produce(&rig, b"\xff\x00 not a record").await;
    seqs.extend(rig.say(conv, 3).await);
    let newer = produce(&rig, br#"{"v":99,"something":"else"}"#).await;
    seqs.extend(rig.say(conv, 3).await);
    let app = rig.writer("w").await;
    rig.until_stored(conv, &seqs).await;
    let letters = rig.dead().scan(true, PATIENCE).await.expect("readable");
    assert_eq!(letters.iter().map(|letter| letter.place.offset).collect::<Vec<_>>(), [garbage, newer]);
    assert_eq!(letters[0].value.as_deref(), Some(&b"\xff\x00 not a record"[..]));
    assert_eq!(letters[0].key.as_deref(), Some(&b"a key"[..]));
    assert!(letters[1].error.contains("version 99"), "{}", letters[1].error);
    // This build can't read them on the second try either.
    let backends = rig.backends();
    for letter in &letters {
        let replayed = replay(letter, &rig.kafka.topics(), &backends).await.expect("the store is there");
        assert!(matches!(replayed, Replayed::Refused(_)), "{replayed:?}");
    }
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_record_is_found_and_comes_back_at_its_place() {
    let rig = rig(1).await;
    let conv = conversation();
    rig.store.set(Fault::RefusesPoison);
    let mut all = rig.say(conv, 70).await;
    let record = says(conv, "poison");
    let poison = rig.log.append(record.clone()).await.expect("append");
    let after = rig.say(conv, 70).await;
    let app = rig.writer("w").await;
    rig.until_stored(conv, &[all.clone(), after.clone()].concat()).await;
    let dead = rig.dead();
    let letters = dead.scan(true, PATIENCE).await.expect("readable");
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = &letters[0];
    let offset = u64::try_from(letter.place.offset).expect("positive");
    assert_eq!(Seq::from_parts(1, offset), Some(poison));
    assert_eq!(LogRecord::decode(letter.value.as_deref().expect("a value")).expect("readable"), record);
    assert!(letter.headers.iter().any(|(name, _)| name == "client_msg_id"), "the headers stay");
    // Whatever was wrong with the store is mended.
    rig.store.set(Fault::Nothing);
    let backends = rig.backends();
    for _ in 0..2 {
        let replayed = replay(letter, &rig.kafka.topics(), &backends).await.expect("the store is there");
        assert_eq!(replayed, Replayed::Done, "twice is as once");
    }
    all.push(poison);
    all.extend(after);
    rig.until_stored(conv, &all).await;
    let row = rig.store.message(conv, poison).await.expect("a row").expect("there");
    assert_eq!(row.client_msg_id, record.client_msg_id);
    dead.resolve(&letter.place).await.expect("written");
    assert_eq!(dead.scan(false, PATIENCE).await.expect("readable"), []);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_topic_for_dead_letters_it_says_so_and_goes_on_when_there_is_one() {
    let rig = rig(1).await;
    let admin: AdminClient<_> =
        ClientConfig::new().set("bootstrap.servers", rig.kafka.addresses()).create().expect("a client");
    let gone = admin.delete_topics(&[&rig.kafka.topics().dead()], &AdminOptions::new()).await.expect("an answer");
    gone[0].as_ref().expect("deleted");
    let conv = conversation();
    let before = rig.say(conv, 3).await;
    let app = rig.writer("first").await;
    rig.until_stored(conv, &before).await;
    until("a missing topic is told before it is needed", async || {
        let (status, body) = get(&app, "/readyz").await;
        status == 503 && body.contains(&rig.kafka.topics().dead()) && body.contains("chat-node migrate")
    })
    .await;
    let garbage = produce(&rig, b"no record").await;
    let after = rig.say(conv, 3).await;
    until("the lag shows", async || load(&app, "lag_records").await == 4).await;
    // The next writer has the same trouble, and this one does not hold it up.
    let begin = std::time::Instant::now();
    app.shutdown().await;
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
    let app = rig.writer("second").await;
    until("it says since when", async || {
        let (status, body) = get(&app, "/readyz").await;
        status == 503 && body.contains("chat-node migrate")
    })
    .await;
    assert_eq!(rig.stored(conv).await, before);
    migrate(&rig.kafka, 1, 1).await.expect("topics");
    rig.until_stored(conv, &[before, after].concat()).await;
    until("it is well again", async || get(&app, "/readyz").await.0 == 200).await;
    let letters = rig.dead().scan(false, PATIENCE).await.expect("readable");
    assert_eq!(letters.iter().map(|letter| letter.place.offset).collect::<Vec<_>>(), [garbage]);
    app.shutdown().await;
}
