use std::sync::atomic::Ordering;

use crate::rig::{Fault, PATIENCE, chatter, get, load, rig, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_away_gets_everything() {
    let rig = rig(4).await;
    let app = rig.writer("w").await;
    let before = chatter(&rig, 4, 20).await;
    for (conversation, seqs) in &before {
        rig.until_stored(*conversation, seqs).await;
    }
    rig.store.set(Fault::Away);
    let meanwhile = chatter(&rig, 10, 50).await;
    until("the port says what is wrong", async || {
        let (status, body) = get(&app, "/readyz").await;
        status == 503 && body.contains("SQLite is unavailable: a test says so")
    })
    .await;
    until("the lag shows", async || load(&app, "lag_records").await == 500).await;
    let calls = rig.store.calls.load(Ordering::SeqCst);
    until("it goes on trying", async || rig.store.calls.load(Ordering::SeqCst) > calls + 5).await;
    rig.store.set(Fault::Nothing);
    for (conversation, seqs) in &meanwhile {
        rig.until_stored(*conversation, seqs).await;
    }
    until("it is well again", async || get(&app, "/readyz").await.0 == 200).await;
    assert_eq!(rig.dead().scan(false, PATIENCE).await.expect("readable"), []);
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_the_store_is_away_loses_nothing() {
    let rig = rig(2).await;
    rig.store.set(Fault::Away);
    let said = chatter(&rig, 4, 50).await;
    let app = rig.writer("first").await;
    until("it tries", async || rig.store.calls.load(Ordering::SeqCst) > 2).await;
    app.shutdown().await;
    rig.store.set(Fault::Nothing);
    let app = rig.writer("second").await;
    for (conversation, seqs) in &said {
        rig.until_stored(*conversation, seqs).await;
    }
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_everything_is_not_the_records_fault() {
    let rig = rig(1).await;
    rig.store.set(Fault::RefusesAll);
    let said = chatter(&rig, 1, 200).await;
    let app = rig.writer("w").await;
    until("it says so", async || get(&app, "/readyz").await.1.contains("it refuses every record")).await;
    rig.store.set(Fault::Nothing);
    let letters = rig.dead().scan(true, PATIENCE).await.expect("readable");
    assert!((1..=20).contains(&letters.len()), "{} of 200 were laid aside", letters.len());
    let (conversation, seqs) = &said[0];
    rig.until_stored(*conversation, &seqs[letters.len()..]).await;
    // Nothing is lost: the letters can be replayed.
    for letter in &letters {
        let backends = rig.backends();
        let replayed = writer::replay(letter, &rig.kafka.topics(), &backends).await.expect("the store is there");
        assert_eq!(replayed, writer::Replayed::Done);
    }
    rig.until_stored(*conversation, seqs).await;
    app.shutdown().await;
}
