//! The tail, the directory and the node channels in Redis (7 or later; standalone, behind Sentinel, or a Cluster).
//!
//! Nothing here is the truth: all of it may be lost at any moment without losing an acknowledged message. Keys, scripts
//! and what Redis has to allow are in `docs/reference/redis.md`.

mod backoff;
mod config;
mod connect;
mod counters;
mod directory;
mod failure;
mod identity;
mod keys;
mod leases;
mod link;
mod pool;
mod publisher;
mod redis_handle;
mod request;
mod routes;
mod scripts;
mod slot;
mod subscription;
mod tail;

pub use config::{RedisConfig, RedisConfigError};
pub use counters::CountersReading;
pub use directory::RedisDirectory;
pub use redis_handle::Redis;
pub use tail::RedisTail;
