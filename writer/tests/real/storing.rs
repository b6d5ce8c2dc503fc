use chat_core::{ReadCursor, Seq};
use chat_ports::contract::{conversation, user};
use chat_ports::store::MessageStore as _;
use chat_ports::{CursorUpdate, MessageLog as _};

use crate::rig::{chatter, get, load, rig, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_has_comes_into_the_store_once() {
    let rig = rig(4).await;
    let said = chatter(&rig, 20, 30).await;
    let first = rig.writer("first").await;
    for (conversation, seqs) in &said {
        rig.until_stored(*conversation, seqs).await;
    }
    until("nothing is left to do", async || {
        load(&first, "lag_records").await == 0 && load(&first, "uncommitted_records").await == 0
    })
    .await;
    assert_eq!(load(&first, "records_total").await, 600);
    let (status, body) = get(&first, "/readyz").await;
    assert_eq!(status, 200, "{body}");
    let (_, metrics) = get(&first, "/metrics").await;
    for name in
        ["writer_records_total 600", "writer_lag_records 0", "writer_partition_lag_records{topic=", "process_cpu"]
    {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    first.shutdown().await;
    // The next one goes on where this one stopped.
    let more = rig.say(said[0].0, 5).await;
    let second = rig.writer("second").await;
    rig.until_stored(said[0].0, &[said[0].1.clone(), more].concat()).await;
    until("all is read", async || load(&second, "lag_records").await == 0).await;
    assert_eq!(load(&second, "records_total").await, 5);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_again_changes_nothing() {
    let mut rig = rig(2).await;
    let said = chatter(&rig, 5, 50).await;
    let first = rig.writer("first").await;
    for (conversation, seqs) in &said {
        rig.until_stored(*conversation, seqs).await;
    }
    first.shutdown().await;
    let pages = async || {
        let mut all = Vec::new();
        for (conversation, _) in &said {
            let newest = chat_ports::store::Position::Newest;
            all.push(rig.store.page(*conversation, newest, 100).await.expect("a page"));
        }
        all
    };
    let before = pages().await;
    // Another group reads everything from the beginning, as after a loss of the offsets.
    let kafka = rig.kafka.clone();
    let consumer = chat_kafka::ConsumerConfig {
        group: format!("{}-again", kafka.topic_prefix),
        kafka,
        ..chat_kafka::ConsumerConfig::default()
    };
    let settings = writer::config::Settings {
        writer_id: "again".into(),
        admin: "127.0.0.1:0".parse().expect("an address"),
        admin_token_file: None,
        consumer,
        limits: writer::Limits::default(),
    };
    let backends = writer::Backends { store: rig.store.clone(), tail: rig.tail.clone() };
    let again = writer::app::App::start(settings, backends).await.expect("starts");
    until("all is read again", async || load(&again, "records_total").await == 250).await;
    again.shutdown().await;
    assert_eq!(pages().await, before);
    rig.tail = rig.embedded.tail.clone();
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_come_into_the_store() {
    let rig = rig(2).await;
    let (conv, reader) = (conversation(), user());
    let update = |seq| CursorUpdate { conversation: conv, user: reader, cursor: ReadCursor::read_up_to(Seq::new(seq)) };
    for seq in [7, 3, 9, 5] {
        rig.log.append_cursors(vec![update(seq)]).await.expect("taken");
    }
    let app = rig.writer("w").await;
    until("the highest is there", async || {
        rig.store.cursor(conv, reader).await.expect("a cursor") == ReadCursor::read_up_to(Seq::new(9))
    })
    .await;
    app.shutdown().await;
}
