//! The ports over SQLite: the suites that every adapter passes, and what only a data folder can go through.

mod backup;
mod child;
mod crash;
mod damage;
mod disk_full;
mod folder;
mod load;
mod projection;
mod rig;

/// One module for each suite, since each case becomes a test of its own name.
macro_rules! suites {
    ($($suite:ident),*) => {
        $(mod $suite {
            use crate::rig::rig;
            chat_ports::contract_tests!($suite, rig);
        })*
    };
}

suites!(
    log,
    tail,
    tail_claims,
    store_messages,
    store_order,
    store_conversations,
    store_accounts,
    store_files,
    directory
);
