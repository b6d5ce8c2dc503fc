//! Speaks the admin protocol of the pods: one request, one deadline, one bounded answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;

use crate::scrape::load::{Load, LoadError};

/// Of one question, connecting included: less than the 2 s between two.
const DEADLINE: Duration = Duration::from_millis(1_500);
const CONNECT_DEADLINE: Duration = Duration::from_millis(700);
/// Of one answer. A writer that reads 1,000 partitions says 120 KB.
const MOST_BYTES: usize = 512 * 1024;

/// The tokens that pods may know: the one to use first, and while it is being replaced the other.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(Arc<[String]>);

impl Tokens {
    pub fn new(tokens: impl IntoIterator<Item = String>) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub ip: IpAddr,
    pub port: u16,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("no answer in {} ms", DEADLINE.as_millis())]
    Deadline,
    #[error("no connection: {0}")]
    Connect(String),
    #[error("none of the operator's tokens is accepted")]
    Unauthorized,
    #[error("{status}: {body}")]
    Refused { status: StatusCode, body: String },
    #[error("the answer broke off, or is longer than {MOST_BYTES} bytes")]
    Body,
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the request can't be made: {0}")]
    Request(#[from] hyper::http::Error),
}

impl AdminError {
    /// For metrics.
    pub fn label(&self) -> &'static str {
        match self {
            AdminError::Deadline => "deadline",
            AdminError::Connect(_) => "connect",
            AdminError::Unauthorized => "unauthorized",
            AdminError::Refused { .. } => "refused",
            AdminError::Body | AdminError::Load(_) | AdminError::Request(_) => "nonsense",
        }
    }
}

/// What a pod's `/readyz` says, whether ready or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Readiness {
    pub ready: bool,
    /// Ready, but something that it needs is away.
    #[serde(default)]
    pub degraded: bool,
    #[serde(default)]
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

#[derive(Clone)]
pub struct AdminClient {
    http: Client<HttpConnector, Empty<Bytes>>,
}

impl Default for AdminClient {
    fn default() -> Self {
        Self::new()
    }
}

impl AdminClient {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_DEADLINE));
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(1)
            .build(connector);
        Self { http }
    }

    pub async fn load(&self, pod: Address, tokens: &Tokens) -> Result<Load, AdminError> {
        let (_, body) = self.ask(Method::GET, pod, "/load", Some(tokens)).await?;
        Ok(Load::parse(&body)?)
    }

    /// Both 200 and 503 carry the checks.
    pub async fn readiness(&self, pod: Address) -> Result<Readiness, AdminError> {
        let answer = self.ask(Method::GET, pod, "/readyz", None).await;
        let body = match answer {
            Ok((_, body)) => body,
            Err(AdminError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, body }) => body.into(),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&body).map_err(|error| AdminError::Load(error.into()))
    }

    pub async fn drain(&self, pod: Address, tokens: &Tokens, seconds: u32) -> Result<(), AdminError> {
        self.ask(Method::POST, pod, &format!("/drain?seconds={seconds}"), Some(tokens)).await.map(drop)
    }

    pub async fn take_back(&self, pod: Address, tokens: &Tokens) -> Result<(), AdminError> {
        self.ask(Method::DELETE, pod, "/drain", Some(tokens)).await.map(drop)
    }

    pub async fn shed(&self, pod: Address, tokens: &Tokens, connections: u32, seconds: u32) -> Result<(), AdminError> {
        let path = format!("/shed?connections={connections}&seconds={seconds}");
        self.ask(Method::POST, pod, &path, Some(tokens)).await.map(drop)
    }

    /// Tries each token once: while one is being replaced, some pods know only the old one yet.
    async fn ask(
        &self,
        method: Method,
        pod: Address,
        path: &str,
        tokens: Option<&Tokens>,
    ) -> Result<(StatusCode, Bytes), AdminError> {
        let tokens = tokens.map_or(&[] as &[String], |tokens| &tokens.0);
        let asking = async {
            let mut answer = self.once(&method, pod, path, tokens.first()).await;
            for token in tokens.iter().skip(1) {
                if !matches!(answer, Err(AdminError::Unauthorized)) {
                    break;
                }
                answer = self.once(&method, pod, path, Some(token)).await;
            }
            answer
        };
        tokio::time::timeout(DEADLINE, asking).await.unwrap_or(Err(AdminError::Deadline))
    }

    async fn once(
        &self,
        method: &Method,
        pod: Address,
        path: &str,
        token: Option<&String>,
    ) -> Result<(StatusCode, Bytes), AdminError> {
        let host = std::net::SocketAddr::new(pod.ip, pod.port);
        let mut request =
            Request::builder().method(method).uri(format!("http://{host}{path}")).body(Empty::<Bytes>::new())?;
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(hyper::http::Error::from)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let answer = self.http.request(request).await.map_err(|error| AdminError::Connect(causes(&error)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await.map_err(|_| AdminError::Body)?;
        let body = body.to_bytes();
        match status {
            StatusCode::UNAUTHORIZED => Err(AdminError::Unauthorized),
            status if status.is_success() => Ok((status, body)),
            status => {
                let body = String::from_utf8_lossy(&body).into_owned();
                Err(AdminError::Refused { status, body })
            }
        }
    }
}

/// An error with what is behind it: hyper's own words say only "client error".
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
