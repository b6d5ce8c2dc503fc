mod heard;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use super::dial::{Ws, dial, short};
use super::rest::Account;
use super::shared::{Server, Shared};
use crate::history::View;

/// A send without an answer for this long is repeated.
const RETRY_AFTER: Duration = Duration::from_secs(6);
const MOST_BACKOFF: Duration = Duration::from_secs(3);
const WELCOME_DEADLINE: Duration = Duration::from_secs(20);
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How often a connection looks after what is late.
const TICK: Duration = Duration::from_millis(250);

/// What a client is told to do.
#[derive(Debug)]
pub enum Command {
    Send {
        conversation: Uuid,
        intended: u64,
        text: String,
    },
    /// Drop the connection and come back.
    Drop,
}

struct Pending {
    conversation: Uuid,
    intended: u64,
    text: String,
    /// Try again at this time, whatever happens.
    again: Instant,
}

enum End {
    /// Come back at once, at this pause, or not at all.
    Reconnect(Duration),
    Finished,
}

/// One connection's task.
pub struct Client {
    shared: Arc<Shared>,
    account: Account,
    device: String,
    views: HashMap<Uuid, View>,
    pending: HashMap<Uuid, Pending>,
    session: Option<Uuid>,
    commands: mpsc::Receiver<Command>,
    failures: u32,
    counted_settled: bool,
    /// The server of [`Shared::servers`] that it begins with; after a failure it tries the next one.
    pub server: usize,
    /// Wakes whoever waits for this client's ack (closed loop).
    pub acked: Option<mpsc::Sender<()>>,
}

impl Client {
    pub fn new(
        shared: Arc<Shared>,
        account: Account,
        device: String,
        conversations: &[(Uuid, View)],
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let views = conversations.iter().cloned().collect();
        Self {
            shared,
            account,
            device,
            views,
            pending: HashMap::new(),
            session: None,
            commands,
            failures: 0,
            counted_settled: false,
            server: 0,
            acked: None,
        }
    }

    /// Runs until the commands end, every send has its answer, and all has come that should; or until the run gives up.
    /// The views, to compare with where everything ended.
    pub async fn run(mut self) -> HashMap<Uuid, View> {
        let give_up = self.shared.give_up.clone();
        tokio::select! {
            () = self.live() => {}
            () = give_up.cancelled() => {}
        }
        self.views
    }

