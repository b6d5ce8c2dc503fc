use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    Attachment, ClientMsgId, ConversationId, Emoji, FileId, MessageBody, MessageId, MessageKind, ReadCursor, Role, Seq,
    UserId,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::given::{at, client_msg_id, conversation, insert, text, user};
use crate::ChatStore;
use crate::store::{MessageRow, Mutation, Position, Unread};

/// A store.
#[async_trait]
pub trait StoreFixture: Send + Sync {
    fn store(&self) -> Arc<dyn ChatStore>;
}

pub(super) async fn apply(store: &Arc<dyn ChatStore>, mutations: impl IntoIterator<Item = Mutation>) {
    store.apply(mutations.into_iter().collect()).await.expect("apply");
}

async fn seqs(store: &Arc<dyn ChatStore>, conv: ConversationId, position: Position, limit: usize) -> (Vec<u64>, bool) {
    let page = store.page(conv, position, limit).await.expect("page");
    (page.rows.iter().map(|row| row.seq.get()).collect(), page.has_more)
}

pub(super) async fn row(store: &Arc<dyn ChatStore>, conv: ConversationId, seq: u64) -> MessageRow {
    let found = store.message(conv, Seq::new(seq)).await.expect("message").expect("it is there");
    let page = store.page(conv, Position::Around(Seq::new(seq)), 2).await.expect("page");
    assert!(page.rows.contains(&found), "a page and a single row differ: {page:?}, {found:?}");
    found
}

/// A conversation with messages at 10, 20, … `count` times.
async fn tens(store: &Arc<dyn ChatStore>, count: u64) -> ConversationId {
    let (conv, author) = (conversation(), user());
    apply(store, (1..=count).map(|n| insert(conv, n * 10, author, text(&n.to_string())))).await;
    conv
}

pub async fn an_empty_timeline(fixture: impl StoreFixture) {
    let (store, conv) = (fixture.store(), conversation());
    let at = Seq::new(5);
    for position in [Position::Newest, Position::Before(at), Position::After(at), Position::Around(at)] {
        assert_eq!(seqs(&store, conv, position, 10).await, (vec![], false), "{position:?}");
    }
    assert_eq!(store.message(conv, at).await.expect("message"), None);
}

pub async fn the_newest_page(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 5).await;
    assert_eq!(seqs(&store, conv, Position::Newest, 3).await, (vec![30, 40, 50], true));
    assert_eq!(seqs(&store, conv, Position::Newest, 5).await, (vec![10, 20, 30, 40, 50], false));
    assert_eq!(seqs(&store, conv, Position::Newest, 50).await, (vec![10, 20, 30, 40, 50], false));
}

pub async fn pages_before_cover_all_once(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 107).await;
    let (mut all, mut position, mut more) = (Vec::new(), Position::Newest, true);
    while more {
        let (mut page, has_more) = seqs(&store, conv, position, 10).await;
        position = Position::Before(Seq::new(page[0]));
        more = has_more;
        page.extend(all);
        all = page;
    }
    assert_eq!(all, (1..=107).map(|n| n * 10).collect::<Vec<_>>());
    assert_eq!(seqs(&store, conv, Position::Before(Seq::new(35)), 2).await, (vec![20, 30], true));
    assert_eq!(seqs(&store, conv, Position::Before(Seq::new(10)), 2).await, (vec![], false));
}

pub async fn pages_after_cover_all_once(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 107).await;
    let (mut all, mut after, mut more) = (Vec::new(), Seq::ZERO, true);
    while more {
        let (page, has_more) = seqs(&store, conv, Position::After(after), 10).await;
        after = Seq::new(*page.last().expect("more were promised"));
        more = has_more;
        all.extend(page);
    }
    assert_eq!(all, (1..=107).map(|n| n * 10).collect::<Vec<_>>());
    assert_eq!(seqs(&store, conv, Position::After(Seq::new(35)), 2).await, (vec![40, 50], true));
    assert_eq!(seqs(&store, conv, Position::After(Seq::new(1070)), 2).await, (vec![], false));
}

