//! The store over a real Cassandra: the suites that every adapter passes, and what only a cluster can go through.

mod buckets;
mod claims;
mod logins;
mod migrations;
mod outage;
mod rig;
mod strangers;
mod tombstones;

/// One module for each suite, since each case becomes a test of its own name.
macro_rules! suites {
    ($($suite:ident),*) => {
        $(mod $suite {
            use crate::rig::rig;
            chat_ports::contract_tests!($suite, rig);
        })*
    };
}

suites!(store_messages, store_order, store_conversations, store_accounts, store_files);
