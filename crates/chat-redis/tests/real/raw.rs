//! Commands past the adapter, to see and to damage what it keeps.

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, FromRedisValue};

/// A connection of the test's own.
#[derive(Clone)]
pub enum Raw {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Raw {
    pub async fn one(url: &str) -> Self {
        let client = redis::Client::open(url).expect("an address");
        Self::One(client.get_multiplexed_async_connection().await.expect("a connection"))
    }

    pub async fn cluster(url: &str) -> Self {
        let client = ClusterClient::new(vec![url]).expect("an address");
        Self::Cluster(client.get_async_connection().await.expect("a connection"))
    }

    pub async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> T {
        let answer = match self.clone() {
            Self::One(mut connection) => cmd.query_async(&mut connection).await,
            Self::Cluster(mut connection) => cmd.query_async(&mut connection).await,
        };
        answer.expect("an answer")
    }

    /// A command in words.
    pub async fn say<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut cmd = redis::cmd(words[0]);
        for word in &words[1..] {
            cmd.arg(*word);
        }
        self.run(&cmd).await
    }
}
