use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use elastic_chat_load::client::{Account, Client, Command, Http, Shared};
use elastic_chat_load::scenario::PASSWORD;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::space::until;

/// Connections that only listen.
pub struct Swarm {
    shared: Arc<Shared>,
    account: Account,
    /// Each is told by its sender's end that it may go.
    seats: Vec<mpsc::Sender<Command>>,
    tasks: JoinSet<()>,
}

impl Swarm {
    pub async fn new(authority: &str) -> Self {
        let name = format!("swarm-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let account = Account::sign_in(&mut Http::new(authority), &name, PASSWORD).await.expect("an account");
        Self { shared: Shared::new(authority), account, seats: Vec::new(), tasks: JoinSet::new() }
    }

    /// Adds connections one after another over that time.
    pub async fn grow(&mut self, count: u32, over: Duration) {
        let mut clock = tokio::time::interval(over / count.max(1));
        for _ in 0..count {
            clock.tick().await;
            let (sender, commands) = mpsc::channel(1);
            let device = format!("seat-{}", self.seats.len());
            let client = Client::new(Arc::clone(&self.shared), self.account.clone(), device, &[], commands);
            self.seats.push(sender);
            self.tasks.spawn(async move { drop(client.run().await) });
        }
        let count = self.seats.len();
        until("all to be connected", async || (self.connected() == count).then_some(())).await;
    }

    pub fn connected(&self) -> usize {
        self.shared.stats.connected.load(Ordering::Relaxed)
    }

    /// What went wrong until now, by name.
    pub fn errors(&self) -> HashMap<String, u64> {
        self.shared.stats.errors.lock().clone()
    }

    /// Connections that had to come back because the one before ended without another.
    pub fn reconnects(&self) -> u64 {
        self.shared.stats.reconnects.load(Ordering::Relaxed)
    }

    /// Everybody goes, with a proper goodbye.
    pub async fn leave(mut self) {
        self.seats.clear();
        let _ = self.shared.goals.set(HashMap::new());
        while self.tasks.join_next().await.is_some() {}
    }
}
