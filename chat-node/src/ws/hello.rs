//! The opening of a session: who it is, and what they missed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chat_core::{ConversationId, DeviceId, Epoch, Rev};
use chat_ports::{ConnectionId, Since};
use chat_wire::{ClientFrame, ErrorCode, Hello, Limits, Resume, ResumePoint, ServerFrame, close_code, event_frame};
use futures_util::{StreamExt as _, stream};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::depth::too_deep;
use super::session::{Ws, closing_for};
use crate::live::{Closing, Connection, ConnectionInfo, Hub, Outbox, text_frame};
use crate::{Failure, Node};

/// Events replayed for one conversation; a client that missed more refetches.
const MAX_REPLAY: usize = 300;
/// Conversations of one resume; the others are reloaded.
const MAX_RESUMED: usize = 1_000;

/// Replays that are read at the same time for one connection.
const REPLAYS_AT_ONCE: usize = 32;

struct Replay {
    frames: Vec<bytes::Bytes>,
    up_to: (Epoch, Rev),
}

/// Somebody who may come in, and what they want to resume.
pub struct Admitted {
    pub connection: Arc<Connection>,
    resume: Option<Resume>,
}

/// Reads `hello` and finds out who it is. Nothing is left behind when this is given up at any point.
pub async fn admit(node: &Arc<Node>, ws: &mut Ws, outbox: &Arc<Outbox>) -> Result<Admitted, Closing> {
    let hello = read_hello(ws).await?;
    let Hello { token, device_id, resume } = hello;
    let caller = node.auth.authenticate(&token).await.map_err(|failure| refused(&failure))?;
    let user = caller.user;
    check_count(node, user, &device_id).await?;
    let info = ConnectionInfo { id: ConnectionId(Uuid::now_v7()), user, session: caller.session, device: device_id };
    let connection = Connection::new(info, Arc::clone(outbox), Arc::clone(&node.flushers), caller.expires_at);
    Ok(Admitted { connection, resume })
}

/// Enters the connection everywhere and answers `welcome` and the replays; it is live when this returns. Whatever comes
/// of it, also when it is given up in the middle, the caller must take the connection out again in the end.
pub async fn greet(node: &Arc<Node>, admitted: Admitted) -> Result<(), Closing> {
    let Admitted { connection, resume } = admitted;
    if let Some(replaced) = node.delivery.connections.add(&connection) {
        replaced.close(close_code::REPLACED, "replaced by the same device");
    }
    let session = connection.info.id.0;
    if let Err(failure) = open(node, &connection, session, resume).await {
        connection.send(&ServerFrame::Error(failure.frame(None, None)));
        return Err(refused(&failure));
    }
    node.heartbeats.add(&connection);
    node.counters.handshakes.inc();
    node.drain.welcomed(&connection);
    Ok(())
}

async fn read_hello(ws: &mut Ws) -> Result<Hello, Closing> {
    let bad = |reason| Closing { code: close_code::BAD_FRAME, reason };
    loop {
        match ws.next().await {
            Some(Ok(Message::Text(text))) => {
                if too_deep(&text) {
                    return Err(bad("the first frame is nested too deeply"));
                }
                return match serde_json::from_str::<ClientFrame>(&text) {
                    Ok(ClientFrame::Hello(hello)) => Ok(hello),
                    Ok(_) => Err(bad("the first frame must be hello")),
                    Err(_) => Err(bad("the first frame is no readable hello")),
                };
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(_)) | None => return Err(bad("the first frame must be hello")),
            Some(Err(error)) => return Err(closing_for(&error).unwrap_or(bad("the connection broke"))),
        }
    }
}

fn refused(failure: &Failure) -> Closing {
    if failure.code.retryable() {
        return Closing { code: close_code::RESTART, reason: "a backend does not answer" };
    }
    Closing {
        code: close_code::UNAUTHENTICATED,
        reason: match failure.code {
            ErrorCode::TokenExpired => "token_expired",
            _ => "unauthenticated",
        },
    }
}

async fn check_count(node: &Node, user: chat_core::UserId, device: &DeviceId) -> Result<(), Closing> {
    let Some(most) = node.config.limits.connections_per_user.get() else { return Ok(()) };
    // A device that comes again replaces itself.
    if node.delivery.connections.of(user).iter().any(|connection| connection.info.device == *device) {
        return Ok(());
    }
    let count = node.backends.directory.whereabouts(user).await.map_or(0, |(_, count)| count);
    if count as u64 >= most {
        return Err(Closing { code: close_code::FORBIDDEN, reason: "too many connections of this user" });
    }
    Ok(())
}

