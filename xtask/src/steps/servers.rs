//! Tests that need real servers.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use stack::{Options, Redis, Stack};

use super::rust::{nextest, passes};
use crate::interrupt::Interrupt;
use crate::process::target;

/// From here on free ports are looked for: a stack that somebody works with is not in the way, nor another test run.
pub(super) const FIRST_PORT_OFFSET: u16 = 12_000;
/// The Redis cluster stands beside, with ports between those of the stacks.
const FIRST_CLUSTER_PORT_OFFSET: u16 = 12_008;

/// Those tests find the servers by these variables. They run at once against the same servers, so each uses names of its
/// own.
pub fn real() -> anyhow::Result<String> {
    let folder = target().join("real-test");
    forget(&folder)?;
    let servers = Arc::new(Stack::open(folder.join("servers"))?);
    let cluster = Arc::new(Stack::open(folder.join("redis-cluster"))?);
    let options = Options { secured: true, ..Options::one_of_each() }.at_free_ports(FIRST_PORT_OFFSET)?;
    let beside = Options { redis: Redis::Cluster, ..Options::default() }.at_free_ports(FIRST_CLUSTER_PORT_OFFSET)?;
    taken_down(&folder, &[servers.clone(), cluster.clone()], || {
        servers.up(&options)?;
        cluster.up(&beside)?;
        let ports = options.ports();
        let mut tests = nextest("binary(real)")?;
        tests.env("ELASTIC_CHAT_TEST_REDIS", format!("redis://{}", ports.redis(1)));
        tests.env("ELASTIC_CHAT_TEST_REDIS_CLUSTER", format!("redis://{}", beside.ports().redis(1)));
        tests.env("ELASTIC_CHAT_TEST_KAFKA", ports.kafka(1).to_string());
        tests.env("ELASTIC_CHAT_TEST_KAFKA_TLS", ports.kafka_tls(1).to_string());
        tests.env("ELASTIC_CHAT_TEST_KAFKA_SECURED", ports.kafka_secured(1).to_string());
        tests.env("ELASTIC_CHAT_TEST_SECRETS", servers.secrets().folder());
        tests.env("ELASTIC_CHAT_TEST_CASSANDRA", ports.cassandra(1).to_string());
        tests.env("ELASTIC_CHAT_TEST_S3", format!("http://{}", ports.s3()));
        passes(tests.arg("--no-tests=fail"))
    })
}

/// Those tests start stacks themselves, each in a folder of its own below `ELASTIC_CHAT_FAULTS_DIR`, with `chat-node` and
/// `writer` of `ELASTIC_CHAT_BINARIES`: building the workspace's tests builds both, since they have integration tests.
pub fn faults() -> anyhow::Result<String> {
    let folder = target().join("faults-test");
    forget(&folder)?;
    taken_down(&folder, &[], || {
        let mut tests = nextest("binary(faults)")?;
        tests.env("ELASTIC_CHAT_FAULTS_DIR", &folder).env("ELASTIC_CHAT_BINARIES", target().join("debug"));
        let outcome = passes(tests.args(["--test-threads=1", "--no-tests=fail"]));
        // What each trial found, for whoever looks at the numbers.
        if let Ok(table) = std::fs::read_to_string(folder.join("table.md")) {
            println!("{table}");
        }
        outcome
    })
}

/// What an earlier run left, running or not.
pub(super) fn forget(folder: &Path) -> anyhow::Result<()> {
    stacks(folder).iter().try_for_each(Stack::wipe)?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}

/// Does it, and stops every stack below the folder, also after an error or Ctrl-C. After a failure their logs stay.
pub(super) fn taken_down(
    folder: &Path,
    starting: &[Arc<Stack>],
    action: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mine = starting.to_vec();
    let interrupt = Interrupt::watch(move || mine.iter().for_each(|stack| stack.interrupt()))?;
    let outcome = action();
    let stacks = stacks(folder);
    if interrupt.seen() {
        stacks.iter().try_for_each(Stack::wipe)?;
        // As the shell says it of a process that Ctrl-C ended.
        std::process::exit(130);
    }
    if outcome.is_ok() {
        stacks.iter().try_for_each(Stack::wipe)?;
        return outcome;
    }
    stacks.iter().try_for_each(Stack::down)?;
    outcome.with_context(|| format!("the servers' logs are in {}", folder.display()))
}

/// Each folder in the folder is one.
fn stacks(folder: &Path) -> Vec<Stack> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).filter_map(|path| Stack::open(path).ok()).collect()
}
