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
use crate::client::{Account, Client, Command, Http, RestError, Shared, position};
use crate::history::View;
use crate::report::{Report, Start};

/// Accounts made at once; the server hashes as many passwords as it has cores.
const SIGN_INS: usize = 8;
/// Connections opened at once.
const CONNECTS: usize = 200;
const COMMANDS: usize = 4_096;
/// How long answers may take at the end, and live events.
const SETTLE: Duration = Duration::from_mins(1);
const CATCH_UP: Duration = Duration::from_secs(30);

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
        let shared = Shared::over(&target.authorities()?);
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
        let view = position(&made).context("the answer has no position")?;
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
        // Two runs with the same accounts must not take each other's connections for their own.
        let run = Uuid::now_v7().simple();
        for number in 0..self.people.len() * per_person {
            let person = number / per_person;
            let rooms = rooms_of.get(&person).unwrap_or(&none);
            let (commands, receiver) = mpsc::channel(if closed_loop || rooms.is_empty() { 1 } else { COMMANDS });
            let account = self.people[person].clone();
            let mut client = Client::new(Arc::clone(&self.shared), account, format!("{run}-{number}"), rooms, receiver);
            client.server = person;
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
                let (p50, p99) = {
                    let latency = shared.stats.delivery_latency.lock();
                    (latency.value_at_quantile(0.5), latency.value_at_quantile(0.99))
                };
                let connected = shared.stats.connected.load(Ordering::Relaxed);
                let broken = shared.history.lock().verdict().violations();
                eprintln!(
                    "{:>5.0} s  {connected} connected  {} acked/s  {} deliveries/s  p50 {} ms, p99 {} ms  {broken} violations",
                    shared.begin.elapsed().as_secs_f64(),
                    now.0 - last.0,
                    now.1 - last.1,
                    p50 / 1_000,
                    p99 / 1_000,
                );
            }
            last = now;
        }
    }

    /// Lets every connection get its answers and all events, reads all history, and gives the verdict.
    ///
    /// # Errors
    /// The server does not answer any more.
    pub async fn finish(
        mut self,
        scenario: &str,
        target: &Target,
        start: &Start,
        end: &Start,
    ) -> anyhow::Result<Report> {
        let _ = target;
        let mut tasks = Vec::new();
        for seat in std::mem::take(&mut self.seats) {
            drop(seat.commands);
            tasks.push(seat.task);
        }
        if !self.settle(tasks.len()).await {
            self.shared.stats.error("sends without an answer after 60 s");
        }
        // Nobody sends any more: what the server says now is where every view has to end.
        let mut goals = HashMap::new();
        for room in 0..self.rooms.len() {
            let view = self.head(room).await?;
            goals.insert(self.rooms[room].id, view);
        }
        let _ = self.shared.goals.set(goals.clone());
        let views = self.gather_views(tasks).await;
        self.compare(&views, &goals);
        for room in &self.rooms {
            let token = &self.people[room.members[0]].token;
            let rows = read_all(&self.shared.authority, token, room.id, room.view.seq).await?;
            self.shared.history.lock().finish_conversation(room.id, &rows);
        }
        Ok(Report::new(scenario, &self.shared, start, end))
    }

    /// Waits until every client has an answer to each of its sends.
    async fn settle(&self, clients: usize) -> bool {
        let deadline = Instant::now() + SETTLE;
        while self.shared.stats.settled.load(Ordering::Relaxed) < clients {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Where a room stands now. The owner signs in again when the run was longer than their token.
    async fn head(&mut self, room: usize) -> anyhow::Result<View> {
        let (id, owner) = (self.rooms[room].id, self.rooms[room].members[0]);
        let mut http = Http::new(&self.shared.authority);
        let head = match http.head(id, &self.people[owner].token).await {
            Err(RestError::Status(401, _)) => {
                self.people[owner] = Account::sign_in(&mut http, &self.people[owner].username, PASSWORD).await?;
                http.head(id, &self.people[owner].token).await
            }
            other => other,
        };
        head.context("cannot read where a conversation stands")
    }

    /// The views of all clients, when they are complete or time is up.
    async fn gather_views(&self, tasks: Vec<JoinHandle<HashMap<Uuid, View>>>) -> Vec<HashMap<Uuid, View>> {
        let shared = Arc::clone(&self.shared);
        let all = futures_util::future::join_all(tasks);
        tokio::pin!(all);
        let in_time = tokio::time::timeout(CATCH_UP, &mut all).await;
        let results = if let Ok(results) = in_time {
            results
        } else {
            shared.stats.error("clients that did not get everything in 30 s");
            shared.give_up.cancel();
            all.await
        };
        results.into_iter().filter_map(Result::ok).collect()
    }

    /// Everybody must have come to where the server says that it ended.
    fn compare(&self, views: &[HashMap<Uuid, View>], goals: &HashMap<Uuid, View>) {
        let mut history = self.shared.history.lock();
        for (id, view) in views.iter().flatten() {
            if let Some(goal) = goals.get(id).filter(|goal| !view.reached(goal)) {
                history.behind(*id, view, goal);
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
