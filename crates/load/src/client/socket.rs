use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use hyper::Method;
use parking_lot::Mutex;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use uuid::Uuid;

use super::frame::Incoming;
use super::rest::{Account, Http};
use crate::history::{History, Next, Seen, View};

const READ_BUFFER: usize = 8 * 1024;
/// A send without an answer for this long is repeated.
const RETRY_AFTER: Duration = Duration::from_secs(6);
const MOST_BACKOFF: Duration = Duration::from_secs(3);

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

/// Counters and latencies of a whole run.
pub struct Stats {
    pub connected: AtomicUsize,
    pub acked: AtomicU64,
    pub delivered: AtomicU64,
    pub reconnects: AtomicU64,
    pub refetches: AtomicU64,
    pub errors: Mutex<HashMap<String, u64>>,
    /// Microseconds from the intended time.
    pub ack_latency: Mutex<Histogram<u64>>,
    pub delivery_latency: Mutex<Histogram<u64>>,
}

fn histogram() -> Mutex<Histogram<u64>> {
    match Histogram::new_with_bounds(1, 120_000_000, 3) {
        Ok(histogram) => Mutex::new(histogram),
        Err(error) => unreachable!("the bounds are valid: {error:?}"),
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            connected: AtomicUsize::new(0),
            acked: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            refetches: AtomicU64::new(0),
            errors: Mutex::default(),
            ack_latency: histogram(),
            delivery_latency: histogram(),
        }
    }
}

impl Stats {
    pub fn error(&self, what: impl Into<String>) {
        *self.errors.lock().entry(what.into()).or_default() += 1;
    }
}

/// What all clients of a run share.
pub struct Shared {
    pub authority: String,
    pub begin: Instant,
    pub history: Mutex<History>,
    pub stats: Stats,
    /// Latencies before this (microseconds) are warm-up, and not counted.
    pub warm_until: AtomicU64,
}

impl Shared {
    pub fn new(authority: &str) -> Arc<Self> {
        Arc::new(Self {
            authority: authority.to_owned(),
            begin: Instant::now(),
            history: Mutex::default(),
            stats: Stats::default(),
            warm_until: AtomicU64::new(0),
        })
    }