pub async fn a_page_around(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 10).await;
    assert_eq!(seqs(&store, conv, Position::Around(Seq::new(50)), 4).await, (vec![40, 50, 60, 70], true));
    assert_eq!(seqs(&store, conv, Position::Around(Seq::new(55)), 4).await, (vec![40, 50, 60, 70], true));
    assert_eq!(seqs(&store, conv, Position::Around(Seq::new(10)), 4).await, (vec![10, 20, 30], false));
    assert_eq!(seqs(&store, conv, Position::Around(Seq::new(100)), 4).await, (vec![90, 100], true));
}

pub async fn a_message_comes_back_whole(fixture: impl StoreFixture) {
    let (store, conv, author) = (fixture.store(), conversation(), user());
    let attachment = Attachment {
        id: FileId::new(Uuid::new_v4()),
        name: "päge \"1\".pdf".into(),
        size: 12_345,
        media_type: "application/pdf".into(),
    };
    let body = MessageBody {
        text: Some("línea 1\nlinea 2 🏳️‍🌈 \u{0} '\"\\".into()),
        attachments: vec![attachment],
        reply_to: Some(Seq::new(3)),
        mentions: vec![user(), user()],
        ..MessageBody::default()
    };
    let system =
        MessageBody { user: Some(user()), role: Some(Role::Admin), title: Some("T".into()), ..Default::default() };
    let (id, client) = (MessageId::new(Uuid::new_v4()), client_msg_id());
    let message = |seq, client_msg_id, kind, body: &MessageBody| Mutation::InsertMessage {
        conversation: conv,
        seq: Seq::new(seq),
        id,
        author,
        client_msg_id,
        kind,
        body: body.clone(),
        at: at(1_700_000_000_123),
    };
    apply(
        &store,
        [message(7, Some(client), MessageKind::Message, &body), message(8, None, MessageKind::RoleChanged, &system)],
    )
    .await;
    let expected = |seq, client_msg_id, kind, body| MessageRow {
        seq: Seq::new(seq),
        id,
        author,
        client_msg_id,
        kind,
        body,
        at: at(1_700_000_000_123),
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
    };
    let rows = store.page(conv, Position::Newest, 10).await.expect("page").rows;
    assert_eq!(
        rows,
        [expected(7, Some(client), MessageKind::Message, body), expected(8, None, MessageKind::RoleChanged, system)]
    );
}

pub async fn one_message(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 3).await;
    assert_eq!(row(&store, conv, 20).await.body, text("2"));
    assert_eq!(store.message(conv, Seq::new(21)).await.expect("message"), None);
}

pub async fn conversations_are_apart(fixture: impl StoreFixture) {
    let store = fixture.store();
    let (one, other) = (tens(&store, 3).await, tens(&store, 2).await);
    apply(&store, [Mutation::DeleteMessage { conversation: other, target: Seq::new(10), version: Seq::new(99) }]).await;
    assert_eq!(seqs(&store, one, Position::Newest, 10).await, (vec![10, 20, 30], false));
    assert!(!row(&store, one, 10).await.deleted);
}

fn sent(conv: ConversationId, seq: u64, author: UserId, id: ClientMsgId, body: MessageBody) -> Mutation {
    let mut mutation = insert(conv, seq, author, body);
    if let Mutation::InsertMessage { client_msg_id, .. } = &mut mutation {
        *client_msg_id = Some(id);
    }
    mutation
}

pub async fn a_second_record_of_one_send_is_superseded(fixture: impl StoreFixture) {
    for order in [[20, 30, 10], [10, 20, 30], [30, 20, 10]] {
        let (store, conv, author, id) = (fixture.store(), conversation(), user(), client_msg_id());
        let reader = user();
        let body = MessageBody { text: Some("hi".into()), mentions: vec![reader], ..MessageBody::default() };
        for seq in order {
            apply(&store, [sent(conv, seq, author, id, body.clone())]).await;
        }
        apply(&store, [sent(conv, 40, user(), id, text("another author's"))]).await;
        assert_eq!(seqs(&store, conv, Position::Newest, 10).await, (vec![10, 40], false), "{order:?}");
        assert_eq!(store.message(conv, Seq::new(20)).await.expect("message"), None);
        assert_eq!(store.claimed(conv, author, id).await.expect("claimed"), Some((Seq::new(10), at(1_010))));
        let counts = store.unread(conv, reader, Seq::ZERO, Seq::MAX).await.expect("unread");
        assert_eq!(counts, Unread { unread: 2, mentions: 1 }, "{order:?}");
    }
}

