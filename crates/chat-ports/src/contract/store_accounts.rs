use std::sync::Arc;

use chat_core::{SessionId, Timestamp, UserId, Username};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::given::{at, user};
use super::store_messages::StoreFixture;
use crate::ChatStore;
use crate::store::{NewUser, ProfileChange, RefreshOutcome, SessionRow, UserRow};

/// A name that nobody else has.
fn name(prefix: &str) -> Username {
    let random = Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &random[..16]).try_into().expect("a username")
}

fn account(username: &Username, display_name: &str) -> NewUser {
    NewUser {
        id: user(),
        username: username.clone(),
        display_name: display_name.to_owned(),
        password_hash: Some("$argon2id$x".into()),
        at: at(5),
    }
}

pub(super) async fn signed_up(store: &Arc<dyn ChatStore>) -> UserId {
    let new = account(&name("u"), "Somebody");
    assert!(store.create_user(new.clone()).await.expect("create"));
    new.id
}

pub async fn an_account_comes_back(fixture: impl StoreFixture) {
    let (store, username) = (fixture.store(), name("ada"));
    let new = account(&username, "Ada Lövelace");
    assert_eq!(store.user(new.id).await.expect("user"), None);
    assert_eq!(store.user_by_name(&username).await.expect("user"), None);
    assert!(store.create_user(new.clone()).await.expect("create"));
    let expected = UserRow {
        id: new.id,
        username: username.clone(),
        display_name: "Ada Lövelace".into(),
        avatar: None,
        status_text: None,
        last_seen_visible: true,
        last_seen: None,
        created_at: at(5),
    };
    assert_eq!(store.user(new.id).await.expect("user"), Some(expected.clone()));
    assert_eq!(store.user_by_name(&username).await.expect("user"), Some(expected));
}

pub async fn a_name_is_given_once(fixture: impl StoreFixture) {
    let (store, username) = (fixture.store(), name("ada"));
    let first = account(&username, "First");
    assert!(store.create_user(first.clone()).await.expect("create"));
    let second = account(&username, "Second");
    assert!(!store.create_user(second.clone()).await.expect("create"));
    assert_eq!(store.user(second.id).await.expect("user"), None, "a refused account leaves nothing");
    assert_eq!(store.user_by_name(&username).await.expect("user").expect("first").id, first.id);
}

pub async fn one_of_many_at_once_gets_the_name(fixture: impl StoreFixture) {
    let username = name("race");
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (store, new) = (fixture.store(), account(&username, &n.to_string()));
        tasks.spawn(async move { (new.id, store.create_user(new).await.expect("create")) });
    }
    let made: Vec<_> = tasks.join_all().await.into_iter().filter(|(_, made)| *made).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(fixture.store().user_by_name(&username).await.expect("user").expect("one").id, made[0].0);
}

pub async fn many_users_at_once(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (a, b) = (signed_up(&store).await, signed_up(&store).await);
    let mut found: Vec<_> = store.users(&[a, user(), b]).await.expect("users").into_iter().map(|row| row.id).collect();
    found.sort_unstable();
    assert_eq!(found, [a.min(b), a.max(b)]);
    assert_eq!(store.users(&[]).await.expect("users"), []);
}

async fn found(store: &Arc<dyn ChatStore>, prefix: &str) -> Vec<UserId> {
    store.search_users(prefix, None, 50).await.expect("search").into_iter().map(|row| row.id).collect()
}

pub async fn people_are_found_by_prefix(fixture: impl StoreFixture) {
    let (store, username) = (fixture.store(), name("findme"));
    // A word of its own, so that others in a shared store are not found.
    let word = format!("Ä{}", &Uuid::new_v4().simple().to_string()[..12]);
    let new = account(&username, &format!("Grace {word} Hopper"));
    store.create_user(new.clone()).await.expect("create");
    let (lower, first_letters) = (word.to_lowercase(), word.chars().take(8).collect::<String>());
    for prefix in
        [username.as_str(), &username.as_str()[..12], &username.as_str().to_uppercase(), &word, &lower, &first_letters]
    {
        assert_eq!(found(&store, prefix).await, [new.id], "{prefix}");
    }
    assert!(found(&store, "grace").await.contains(&new.id));
    for prefix in [&word[2..], "findme%", "_indme", "%"] {
        assert_eq!(found(&store, prefix).await, [], "{prefix}");
    }
    let display_name = Some("Renamed".to_owned().try_into().expect("a name"));
    store.change_profile(new.id, ProfileChange { display_name, ..ProfileChange::default() }).await.expect("change");
    assert_eq!(found(&store, &word).await, [], "an old name no longer finds anybody");
    assert_eq!(found(&store, username.as_str()).await, [new.id]);
}

