//! Mutations in any order, more than once: the tables come out the same.

use std::sync::Arc;

use chat_core::{
    ClientMsgId, ConversationId, ConversationKind, FileId, Member, MessageBody, MessageId, MessageKind, Role, Seq,
    Timestamp, UserId,
};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use uuid::Uuid;

use super::given::{Seed, at, client_msg_id, conversation, insert, text, user};
use super::store_messages::{StoreFixture, apply, emoji, row};
use crate::ChatStore;
use crate::store::{ConversationRow, MembershipRow, MessageRow, Mutation, Position, Unread};

/// Everything of a conversation that a reader sees.
#[derive(Debug, PartialEq)]
struct View {
    rows: Vec<MessageRow>,
    conversation: Option<ConversationRow>,
    members: Vec<Member>,
    owners: usize,
    of_each: Vec<(Option<MembershipRow>, Unread)>,
    claims: Vec<Option<(Seq, Timestamp)>>,
}

/// Who and what a random history is about.
struct Cast {
    users: Vec<UserId>,
    ids: Vec<ClientMsgId>,
}

impl Cast {
    fn new() -> Self {
        Self { users: (0..4).map(|_| user()).collect(), ids: (0..6).map(|_| client_msg_id()).collect() }
    }

    async fn view(&self, store: &Arc<dyn ChatStore>, conv: ConversationId) -> View {
        let nameless = |row: ConversationRow| ConversationRow { id: ConversationId::new(Uuid::nil()), ..row };
        let (mut of_each, mut claims) = (Vec::new(), Vec::new());
        for who in &self.users {
            let row = store.membership(conv, *who).await.expect("membership");
            let row = row.map(|row| MembershipRow { conversation: nameless(row.conversation.clone()), ..row });
            of_each.push((row, store.unread(conv, *who, Seq::ZERO, Seq::MAX).await.expect("unread")));
            for id in &self.ids {
                claims.push(store.claimed(conv, *who, *id).await.expect("claimed"));
            }
        }
        View {
            rows: store.page(conv, Position::Newest, 1_000).await.expect("page").rows,
            conversation: store.conversation(conv).await.expect("conversation").map(nameless),
            members: store.members(conv, None, 100).await.expect("members"),
            owners: store.owner_count(conv).await.expect("owners"),
            of_each,
            claims,
        }
    }

    /// What the record at `version` may do; most of it makes sense, some does not, and it must commute all the same.
    fn act(&self, rng: &mut StdRng, conversation: ConversationId, version: u64) -> Vec<Mutation> {
        let who = self.users[rng.random_range(0..self.users.len())];
        let id = self.ids[rng.random_range(0..self.ids.len())];
        let target = Seq::new(rng.random_range(1..=version));
        let (seq, at) = (Seq::new(version), at(i64::try_from(version).expect("small")));
        let version = seq;
        let role = [Role::Member, Role::Admin, Role::Owner][rng.random_range(0..3)];
        let message = |client_msg_id, kind| Mutation::InsertMessage {
            conversation,
            seq,
            id: MessageId::new(Uuid::from_u128(u128::from(seq.get()))),
            author: who,
            client_msg_id,
            kind,
            body: MessageBody { mentions: vec![self.users[0]], ..text(&format!("message {seq}")) },
            at,
        };
        let claim = Mutation::Claim { conversation, author: who, client_msg_id: id, seq, at };
        match rng.random_range(0..13) {
            0..=2 => vec![message(Some(id), MessageKind::Message)],
            3 => vec![message(None, MessageKind::Message)],
            4 => {
                vec![
                    Mutation::EditMessage { conversation, target, body: text(&format!("edit {seq}")), at, version },
                    claim,
                ]
            }
            5 => vec![Mutation::DeleteMessage { conversation, target, version }, claim],
            6 | 7 => {
                let (emoji, present) = (emoji(["👍", "❤️"][rng.random_range(0..2)]), rng.random());
                vec![Mutation::SetReaction { conversation, target, emoji, user: who, present, version }, claim]
            }
            8 => {
                let (kind, title) = (ConversationKind::Group, Some(format!("made {seq}")));
                vec![Mutation::CreateConversation { conversation, kind, title, created_by: who, at, version }]
            }
            9 => {
                let title = rng.random::<bool>().then(|| format!("title {seq}"));
                let avatar = rng.random::<bool>().then(|| FileId::new(Uuid::from_u128(u128::from(seq.get()))));
                let change = Mutation::ChangeConversation { conversation, title, avatar, version };
                vec![change, message(None, MessageKind::ConversationUpdated), claim]
            }
            10 => {
                let member = Member { user: who, role };
                let put = Mutation::PutMember { conversation, member, version };
                vec![put, message(None, MessageKind::MemberJoined), claim]
            }
            11 => vec![Mutation::SetRole { conversation, user: who, role, version }, claim],
            _ => vec![Mutation::RemoveMember { conversation, user: who, version }],
        }
    }
}

