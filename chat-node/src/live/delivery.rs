//! From the tail to the connections: to this node's directly, to other nodes' through their channels.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::{ConversationId, Epoch, NodeId, Rev, Seq, SessionId, UserId};
use chat_ports::{Appended, LiveTail, PresenceChange, Since, TailHead};
use chat_wire::{NodeFrame, ServerFrame, close_code};
use tokio_util::task::TaskTracker;

use super::connections::Connections;
use super::hub::{Compared, Delivered, Hub};
use super::hubs::Hubs;
use super::rechecks::Rechecks;
use super::watchers::Watchers;
use super::ws_frame::text_frame;

/// How long a missing event may still be on its way before the tail is read. Two sends of one conversation that finish
/// in the other order differ by microseconds.
const HOLE_PATIENCE: Duration = Duration::from_millis(5);
const FILL_LIMIT: usize = 10_000;
/// After pauses of this length an event that the tail does not have is taken for one that never was.
const MOST_PATIENCE: Duration = Duration::from_secs(1);

pub struct Delivery {
    pub node: NodeId,
    pub tail: Arc<dyn LiveTail>,
    pub hubs: Arc<Hubs>,
    pub connections: Arc<Connections>,
    pub watchers: Watchers,
    pub rechecks: Arc<Rechecks>,
    pub tasks: TaskTracker,
    pub counters: Arc<crate::metrics::Counters>,
}

impl Delivery {
    /// An appended event goes to every node that serves the conversation.
    pub async fn event(&self, conversation: ConversationId, seq: Seq, appended: &Appended, event: &Bytes) {
        self.deliver_here(conversation, appended, event);
        for node in appended.nodes.iter().filter(|node| **node != self.node) {
            let frame = NodeFrame::Event {
                conversation,
                epoch: appended.epoch.clone(),
                rev: appended.rev,
                seq,
                event: event.clone(),
            };
            self.to_node(node, frame).await;
        }
    }

    pub fn deliver_here(&self, conversation: ConversationId, at: &Appended, event: &[u8]) {
        let Some(hub) = self.hubs.get(conversation) else { return };
        let delivered = hub.deliver(&at.epoch, at.rev, event);
        match delivered {
            Delivered::To(count) => {
                self.counters.deliveries.inc_by(count as u64);
            }
            Delivered::Old => {}
            Delivered::Hole(_) => self.fill_later(Arc::clone(&hub)),
        }
        self.rechecks.ask(conversation, hub.take_left());
    }

    /// Compares where a conversation stands here with what the tail said after `before` was noted.
    pub fn compare(&self, hub: Arc<Hub>, before: Option<&(Epoch, Rev)>, head: &TailHead) {
        match hub.compare(before, head) {
            Compared::Level => {}
            Compared::Behind(_) => {
                self.counters.hints_missed.inc();
                self.fill_later(hub);
            }
            Compared::Anew => {
                self.counters.epochs_changed.inc();
                self.rechecks.ask(hub.conversation, hub.users());
            }
        }
    }

    fn fill_later(&self, hub: Arc<Hub>) {
        let (tail, counters) = (Arc::clone(&self.tail), Arc::clone(&self.counters));
        let rechecks = Arc::clone(&self.rechecks);
        self.tasks.spawn(async move {
            tokio::time::sleep(HOLE_PATIENCE).await;
            let mut pause = Duration::from_millis(50);
            while let Some(left) = hub.still_missing() {
                match tail.since(hub.conversation, &left.epoch, left.after, FILL_LIMIT).await {
                    Ok(Since::Events { events, .. }) => {
                        counters.holes_filled.inc();
                        counters.deliveries.inc_by(hub.fill(&left.epoch, &events) as u64);
                        rechecks.ask(hub.conversation, hub.take_left());
                        if events.is_empty() {
                            // Somebody told of an event that the tail does not have: it may come yet.
                            tokio::time::sleep(pause).await;
                            pause *= 2;
                            if pause > MOST_PATIENCE {
                                hub.forget_waiting(&left);
                            }
                        }
                    }
                    Ok(Since::Gap { head }) => {
                        hub.skip_to(&head, "events were lost");
                        rechecks.ask(hub.conversation, hub.users());
                    }
                    Err(error) => {
                        tracing::debug!(conversation = %hub.conversation, %error, "could not fill a hole in a tail");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_secs(1));
                    }
                }
            }
        });
    }

    /// A frame that isn't an event, to everybody in a conversation but `except`.
    pub async fn to_conversation(&self, conversation: ConversationId, frame: &ServerFrame, except: Option<UserId>) {
        let payload = frame.encode();
        let nodes = self.tail.nodes(conversation).await.unwrap_or_default();
        if let Some(hub) = self.hubs.get(conversation) {
            hub.tell(&text_frame(&payload), except);
        }
        for node in nodes.iter().filter(|node| **node != self.node) {
            self.to_node(node, NodeFrame::ToConversation { conversation, except, frame: payload.clone() }).await;
        }
    }

    /// A frame for every connection of a user, on the nodes given.
    pub async fn to_user(&self, user: UserId, nodes: &[NodeId], frame: &ServerFrame) {
        let payload = frame.encode();
        self.to_user_here(user, &payload);
        for node in nodes.iter().filter(|node| **node != self.node) {
            self.to_node(node, NodeFrame::ToUser { user, frame: payload.clone() }).await;
        }
    }

    pub fn to_user_here(&self, user: UserId, payload: &[u8]) {
        let frame = text_frame(payload);
        for connection in self.connections.of(user) {
            connection.push(frame.clone());
        }
    }

    /// Closes the connections of a login that ended; without one, all of the user's but `keep`.
    pub fn revoke_here(&self, user: UserId, session: Option<SessionId>, keep: Option<SessionId>) {
        for connection in self.connections.of(user) {
            let ended = session.is_none_or(|session| session == connection.info.session);
            if ended && keep != Some(connection.info.session) {
                connection.close(close_code::UNAUTHENTICATED, "the session was ended");
            }
        }
    }

    /// The same on every node of the user.
    pub async fn revoke(&self, user: UserId, nodes: &[NodeId], session: Option<SessionId>, keep: Option<SessionId>) {
        self.revoke_here(user, session, keep);
        for node in nodes.iter().filter(|node| **node != self.node) {
            self.to_node(node, NodeFrame::Revoked { user, session, keep }).await;
        }
    }

    /// Tells those who watch that somebody came or went.
    pub async fn presence(&self, change: PresenceChange, last_seen_visible: bool) {
        let user = change.reading.user;
        let frame = ServerFrame::Presence {
            user,
            state: change.reading.state,
            last_seen: change.reading.last_seen.filter(|_| last_seen_visible),
        };
        let payload = frame.encode();
        self.watchers.tell(user, &text_frame(&payload));
        for node in change.watching.iter().filter(|node| **node != self.node) {
            self.to_node(node, NodeFrame::ToWatchers { user, frame: payload.clone() }).await;
        }
    }

    /// Hints may be lost: positions are compared, so an error costs time only.
    pub async fn to_node(&self, node: &NodeId, frame: NodeFrame) {
        if let Err(error) = self.tail.publish(node, vec![frame]).await {
            self.counters.hints_lost.inc();
            tracing::debug!(%node, %error, "could not publish to a node");
        }
    }
}