pub async fn a_search_in_pages(fixture: impl StoreFixture) {
    let store = fixture.store();
    let prefix = name("p").as_str()[..12].to_owned();
    let mut names = Vec::new();
    for n in 0..23 {
        let username: Username = format!("{prefix}-{n:02}").try_into().expect("a username");
        // Found by both words: still once.
        store.create_user(account(&username, &format!("{prefix} {prefix}x"))).await.expect("create");
        names.push(username);
    }
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.search_users(&prefix, after.as_ref(), 5).await.expect("search");
        let Some(last) = page.last() else { break };
        after = Some(last.username.clone());
        all.extend(page.into_iter().map(|row| row.username));
    }
    assert_eq!(all, names);
}

pub async fn a_profile_changes(fixture: impl StoreFixture) {
    let store = fixture.store();
    let id = signed_up(&store).await;
    let avatar = chat_core::FileId::new(Uuid::new_v4());
    let change = ProfileChange {
        avatar: Some(Some(avatar)),
        status_text: Some(Some("away".into())),
        last_seen_visible: Some(false),
        display_name: None,
    };
    assert!(store.change_profile(id, change.clone()).await.expect("change"));
    let row = store.user(id).await.expect("user").expect("there");
    assert_eq!((row.avatar, row.status_text.as_deref(), row.last_seen_visible), (Some(avatar), Some("away"), false));
    assert_eq!(row.display_name, "Somebody");
    let clear = ProfileChange { status_text: Some(None), ..ProfileChange::default() };
    assert!(store.change_profile(id, clear).await.expect("change"));
    let row = store.user(id).await.expect("user").expect("there");
    assert_eq!((row.avatar, row.status_text), (Some(avatar), None));
    assert!(!store.change_profile(user(), change).await.expect("change"), "nobody");
}

pub async fn last_seen_only_grows(fixture: impl StoreFixture) {
    let store = fixture.store();
    let id = signed_up(&store).await;
    for millis in [50, 90, 70] {
        store.set_last_seen(id, at(millis)).await.expect("set");
    }
    assert_eq!(store.user(id).await.expect("user").expect("there").last_seen, Some(at(90)));
    store.set_last_seen(user(), at(1)).await.expect("nobody is no error");
}

pub async fn credentials_are_kept(fixture: impl StoreFixture) {
    let (store, username) = (fixture.store(), name("ada"));
    let new = account(&username, "Ada");
    store.create_user(new.clone()).await.expect("create");
    let found = store.credentials(&username).await.expect("credentials").expect("there");
    assert_eq!((found.user, found.password_hash.as_deref()), (new.id, Some("$argon2id$x")));
    store.set_password(new.id, "$argon2id$y".into()).await.expect("set");
    let found = store.credentials_of(new.id).await.expect("credentials").expect("there");
    assert_eq!(found.password_hash.as_deref(), Some("$argon2id$y"));
    let imported = NewUser { password_hash: None, ..account(&name("irc"), "Speaker") };
    store.create_user(imported.clone()).await.expect("create");
    assert_eq!(store.credentials(&imported.username).await.expect("credentials").expect("there").password_hash, None);
    assert!(store.credentials(&name("nobody")).await.expect("credentials").is_none());
    assert!(store.credentials_of(user()).await.expect("credentials").is_none());
}

const EXPIRES: Timestamp = Timestamp::from_millis(1_000_000);

fn session(user: UserId, created: i64) -> SessionRow {
    SessionRow {
        id: SessionId::new(Uuid::new_v4()),
        user,
        device_name: Some("laptop".into()),
        created_at: at(created),
        last_used_at: at(created),
        expires_at: EXPIRES,
    }
}

/// A hash that no other has.
fn hash() -> [u8; 32] {
    let (a, b) = (*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes());
    std::array::from_fn(|n| if n < 16 { a[n] } else { b[n - 16] })
}

pub async fn sessions_are_listed_and_revoked(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    let (a, b, c, of_bob) = (session(ada, 1), session(ada, 2), session(ada, 3), session(bob, 4));
    for session in [&a, &b, &c, &of_bob] {
        store.create_session(session.clone(), hash()).await.expect("create");
    }
    assert_eq!(store.sessions(ada).await.expect("sessions"), [c.clone(), b.clone(), a.clone()]);
    assert_eq!(store.session(a.id).await.expect("session"), Some(a.clone()));
    assert_eq!(store.session_now(a.id).await.expect("session"), Some(a.clone()));
    assert!(!store.revoke_session(bob, a.id).await.expect("revoke"), "another user's");
    assert!(store.revoke_session(ada, a.id).await.expect("revoke"));
    assert!(!store.revoke_session(ada, a.id).await.expect("revoke"), "already");
    assert_eq!(store.session(a.id).await.expect("session"), None);
    assert_eq!(store.session_now(a.id).await.expect("session"), None);
    assert_eq!(store.sessions(ada).await.expect("sessions"), [c, b.clone()]);
    store.revoke_sessions(ada, Some(b.id)).await.expect("revoke");
    assert_eq!(store.sessions(ada).await.expect("sessions"), [b]);
    store.revoke_sessions(ada, None).await.expect("revoke");
    assert_eq!(store.sessions(ada).await.expect("sessions"), []);
    assert_eq!(store.sessions(bob).await.expect("sessions"), [of_bob]);
}

