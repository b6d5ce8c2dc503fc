use std::sync::Arc;

use chat_core::{ConversationId, ConversationKind, FileId, Member, Role, Seq, UserId};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::given::{at, conversation, insert, text, user};
use super::store_messages::{StoreFixture, apply};
use crate::ChatStore;
use crate::store::{ConversationRow, ListPosition, Mutation};

/// A group at position `seq` with these members; the first is its owner.
fn group(conversation: ConversationId, seq: u64, members: &[UserId]) -> Vec<Mutation> {
    let version = Seq::new(seq);
    let create = Mutation::CreateConversation {
        conversation,
        kind: ConversationKind::Group,
        title: Some("Ops".into()),
        created_by: members[0],
        at: at(i64::try_from(seq).expect("small")),
        version,
    };
    let put = |(n, user): (usize, &UserId)| Mutation::PutMember {
        conversation,
        member: Member { user: *user, role: if n == 0 { Role::Owner } else { Role::Member } },
        version,
    };
    std::iter::once(create).chain(members.iter().enumerate().map(put)).collect()
}

async fn made(store: &Arc<dyn ChatStore>, seq: u64, members: &[UserId]) -> ConversationId {
    let conv = conversation();
    apply(store, group(conv, seq, members)).await;
    conv
}

async fn get(store: &Arc<dyn ChatStore>, conv: ConversationId) -> ConversationRow {
    store.conversation(conv).await.expect("conversation").expect("it is there")
}

pub async fn a_created_conversation_is_there(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    assert_eq!(store.conversation(conversation()).await.expect("conversation"), None);
    let id = made(&store, 7, &[ada, bob]).await;
    let expected = ConversationRow {
        id,
        kind: ConversationKind::Group,
        title: Some("Ops".into()),
        avatar: None,
        created_by: ada,
        created_at: at(7),
        last_seq: Seq::new(7),
        last_at: at(7),
        member_count: 2,
    };
    assert_eq!(get(&store, id).await, expected);
    let seen = store.membership(id, ada).await.expect("membership").expect("a member");
    assert_eq!((seen.conversation, seen.role, seen.muted, seen.pinned), (expected, Role::Owner, false, false));
    assert_eq!(store.membership(id, user()).await.expect("membership"), None);
    apply(&store, [insert(id, 9, bob, text("hi"))]).await;
    let row = get(&store, id).await;
    assert_eq!((row.last_seq, row.last_at), (Seq::new(9), at(1_009)));
}

pub async fn a_deleted_conversation_is_gone(fixture: impl StoreFixture) {
    let (store, ada) = (fixture.store(), user());
    let (gone, stays) = (made(&store, 1, &[ada]).await, made(&store, 2, &[ada]).await);
    apply(&store, [Mutation::DeleteConversation { conversation: gone, version: Seq::new(3) }]).await;
    apply(&store, group(gone, 1, &[ada])).await;
    assert_eq!(store.conversation(gone).await.expect("conversation"), None);
    assert_eq!(store.membership(gone, ada).await.expect("membership"), None);
    assert_eq!(store.conversation_ids(ada).await.expect("ids"), [stays]);
    assert_eq!(list(&store, ada, None, 10).await, [stays]);
}

pub async fn members_come_and_go(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    let conv = made(&store, 1, &[ada]).await;
    let member = Member { user: bob, role: Role::Admin };
    apply(&store, [Mutation::PutMember { conversation: conv, member, version: Seq::new(2) }]).await;
    assert_eq!(get(&store, conv).await.member_count, 2);
    assert_eq!(store.conversation_ids(bob).await.expect("ids"), [conv]);
    assert_eq!(store.membership(conv, bob).await.expect("membership").expect("a member").role, Role::Admin);
    apply(&store, [Mutation::RemoveMember { conversation: conv, user: bob, version: Seq::new(3) }]).await;
    assert_eq!(get(&store, conv).await.member_count, 1);
    assert_eq!(store.conversation_ids(bob).await.expect("ids"), []);
    assert_eq!(store.membership(conv, bob).await.expect("membership"), None);
    assert_eq!(store.members(conv, None, 10).await.expect("members"), [Member { user: ada, role: Role::Owner }]);
}

pub async fn members_in_pages(fixture: impl StoreFixture) {
    let store = fixture.store();
    let mut users: Vec<_> = (0..25).map(|_| user()).collect();
    let conv = made(&store, 1, &users).await;
    users.sort_unstable();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.members(conv, after, 10).await.expect("members");
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.user);
        all.extend(page.iter().map(|member| member.user));
    }
    assert_eq!(all, users);
}

pub async fn owners_are_counted(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    let conv = made(&store, 1, &[ada, bob]).await;
    assert_eq!(store.owner_count(conv).await.expect("owners"), 1);
    let role = |user, role, version| Mutation::SetRole { conversation: conv, user, role, version: Seq::new(version) };
    apply(&store, [role(bob, Role::Owner, 2)]).await;
    assert_eq!(store.owner_count(conv).await.expect("owners"), 2);
    apply(&store, [role(ada, Role::Member, 3)]).await;
    assert_eq!(store.owner_count(conv).await.expect("owners"), 1);
    apply(&store, [Mutation::RemoveMember { conversation: conv, user: bob, version: Seq::new(4) }]).await;
    assert_eq!(store.owner_count(conv).await.expect("owners"), 0);
    assert_eq!(store.owner_count(conversation()).await.expect("owners"), 0);
}