/// Applies in pieces of random size.
async fn apply_in_pieces(store: &Arc<dyn ChatStore>, rng: &mut StdRng, mut mutations: &[Mutation]) {
    while !mutations.is_empty() {
        let (piece, rest) = mutations.split_at(rng.random_range(1..=mutations.len().min(7)));
        apply(store, piece.to_vec()).await;
        mutations = rest;
    }
}

pub async fn mutations_commute_and_repeat(fixture: impl StoreFixture) {
    let (store, seed) = (fixture.store(), Seed::take());
    let mut rng = seed.rng();
    for round in 0..40 {
        let cast = Cast::new();
        let count = rng.random_range(5..60);
        let choices: u64 = rng.random();
        // The same history for each copy: only the conversation differs.
        let history = |conv| {
            let mut rng = Seed(choices).rng();
            (1..=count).flat_map(|version| cast.act(&mut rng, conv, version)).collect::<Vec<_>>()
        };
        let in_order = conversation();
        apply_in_pieces(&store, &mut rng, &history(in_order)).await;
        let expected = cast.view(&store, in_order).await;
        for _ in 0..4 {
            let copy = conversation();
            let mut mutations = history(copy);
            let again = rng.random_range(0..mutations.len());
            mutations.extend(history(copy).into_iter().skip(again));
            mutations.shuffle(&mut rng);
            apply_in_pieces(&store, &mut rng, &mutations).await;
            assert_eq!(cast.view(&store, copy).await, expected, "{seed:?}, round {round}: {mutations:#?}");
        }
    }
}

pub async fn changes_wait_for_their_message(fixture: impl StoreFixture) {
    let (store, conv, author) = (fixture.store(), conversation(), user());
    let target = Seq::new(10);
    apply(
        &store,
        [
            Mutation::EditMessage {
                conversation: conv,
                target,
                body: text("edited"),
                at: at(11),
                version: Seq::new(11),
            },
            Mutation::SetReaction {
                conversation: conv,
                target,
                emoji: emoji("👍"),
                user: author,
                present: true,
                version: Seq::new(12),
            },
        ],
    )
    .await;
    assert_eq!(store.message(conv, target).await.expect("message"), None);
    assert_eq!(store.page(conv, Position::Newest, 10).await.expect("page").rows, []);
    apply(&store, [insert(conv, 10, author, text("first"))]).await;
    let row = row(&store, conv, 10).await;
    assert_eq!((row.body, row.edited_at), (text("edited"), Some(at(11))));
    assert_eq!(row.reactions, [(emoji("👍"), author)]);
}

pub async fn an_edit_never_revives(fixture: impl StoreFixture) {
    let (store, conv) = (fixture.store(), conversation());
    let target = Seq::new(10);
    let edit = |version| Mutation::EditMessage {
        conversation: conv,
        target,
        body: text("edited"),
        at: at(11),
        version: Seq::new(version),
    };
    apply(&store, [edit(11), Mutation::DeleteMessage { conversation: conv, target, version: Seq::new(12) }]).await;
    apply(&store, [edit(13), insert(conv, 10, user(), text("first")), edit(14)]).await;
    let row = row(&store, conv, 10).await;
    assert_eq!((row.deleted, row.body, row.edited_at), (true, MessageBody::default(), None));
}

fn create(conversation: ConversationId, by: UserId, title: &str, version: u64) -> Mutation {
    Mutation::CreateConversation {
        conversation,
        kind: ConversationKind::Group,
        title: Some(title.to_owned()),
        created_by: by,
        at: at(i64::try_from(version).expect("small")),
        version: Seq::new(version),
    }
}

pub async fn changes_wait_for_their_conversation(fixture: impl StoreFixture) {
    let (store, conv, by) = (fixture.store(), conversation(), user());
    let (title, version) = (Some("later".to_owned()), Seq::new(5));
    let member = Member { user: by, role: Role::Owner };
    apply(
        &store,
        [
            Mutation::ChangeConversation { conversation: conv, title, avatar: None, version },
            insert(conv, 6, by, text("hi")),
            Mutation::PutMember { conversation: conv, member, version: Seq::new(1) },
        ],
    )
    .await;
    assert_eq!(store.conversation(conv).await.expect("conversation"), None);
    assert_eq!(store.membership(conv, by).await.expect("membership"), None);
    apply(&store, [create(conv, by, "first", 1)]).await;
    let row = store.conversation(conv).await.expect("conversation").expect("created");
    assert_eq!((row.title.as_deref(), row.last_seq, row.member_count), (Some("later"), Seq::new(6), 1));
    assert!(store.membership(conv, by).await.expect("membership").is_some());
}