/// Seats the connection everywhere, reads what it missed, says welcome, and lets everything flow.
async fn open(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    session: Uuid,
    resume: Option<Resume>,
) -> Result<(), Failure> {
    let points = resume.map(|resume| resume.conversations).unwrap_or_default();
    // In the directory before the list is read: whoever adds the user to a conversation afterwards tells this node.
    node.chat.enter(connection).await;
    let user = connection.info.user;
    // Also before the login is looked at once more: whoever ends it afterwards tells this node.
    let (ended, conversations) =
        tokio::join!(node.auth.has_ended(user, connection.info.session), node.backends.store.conversation_ids(user),);
    if ended? {
        return Err(Failure::new(ErrorCode::Unauthenticated, "the session was ended"));
    }
    let conversations = conversations?;
    let hubs = node.delivery.hubs.open_all(&conversations).await;
    for hub in &hubs {
        // A hub that this connection was seated in by an invitation that came just now stays as it is.
        connection.attach(Arc::clone(hub));
        hub.attach(connection, true);
    }
    let known: HashMap<ConversationId, &ResumePoint> =
        points.iter().take(MAX_RESUMED).map(|point| (point.id, point)).collect();
    let wanted = conversations.iter().filter_map(|id| known.get(id).copied().cloned());
    let reads: Vec<_> = wanted.map(|point| replay(Arc::clone(node), point)).collect();
    let replays = stream::iter(reads).buffer_unordered(REPLAYS_AT_ONCE).collect::<Vec<_>>();
    let (replays, members) = tokio::join!(replays, node.backends.store.conversation_ids(user));
    // Who was removed since the first look sits nowhere: here it is seen, and of a removal that comes later the hubs hear,
    // which are registered by now.
    let members: HashSet<ConversationId> = members?.into_iter().collect();
    let (conversations, mut hubs) = stay_in(node, connection, conversations, hubs, &members).await;
    let replays = replays.into_iter().flatten().filter(|(id, _)| members.contains(id));
    let mut replays: HashMap<ConversationId, Replay> = replays.collect();
    let resumed: Vec<ConversationId> = conversations.iter().filter(|id| replays.contains_key(id)).copied().collect();
    let mut reload: Vec<ConversationId> =
        points.iter().map(|point| point.id).filter(|id| !replays.contains_key(id)).collect();
    reload.sort_unstable();
    reload.dedup();
    node.counters.resumed.inc_by(resumed.len() as u64);
    node.counters.reloaded.inc_by(reload.len() as u64);
    connection.send(&welcome(node, connection, session, resumed, reload));
    for hub in hubs.drain(..) {
        let conversation = hub.conversation;
        let replayed = replays.remove(&conversation);
        for frame in replayed.iter().flat_map(|replay| &replay.frames) {
            connection.push(frame.clone());
            if connection.outbox.backlog() > 64 * 1024 {
                connection.outbox.drained_to(16 * 1024).await;
            }
        }
        if !hub.go_live(connection, replayed.as_ref().map(|replay| &replay.up_to)) {
            connection.send(&ServerFrame::Reload { conversation, reason: "too much happened meanwhile".to_owned() });
        }
    }
    Ok(())
}

/// Takes the seats where the connection's user is no member any more; what is left.
async fn stay_in(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    mut conversations: Vec<ConversationId>,
    hubs: Vec<Arc<Hub>>,
    members: &HashSet<ConversationId>,
) -> (Vec<ConversationId>, Vec<Arc<Hub>>) {
    conversations.retain(|id| members.contains(id));
    let (stay, gone): (Vec<_>, Vec<_>) = hubs.into_iter().partition(|hub| members.contains(&hub.conversation));
    for hub in gone {
        drop(connection.detach(hub.conversation));
        node.delivery.hubs.leave(hub, connection).await;
    }
    (conversations, stay)
}

/// Every event after the point, or `None`: the client refetches.
async fn replay(node: Arc<Node>, point: ResumePoint) -> Option<(ConversationId, Replay)> {
    match node.backends.tail.since(point.id, &point.epoch, point.rev, MAX_REPLAY).await {
        Ok(Since::Events { head, events }) => {
            let frames =
                events.iter().map(|event| text_frame(&event_frame(&head.epoch, event.rev, &event.event))).collect();
            Some((point.id, Replay { frames, up_to: (head.epoch, head.rev) }))
        }
        Ok(Since::Gap { .. }) => None,
        Err(error) => {
            tracing::debug!(conversation = %point.id, %error, "nothing is replayed");
            None
        }
    }
}

fn welcome(
    node: &Node,
    connection: &Connection,
    session: Uuid,
    resumed: Vec<ConversationId>,
    reload: Vec<ConversationId>,
) -> ServerFrame {
    let limits = &node.config.limits;
    ServerFrame::Welcome {
        session,
        node: node.id.clone(),
        heartbeat_seconds: node.config.heartbeat_seconds,
        user: connection.info.user,
        resumed,
        reload,
        limits: Limits {
            frame_bytes: limits.frame_bytes.get(),
            text_chars: limits.text_chars.get(),
            attachments: node.chat.text_limits().attachments as u64,
            file_bytes: limits.file_bytes.get(),
            group_members: limits.group_members.get(),
            sends: limits.sends_per_user.get().map(|quota| quota.to_string()),
        },
        server_time: node.now(),
    }
}
