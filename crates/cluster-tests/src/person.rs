//! One person with a socket to a node of choice: for what is told step by step.

use std::time::Duration;

use elastic_chat_load::client::{Account, Http, RestError};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

const PASSWORD: &str = "correct horse";
/// Nothing that is waited for takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody with an account.
pub struct Person {
    pub account: Account,
    authority: String,
}

impl Person {
    /// A new account, made at `authority`.
    ///
    /// # Panics
    /// The server does not take it; so with everything here.
    pub async fn new(authority: &str, name: &str) -> Self {
        let name = format!("{name}-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let account = Account::sign_in(&mut Http::new(authority), &name, PASSWORD).await.expect("an account");
        Self { account, authority: authority.to_owned() }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, RestError> {
        Http::new(&self.authority).call(method, path, Some(&self.account.token), body).await
    }

    /// The same on another node.
    pub async fn call_at(
        &self,
        authority: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, RestError> {
        Http::new(authority).call(method, path, Some(&self.account.token), body).await
    }

    /// A group with others.
    pub async fn group(&self, others: &[&Person]) -> String {
        let members: Vec<_> = others.iter().map(|person| person.account.user).collect();
        let body = json!({"kind": "group", "title": "Fault", "members": members});
        let made = self.call(Method::POST, "/v1/conversations", Some(body)).await.expect("a group");
        made["id"].as_str().expect("an id").to_owned()
    }

    /// All texts of a conversation's newest page, as `authority` has it.
    pub async fn texts(&self, authority: &str, conversation: &str) -> Result<(Vec<String>, bool), RestError> {
        let path = format!("/v1/conversations/{conversation}/messages?limit=100");
        let page = self.call_at(authority, Method::GET, &path, None).await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let texts = items.iter().filter_map(|item| item["body"]["text"].as_str().map(str::to_owned)).collect();
        Ok((texts, page["degraded"] == Value::Bool(true)))
    }

    /// A welcomed socket to a node, and the welcome.
    pub async fn socket(&self, authority: &str, device: &str, resume: Value) -> (Socket, Value) {
        let mut socket = self.hello(authority, device, resume).await;
        let welcome = socket.expect("welcome", |_| true).await;
        (socket, welcome)
    }

    /// A socket that said hello, and heard nothing yet.
    pub async fn hello(&self, authority: &str, device: &str, resume: Value) -> Socket {
        let tcp = TcpStream::connect(authority).await.expect("a connection");
        let mut request = format!("ws://{authority}/v1/ws").into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "elastic-chat.v1.json".parse().expect("a header"));
        let (ws, _) = client_async(request, tcp).await.expect("a handshake");
        let mut socket = Socket { ws };
        let mut hello = json!({"type": "hello", "token": self.account.token, "device_id": device});
        if !resume.is_null() {
            hello["resume"] = resume;
        }
        socket.say(&hello).await;
        socket
    }
}

/// A WebSocket.
pub struct Socket {
    ws: WebSocketStream<TcpStream>,
}

impl Socket {
    pub async fn say(&mut self, frame: &Value) {
        self.ws.send(Message::text(frame.to_string())).await.expect("written");
    }

    /// Sends a message; its id.
    pub async fn send(&mut self, conversation: &str, text: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.send_as(conversation, text, id).await;
        id
    }

    pub async fn send_as(&mut self, conversation: &str, text: &str, id: Uuid) {
        let body = json!({"text": text});
        self.say(&json!({"type": "send", "conversation": conversation, "client_msg_id": id, "body": body})).await;
    }

    /// The ack of a send.
    pub async fn acked(&mut self, id: Uuid) -> Value {
        self.expect("ack", |frame| frame["client_msg_id"] == json!(id)).await
    }

    /// The next frame of a type that fits; others are passed over.
    pub async fn expect(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let search = async {
            loop {
                let frame = self.next().await.unwrap_or_else(|| panic!("the socket ended before {kind}"));
                if frame["type"] == kind && fits(&frame) {
                    return frame;
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no {kind} in 30 s"))
    }

    /// The code that the server closes with; frames before it are passed over.
    pub async fn closed(&mut self) -> u16 {
        let search = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("the socket ended without a close: {other:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("no close in 30 s")
    }

    /// The next frame, or the end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match self.ws.next().await? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
