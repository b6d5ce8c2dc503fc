//! Where Redis is, and how to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach Redis. Credentials come from files, which are read again for each connection.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://host:port[/db]`, `redis+sentinel://host:port,host:port/MASTER`, `redis+cluster://host:port,host:port`;
    /// with `rediss` instead of `redis`, over TLS.
    pub url: String,
    /// The ACL user; without one, the user `default`.
    pub username: Option<String>,
    /// A file with the password. White space around it is ignored.
    pub password_file: Option<PathBuf>,
    /// PEM certificates to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The user of the sentinels themselves.
    pub sentinel_username: Option<String>,
    /// A file with the password of the sentinels themselves.
    pub sentinel_password_file: Option<PathBuf>,
    /// How long a command may take, from the call to its answer. Default 1 s.
    pub timeout: Duration,
    /// Connections to each server, shared by all tasks; a conversation always takes the same one. Default 2.
    pub connections: u8,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".to_owned(),
            username: None,
            password_file: None,
            ca_file: None,
            sentinel_username: None,
            sentinel_password_file: None,
            timeout: Duration::from_secs(1),
            connections: 2,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedisConfigError {
    #[error(
        "{url:?} is not an address of Redis: use redis://HOST:PORT[/DB], redis+sentinel://HOST:PORT,HOST:PORT/MASTER \
         or redis+cluster://HOST:PORT,HOST:PORT (rediss… for TLS)"
    )]
    Url { url: String },
    #[error("the address of Redis holds a user or a password: name the user in its own setting, and a password file")]
    PasswordInUrl,
    #[error("a sentinel address must end with the name of the primary, as in redis+sentinel://host:26379/main")]
    NoMaster,
    #[error("{path}: cannot read the certificates to trust: {detail}")]
    CaFile { path: String, detail: String },
    #[error("{setting} must be at least {least}")]
    TooSmall { setting: &'static str, least: &'static str },
}

/// A server's address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// `host:port`, `[v6]:port`, or as Redis writes it `v6:port`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Standalone { address: Address, db: i64 },
    Sentinel { sentinels: Vec<Address>, master: String },
    Cluster { seeds: Vec<Address> },
}

impl Target {
    /// The target, and whether it speaks TLS.
    pub(crate) fn parse(url: &str) -> Result<(Self, bool), RedisConfigError> {
        let bad = || RedisConfigError::Url { url: url.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
        if rest.contains('@') {
            return Err(RedisConfigError::PasswordInUrl);
        }
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let addresses: Option<Vec<_>> = hosts.split(',').map(|host| with_port(host, scheme)).collect();
        let addresses = addresses.filter(|all| all.iter().all(|a| !a.host.is_empty())).ok_or_else(bad)?;
        let tls = scheme.starts_with("rediss");
        let target = match scheme {
            "redis" | "rediss" => {
                let [address] = <[Address; 1]>::try_from(addresses).map_err(|_| bad())?;
                let db = if path.is_empty() { 0 } else { path.parse().map_err(|_| bad())? };
                Self::Standalone { address, db }
            }
            "redis+sentinel" | "rediss+sentinel" if path.is_empty() => return Err(RedisConfigError::NoMaster),
            "redis+sentinel" | "rediss+sentinel" => Self::Sentinel { sentinels: addresses, master: path.to_owned() },
            "redis+cluster" | "rediss+cluster" if path.is_empty() => Self::Cluster { seeds: addresses },
            _ => return Err(bad()),
        };
        Ok((target, tls))
    }
}

fn with_port(host: &str, scheme: &str) -> Option<Address> {
    let port = if scheme.ends_with("sentinel") { 26_379 } else { 6_379 };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    if has_port { Address::parse(host) } else { Address::parse(&format!("{host}:{port}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16) -> Address {
        Address { host: host.to_owned(), port }
    }

    #[test]
    fn urls() {
        let parse = |url| Target::parse(url).expect(url);
        assert_eq!(parse("redis://h:1/3"), (Target::Standalone { address: address("h", 1), db: 3 }, false),);
        assert_eq!(parse("rediss://h"), (Target::Standalone { address: address("h", 6_379), db: 0 }, true));
        assert_eq!(
            parse("redis+sentinel://a:1,b/main"),
            (Target::Sentinel { sentinels: vec![address("a", 1), address("b", 26_379)], master: "main".into() }, false),
        );
        assert_eq!(
            parse("rediss+cluster://[::1]:7000,b:2"),
            (Target::Cluster { seeds: vec![address("::1", 7_000), address("b", 2)] }, true),
        );
        for bad in
            ["", "h:1", "http://h", "redis://", "redis://a,b", "redis://h:x", "redis://h/x", "redis+cluster://h/1"]
        {
            assert!(matches!(Target::parse(bad), Err(RedisConfigError::Url { .. })), "{bad}");
        }
        assert!(matches!(Target::parse("redis://u:p@h"), Err(RedisConfigError::PasswordInUrl)));
        assert!(matches!(Target::parse("redis+sentinel://h"), Err(RedisConfigError::NoMaster)));
    }
}
