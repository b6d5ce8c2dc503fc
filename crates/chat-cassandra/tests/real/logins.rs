//! A login in several processes.

use std::time::Duration;

use chat_cassandra::BucketLimits;
use chat_core::{SessionId, Timestamp};
use chat_ports::contract::user;
use chat_ports::store::{AccountStore as _, RefreshOutcome, SessionRow};
use tokio::time::Instant;
use uuid::Uuid;

use crate::rig::open;

fn session() -> SessionRow {
    let at = Timestamp::from_millis;
    SessionRow {
        id: SessionId::new(Uuid::new_v4()),
        user: user(),
        device_name: None,
        created_at: at(10),
        last_used_at: at(10),
        expires_at: at(1_000_000),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_ended_ends_here_within_seconds() {
    let (here, there, session) = (open(BucketLimits::default()).await, open(BucketLimits::default()).await, session());
    here.create_session(session.clone(), [1; 32]).await.expect("create");
    assert!(here.session(session.id).await.expect("session").is_some());
    assert!(there.revoke_session(session.user, session.id).await.expect("revoke"));
    assert_eq!(there.session(session.id).await.expect("session"), None, "at once where it was ended");
    let ended = Instant::now();
    while here.session(session.id).await.expect("session").is_some() {
        assert!(ended.elapsed() < Duration::from_secs(10), "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_processes_refreshes() {
    let (here, there, session) = (open(BucketLimits::default()).await, open(BucketLimits::default()).await, session());
    here.create_session(session.clone(), [1; 32]).await.expect("create");
    let (now, until) = (Timestamp::from_millis(1_000), session.expires_at);
    for round in 1..20_u8 {
        let rotate = |store: &std::sync::Arc<chat_cassandra::CassandraStore>, next| {
            let store = std::sync::Arc::clone(store);
            async move { store.rotate_session(session.id, [round; 32], next, now, until, 100).await.expect("rotate") }
        };
        let (one, other) = tokio::join!(rotate(&here, [round + 1; 32]), rotate(&there, [round + 101; 32]));
        let rotated = [&one, &other].map(|outcome| matches!(outcome, RefreshOutcome::Rotated(_)));
        assert!(rotated == [true, false] || rotated == [false, true], "{one:?} {other:?}");
        if rotated[1] {
            let back = here.rotate_session(session.id, [round + 101; 32], [round + 1; 32], now, until, 100).await;
            assert!(matches!(back.expect("rotate"), RefreshOutcome::Rotated(_)));
        }
    }
}
