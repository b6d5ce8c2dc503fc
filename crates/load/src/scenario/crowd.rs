use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{PASSWORD, Target};
use crate::client::{Account, Client, Command, Http, Shared};
use crate::history::View;
use crate::report::{Report, Start};

/// Accounts made at once; the server hashes as many passwords as it has cores.
const SIGN_INS: usize = 8;
/// Connections opened at once.
const CONNECTS: usize = 200;
const COMMANDS: usize = 4_096;

/// A group or pair of the crowd.
#[derive(Debug, Clone)]
pub struct Room {
    pub id: Uuid,
    pub members: Vec<usize>,
    view: View,
}

/// One simulated connection.
pub struct Seat {
    pub commands: mpsc::Sender<Command>,
    task: JoinHandle<HashMap<Uuid, View>>,
    pub acked: Option<mpsc::Receiver<()>>,
}

/// People, their rooms, and their connections.
pub struct Crowd {
    pub shared: Arc<Shared>,
    pub people: Vec<Account>,
    pub rooms: Vec<Room>,
    pub seats: Vec<Seat>,
}

impl Crowd {
    /// Signs in `count` people.
    pub async fn gather(target: &Target, count: usize) -> anyhow::Result<Self> {
        let shared = Shared::new(&target.authority()?);
        let mut people = Vec::with_capacity(count);
        let mut waiting = (0..count).collect::<Vec<_>>();
        waiting.reverse();
        while !waiting.is_empty() {
            let batch: Vec<_> = (0..SIGN_INS).filter_map(|_| waiting.pop()).collect();
            let signing = batch.into_iter().map(|n| {
                let (authority, name) = (shared.authority.clone(), format!("{}-{n}", target.prefix));
                async move { Account::sign_in(&mut Http::new(&authority), &name, PASSWORD).await }
            });
            for account in futures_util::future::join_all(signing).await {
                people.push(account.context("cannot sign in: is the server there, without --limit-auth-per-address?")?);
            }
        }
        Ok(Self { shared, people, rooms: Vec::new(), seats: Vec::new() })
    }

    /// A pair or group of people, by their numbers; the first owns it.
    pub async fn room(&mut self, members: Vec<usize>, pair: bool) -> anyhow::Result<()> {
        let Some((owner, others)) = members.split_first() else { bail!("a room needs members") };
        let ids: Vec<Uuid> = others.iter().map(|n| self.people[*n].user).collect();
        let body = if pair {
            json!({"kind": "direct", "user": ids.first()})
        } else {
            json!({"kind": "group", "title": "Load test", "members": ids})
        };
        let token = Some(self.people[*owner].token.as_str());
        let made =
            Http::new(&self.shared.authority).patient(Method::POST, "/v1/conversations", token, Some(body)).await?;
        let view = View {
            epoch: made["epoch"].as_str().unwrap_or_default().to_owned(),
            rev: made["rev"].as_u64().unwrap_or(0),
            seq: made["last_seq"].as_u64().unwrap_or(0),
        };
        let id = made["id"].as_str().and_then(|id| id.parse().ok()).context("the answer has no conversation")?;
        self.rooms.push(Room { id, members, view });
        Ok(())
    }

    /// Opens `per_person` connections each, and waits until all are welcome.
    pub async fn connect(&mut self, per_person: usize, closed_loop: bool) -> anyhow::Result<()> {
        let mut rooms_of: HashMap<usize, Vec<(Uuid, View)>> = HashMap::new();
        for room in &self.rooms {
            for member in &room.members {
                rooms_of.entry(*member).or_default().push((room.id, room.view.clone()));
            }
        }
        let none = Vec::new();
        for number in 0..self.people.len() * per_person {
            let person = number / per_person;
            let rooms = rooms_of.get(&person).unwrap_or(&none);
            let (commands, receiver) = mpsc::channel(if closed_loop || rooms.is_empty() { 1 } else { COMMANDS });
            let account = self.people[person].clone();
            let mut client = Client::new(Arc::clone(&self.shared), account, format!("load-{number}"), rooms, receiver);
            let acked = closed_loop.then(|| mpsc::channel(4)).map(|(sender, receiver)| {
                client.acked = Some(sender);
                receiver
            });
            self.seats.push(Seat { commands, task: tokio::spawn(client.run()), acked });
            if number % CONNECTS == CONNECTS - 1 {
                self.wait_connected(number + 1).await?;
            }
        }
        self.wait_connected(self.seats.len()).await
    }