    /// Microseconds since the run began.
    pub fn micros(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn record(&self, histogram: &Mutex<Histogram<u64>>, intended: u64) {
        if intended >= self.warm_until.load(Ordering::Relaxed) {
            let _ = histogram.lock().record(self.micros().saturating_sub(intended).max(1));
        }
    }
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
    /// Wakes whoever waits for this client's ack (closed loop).
    pub acked: Option<mpsc::Sender<()>>,
}

type Ws = WebSocketStream<TcpStream>;

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
            acked: None,
        }
    }

    /// Runs until the commands end and every send has its answer. The views, to compare with everybody else's.
    pub async fn run(mut self) -> HashMap<Uuid, View> {
        loop {
            let end = match self.connect().await {
                Ok(ws) => {
                    self.shared.stats.connected.fetch_add(1, Ordering::Relaxed);
                    self.failures = 0;
                    let end = self.serve(ws).await;
                    self.shared.stats.connected.fetch_sub(1, Ordering::Relaxed);
                    end
                }
                Err(error) => {
                    self.shared.stats.error(format!("connect: {error}"));
                    self.failures += 1;
                    End::Reconnect(self.backoff())
                }
            };
            match end {
                End::Finished => return self.views,
                End::Reconnect(pause) => {
                    self.shared.stats.reconnects.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                    if self.commands.is_closed() && self.commands.is_empty() && self.failures > 20 {
                        return self.views;
                    }
                }
            }
        }
    }

    /// Exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015).
    fn backoff(&self) -> Duration {
        let most = Duration::from_millis(50 << self.failures.min(8)).min(MOST_BACKOFF);
        most.mul_f64(rand::rng().random::<f64>())
    }

    async fn connect(&mut self) -> Result<Ws, String> {
        let connecting = async {
            let socket = TcpStream::connect(&self.shared.authority).await.map_err(|error| error.kind().to_string())?;
            let _ = socket.set_nodelay(true);
            let mut request =
                format!("ws://{}/v1/ws", self.shared.authority).into_client_request().map_err(|e| e.to_string())?;
            let protocol = chat_wire::SUBPROTOCOL.parse().map_err(|_| "subprotocol")?;
            request.headers_mut().insert("sec-websocket-protocol", protocol);
            let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
            let (mut ws, _) = client_async_with_config(request, socket, Some(config)).await.map_err(|e| short(&e))?;
            let points = self.views.iter().filter(|(_, view)| !view.epoch.is_empty());
            let points: Vec<Value> =
                points.map(|(id, view)| json!({"id": id, "epoch": view.epoch, "rev": view.rev})).collect();
            let mut hello = json!({"type": "hello", "token": self.account.token, "device_id": self.device});
            if !points.is_empty() {
                hello["resume"] = json!({"session": self.session.unwrap_or_default(), "conversations": points});
            }
            ws.send(Message::text(hello.to_string())).await.map_err(|e| short(&e))?;
            Ok::<Ws, String>(ws)
        };
        tokio::time::timeout(Duration::from_secs(20), connecting)
            .await
            .unwrap_or_else(|_| Err("no answer in 20 s".into()))
    }

    async fn serve(&mut self, mut ws: Ws) -> End {
        let mut welcomed = false;
        let mut retry = tokio::time::interval(Duration::from_millis(500));
        retry.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if self.commands.is_closed() && self.commands.is_empty() && self.pending.is_empty() && welcomed {
                let _ = ws.close(None).await;
                return End::Finished;
            }
            tokio::select! {
                biased;
                message = ws.next() => match message {
                    Some(Ok(Message::Text(text))) => match self.hear(&mut ws, &text, &mut welcomed).await {
                        Ok(None) => {}
                        Ok(Some(end)) => return end,
                        Err(error) => { self.shared.stats.error(error); return End::Reconnect(self.backoff()); }
                    },
                    Some(Ok(Message::Close(frame))) => {
                        let code = frame.map_or(0, |frame| u16::from(frame.code));
                        self.shared.stats.error(format!("closed {code}"));
                        if code == 4401 || code == 4403 { self.sign_in_again().await; }
                        self.failures += 1;
                        return End::Reconnect(self.backoff());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => { self.shared.stats.error(format!("socket: {}", short(&error))); self.failures += 1; return End::Reconnect(self.backoff()); }
                    None => { self.failures += 1; return End::Reconnect(self.backoff()); }
                },
                command = self.commands.recv(), if welcomed => match command {
                    Some(Command::Send { conversation, intended, text }) => {
                        let id = Uuid::now_v7();
                        self.shared.history.lock().send(conversation, id);
                        let again = Instant::now() + RETRY_AFTER;
                        self.pending.insert(id, Pending { conversation, intended, text, again });
                        if self.say(&mut ws, id).await.is_err() { return End::Reconnect(self.backoff()); }
                    }
                    Some(Command::Drop) => return End::Reconnect(Duration::ZERO),
                    None => {}
                },
                _ = retry.tick(), if !self.pending.is_empty() && welcomed => {
                    let now = Instant::now();
                    let due: Vec<Uuid> = self.pending.iter().filter(|(_, p)| p.again <= now).map(|(id, _)| *id).collect();
                    for id in due {
                        if self.say(&mut ws, id).await.is_err() { return End::Reconnect(self.backoff()); }
                    }
                }
                () = tokio::time::sleep(Duration::from_millis(200)), if self.commands.is_closed() => {}
            }
        }
    }

    /// (Re)sends what is pending under `id`.
    async fn say(&mut self, ws: &mut Ws, id: Uuid) -> Result<(), Error> {
        let Some(pending) = self.pending.get_mut(&id) else { return Ok(()) };
        pending.again = Instant::now() + RETRY_AFTER;
        let text = format!("t={};{}", pending.intended, pending.text);
        let frame =
            json!({"type": "send", "conversation": pending.conversation, "client_msg_id": id, "body": {"text": text}});
        ws.send(Message::text(frame.to_string())).await
    }

    async fn hear(&mut self, ws: &mut Ws, text: &str, welcomed: &mut bool) -> Result<Option<End>, String> {
        let frame: Incoming<'_> = serde_json::from_str(text).map_err(|error| format!("unreadable frame: {error}"))?;
        match frame.tag.as_ref() {
            "event" => {
                if let Some(conversation) = self.event(&frame) {
                    self.refetch(conversation).await;
                }
            }
            "ack" => self.ack(&frame),
            "error" => self.refusal(&frame),
            "welcome" => {
                *welcomed = true;
                self.session = frame.session;
                for conversation in frame.reload.unwrap_or_default() {
                    self.refetch(conversation).await;
                }
                let ids: Vec<Uuid> = self.pending.keys().copied().collect();
                for id in ids {
                    self.say(ws, id).await.map_err(|error| short(&error))?;
                }
            }
            "reload" => {
                if let Some(conversation) = frame.conversation {
                    self.refetch(conversation).await;
                }
            }
            "goaway" => {
                let pause = Duration::from_millis(frame.reconnect_after_ms.unwrap_or(0));
                return Ok(Some(End::Reconnect(pause.min(Duration::from_secs(5)))));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Checks an event; the conversation when it has to be refetched.
    fn event(&mut self, frame: &Incoming<'_>) -> Option<Uuid> {
        let (Some(conversation), Some(epoch), Some(rev), Some(seq)) =
            (frame.conversation, &frame.epoch, frame.rev, frame.seq)
        else {
            self.shared.stats.error("an event without its position");
            return None;
        };
        let Some(view) = self.views.get_mut(&conversation) else {
            self.shared.history.lock().foreign(conversation);
            return None;
        };
        let message = frame.kind.as_deref() == Some("message");
        let client_msg_id = frame.client_msg_id.filter(|_| message);
        let next = self.shared.history.lock().see(view, Seen { conversation, epoch, rev, seq, client_msg_id });
        if next == Next::Skip {
            return None;
        }
        view.seq = view.seq.max(seq);
        self.shared.stats.delivered.fetch_add(1, Ordering::Relaxed);
        if let Some(intended) = frame.intended() {
            self.shared.record(&self.shared.stats.delivery_latency, intended);
        }
        (next == Next::Refetch).then_some(conversation)
    }

    fn ack(&mut self, frame: &Incoming<'_>) {
        let (Some(conversation), Some(id), Some(seq)) = (frame.conversation, frame.client_msg_id, frame.seq) else {
            return;
        };
        self.shared.history.lock().ack(conversation, id, seq);
        if let Some(pending) = self.pending.remove(&id) {
            self.shared.record(&self.shared.stats.ack_latency, pending.intended);
            self.shared.stats.acked.fetch_add(1, Ordering::Relaxed);
            if let Some(acked) = &self.acked {
                let _ = acked.try_send(());
            }
        }
    }

    fn refusal(&mut self, frame: &Incoming<'_>) {
        self.shared.stats.error(frame.code.as_deref().unwrap_or("error").to_owned());
        let (Some(conversation), Some(id)) = (frame.conversation, frame.client_msg_id) else { return };
        if frame.retryable == Some(true) {
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.again = Instant::now() + Duration::from_millis(frame.retry_after_ms.unwrap_or(500));
            }
        } else if self.pending.remove(&id).is_some() {
            self.shared.history.lock().refuse(conversation, id);
        }
    }

    async fn sign_in_again(&mut self) {
        let mut http = Http::new(&self.shared.authority);
        match Account::sign_in(&mut http, &self.account.username, crate::scenario::PASSWORD).await {
            Ok(account) => self.account = account,
            Err(error) => self.shared.stats.error(format!("login: {error}")),
        }
    }

    /// Reads what was missed, and takes the position from before the reading.
    async fn refetch(&mut self, conversation: Uuid) {
        self.shared.stats.refetches.fetch_add(1, Ordering::Relaxed);
        let mut http = Http::new(&self.shared.authority);
        let token = self.account.token.clone();
        let path = format!("/v1/conversations/{conversation}");
        let Ok(head) = http.patient(Method::GET, &path, Some(&token), None).await else { return };
        let Some(view) = self.views.get_mut(&conversation) else { return };
        let (epoch, rev) = (head["epoch"].as_str().unwrap_or_default(), head["rev"].as_u64().unwrap_or(0));
        if view.epoch != epoch || view.rev < rev {
            epoch.clone_into(&mut view.epoch);
            view.rev = rev;
        }
        view.seq = view.seq.max(head["last_seq"].as_u64().unwrap_or(0));
    }
}

fn short(error: &Error) -> String {
    match error {
        Error::Io(error) => error.kind().to_string(),
        Error::Http(response) => format!("status {}", response.status()),
        other => other.to_string(),
    }
}