/// Time between a token's replacement and the end of its grace.
const GRACE_MS: u64 = 100;

async fn rotate(
    store: &Arc<dyn ChatStore>,
    id: SessionId,
    presented: [u8; 32],
    next: [u8; 32],
    now: i64,
) -> RefreshOutcome {
    let expires_at = EXPIRES.plus_millis(now);
    store.rotate_session(id, presented, next, at(now), expires_at, GRACE_MS).await.expect("rotate")
}

/// A session made at 10, refreshed at 1000; its first and second token.
async fn refreshed(store: &Arc<dyn ChatStore>) -> (SessionRow, [u8; 32], [u8; 32]) {
    let (session, first, second) = (session(user(), 10), hash(), hash());
    store.create_session(session.clone(), first).await.expect("create");
    let rotated = SessionRow { last_used_at: at(1_000), expires_at: EXPIRES.plus_millis(1_000), ..session };
    assert_eq!(rotate(store, rotated.id, first, second, 1_000).await, RefreshOutcome::Rotated(rotated.clone()));
    (rotated, first, second)
}

pub async fn a_refresh_rotates(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (session, _, second) = refreshed(&store).await;
    assert_eq!(store.session(session.id).await.expect("session"), Some(session.clone()));
    assert_eq!(rotate(&store, session.id, hash(), hash(), 1_001).await, RefreshOutcome::Unknown, "no token of it");
    assert_eq!(rotate(&store, SessionId::new(Uuid::new_v4()), second, hash(), 1_001).await, RefreshOutcome::Unknown);
    assert!(matches!(rotate(&store, session.id, second, hash(), 2_000).await, RefreshOutcome::Rotated(_)));
}

pub async fn a_late_refresh_is_recent_within_the_grace(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (session, first, second) = refreshed(&store).await;
    let late = rotate(&store, session.id, first, hash(), 1_099).await;
    assert_eq!(late, RefreshOutcome::Recent(session.clone()));
    assert!(
        matches!(rotate(&store, session.id, second, hash(), 1_500).await, RefreshOutcome::Rotated(_)),
        "it goes on"
    );
}

pub async fn a_reused_refresh_ends_the_family(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (session, first, second) = refreshed(&store).await;
    let reused = rotate(&store, session.id, first, hash(), 1_100).await;
    assert_eq!(reused, RefreshOutcome::Reused(session.clone()));
    assert_eq!(
        rotate(&store, session.id, second, hash(), 1_101).await,
        RefreshOutcome::Unknown,
        "also its newest token"
    );
    assert_eq!(store.session(session.id).await.expect("session"), None);
    assert_eq!(store.sessions(session.user).await.expect("sessions"), []);
}

pub async fn one_of_many_refreshes_rotates(fixture: impl StoreFixture) {
    let (session, first) = (session(user(), 10), hash());
    fixture.store().create_session(session.clone(), first).await.expect("create");
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = fixture.store();
        tasks.spawn(async move {
            let next = hash();
            (next, rotate(&store, session.id, first, next, 1_000).await)
        });
    }
    let answers = tasks.join_all().await;
    let rotated: Vec<_> = answers.iter().filter(|(_, out)| matches!(out, RefreshOutcome::Rotated(_))).collect();
    assert_eq!(rotated.len(), 1);
    assert_eq!(answers.iter().filter(|(_, out)| matches!(out, RefreshOutcome::Recent(_))).count(), 15);
    let store = fixture.store();
    assert!(matches!(rotate(&store, session.id, rotated[0].0, hash(), 5_000).await, RefreshOutcome::Rotated(_)));
}

pub async fn a_session_that_is_over_does_not_refresh(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (session, token) = (session(user(), 10), hash());
    store.create_session(session.clone(), token).await.expect("create");
    store.create_session(session.clone(), token).await.expect("a write may be repeated");
    assert_eq!(rotate(&store, session.id, token, hash(), EXPIRES.millis()).await, RefreshOutcome::Unknown);
}

pub async fn blocks_go_one_way_and_hide_both(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    assert!(!store.blocked_between(ada, bob).await.expect("blocked"));
    store.set_block(ada, bob, true).await.expect("block");
    store.set_block(ada, bob, true).await.expect("block again");
    assert!(store.blocked_between(ada, bob).await.expect("blocked"));
    assert!(store.blocked_between(bob, ada).await.expect("blocked"));
    assert_eq!(store.blocks(ada).await.expect("blocks"), [bob]);
    assert_eq!(store.blocks(bob).await.expect("blocks"), []);
    store.set_block(bob, ada, false).await.expect("not bob's to end");
    assert!(store.blocked_between(ada, bob).await.expect("blocked"));
    store.set_block(ada, bob, false).await.expect("unblock");
    assert!(!store.blocked_between(bob, ada).await.expect("blocked"));
}