async fn list(
    store: &Arc<dyn ChatStore>,
    who: UserId,
    after: Option<ListPosition>,
    limit: usize,
) -> Vec<ConversationId> {
    let rows = store.memberships(who, after, limit).await.expect("memberships");
    rows.into_iter().map(|row| row.conversation.id).collect()
}

pub async fn a_list_is_pinned_then_latest_first(fixture: impl StoreFixture) {
    let (store, ada) = (fixture.store(), user());
    let (a, b, c) = (made(&store, 1, &[ada]).await, made(&store, 2, &[ada]).await, made(&store, 3, &[ada]).await);
    made(&store, 4, &[user()]).await;
    assert_eq!(list(&store, ada, None, 10).await, [c, b, a]);
    apply(&store, [insert(b, 5, ada, text("hi"))]).await;
    assert_eq!(list(&store, ada, None, 10).await, [b, c, a]);
    store.set_preferences(a, ada, None, Some(true)).await.expect("set");
    assert_eq!(list(&store, ada, None, 10).await, [a, b, c]);
    assert_eq!(list(&store, ada, None, 2).await, [a, b]);
    store.set_preferences(a, ada, None, Some(false)).await.expect("set");
    assert_eq!(list(&store, ada, None, 10).await, [b, c, a]);
}

pub async fn a_list_in_pages(fixture: impl StoreFixture) {
    let (store, ada) = (fixture.store(), user());
    for n in 0..23 {
        // Three at each position: the id decides between them.
        let conv = made(&store, 1 + n / 3, &[ada, user()]).await;
        if n % 5 == 0 {
            store.set_preferences(conv, ada, None, Some(true)).await.expect("set");
        }
    }
    let whole = list(&store, ada, None, 100).await;
    assert_eq!(whole.len(), 23);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.memberships(ada, after, 4).await.expect("memberships");
        let Some(last) = page.last() else { break };
        let ConversationRow { id, last_seq, .. } = last.conversation;
        after = Some(ListPosition { pinned: last.pinned, last_seq, id });
        all.extend(page.into_iter().map(|row| row.conversation.id));
    }
    assert_eq!(all, whole);
}

pub async fn preferences_are_ones_own(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    let conv = made(&store, 1, &[ada, bob]).await;
    let seen = async |who| {
        let row = store.membership(conv, who).await.expect("membership").expect("a member");
        (row.muted, row.pinned)
    };
    store.set_preferences(conv, ada, Some(true), None).await.expect("set");
    assert_eq!(seen(ada).await, (true, false));
    store.set_preferences(conv, ada, None, Some(true)).await.expect("set");
    assert_eq!((seen(ada).await, seen(bob).await), ((true, true), (false, false)));
    store.set_preferences(conv, ada, Some(false), None).await.expect("set");
    store.set_preferences(conv, ada, None, None).await.expect("set");
    assert_eq!(seen(ada).await, (false, true));
}

pub async fn what_was_joined_when(fixture: impl StoreFixture) {
    let (store, ada, bob) = (fixture.store(), user(), user());
    let conv = made(&store, 5, &[ada]).await;
    let member = Member { user: bob, role: Role::Member };
    apply(&store, [Mutation::PutMember { conversation: conv, member, version: Seq::new(9) }]).await;
    let role = Mutation::SetRole { conversation: conv, user: bob, role: Role::Admin, version: Seq::new(12) };
    apply(&store, [role]).await;
    let joined = async |who| store.membership(conv, who).await.expect("membership").expect("a member").joined_seq;
    assert_eq!((joined(ada).await, joined(bob).await), (Seq::new(5), Seq::new(9)), "a role does not join again");
}

pub async fn a_pair_is_reserved_once(fixture: impl StoreFixture) {
    let (ada, bob) = (user(), user());
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let store = fixture.store();
        let (a, b) = if n % 2 == 0 { (ada, bob) } else { (bob, ada) };
        tasks.spawn(async move { store.reserve_direct(a, b, conversation()).await.expect("reserve") });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|id| *id == answers[0]), "{answers:?}");
    let store = fixture.store();
    assert_eq!(store.reserve_direct(ada, bob, conversation()).await.expect("reserve"), answers[0]);
    let other = conversation();
    assert_eq!(store.reserve_direct(ada, user(), other).await.expect("reserve"), other);
}

pub async fn settings_change(fixture: impl StoreFixture) {
    let (store, ada) = (fixture.store(), user());
    let conv = made(&store, 1, &[ada]).await;
    let file = FileId::new(Uuid::new_v4());
    let change = |title: Option<&str>, avatar, version| Mutation::ChangeConversation {
        conversation: conv,
        title: title.map(str::to_owned),
        avatar,
        version: Seq::new(version),
    };
    apply(&store, [change(Some("Two"), None, 5), change(None, Some(file), 6), change(Some("late"), None, 4)]).await;
    let row = get(&store, conv).await;
    assert_eq!((row.title.as_deref(), row.avatar, row.created_by), (Some("Two"), Some(file), ada));
}
