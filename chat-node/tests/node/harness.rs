use std::path::Path;
use std::time::Duration;

use chat_node::app::App;
use chat_node::config::Config;
use clap::Parser;
use elastic_chat_load::client::{Account, Http, RestError};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse";
/// Nothing in these tests takes this long.
pub const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    config: Config,
}

pub fn config(data: &Path, extra: &[&str]) -> Config {
    let data = data.display().to_string();
    let fixed = ["chat-node", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--data-dir", &data];
    Args::try_parse_from(fixed.iter().chain(extra)).expect("arguments").config
}

/// A node in this process, on a folder of its own.
pub struct TestNode {
    pub app: App,
    pub folder: TempDir,
}

pub struct Person {
    pub account: Account,
    pub http: Http,
}

impl TestNode {
    pub fn start(extra: &[&str]) -> Self {
        let folder = TempDir::new().expect("folder");
        Self { app: App::start(config(folder.path(), extra)).expect("node"), folder }
    }

    pub fn authority(&self) -> String {
        self.app.address.to_string()
    }

    pub fn http(&self) -> Http {
        Http::new(&self.authority())
    }

    pub async fn person(&self, name: &str) -> Person {
        let mut http = self.http();
        let account = Account::sign_in(&mut http, name, PASSWORD).await.expect("account");
        Person { account, http }
    }

    pub async fn raw_socket(&self) -> Socket {
        let tcp = TcpStream::connect(self.app.address).await.expect("connect");
        let mut request = format!("ws://{}/v1/ws", self.app.address).into_client_request().expect("request");
        request.headers_mut().insert("sec-websocket-protocol", "elastic-chat.v1.json".parse().expect("header"));
        let (ws, response) = client_async(request, tcp).await.expect("handshake");
        assert_eq!(response.headers()["sec-websocket-protocol"], "elastic-chat.v1.json");
        Socket { ws }
    }

    /// A socket that was welcomed; the welcome comes too.
    pub async fn socket_with(&self, person: &Person, device: &str, resume: Value) -> (Socket, Value) {
        let mut socket = self.raw_socket().await;
        socket
            .say(&json!({"type": "hello", "token": person.account.token, "device_id": device, "resume": resume}))
            .await;
        let welcome = socket.expect("welcome").await;
        (socket, welcome)
    }

    pub async fn socket(&self, person: &Person, device: &str) -> Socket {
        self.socket_with(person, device, Value::Null).await.0
    }

    pub async fn stop(self) -> TempDir {
        tokio::time::timeout(DEADLINE, self.app.shutdown()).await.expect("the node stops");
        self.folder
    }
}

impl Person {
    pub fn id(&self) -> String {
        self.account.user.to_string()
    }

    pub async fn call(&mut self, method: Method, path: &str, body: Value) -> Result<Value, RestError> {
        let token = self.account.token.clone();
        self.http.call(method, path, Some(&token), Some(body).filter(|body| !body.is_null())).await
    }

    pub async fn get(&mut self, path: &str) -> Value {
        self.call(Method::GET, path, Value::Null).await.expect(path)
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, body).await.expect(path)
    }

    /// The status and code that a call is refused with.
    pub async fn refused(&mut self, method: Method, path: &str, body: Value) -> (u16, String) {
        match self.call(method, path, body).await {
            Err(RestError::Status(status, problem)) => {
                (status, problem["code"].as_str().unwrap_or_default().to_owned())
            }
            other => panic!("{path} was not refused: {other:?}"),
        }
    }

    pub async fn direct(&mut self, other: &Person) -> String {
        let made = self.post("/v1/conversations", json!({"kind": "direct", "user": other.id()})).await;
        made["id"].as_str().expect("id").to_owned()
    }

    pub async fn group(&mut self, others: &[&Person]) -> String {
        let members: Vec<String> = others.iter().map(|person| person.id()).collect();
        let made = self.post("/v1/conversations", json!({"kind": "group", "title": "Crew", "members": members})).await;
        made["id"].as_str().expect("id").to_owned()
    }

    pub async fn texts(&mut self, conversation: &str) -> Vec<String> {
        let page = self.get(&format!("/v1/conversations/{conversation}/messages?limit=100")).await;
        let items = page["items"].as_array().expect("items").iter();
        items
            .filter(|item| item["kind"] == "message")
            .map(|item| item["body"]["text"].as_str().unwrap_or("").to_owned())
            .collect()
    }
}

pub struct Socket {
    pub ws: WebSocketStream<TcpStream>,
}

impl Socket {
    pub async fn say(&mut self, frame: &Value) {
        self.say_text(frame.to_string()).await;
    }

    pub async fn say_text(&mut self, text: String) {
        self.ws.send(Message::text(text)).await.expect("send");
    }

    pub async fn send(&mut self, conversation: &str, text: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.say(&json!({"type": "send", "conversation": conversation, "client_msg_id": id, "body": {"text": text}}))
            .await;
        id
    }

    /// The next frame of this type; others are passed over.
    pub async fn expect(&mut self, tag: &str) -> Value {
        let reading = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let frame: Value = serde_json::from_str(&text).expect("JSON");
                        if frame["type"] == tag {
                            return frame;
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("waiting for {tag}: {other:?}"),
                }
            }
        };
        tokio::time::timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("no {tag} came"))
    }

    /// The next frame of any type.
    pub async fn next(&mut self) -> Value {
        let reading = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("waiting for a frame: {other:?}"),
                }
            }
        };
        tokio::time::timeout(DEADLINE, reading).await.expect("a frame")
    }

    pub async fn expect_error(&mut self) -> String {
        self.expect("error").await["code"].as_str().expect("code").to_owned()
    }

    /// The code that the server closes with; frames before it are passed over.
    pub async fn expect_close(&mut self) -> u16 {
        let reading = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("waiting for a close: {other:?}"),
                }
            }
        };
        tokio::time::timeout(DEADLINE, reading).await.expect("a close")
    }

    /// A round trip: everything that was sent before is handled, and its answers came before.
    pub async fn settle(&mut self) {
        self.say(&json!({"type": "ping", "n": 7})).await;
        self.expect("pong").await;
    }
}
