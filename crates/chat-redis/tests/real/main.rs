//! The tail and the directory over real servers: the suites that every adapter passes, and what only Redis goes through.

mod certificates;
mod channel;
mod failover;
mod leases;
mod outage;
mod raw;
mod recording;
mod refusals;
mod rig;
mod server;
mod strangers;
mod tails;

/// One module for each suite and kind of server, since each case becomes a test of its own name.
macro_rules! suites {
    ($kind:ident, $fresh:path: $($suite:ident),*) => {
        mod $kind {
            $(mod $suite {
                chat_ports::contract_tests!($suite, $fresh);
            })*
        }
    };
}

suites!(standalone, crate::rig::standalone: tail, tail_claims, directory);
suites!(cluster, crate::rig::cluster: tail, tail_claims, directory);
