//! Which server has a key: one address, the primary that the sentinels name, or a cluster's slots.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chat_ports::PortError;
use futures_util::future::join_all;
use parking_lot::Mutex;
use rand::seq::SliceRandom as _;
use redis::{Cmd, Value};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::config::{Address, Target};
use crate::failure::{failure, timed_out, unavailable};
use crate::pool::Pool;
use crate::slot::SLOTS;

/// How often a cluster is asked for its slots when nothing seems wrong; redirections tell of changes before.
const CLUSTER_REFRESH: Duration = Duration::from_secs(10);
/// How often the sentinels are asked for the primary.
const SENTINEL_REFRESH: Duration = Duration::from_secs(1);
/// Not more often than this, whatever fails.
const LEAST: Duration = Duration::from_millis(200);
/// How long one server may take to answer such a question.
const ANSWER: Duration = Duration::from_secs(1);

/// Slots to servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Table {
    One(Address),
    /// For each slot an index into the addresses, or `None` for a slot that nobody serves.
    Slots {
        of: Vec<Option<u16>>,
        addresses: Vec<Address>,
    },
}

impl Table {
    fn owner(&self, slot: u16) -> Option<&Address> {
        match self {
            Self::One(address) => Some(address),
            Self::Slots { of, addresses } => addresses.get(usize::from((*of.get(usize::from(slot))?)?)),
        }
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Slots { addresses, .. } => addresses,
        }
    }
}

#[derive(Clone)]
enum Known {
    Nothing,
    Table(Arc<Table>),
    /// There never was a table, for this reason.
    Failed(PortError),
}

/// The table, and the task that renews it.
pub(crate) struct Routes {
    known: watch::Sender<Known>,
    poke: Notify,
    /// Set until somebody needs the routes first: there is no runtime before.
    idle: Mutex<Option<Task>>,
}

struct Task {
    target: Target,
    /// Where to ask: the sentinels, or the members of the cluster.
    asked: Arc<Pool>,
    data: Arc<Pool>,
    tasks: TaskTracker,
    token: CancellationToken,
}

impl Routes {
    pub(crate) fn new(
        target: Target,
        asked: Arc<Pool>,
        data: Arc<Pool>,
        tasks: TaskTracker,
        token: CancellationToken,
    ) -> Arc<Self> {
        let (known, idle) = match &target {
            Target::Standalone { address, .. } => (Known::Table(Arc::new(Table::One(address.clone()))), None),
            _ => (Known::Nothing, Some(Task { target, asked, data, tasks, token })),
        };
        Arc::new(Self { known: watch::Sender::new(known), poke: Notify::new(), idle: Mutex::new(idle) })
    }

    /// Something is not where it was thought to be: ask again soon.
    pub(crate) fn poke(&self) {
        self.poke.notify_one();
    }

    pub(crate) async fn table(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Table>, PortError> {
        if let Known::Table(table) = &*self.known.borrow() {
            return Ok(Arc::clone(table));
        }
        self.start();
        let mut known = self.known.subscribe();
        let told = known.wait_for(|known| !matches!(known, Known::Nothing));
        match tokio::time::timeout_at(deadline, told).await {
            Ok(Ok(known)) => match &*known {
                Known::Table(table) => Ok(Arc::clone(table)),
                Known::Failed(error) => Err(error.clone()),
                Known::Nothing => Err(unavailable("its servers are not known yet")),
            },
            _ => Err(unavailable("its servers could not be found out in time")),
        }
    }

    /// The server of a slot.
    pub(crate) async fn owner(self: &Arc<Self>, slot: u16, deadline: Instant) -> Result<Address, PortError> {
        let table = self.table(deadline).await?;
        table.owner(slot).cloned().ok_or_else(|| {
            self.poke();
            unavailable(format_args!("no server of the cluster has slot {slot}; look at CLUSTER INFO"))
        })
    }

    /// Does this server have the slot, as far as is known?
    pub(crate) fn owns(&self, address: &Address, slot: u16) -> bool {
        match &*self.known.borrow() {
            Known::Table(table) => table.owner(slot) == Some(address),
            _ => true,
        }
    }

    /// A server said that a slot is somewhere else.
    pub(crate) fn moved(&self, slot: u16, to: &Address) {
        self.poke();
        self.known.send_if_modified(|known| {
            let Known::Table(table) = known else { return false };
            let Table::Slots { of, addresses } = Arc::make_mut(table) else { return false };
            let index = addresses.iter().position(|address| address == to).unwrap_or_else(|| {
                addresses.push(to.clone());
                addresses.len() - 1
            });
            if let Some(entry) = of.get_mut(usize::from(slot)) {
                *entry = u16::try_from(index).ok();
            }
            true
        });
    }

    fn start(self: &Arc<Self>) {
        if let Some(task) = self.idle.lock().take() {
            let (routes, token) = (Arc::clone(self), task.token.clone());
            task.tasks.clone().spawn(async move {
                token.run_until_cancelled(routes.renew(task)).await;
            });
        }
    }

    async fn renew(self: Arc<Self>, task: Task) {
        let mut backoff = Backoff::default();
        loop {
            let known = self.known.borrow().clone();
            let pause = match task.ask(&known).await {
                Ok(table) => {
                    backoff.reset();
                    self.set(table, &task);
                    if matches!(task.target, Target::Sentinel { .. }) { SENTINEL_REFRESH } else { CLUSTER_REFRESH }
                }
                Err(error) => {
                    self.known.send_if_modified(|known| {
                        let never = !matches!(known, Known::Table(_));
                        if never {
                            *known = Known::Failed(error.clone());
                        } else {
                            tracing::debug!(%error, "cannot ask which servers Redis has");
                        }
                        never
                    });
                    backoff.next()
                }
            };
            tokio::time::sleep(LEAST.min(pause)).await;
            let _ = tokio::time::timeout(pause.saturating_sub(LEAST), self.poke.notified()).await;
        }
    }

    fn set(&self, table: Table, task: &Task) {
        let addresses = table.addresses().to_vec();
        let changed = self.known.send_if_modified(|known| {
            let same = matches!(known, Known::Table(old) if **old == table);
            if !same {
                *known = Known::Table(Arc::new(table));
            }
            !same
        });
        if changed {
            tracing::info!(?addresses, "the servers of Redis");
        }
        task.data.keep_only(|address| addresses.contains(address));
    }
}

impl Task {
    async fn ask(&self, known: &Known) -> Result<Table, PortError> {
        match &self.target {
            Target::Standalone { address, .. } => Ok(Table::One(address.clone())),
            Target::Sentinel { sentinels, master } => self.primary(sentinels, master).await.map(Table::One),
            Target::Cluster { seeds } => self.slots(seeds, known).await,
        }
    }

