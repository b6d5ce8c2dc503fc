//! Nobody stays where they may not be, also when every hint that says so is lost.

use std::time::Duration;

use chat_cassandra::{CassandraConfig, CassandraStore};
use chat_core::{ConversationId, Seq, SessionId, UserId};
use chat_ports::store::{AccountStore as _, MessageStore as _, Mutation};
use cluster_tests::{Person, Rig, Shape, until};
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const UNAUTHENTICATED: u16 = 4401;

/// The store as another node writes it, whose hints are all lost.
async fn store(rig: &Rig) -> CassandraStore {
    let config = CassandraConfig {
        contact_points: vec![rig.ports().cassandra(1).to_string()],
        keyspace: "chat".to_owned(),
        ..CassandraConfig::default()
    };
    let store = CassandraStore::open(config).expect("opens");
    until("the store", async || store.session(SessionId::new(Uuid::new_v4())).await.ok()).await;
    store
}

async fn session_of(person: &Person) -> SessionId {
    let listed = person.call(Method::GET, "/v1/auth/sessions", None).await.expect("sessions");
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    let current = items.iter().find(|item| item["current"] == json!(true)).expect("the current one");
    SessionId::new(current["id"].as_str().expect("an id").parse().expect("a UUID"))
}

/// No hint at all: the node finds out by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_cut_although_nobody_says_so() {
    let rig = Rig::start_with(Shape::One, &["--session-check-seconds=3"]);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&one, "bob").await);
    let (mut a, _) = ada.socket(&two, "a", Value::Null).await;
    let (mut b, _) = bob.socket(&two, "b", Value::Null).await;
    let (store, session) = (store(&rig).await, session_of(&ada).await);
    assert!(store.revoke_session(UserId::new(ada.account.user), session).await.expect("revoked"));
    let code = tokio::time::timeout(Duration::from_secs(10), a.closed()).await.expect("cut within its period");
    assert_eq!(code, UNAUTHENTICATED);
    b.say(&json!({"type": "ping", "n": 1})).await;
    b.expect("pong", |_| true).await;
}

/// Redis is away when somebody logs out: the hint can't be sent. The other node finds out as soon as Redis is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_while_redis_is_away_ends_the_socket_when_it_is_back() {
    let rig = Rig::start_with(Shape::One, &["--session-check-seconds=3600"]);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let ada = Person::new(&one, "ada").await;
    let (mut a, _) = ada.socket(&two, "a", Value::Null).await;
    rig.act(|stack| stack.kill("redis-1")).await;
    ada.call(Method::POST, "/v1/auth/logout", None).await.expect("logged out");
    a.say(&json!({"type": "ping", "n": 1})).await;
    a.expect("pong", |_| true).await;
    rig.act(|stack| stack.start(&["redis-1"])).await;
    let code = tokio::time::timeout(Duration::from_secs(10), a.closed()).await.expect("cut soon");
    assert_eq!(code, UNAUTHENTICATED);
}

/// The session ends between the look at it and the entry among the connections. With 400 ms each way the node's first look is
/// at the store after 0.4 s, and its answer comes at 0.8 s; the second look is at the store not before 1.2 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_while_its_socket_comes_in_is_cut() {
    let rig = Rig::start_with(Shape::One, &["--session-check-seconds=3600"]);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let ada = Person::new(&one, "ada").await;
    let (store, session) = (store(&rig).await, session_of(&ada).await);
    rig.proxies().delay("cassandra-1", 400, 0).expect("delay");
    let mut socket = ada.hello(&two, "a", Value::Null).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(store.revoke_session(UserId::new(ada.account.user), session).await.expect("revoked"));
    assert_eq!(socket.closed().await, UNAUTHENTICATED);
}

/// Somebody is removed between the node's reading of where they belong and their getting seats. With 400 ms each way the list
/// is read at the store after 1.2 s (0.8 s for the session before) and is there at 1.6 s; the second reading is at the store
/// not before 2.0 s.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_while_their_socket_comes_in_gets_no_seat() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&one, "bob").await);
    let (stays, goes) = (ada.group(&[&bob]).await, ada.group(&[&bob]).await);
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let store = store(&rig).await;
    rig.proxies().delay("cassandra-1", 400, 0).expect("delay");
    let mut b = bob.hello(&two, "b", Value::Null).await;
    tokio::time::sleep(Duration::from_millis(1_400)).await;
    let conversation = ConversationId::new(goes.parse().expect("a UUID"));
    let gone = Mutation::RemoveMember {
        conversation,
        user: UserId::new(bob.account.user),
        version: Seq::from_parts(1, 1 << 40).expect("in range"),
    };
    store.apply(vec![gone]).await.expect("removed");
    b.expect("welcome", |_| true).await;
    rig.proxies().heal().expect("heal");
    // What is said there does not come to him, and he says nothing there.
    let secret = a.send(&goes, "not for bob").await;
    a.acked(secret).await;
    let hello = a.send(&stays, "for bob").await;
    a.acked(hello).await;
    let event = b.expect("event", |frame| frame["kind"] == "message").await;
    assert_eq!(event["body"]["text"], "for bob", "{event}");
    let id = b.send(&goes, "am I here?").await;
    let refused = b.expect("error", |frame| frame["client_msg_id"] == json!(id)).await;
    assert_eq!(refused["code"], "not_found");
    b.say(&json!({"type": "ping", "n": 1})).await;
    while let Some(frame) = b.next().await {
        assert_ne!(frame["body"]["text"], "not for bob");
        if frame["type"] == "pong" {
            break;
        }
    }
}
