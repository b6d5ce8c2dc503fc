//! What the log's records make of the store: the same in any order, on replay, and laid over an older page.

use std::path::Path;

use chat_core::{
    ClientMsgId, ConversationId, ConversationKind, Emoji, EventBody, Member, MessageBody, MessageId, Role, Seq, UserId,
};
use chat_embedded::Embedded;
use chat_ports::MessageLog as _;
use chat_ports::contract::{Seed, conversation, user};
use chat_ports::store::{ConversationStore as _, MembershipRow, MessageRow, MessageStore as _, Mutation, Position};
use chat_projector::{overlay, project};
use chat_wire::LogRecord;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use uuid::Uuid;

use crate::rig::open;

/// What members of a group do.
struct Story {
    conversation: ConversationId,
    users: Vec<UserId>,
    records: Vec<LogRecord>,
}

impl Story {
    fn new(rng: &mut StdRng, length: usize) -> Self {
        let users: Vec<_> = (0..3).map(|_| user()).collect();
        let mut story = Self { conversation: conversation(), users, records: Vec::new() };
        let owner = Member { user: story.users[0], role: Role::Owner };
        let created = EventBody::ConversationCreated {
            conversation_kind: ConversationKind::Group,
            title: Some("Ops".into()),
            members: vec![owner],
        };
        story.add(rng, created);
        while story.records.len() < length {
            let body = story.act(rng);
            story.add(rng, body);
        }
        story
    }

    fn act(&self, rng: &mut StdRng) -> EventBody {
        let who = self.users[rng.random_range(0..self.users.len())];
        let n = self.records.len();
        // Positions are the log's from 1: the next record is at n + 1.
        let target = Seq::new(u64::try_from(rng.random_range(1..=n)).expect("small"));
        let emoji: Emoji = ["👍", "❤️"][rng.random_range(0..2)].to_owned().try_into().expect("an emoji");
        match rng.random_range(0..14) {
            0..=4 => EventBody::Message {
                id: MessageId::new(Uuid::from_u128(rng.random())),
                body: MessageBody { mentions: vec![who], ..MessageBody::text(format!("message {n}")) },
            },
            5 | 6 => EventBody::Edited { target, body: MessageBody::text(format!("edit {n}")) },
            7 => EventBody::Deleted { target },
            8 => EventBody::ReactionAdded { target, emoji },
            9 => EventBody::ReactionRemoved { target, emoji },
            10 => EventBody::MemberJoined { user: who, role: Role::Member },
            11 => EventBody::MemberLeft { user: who },
            12 => EventBody::RoleChanged { user: who, role: Role::Admin },
            _ => EventBody::ConversationUpdated { title: Some(format!("title {n}")), avatar: None },
        }
    }

    fn add(&mut self, rng: &mut StdRng, body: EventBody) {
        let record = LogRecord {
            conversation: self.conversation,
            at: chat_core::Timestamp::from_millis(i64::try_from(self.records.len()).expect("small")),
            actor: self.users[rng.random_range(0..self.users.len())],
            client_msg_id: Some(ClientMsgId::new(Uuid::from_u128(rng.random()))),
            body,
        };
        self.records.push(record.clone());
        // A retry that slipped through: the same thing twice.
        if rng.random_range(0..6) == 0 {
            self.records.push(record);
        }
    }

    fn mutations(&self, from: usize) -> Vec<Mutation> {
        let seqs = (1..).map(Seq::new);
        self.records.iter().zip(seqs).skip(from).flat_map(|(record, seq)| project(record, seq)).collect()
    }
}

async fn rows(embedded: &Embedded, story: &Story) -> Vec<MessageRow> {
    embedded.store.page(story.conversation, Position::Newest, 10_000).await.expect("page").rows
}

async fn tables(embedded: &Embedded, story: &Story) -> (Vec<MessageRow>, Vec<Option<MembershipRow>>) {
    let mut members = Vec::new();
    for user in &story.users {
        members.push(embedded.store.membership(story.conversation, *user).await.expect("membership"));
    }
    (rows(embedded, story).await, members)
}

fn fresh() -> (tempfile::TempDir, Embedded) {
    let folder = tempfile::tempdir().expect("a folder");
    let embedded = open(folder.path() as &Path);
    (folder, embedded)
}

/// A reaction that is added twice keeps its first place in memory, and its last one in the store.
fn without_order_of_reactions(mut rows: Vec<MessageRow>) -> Vec<MessageRow> {
    for row in &mut rows {
        row.reactions.sort();
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_the_store_and_the_overlay_agree() {
    let seed = Seed::take();
    let mut rng = seed.rng();
    for round in 0..12 {
        let length = rng.random_range(10..120);
        let story = Story::new(&mut rng, length);
        let (_folder, embedded) = fresh();
        let snapshot_at = rng.random_range(0..story.records.len());
        let mut snapshot = Vec::new();
        for (n, record) in story.records.iter().enumerate() {
            if n == snapshot_at {
                snapshot = rows(&embedded, &story).await;
            }
            let seq = embedded.log.append(record.clone()).await.expect("append");
            assert_eq!(seq.get(), u64::try_from(n + 1).expect("small"), "the story counts on it");
        }
        let expected = tables(&embedded, &story).await;

        embedded.log.replay().await.expect("replay");
        assert_eq!(tables(&embedded, &story).await, expected, "{seed:?} {round}: a replay changed something");

        // The tail may begin before the page that the store gave ends.
        let from = rng.random_range(0..=snapshot_at);
        overlay(&mut snapshot, &story.mutations(from));
        let (laid, stored) = (without_order_of_reactions(snapshot), without_order_of_reactions(expected.0.clone()));
        assert_eq!(laid, stored, "{seed:?} {round}: page at {snapshot_at}, tail from {from}");

        let (_other_folder, other) = fresh();
        let mut mutations = story.mutations(0);
        mutations.extend(story.mutations(from));
        mutations.shuffle(&mut rng);
        for piece in mutations.chunks(5) {
            other.store.apply(piece.to_vec()).await.expect("apply");
        }
        assert_eq!(tables(&other, &story).await, expected, "{seed:?} {round}: {mutations:#?}");
        other.shutdown().await;
        embedded.shutdown().await;
    }
}
