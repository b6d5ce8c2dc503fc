//! The node as its clients meet it: real store, real sockets.

#[path = "node/admin.rs"]
mod admin;
#[path = "node/auth.rs"]
mod auth;
#[path = "node/clocked.rs"]
mod clocked;
#[path = "node/codedeploy.rs"]
mod codedeploy;
#[path = "node/compatibility.rs"]
mod compatibility;
#[path = "node/conversations.rs"]
mod conversations;
#[path = "node/delivery.rs"]
mod delivery;
#[path = "node/directory.rs"]
mod directory;
#[path = "node/files.rs"]
mod files;
#[path = "node/frames.rs"]
mod frames;
#[path = "node/harness.rs"]
mod harness;
#[path = "node/import.rs"]
mod import;
#[path = "node/kill.rs"]
mod kill;
#[path = "node/metrics.rs"]
mod metrics;
#[path = "node/operations.rs"]
mod operations;
#[path = "node/people.rs"]
mod people;
#[path = "node/time.rs"]
mod time;
#[path = "node/uploads.rs"]
mod uploads;
