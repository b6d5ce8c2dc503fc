use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use chat_core::Username;
use chat_ports::{Quota, RateDecision};

use crate::config::{Config, Limit};
use crate::{Backends, Failure};

/// Logins of one account, right or wrong: guessing stays slow, whatever number of addresses takes part.
const PER_ACCOUNT: Quota = Quota { count: 60, per_ms: 600_000 };

/// Where a request comes from; the proxy's word is taken only when the configuration says so.
pub fn client_address(config: &Config, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers
        .get("x-forwarded-for")
        .filter(|_| config.trust_forwarded_for)
        .and_then(|value| value.to_str().ok())
        // The last entry is the proxy's own; those before it are what the client claims.
        .and_then(|list| list.rsplit(',').next())
        .and_then(|address| address.trim().parse().ok());
    forwarded.unwrap_or(peer.ip())
}

pub async fn check_address(backends: &Backends, quota: Limit<Quota>, address: IpAddr) -> Result<(), Failure> {
    match quota.get() {
        Some(quota) => take(backends, &format!("auth:{address}"), quota).await,
        None => Ok(()),
    }
}

/// Counted for names that nobody has as well: the answer tells nothing.
pub async fn check_account(backends: &Backends, name: &Username) -> Result<(), Failure> {
    take(backends, &format!("login:{name}"), PER_ACCOUNT).await
}

async fn take(backends: &Backends, key: &str, quota: Quota) -> Result<(), Failure> {
    match backends.directory.take(key, quota, backends.clock.now()).await? {
        RateDecision::Allowed => Ok(()),
        RateDecision::Wait { retry_after_ms } => Err(Failure::rate_limited(retry_after_ms)),
    }
}
