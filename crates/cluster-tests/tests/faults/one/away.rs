//! Backends that are away for long, or refuse a record.

use std::time::Duration;

use cluster_tests::{Person, Rig, Shape, Trial, until};
use serde_json::Value;

/// Sends are acknowledged while Cassandra is away, history is what the tail has and says so, and all of it is stored in the
/// end.
#[tokio::test(flavor = "multi_thread")]
async fn cassandra_is_away_for_two_minutes() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&two, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let id = a.send(&room, "before").await;
    a.acked(id).await;
    bob.texts(&two, &room).await.expect("history");
    let away = async |rig: &Rig| {
        rig.act(|stack| stack.kill("cassandra-1")).await;
        let id = a.send(&room, "meanwhile").await;
        a.acked(id).await;
        let (texts, degraded) = until("history without the store", async || bob.texts(&two, &room).await.ok()).await;
        assert_eq!((texts.last().map(String::as_str), degraded), (Some("meanwhile"), true));
        tokio::time::sleep(Duration::from_mins(2)).await;
        rig.act(|stack| stack.start(&["cassandra-1"])).await;
    };
    let trial = Trial { rate: 200.0, ..Trial::new("Cassandra away for 2 minutes") };
    let trouble = trial.after(140).run(&rig, away).await;
    assert!(trouble.ack_gap < Duration::from_secs(5), "acks do not wait for Cassandra: {trouble:?}");
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;
    let (texts, degraded) = bob.texts(&two, &room).await.expect("history");
    assert_eq!((texts, degraded), (vec!["before".to_owned(), "meanwhile".to_owned()], false));
}
