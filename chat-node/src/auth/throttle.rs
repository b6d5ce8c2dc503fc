use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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
        .get_all("x-forwarded-for")
        .iter()
        // The last entry of the last line is the proxy's own; those before it are what the client claims.
        .next_back()
        .filter(|_| config.trust_forwarded_for)
        .and_then(|value| value.to_str().ok())
        .and_then(|list| list.rsplit(',').next())
        .and_then(|address| address.trim().parse().ok());
    forwarded.unwrap_or(peer.ip())
}

/// Whoever has one address of IPv6 has the 2^64 of its network: they count as one.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

pub async fn check_address(backends: &Backends, quota: Limit<Quota>, address: IpAddr) -> Result<(), Failure> {
    match quota.get() {
        Some(quota) => take(backends, &format!("auth:{}", counted(address)), quota).await,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_once() {
        let of = |text: &str| counted(text.parse().expect("address")).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
