//! Who was added by an event that no node announced.

use bytes::Bytes;
use chat_core::{ConversationId, ConversationKind, EventBody, Member, NodeId, Role, Seq, UserId};
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::{ConnectionId, Lease, MessageLog as _};
use chat_wire::{LogRecord, NodeFrame};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

use crate::rig::{PATIENCE, Rig, node, redis_rig};

fn record(conversation: ConversationId, body: EventBody) -> LogRecord {
    LogRecord { body, client_msg_id: None, ..message_record(conversation, user(), "x") }
}

/// Somebody who is connected to a node.
async fn connected(rig: &Rig, node: &NodeId) -> UserId {
    let user = user();
    let lease = Lease { user, node: node.clone(), connection: ConnectionId(Uuid::new_v4()), away: false };
    rig.directory.enter(lease).await.expect("entered");
    user
}

type Told = (UserId, ConversationId, bool);

async fn next(hints: &mut Receiver<Vec<NodeFrame>>, told: &mut Vec<Told>) {
    let frames = tokio::time::timeout(PATIENCE, hints.recv()).await.expect("in time").expect("open");
    told.extend(frames.into_iter().filter_map(|frame| match frame {
        NodeFrame::Membership { user, conversation, member } => Some((user, conversation, member)),
        _ => None,
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_of_who_joined_or_left_are_told_what_no_node_told_them() {
    let rig = redis_rig(1).await;
    let here = node();
    rig.directory.renew(&here).await.expect("a lease");
    let mut hints = rig.tail.subscribe(&here).await.expect("subscribed");
    let (ann, ben, cid, dan) = (
        connected(&rig, &here).await,
        connected(&rig, &here).await,
        connected(&rig, &here).await,
        connected(&rig, &here).await,
    );
    let (first, second) = (conversation(), conversation());
    let members = [ann, ben].map(|user| Member { user, role: Role::Member }).to_vec();
    let created = EventBody::ConversationCreated { conversation_kind: ConversationKind::Group, title: None, members };
    // The node died after the log had it.
    rig.log.append(record(first, created)).await.expect("append");
    // This one lived, and told its nodes itself.
    let joined = record(second, EventBody::MemberJoined { user: dan, role: Role::Member });
    let seq: Seq = rig.log.append(joined.clone()).await.expect("append");
    let event = serde_json::to_vec(&joined.into_event(seq)).expect("JSON");
    rig.tail.append(second, seq, Bytes::from(event)).await.expect("append");
    rig.log.append(record(second, EventBody::MemberLeft { user: cid })).await.expect("append");
    let app = rig.writer("w").await;
    let mut told = Vec::new();
    while told.len() < 3 {
        next(&mut hints, &mut told).await;
    }
    let mut expected = vec![(ann, first, true), (ben, first, true), (cid, second, false)];
    expected.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, expected);
    app.shutdown().await;
}