    async fn wait_connected(&self, count: usize) -> anyhow::Result<()> {
        let begin = Instant::now();
        while self.shared.stats.connected.load(Ordering::Relaxed) < count {
            if begin.elapsed() > Duration::from_mins(1) {
                let errors = self.shared.stats.errors.lock().clone();
                bail!(
                    "only {} of {count} connections are open after 60 s: {errors:?}",
                    self.shared.stats.connected.load(Ordering::Relaxed)
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// A line each second until the end of the measured time.
    pub async fn watch(shared: Arc<Shared>, quiet: bool) {
        let mut last = (0, 0);
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = (shared.stats.acked.load(Ordering::Relaxed), shared.stats.delivered.load(Ordering::Relaxed));
            if !quiet {
                let p99 = shared.stats.delivery_latency.lock().value_at_quantile(0.99);
                let connected = shared.stats.connected.load(Ordering::Relaxed);
                let broken = shared.history.lock().verdict().violations();
                eprintln!(
                    "{:>5.0} s  {connected} connected  {} acked/s  {} deliveries/s  p99 {} ms  {broken} violations",
                    shared.begin.elapsed().as_secs_f64(),
                    now.0 - last.0,
                    now.1 - last.1,
                    p99 / 1_000,
                );
            }
            last = now;
        }
    }

    /// Lets every connection finish, reads all history, and gives the verdict.
    pub async fn finish(
        mut self,
        scenario: &str,
        target: &Target,
        start: &Start,
        end: &Start,
    ) -> anyhow::Result<Report> {
        let mut views = Vec::new();
        let seats = std::mem::take(&mut self.seats);
        let mut tasks = Vec::new();
        for seat in seats {
            drop(seat.commands);
            tasks.push(seat.task);
        }
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        for task in tasks {
            match tokio::time::timeout_at(deadline, task).await {
                Ok(Ok(view)) => views.push(view),
                _ => self.shared.stats.error("a client did not finish in 60 s"),
            }
        }
        self.compare(&views);
        let token_of = |room: &Room| self.people[room.members[0]].token.clone();
        for room in &self.rooms {
            let rows = read_all(&self.shared.authority, &token_of(room), room.id, room.view.seq).await?;
            self.shared.history.lock().finish_conversation(room.id, &rows);
        }
        let _ = target;
        Ok(Report::new(scenario, &self.shared, start, end))
    }

    /// Everybody who is at the same epoch must have come equally far.
    fn compare(&self, views: &[HashMap<Uuid, View>]) {
        let mut history = self.shared.history.lock();
        for (id, view) in views.iter().flatten() {
            let last = history.last_rev(*id, &view.epoch).unwrap_or(view.rev);
            if view.rev < last {
                history.behind(*id, last - view.rev);
            }
        }
    }
}

/// All messages after `after`.
pub async fn read_all(
    authority: &str,
    token: &str,
    room: Uuid,
    after: u64,
) -> anyhow::Result<Vec<(u64, Option<Uuid>)>> {
    let mut http = Http::new(authority);
    let (mut rows, mut after) = (Vec::new(), after);
    loop {
        let path = format!("/v1/conversations/{room}/messages?after={after}&limit=100");
        let page = http.patient(Method::GET, &path, Some(token), None).await?;
        let items: Vec<Value> = page["items"].as_array().cloned().unwrap_or_default();
        for item in &items {
            let seq = item["seq"].as_u64().context("a message without seq")?;
            let message = item["kind"] == "message";
            rows.push((seq, item["client_msg_id"].as_str().filter(|_| message).and_then(|id| id.parse().ok())));
            after = after.max(seq);
        }
        if page["has_more"] != Value::Bool(true) {
            return Ok(rows);
        }
        if items.is_empty() {
            bail!("an empty page says that there is more");
        }
    }
}