    async fn live(&mut self) {
        loop {
            let end = match self.connect().await {
                Ok(ws) => {
                    let connected = Connected::new(&self.shared);
                    let end = self.serve(ws).await;
                    drop(connected);
                    end
                }
                Err(error) => {
                    self.shared.stats.error(format!("connect: {error}"));
                    self.failures += 1;
                    self.server += 1;
                    End::Reconnect(self.backoff())
                }
            };
            match end {
                End::Finished => return,
                End::Reconnect(pause) => {
                    self.shared.stats.reconnects.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Nothing more to send, and nothing unanswered.
    fn settled(&mut self) -> bool {
        let settled = self.commands.is_closed() && self.commands.is_empty() && self.pending.is_empty();
        if settled && !self.counted_settled {
            self.counted_settled = true;
            self.shared.stats.settled.fetch_add(1, Ordering::Relaxed);
        }
        settled
    }

    /// Everything that should come has come.
    fn complete(&self) -> bool {
        let Some(goals) = self.shared.goals.get() else { return false };
        self.views.iter().all(|(id, view)| goals.get(id).is_none_or(|goal| view.reached(goal)))
    }

    /// Exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015).
    fn backoff(&self) -> Duration {
        let most = Duration::from_millis(50 << self.failures.min(8)).min(MOST_BACKOFF);
        most.mul_f64(rand::rng().random::<f64>())
    }

    /// Opens a socket and says hello, with the positions to resume from.
    async fn connect(&self) -> Result<Ws, String> {
        dial(&self.server().authority, self.hello()).await
    }

    fn hello(&self) -> String {
        let points = self.views.iter().filter(|(_, view)| !view.epoch.is_empty());
        let points: Vec<Value> =
            points.map(|(id, view)| json!({"id": id, "epoch": view.epoch, "rev": view.rev})).collect();
        let mut hello = json!({"type": "hello", "token": self.account.token, "device_id": self.device});
        if !points.is_empty() {
            hello["resume"] = json!({"session": self.session.unwrap_or_default(), "conversations": points});
        }
        hello.to_string()
    }

    fn server(&self) -> &Server {
        &self.shared.servers[self.server % self.shared.servers.len()]
    }

    async fn serve(&mut self, mut ws: Ws) -> End {
        let mut at = Stage::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let listening = at.welcomed && !at.gone && !(self.commands.is_closed() && self.commands.is_empty());
            // Ten thousand idle connections must not wake for nothing.
            let busy = !at.welcomed || at.leave.is_some() || !self.pending.is_empty() || self.commands.is_closed();
            let step = tokio::select! {
                biased;
                Some(moved) = at.moving.join_next(), if !at.moving.is_empty() => {
                    let moved = moved.unwrap_or_else(|error| Err(error.to_string()));
                    self.moved(&mut ws, moved, &mut at)
                }
                message = ws.next(), if !at.gone => self.take(&mut ws, message, &mut at).await,
                command = self.commands.recv(), if listening => match command {
                    Some(Command::Send { conversation, intended, text }) => {
                        let id = Uuid::now_v7();
                        self.shared.history.lock().send(conversation, id);
                        self.pending.insert(id, Pending { conversation, intended, text, again: Instant::now() });
                        self.say(&mut ws, id).await
                    }
                    Some(Command::Drop) => Err(End::Reconnect(Duration::ZERO)),
                    None => Ok(()),
                },
                _ = tick.tick(), if busy => self.tend(&mut ws, &mut at).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// What there is to do from time to time: repeat sends, move to another socket, and go when all is done.
    async fn tend(&mut self, ws: &mut Ws, at: &mut Stage) -> Result<(), End> {
        if at.heard.elapsed() > at.patience {
            self.shared.stats.error("silence");
            self.failures += 1;
            return Err(End::Reconnect(self.backoff()));
        }
        if !at.welcomed {
            return Ok(());
        }
        if self.settled() && self.complete() {
            let _ = tokio::time::timeout(TICK, ws.close(None)).await;
            return Err(End::Finished);
        }
        if at.leave.is_some_and(|leave| leave <= Instant::now()) {
            at.leave = None;
            let (authority, hello) = (self.server().authority.clone(), self.hello());
            at.moving.spawn(async move { dial(&authority, hello).await });
        }
        if at.gone {
            return Ok(());
        }
        let now = Instant::now();
        let due: Vec<Uuid> = self.pending.iter().filter(|(_, p)| p.again <= now).map(|(id, _)| *id).collect();
        for id in due {
            self.say(ws, id).await?;
        }
        Ok(())
    }

    /// The old socket stays until there is a new one, which is tried for again and again, as the web client does it. What came
    /// over it and was not read comes again by the resume.
    fn moved(&mut self, ws: &mut Ws, new: Result<Ws, String>, at: &mut Stage) -> Result<(), End> {
        match new {
            Ok(new) => *at = Stage { old: Some(std::mem::replace(ws, new)), ..Stage::new() },
            Err(error) => {
                *self.shared.stats.moves_again.lock().entry(error).or_default() += 1;
                self.failures += 1;
                if at.gone {
                    self.shared.stats.error("closed before there was another socket");
                    return Err(End::Reconnect(self.backoff()));
                }
                at.leave = Some(Instant::now() + self.backoff());
            }
        }
        Ok(())
    }

    /// One message of the socket, or its end.
    async fn take(&mut self, ws: &mut Ws, message: Option<Result<Message, Error>>, at: &mut Stage) -> Result<(), End> {
        at.heard = Instant::now();
        if !at.moving.is_empty() && !matches!(message, Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_))))
        {
            // The new one's hello has ended it.
            at.gone = true;
            return Ok(());
        }
        match message {
            Some(Ok(Message::Text(text))) => return self.hear(ws, &text, at).await,
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map_or(0, |frame| u16::from(frame.code));
                self.shared.stats.error(format!("closed {code}"));
                if code == 4401 || code == 4403 {
                    self.sign_in_again().await;
                }
            }
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => self.shared.stats.error(format!("socket: {}", short(&error))),
            None => {}
        }
        self.failures += 1;
        Err(End::Reconnect(self.backoff()))
    }

    /// (Re)sends what is pending under `id`.
    async fn say(&mut self, ws: &mut Ws, id: Uuid) -> Result<(), End> {
        let Some(pending) = self.pending.get_mut(&id) else { return Ok(()) };
        pending.again = Instant::now() + RETRY_AFTER;
        let text = format!("t={};{}", pending.intended, pending.text);
        let frame =
            json!({"type": "send", "conversation": pending.conversation, "client_msg_id": id, "body": {"text": text}});
        match tokio::time::timeout(WRITE_DEADLINE, ws.send(Message::text(frame.to_string()))).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => self.shared.stats.error(format!("socket: {}", short(&error))),
            Err(_) => self.shared.stats.error("a send could not be written in 10 s"),
        }
        self.failures += 1;
        Err(End::Reconnect(self.backoff()))
    }
}

/// Where a connection is in its life.
struct Stage {
    welcomed: bool,
    /// When the server wants the client to be elsewhere.
    leave: Option<Instant>,
    /// The next socket, on its way.
    moving: JoinSet<Result<Ws, String>>,
    /// This socket has ended, and the next one is on its way.
    gone: bool,
    /// The socket before this one, until this one is welcome.
    old: Option<Ws>,
    heard: Instant,
    /// Silence that is not death.
    patience: Duration,
}

impl Stage {
    fn new() -> Self {
        Self {
            welcomed: false,
            leave: None,
            moving: JoinSet::new(),
            gone: false,
            old: None,
            heard: Instant::now(),
            patience: WELCOME_DEADLINE,
        }
    }
}

/// Counts one connection while it lives, however it ends.
struct Connected(Arc<Shared>);

impl Connected {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.stats.connected.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.stats.connected.fetch_sub(1, Ordering::Relaxed);
    }
}