    /// The address that most sentinels name: one that is cut off may name an old one.
    async fn primary(&self, sentinels: &[Address], master: &str) -> Result<Address, PortError> {
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let answers = join_all(sentinels.iter().map(|sentinel| self.put(sentinel, &question))).await;
        let mut votes: HashMap<Address, usize> = HashMap::new();
        let mut last = None;
        for answer in answers {
            match answer.map(|value| redis::from_redis_value::<Option<(String, u16)>>(value).ok().flatten()) {
                Ok(Some((host, port))) => *votes.entry(Address { host, port }).or_default() += 1,
                Ok(None) => last = Some(unavailable(format_args!("the sentinels know no primary named {master:?}"))),
                Err(error) => last = Some(error),
            }
        }
        let most = votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(address, _)| address);
        most.ok_or_else(|| last.unwrap_or_else(|| unavailable("no sentinel was named")))
    }

    /// Asks the primaries known, then the seeds, each in random order.
    async fn slots(&self, seeds: &[Address], known: &Known) -> Result<Table, PortError> {
        let mut members = match known {
            Known::Table(table) => table.addresses().to_vec(),
            _ => Vec::new(),
        };
        let mut others: Vec<_> = seeds.iter().filter(|seed| !members.contains(seed)).cloned().collect();
        members.shuffle(&mut rand::rng());
        others.shuffle(&mut rand::rng());
        members.append(&mut others);
        let mut question = redis::cmd("CLUSTER");
        question.arg("SLOTS");
        let mut last = unavailable("no member of the cluster was named");
        for member in members {
            match self.put(&member, &question).await.and_then(|answer| slot_table(&answer, &member)) {
                Ok(table) => return Ok(table),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn put(&self, address: &Address, question: &Cmd) -> Result<Value, PortError> {
        let deadline = Instant::now() + ANSWER;
        let mut connection = self.asked.link(address, 0).connection(deadline).await?.connection;
        let answer = tokio::time::timeout_at(deadline, connection.send_packed_command(question)).await;
        let answer = answer.map_err(|_| timed_out(address, ANSWER))?;
        answer.and_then(Value::extract_error).map_err(|error| failure(address, &error))
    }
}

/// Reads CLUSTER SLOTS. A member without a name has the one it was asked by.
fn slot_table(answer: &Value, asked: &Address) -> Result<Table, PortError> {
    let mut addresses: Vec<Address> = Vec::new();
    let mut of = vec![None; usize::from(SLOTS)];
    for range in answer.as_sequence().unwrap_or_default() {
        let Some([first, last, primary, ..]) = range.as_sequence() else { continue };
        let number = |value: &Value| redis::from_redis_value_ref::<u16>(value).ok();
        let Some([host, port, ..]) = primary.as_sequence() else { continue };
        let host = redis::from_redis_value_ref::<Option<String>>(host).ok().flatten();
        let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.host.clone());
        let (Some(first), Some(last), Some(port)) = (number(first), number(last), number(port)) else { continue };
        let address = Address { host, port };
        let index = addresses.iter().position(|known| *known == address).unwrap_or_else(|| {
            addresses.push(address);
            addresses.len() - 1
        });
        for slot in first..=last.min(SLOTS - 1) {
            of[usize::from(slot)] = u16::try_from(index).ok();
        }
    }
    if addresses.is_empty() {
        return Err(unavailable(format_args!("{asked} knows no slots; was the cluster created?")));
    }
    Ok(Table::Slots { of, addresses })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let member = |host, port| Value::Array(vec![host, Value::Int(port), text("id")]);
        let range = |first, last, member| Value::Array(vec![Value::Int(first), Value::Int(last), member]);
        let answer = Value::Array(vec![
            range(0, 99, member(text("a"), 1)),
            range(100, 200, member(Value::Nil, 2)),
            range(300, 16_383, member(text("a"), 1)),
        ]);
        let asked = Address { host: "b".into(), port: 9 };
        let table = slot_table(&answer, &asked).expect("a table");
        let owner = |slot| table.owner(slot).map(ToString::to_string);
        assert_eq!(owner(0).as_deref(), Some("a:1"));
        assert_eq!(owner(100).as_deref(), Some("b:2"));
        assert_eq!(owner(250), None);
        assert_eq!(owner(16_383).as_deref(), Some("a:1"));
        assert!(slot_table(&Value::Array(vec![]), &asked).is_err());
    }
}