pub async fn the_first_creation_counts(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (first, second) = (user(), user());
    for order in [[0, 1], [1, 0]] {
        let conv = conversation();
        // Two records made at once for one reserved pair.
        let records = [create(conv, first, "x", 3), create(conv, second, "x", 4)];
        apply(&store, order.map(|n| records[n].clone())).await;
        let row = store.conversation(conv).await.expect("conversation").expect("created");
        assert_eq!((row.created_by, row.created_at), (first, at(3)), "{order:?}");
    }
}

pub async fn a_claim_supersedes_a_later_message(fixture: impl StoreFixture) {
    let store = fixture.store();
    for order in [[0, 1], [1, 0]] {
        let (conv, author, id) = (conversation(), user(), client_msg_id());
        let mut message = insert(conv, 20, author, text("the id was used before"));
        if let Mutation::InsertMessage { client_msg_id, .. } = &mut message {
            *client_msg_id = Some(id);
        }
        let claim = Mutation::Claim { conversation: conv, author, client_msg_id: id, seq: Seq::new(10), at: at(10) };
        let both = [message, claim];
        apply(&store, order.map(|n| both[n].clone())).await;
        assert_eq!(store.message(conv, Seq::new(20)).await.expect("message"), None, "{order:?}");
    }
}

pub async fn superseding_touches_nothing_else(fixture: impl StoreFixture) {
    let (store, conv, author, id) = (fixture.store(), conversation(), user(), client_msg_id());
    // A change that made a row of its own is claimed at that row's position.
    let claim = Mutation::Claim { conversation: conv, author, client_msg_id: id, seq: Seq::new(20), at: at(20) };
    apply(&store, [insert(conv, 20, author, text("a row of the change")), claim]).await;
    let mut message = insert(conv, 10, author, text("earlier"));
    if let Mutation::InsertMessage { client_msg_id, .. } = &mut message {
        *client_msg_id = Some(id);
    }
    apply(&store, [message]).await;
    let rows = store.page(conv, Position::Newest, 10).await.expect("page").rows;
    assert_eq!(rows.iter().map(|row| row.seq.get()).collect::<Vec<_>>(), [10, 20]);
}

pub async fn the_latest_membership_counts(fixture: impl StoreFixture) {
    let (store, conv, by, who) = (fixture.store(), conversation(), user(), user());
    let put = |role, version| Mutation::PutMember {
        conversation: conv,
        member: Member { user: who, role },
        version: Seq::new(version),
    };
    let remove = |version| Mutation::RemoveMember { conversation: conv, user: who, version: Seq::new(version) };
    apply(&store, [create(conv, by, "x", 1), remove(5), put(Role::Admin, 3)]).await;
    assert_eq!(store.membership(conv, who).await.expect("membership"), None, "who left stays away on replay");
    assert_eq!(store.conversation(conv).await.expect("conversation").expect("created").member_count, 0);
    apply(&store, [put(Role::Member, 7), put(Role::Admin, 3), remove(5)]).await;
    let row = store.membership(conv, who).await.expect("membership").expect("came back");
    assert_eq!((row.role, row.joined_seq, row.conversation.member_count), (Role::Member, Seq::new(7), 1));
}

pub async fn a_role_never_brings_back(fixture: impl StoreFixture) {
    let (store, conv, who) = (fixture.store(), conversation(), user());
    let role = |role, version| Mutation::SetRole { conversation: conv, user: who, role, version: Seq::new(version) };
    let put = |version| Mutation::PutMember {
        conversation: conv,
        member: Member { user: who, role: Role::Member },
        version: Seq::new(version),
    };
    apply(&store, [create(conv, user(), "x", 1), role(Role::Owner, 9)]).await;
    assert_eq!(store.membership(conv, who).await.expect("membership"), None);
    assert_eq!(store.owner_count(conv).await.expect("owners"), 0);
    apply(&store, [put(5)]).await;
    let row = store.membership(conv, who).await.expect("membership").expect("member");
    assert_eq!((row.role, row.joined_seq), (Role::Owner, Seq::new(5)), "the change came after they joined");
    apply(&store, [put(12)]).await;
    assert_eq!(store.membership(conv, who).await.expect("membership").expect("member").role, Role::Member);
}
