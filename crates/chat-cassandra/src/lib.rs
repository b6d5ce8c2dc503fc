//! The store in Cassandra: [`CassandraStore`] is a [`chat_ports::ChatStore`].
//!
//! Tables, consistency and what other servers of the protocol lack: `docs/reference/cassandra.md`; why the tables differ
//! from one another in how they are written: `docs/adr/0006-cassandra-timelines.md`.

mod accounts;
mod apply;
mod batch;
mod buckets;
mod claims;
mod config;
mod connection;
mod conversations;
mod epochs;
mod failure;
mod files;
mod flights;
mod members;
mod memberships;
mod messages;
mod migrate;
mod pages;
mod search;
mod sessions;
mod statements;
mod store;
mod timeline;
mod unread;
mod value;

pub use config::{BucketLimits, CassandraConfig};
pub use failure::SetupError;
pub use migrate::migrate;
pub use store::CassandraStore;
