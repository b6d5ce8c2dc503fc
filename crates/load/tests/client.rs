//! The simulated client against a server that plays a script.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use elastic_chat_load::client::{Account, Client, Command, Shared};
use elastic_chat_load::history::View;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use uuid::Uuid;

const ROOM: Uuid = Uuid::from_u128(7);

/// Fails a test that would hang.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.unwrap_or_else(|_| panic!("not in 10 s: {what}"))
}

struct Script {
    listener: TcpListener,
    shared: Arc<Shared>,
    commands: Option<mpsc::Sender<Command>>,
    client: JoinHandle<HashMap<Uuid, View>>,
}

type Socket = WebSocketStream<TcpStream>;

impl Script {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let shared = Shared::new(&listener.local_addr().expect("address").to_string());
        let account = Account { user: Uuid::from_u128(1), username: "ada".into(), token: "token".into() };
        let (commands, receiver) = mpsc::channel(8);
        let views = [(ROOM, View { epoch: "e".into(), rev: 4, seq: 40 })];
        let client = Client::new(Arc::clone(&shared), account, "device".into(), &views, receiver);
        Self { listener, shared, commands: Some(commands), client: tokio::spawn(client.run()) }
    }

    /// The next socket, and its hello.
    async fn accept(&self) -> (Socket, Value) {
        let (stream, _) = soon("a connection", self.listener.accept()).await.expect("accept");
        #[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // the callback's type
        let protocol = |_: &Request, mut response: Response| {
            let protocol = chat_wire::SUBPROTOCOL.parse().expect("a header");
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let mut socket = soon("a handshake", accept_hdr_async(stream, protocol)).await.expect("a WebSocket");
        let hello = hear(&mut socket).await;
        assert_eq!((&hello["type"], &hello["device_id"]), (&json!("hello"), &json!("device")));
        (socket, hello)
    }

    /// Answers one REST call.
    async fn answer(&self, body: Value) {
        let (mut stream, _) = soon("a call", self.listener.accept()).await.expect("accept");
        let mut request = vec![0; 4096];
        let length = soon("a request", stream.read(&mut request)).await.expect("read");
        let expected = format!("GET /v1/conversations/{ROOM} ");
        assert!(String::from_utf8_lossy(&request[..length]).starts_with(&expected));
        let body = body.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.expect("write");
    }

    async fn send(&self, text: &str) {
        let send = Command::Send { conversation: ROOM, intended: 1, text: text.into() };
        self.commands.as_ref().expect("open").send(send).await.expect("the client lives");
    }

    /// Where the client stands when it has all up to `goal`.
    async fn end(mut self, goal: View) -> View {
        self.commands = None;
        self.shared.goals.set(HashMap::from([(ROOM, goal)])).expect("set once");
        soon("the end", self.client).await.expect("no panic").remove(&ROOM).expect("the room")
    }
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        match soon("a frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
            Some(Ok(_)) => {}
            other => panic!("no frame: {other:?}"),
        }
    }
}

async fn say(socket: &mut Socket, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.expect("the client listens");
}

fn welcome(reload: &[Uuid]) -> Value {
    json!({"type": "welcome", "session": Uuid::from_u128(9), "heartbeat_seconds": 25, "resumed": [], "reload": reload})
}

fn event(epoch: &str, rev: u64, id: &Value) -> Value {
    json!({"type": "event", "conversation": ROOM, "epoch": epoch, "rev": rev, "seq": rev * 10, "kind": "message",
        "client_msg_id": id, "body": {"text": "t=1;x"}})
}

#[tokio::test]
async fn a_send_that_was_cut_off_is_repeated_with_its_id() {
    let script = Script::start().await;
    let (mut first, _) = script.accept().await;
    say(&mut first, welcome(&[])).await;
    script.send("hello").await;
    let sent = hear(&mut first).await;
    drop(first);
    let (mut second, hello) = script.accept().await;
    assert_eq!(hello["resume"]["conversations"], json!([{"id": ROOM, "epoch": "e", "rev": 4}]));
    assert_eq!(hello["resume"]["session"], json!(Uuid::from_u128(9)));
    say(&mut second, welcome(&[])).await;
    let again = hear(&mut second).await;
    assert_eq!((&again["client_msg_id"], &again["body"]), (&sent["client_msg_id"], &sent["body"]));
    say(&mut second, event("e", 5, &sent["client_msg_id"])).await;
    let ack = json!({"type": "ack", "conversation": ROOM, "client_msg_id": sent["client_msg_id"], "seq": 50});
    say(&mut second, ack).await;
    let shared = Arc::clone(&script.shared);
    let view = script.end(View { epoch: "e".into(), rev: 5, seq: 50 }).await;
    assert_eq!(view, View { epoch: "e".into(), rev: 5, seq: 50 });
    let history = shared.history.lock();
    assert!(history.verdict().sound(), "{}", history.verdict());
    assert_eq!(history.verdict().acked, 1);
}

#[tokio::test]
async fn goaway_opens_the_new_socket_before_the_old_one_closes() {
    let script = Script::start().await;
    let (mut old, _) = script.accept().await;
    say(&mut old, welcome(&[])).await;
    say(&mut old, json!({"type": "goaway", "reconnect_after_ms": 0, "reason": "drain"})).await;
    let (mut new, _) = script.accept().await;
    say(&mut old, json!({"type": "pong", "n": 1})).await;
    let early = tokio::time::timeout(Duration::from_millis(100), old.next()).await;
    assert!(early.is_err(), "the old socket ended before the new one was welcome: {early:?}");
    say(&mut new, welcome(&[])).await;
    let closed = soon("the old socket's end", old.next()).await;
    assert!(!matches!(closed, Some(Ok(Message::Text(_)))), "{closed:?}");
    let view = script.end(View { epoch: "e".into(), rev: 4, seq: 40 }).await;
    assert_eq!(view.rev, 4);
}

#[tokio::test]
async fn a_reload_takes_the_position_from_the_server() {
    let script = Script::start().await;
    let (mut socket, _) = script.accept().await;
    say(&mut socket, welcome(&[ROOM])).await;
    script.answer(json!({"epoch": "f", "rev": 2, "last_seq": 70})).await;
    let id = Uuid::from_u128(50);
    script.shared.history.lock().send(ROOM, id);
    say(&mut socket, event("f", 3, &json!(id))).await;
    let shared = Arc::clone(&script.shared);
    let view = script.end(View { epoch: "f".into(), rev: 3, seq: 70 }).await;
    assert_eq!(view, View { epoch: "f".into(), rev: 3, seq: 70 });
    assert!(shared.history.lock().verdict().sound());
}

#[tokio::test]
async fn a_client_that_never_gets_everything_can_be_given_up() {
    let script = Script::start().await;
    let (mut socket, _) = script.accept().await;
    say(&mut socket, welcome(&[])).await;
    script.shared.give_up.cancel();
    let goal = View { epoch: "e".into(), rev: 99, seq: 990 };
    let view = script.end(goal.clone()).await;
    assert!(!view.reached(&goal));
}
