use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(30);
const TRIES: u32 = 30;

/// A call that did not do.
#[derive(Debug)]
pub enum RestError {
    /// No answer: refused, cut off, too late.
    Transport(String),
    Status(u16, Value),
}

impl std::fmt::Display for RestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Transport(detail) => write!(f, "no answer: {detail}"),
            Self::Status(status, body) => write!(f, "status {status}: {body}"),
        }
    }
}

impl std::error::Error for RestError {}

/// One kept-alive HTTP connection.
pub struct Http {
    authority: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Http {
    pub fn new(authority: &str) -> Self {
        Self { authority: authority.to_owned(), sender: None }
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, RestError> {
        let failed = |error: &dyn std::fmt::Display| RestError::Transport(error.to_string());
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let socket = TcpStream::connect(&self.authority).await.map_err(|e| failed(&e))?;
            let _ = socket.set_nodelay(true);
            let (sender, connection) = handshake(TokioIo::new(socket)).await.map_err(|e| failed(&e))?;
            // Ends with the sender.
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        self.sender.as_mut().ok_or_else(|| RestError::Transport("no connection".into()))
    }

    /// One call. The body of the answer is JSON, or null when it has none.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, RestError> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.authority);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| RestError::Transport(error.to_string()))?;
        let exchange = async {
            let response =
                self.sender().await?.send_request(request).await.map_err(|e| RestError::Transport(e.to_string()))?;
            let status = response.status().as_u16();
            let bytes =
                response.into_body().collect().await.map_err(|e| RestError::Transport(e.to_string()))?.to_bytes();
            let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            if (200..300).contains(&status) { Ok(value) } else { Err(RestError::Status(status, value)) }
        };
        let result = tokio::time::timeout(DEADLINE, exchange).await;
        let result = result.unwrap_or_else(|_| Err(RestError::Transport("no answer in 30 s".into())));
        if matches!(result, Err(RestError::Transport(_))) {
            self.sender = None;
        }
        result
    }

    /// Calls again while the server asks for patience or does not answer.
    pub async fn patient(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, RestError> {
        let mut result = Err(RestError::Transport("not tried".into()));
        for attempt in 0..TRIES {
            result = self.call(method.clone(), path, token, body.clone()).await;
            let wait = match &result {
                Err(RestError::Status(429 | 503, problem)) => problem["retry_after_ms"].as_u64().unwrap_or(500),
                Err(RestError::Transport(_)) => 50 << attempt.min(5),
                _ => return result,
            };
            tokio::time::sleep(Duration::from_millis(wait.min(5_000))).await;
        }
        result
    }
}

/// A signed-in account.
#[derive(Debug, Clone)]
pub struct Account {
    pub user: Uuid,
    pub username: String,
    pub token: String,
}

impl Account {
    fn from(value: &Value) -> Option<Self> {
        Some(Self {
            user: value["user"]["id"].as_str()?.parse().ok()?,
            username: value["user"]["username"].as_str()?.to_owned(),
            token: value["access_token"].as_str()?.to_owned(),
        })
    }

    /// Registers, or signs in when the name exists.
    pub async fn sign_in(http: &mut Http, username: &str, password: &str) -> Result<Self, RestError> {
        let body = json!({"username": username, "password": password});
        let answer = match http.patient(Method::POST, "/v1/auth/register", None, Some(body.clone())).await {
            Err(RestError::Status(409, _)) => http.patient(Method::POST, "/v1/auth/login", None, Some(body)).await?,
            other => other?,
        };
        Self::from(&answer).ok_or_else(|| RestError::Transport("the answer has no account".into()))
    }
}
