//! The writer against real Kafka and Redis: `ELASTIC_CHAT_TEST_KAFKA=127.0.0.1:PORT` and
//! `ELASTIC_CHAT_TEST_REDIS=redis://127.0.0.1:PORT`, or `./dev test`. The store is SQLite's: the port is the same.

mod admin;
mod faults;
mod letters;
mod members;
mod rig;
mod storing;
mod tails;