pub async fn a_claim_is_found_again(fixture: impl StoreFixture) {
    let (store, conv, author, id) = (fixture.store(), conversation(), user(), client_msg_id());
    assert_eq!(store.claimed(conv, author, id).await.expect("claimed"), None);
    let claim = |seq, millis| Mutation::Claim {
        conversation: conv,
        author,
        client_msg_id: id,
        seq: Seq::new(seq),
        at: at(millis),
    };
    apply(&store, [claim(5, 50)]).await;
    apply(&store, [claim(9, 90)]).await;
    assert_eq!(store.claimed(conv, author, id).await.expect("claimed"), Some((Seq::new(5), at(50))));
    apply(&store, [claim(3, 30)]).await;
    assert_eq!(store.claimed(conv, author, id).await.expect("claimed"), Some((Seq::new(3), at(30))));
    for (conv, author, id) in [(conversation(), author, id), (conv, user(), id), (conv, author, client_msg_id())] {
        assert_eq!(store.claimed(conv, author, id).await.expect("claimed"), None);
    }
}

pub async fn edits(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 2).await;
    let edit = |words: &str, version: u64| Mutation::EditMessage {
        conversation: conv,
        target: Seq::new(10),
        body: text(words),
        at: at(i64::try_from(version).expect("small")),
        version: Seq::new(version),
    };
    apply(&store, [edit("second", 31), edit("third", 32)]).await;
    apply(&store, [edit("late", 30), edit("third", 32)]).await;
    let edited = row(&store, conv, 10).await;
    assert_eq!((edited.body, edited.edited_at), (text("third"), Some(at(32))));
    assert_eq!(row(&store, conv, 20).await.edited_at, None);
}

pub async fn deletes(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 2).await;
    let (target, thumb, by) = (Seq::new(10), emoji("👍"), user());
    apply(
        &store,
        [
            Mutation::SetReaction {
                conversation: conv,
                target,
                emoji: thumb,
                user: by,
                present: true,
                version: Seq::new(30),
            },
            Mutation::EditMessage {
                conversation: conv,
                target,
                body: text("edited"),
                at: at(31),
                version: Seq::new(31),
            },
            Mutation::DeleteMessage { conversation: conv, target, version: Seq::new(32) },
        ],
    )
    .await;
    let deleted = row(&store, conv, 10).await;
    assert!(deleted.deleted);
    assert_eq!((deleted.body, deleted.edited_at, deleted.reactions), (MessageBody::default(), None, vec![]));
    assert_eq!(deleted.at, at(1_010), "its place stays");
    assert!(!row(&store, conv, 20).await.deleted);
}

pub(super) fn emoji(text: &str) -> Emoji {
    text.to_owned().try_into().expect("an emoji")
}

pub async fn reactions(fixture: impl StoreFixture) {
    let store = fixture.store();
    let conv = tens(&store, 3).await;
    let (ada, bob) = (user(), user());
    let set = |target, what: &str, user, present, version| Mutation::SetReaction {
        conversation: conv,
        target: Seq::new(target),
        emoji: emoji(what),
        user,
        present,
        version: Seq::new(version),
    };
    apply(&store, [set(10, "👍", bob, true, 31), set(10, "❤️", ada, true, 32), set(10, "👍", ada, true, 33)]).await;
    apply(&store, [set(20, "👍", ada, true, 34), set(20, "👍", ada, false, 35)]).await;
    apply(&store, [set(20, "👍", ada, true, 34)]).await;
    let expected = [(emoji("👍"), bob), (emoji("❤️"), ada), (emoji("👍"), ada)];
    assert_eq!(row(&store, conv, 10).await.reactions, expected);
    assert_eq!(
        row(&store, conv, 20).await.reactions,
        [],
        "the later removal counts, also when the addition comes again"
    );
    let page = store.page(conv, Position::Newest, 3).await.expect("page");
    assert_eq!(page.rows[0].reactions, expected);
    assert_eq!(page.rows[2].reactions, []);
}

