//! Nothing on the way of a message leaves a tombstone.

use chat_cassandra::BucketLimits;
use chat_core::{ConversationKind, Member, ReadCursor, Role, Seq, Timestamp};
use chat_ports::contract::{conversation, text, user};
use chat_ports::store::{MessageStore as _, Mutation};
use scylla::statement::unprepared::Statement;

use crate::rig::{client_msg_id, message, open, session};

#[tokio::test(flavor = "multi_thread")]
async fn no_write_leaves_a_tombstone() {
    let (store, conv, author) = (open(BucketLimits::default()).await, conversation(), user());
    let (target, version, at) = (Seq::new(10), Seq::new(20), Timestamp::from_millis(5));
    let mut system = message(conv, 11, author, client_msg_id());
    if let Mutation::InsertMessage { client_msg_id, .. } = &mut system {
        *client_msg_id = None;
    }
    let twice = client_msg_id();
    let member = Member { user: author, role: Role::Owner };
    let create = Mutation::CreateConversation {
        conversation: conv,
        kind: ConversationKind::Direct,
        title: None,
        created_by: author,
        at,
        version: Seq::new(1),
    };
    let mutations = vec![
        create,
        Mutation::ChangeConversation { conversation: conv, title: Some("t".into()), avatar: None, version },
        Mutation::PutMember { conversation: conv, member, version: Seq::new(1) },
        Mutation::RemoveMember { conversation: conv, user: author, version },
        message(conv, 10, author, twice),
        system,
        message(conv, 12, author, twice),
        Mutation::EditMessage { conversation: conv, target, body: text("edited"), at, version },
        Mutation::SetReaction {
            conversation: conv,
            target,
            emoji: "👍".to_owned().try_into().expect("an emoji"),
            user: author,
            present: false,
            version,
        },
        Mutation::DeleteMessage { conversation: conv, target, version },
    ];
    for mutation in mutations.clone() {
        store.apply(vec![mutation]).await.expect("apply");
    }
    store.apply(mutations).await.expect("apply");
    store.put_cursor(conv, author, ReadCursor::delivered_up_to(Seq::new(3))).await.expect("put");

    let session = session("chat_contract").await;
    for table in ["messages", "reactions", "conversations", "conversation_heads", "members", "cursors"] {
        let key = if matches!(table, "messages" | "reactions") { " AND bucket = 0" } else { "" };
        let mut statement = Statement::new(format!("SELECT * FROM {table} WHERE conversation_id = ?{key}"));
        statement.set_tracing(true);
        let result = session.query_unpaged(statement, (conv.uuid(),)).await.expect("rows");
        let trace = session.get_tracing_info(&result.tracing_id().expect("traced")).await.expect("a trace");
        let activities: Vec<_> = trace.events.into_iter().filter_map(|event| event.activity).collect();
        let read = activities.iter().find(|text| text.contains("tombstone cells")).expect("a read");
        assert!(read.contains(" 0 tombstone cells") && !read.contains("Read 0 live"), "{table}: {read}");
    }
}
