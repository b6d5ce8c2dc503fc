//! A directory that does not answer for a while: nobody may stay online, or offline, because of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chat_core::{NodeId, SessionId, Timestamp, UserId};
use chat_node::live::{Connection, ConnectionInfo, Outbox, QueueLimits};
use chat_node::{Backends, Node};
use chat_ports::{
    ConnectionId, Directory, Lease, PortError, PresenceChange, PresenceReading, Quota, RateDecision, Renewal,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::clocked::ClockedNode;
use super::harness::config;

/// The real one, behind a cable that can be pulled.
struct Cable {
    inner: Arc<dyn Directory>,
    cut: AtomicBool,
}

impl Cable {
    fn through(&self) -> Result<&dyn Directory, PortError> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(PortError::unavailable("directory", "the cable is cut"));
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl Directory for Cable {
    async fn enter(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError> {
        self.through()?.enter(lease).await
    }
    async fn update(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError> {
        self.through()?.update(lease).await
    }
    async fn leave(&self, lease: Lease, at: Timestamp) -> Result<Option<PresenceChange>, PortError> {
        self.through()?.leave(lease, at).await
    }
    async fn renew(&self, node: &NodeId) -> Result<Renewal, PortError> {
        self.through()?.renew(node).await
    }
    async fn retire(&self, node: &NodeId) -> Result<(), PortError> {
        self.through()?.retire(node).await
    }
    async fn leases(&self) -> Result<Vec<String>, PortError> {
        self.through()?.leases().await
    }
    async fn whereabouts(&self, user: UserId) -> Result<(Vec<NodeId>, usize), PortError> {
        self.through()?.whereabouts(user).await
    }
    async fn presence(&self, users: &[UserId]) -> Result<Vec<PresenceReading>, PortError> {
        self.through()?.presence(users).await
    }
    async fn watch(&self, node: &NodeId, add: &[UserId], remove: &[UserId]) -> Result<(), PortError> {
        self.through()?.watch(node, add, remove).await
    }
    async fn take(&self, key: &str, quota: Quota, now: Timestamp) -> Result<RateDecision, PortError> {
        self.through()?.take(key, quota, now).await
    }
}

async fn connection(node: &Node, user: UserId) -> Arc<Connection> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let socket = TcpStream::connect(listener.local_addr().expect("address")).await.expect("connect");
    let outbox = Arc::new(Outbox::new(socket, QueueLimits { bytes: 1 << 20, frames: 1_000 }));
    let info = ConnectionInfo {
        id: ConnectionId(Uuid::now_v7()),
        user,
        session: SessionId::new(Uuid::now_v7()),
        device: "d".parse().expect("device"),
    };
    let connection = Connection::new(info, outbox, Arc::clone(&node.flushers), node.now());
    node.delivery.connections.add(&connection);
    connection
}

#[tokio::test]
async fn what_a_directory_was_not_told_it_is_told_later() {
    let real = ClockedNode::start(&[]);
    let cable = Arc::new(Cable { inner: real.node.backends.directory.clone(), cut: AtomicBool::new(false) });
    let backends = Backends { directory: cable.clone(), ..real.node.backends.clone() };
    let identity = service_kit::admin::Identity::new("slow", "gateway");
    let node = Node::new(config(real.folder.path(), &[]), backends, [7; 32], TaskTracker::new(), identity);
    let count = async |user| cable.inner.whereabouts(user).await.expect("directory").1;

    let stays = UserId::new(Uuid::now_v7());
    let leaves = UserId::new(Uuid::now_v7());
    let gone = connection(&node, leaves).await;
    node.chat.enter(&gone).await;
    assert!(!node.chat.owed.take_entries());
    assert_eq!(count(leaves).await, 1);

    cable.cut.store(true, Ordering::SeqCst);
    let came = connection(&node, stays).await;
    node.chat.enter(&came).await;
    node.delivery.connections.remove(&gone);
    node.chat.depart(&gone).await;
    node.chat.settle_departures().await;
    cable.cut.store(false, Ordering::SeqCst);
    assert_eq!((count(stays).await, count(leaves).await), (0, 1), "it could not be told");

    assert!(node.chat.owed.take_entries(), "somebody is to be entered");
    node.chat.enter_again(&came).await;
    node.chat.settle_departures().await;
    assert_eq!((count(stays).await, count(leaves).await), (1, 0));
    // One that ended while all were entered anew.
    node.chat.enter_again(&gone).await;
    assert_eq!(count(leaves).await, 0);
}