pub async fn unread_counts_what_others_wrote(fixture: impl StoreFixture) {
    let (store, conv, ada, bob) = (fixture.store(), conversation(), user(), user());
    let to_ada = MessageBody { text: Some("@ada".into()), mentions: vec![ada], ..MessageBody::default() };
    let mut joined = insert(conv, 60, bob, MessageBody { user: Some(ada), ..MessageBody::default() });
    if let Mutation::InsertMessage { kind, .. } = &mut joined {
        *kind = MessageKind::MemberJoined;
    }
    apply(
        &store,
        [
            insert(conv, 10, bob, to_ada.clone()),
            insert(conv, 20, bob, text("x")),
            insert(conv, 30, ada, to_ada.clone()),
            insert(conv, 40, bob, to_ada.clone()),
            insert(conv, 50, bob, to_ada),
            joined,
            Mutation::DeleteMessage { conversation: conv, target: Seq::new(50), version: Seq::new(70) },
        ],
    )
    .await;
    let unread = async |who, after, up_to| {
        let counts = store.unread(conv, who, Seq::new(after), Seq::new(up_to)).await.expect("unread");
        (counts.unread, counts.mentions)
    };
    assert_eq!(unread(ada, 0, 100).await, (3, 2));
    assert_eq!(unread(ada, 10, 100).await, (2, 1));
    assert_eq!(unread(ada, 10, 20).await, (1, 0));
    assert_eq!(unread(ada, 40, 100).await, (0, 0));
    assert_eq!(unread(bob, 0, 100).await, (1, 0));
}

pub async fn unread_stops_at_a_hundred(fixture: impl StoreFixture) {
    let (store, conv, author, reader) = (fixture.store(), conversation(), user(), user());
    let body = MessageBody { text: Some("@".into()), mentions: vec![reader], ..MessageBody::default() };
    apply(&store, (1..=150).map(|seq| insert(conv, seq, author, body.clone()))).await;
    let counts = store.unread(conv, reader, Seq::ZERO, Seq::MAX).await.expect("unread");
    assert_eq!(counts, Unread { unread: 100, mentions: 100 });
    let counts = store.unread(conv, reader, Seq::new(51), Seq::MAX).await.expect("unread");
    assert_eq!(counts, Unread { unread: 99, mentions: 99 });
}

pub async fn a_cursor_only_grows(fixture: impl StoreFixture) {
    let (conv, who) = (conversation(), user());
    let store = fixture.store();
    assert_eq!(store.cursor(conv, who).await.expect("cursor"), ReadCursor::default());
    let mut puts = JoinSet::new();
    for n in 1..=20 {
        let store = fixture.store();
        puts.spawn(async move { store.put_cursor(conv, who, ReadCursor::read_up_to(Seq::new(n))).await.expect("put") });
    }
    puts.join_all().await;
    store.put_cursor(conv, who, ReadCursor::delivered_up_to(Seq::new(30))).await.expect("put");
    let both = ReadCursor { read: Seq::new(20), delivered: Seq::new(30) };
    assert_eq!(store.cursor(conv, who).await.expect("cursor"), both);
    store.put_cursor(conv, who, ReadCursor::read_up_to(Seq::new(40))).await.expect("put");
    assert_eq!(store.cursor(conv, who).await.expect("cursor"), ReadCursor::read_up_to(Seq::new(40)));
}

pub async fn cursors_of_a_conversation(fixture: impl StoreFixture) {
    let (store, conv) = (fixture.store(), conversation());
    let mut expected: Vec<_> = (1..=5).map(|n| (user(), ReadCursor::read_up_to(Seq::new(n)))).collect();
    for (who, cursor) in &expected {
        store.put_cursor(conv, *who, *cursor).await.expect("put");
        store.put_cursor(conversation(), *who, ReadCursor::read_up_to(Seq::new(99))).await.expect("put");
    }
    let mut all = store.cursors(conv, 100).await.expect("cursors");
    all.sort_by_key(|(who, _)| *who);
    expected.sort_by_key(|(who, _)| *who);
    assert_eq!(all, expected);
    assert_eq!(store.cursors(conv, 3).await.expect("cursors").len(), 3);
}

pub async fn is_ready(fixture: impl StoreFixture) {
    fixture.store().check().await.expect("ready");
}
