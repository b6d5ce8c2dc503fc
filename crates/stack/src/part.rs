//! The servers behind one face.

use std::path::Path;

use crate::cassandra::Cassandra;
use crate::kafka::Kafka;
use crate::nginx::Nginx;
use crate::proxies::Toxiproxy;
use crate::redis::Servers;
use crate::s3::S3;
use crate::{Options, Process, Redis, Stack};

/// A kind of server, with what it needs on this machine.
pub(crate) trait Part: Send + Sync {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>>;

    /// Writes configuration files, and what data must be there before the first start.
    fn configure(&self, dir: &Path) -> anyhow::Result<()>;

    /// Starts them and waits until they are ready.
    fn start(&self, stack: &Stack, processes: Vec<Process>) -> anyhow::Result<()> {
        stack.launch(processes)
    }
}

/// Finds or makes the programs of what is asked for.
pub(crate) fn fetch(options: &Options) -> anyhow::Result<Vec<Box<dyn Part>>> {
    type Fetch = fn(&Options) -> anyhow::Result<Box<dyn Part>>;
    let wanted: [(bool, Fetch); 6] = [
        (options.brokers > 0, |options| Ok(Box::new(Kafka::fetch(options)?))),
        (options.cassandra > 0, |options| Ok(Box::new(Cassandra::fetch(options)?))),
        (options.redis != Redis::None, |options| Ok(Box::new(Servers::fetch(options)?))),
        (options.s3, |options| Ok(Box::new(S3::fetch(options)?))),
        (!options.upstreams.is_empty(), |options| Ok(Box::new(Nginx::fetch(options)?))),
        (options.toxiproxy, |options| Ok(Box::new(Toxiproxy::fetch(options)?))),
    ];
    // One after another: Maven and the Go linker want the cores, and two at once are no quicker.
    wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, fetch)| fetch(options)).collect()
}

/// Does it for each in a thread of its own. Waits for all; the first error counts.
pub(crate) fn all_at_once<T: Send>(
    items: Vec<T>,
    action: impl Fn(T) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let action = &action;
        let threads: Vec<_> = items.into_iter().map(|item| scope.spawn(move || action(item))).collect();
        let outcomes: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked"))))
            .collect();
        outcomes.into_iter().collect()
    })
}
