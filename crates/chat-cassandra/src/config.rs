use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use scylla::authentication::{AuthError, AuthenticatorProvider, AuthenticatorSession};
use scylla::client::PoolSize;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::timestamp_generator::MonotonicTimestampGenerator;

use crate::failure::SetupError;

/// Where Cassandra is, and how to get in.
#[derive(Debug, Clone)]
pub struct CassandraConfig {
    /// `host:port` of some nodes; the others are found through them.
    pub contact_points: Vec<String>,
    /// Lower-case letters, digits and `_`, at most 48.
    pub keyspace: String,
    pub username: Option<String>,
    /// Read anew for every connection, so that a changed password needs no restart. A line break at its end is left out.
    pub password_file: Option<PathBuf>,
    /// PEM certificates that sign the nodes' certificates. With it, connections use TLS, and a node's certificate must
    /// name its address.
    pub ca_file: Option<PathBuf>,
    /// The local datacenter. May be left out when there is only one.
    pub datacenter: Option<String>,
}

impl Default for CassandraConfig {
    fn default() -> Self {
        Self {
            contact_points: vec!["127.0.0.1:9042".into()],
            keyspace: "elastic_chat".into(),
            username: None,
            password_file: None,
            ca_file: None,
            datacenter: None,
        }
    }
}

/// When a timeline goes on in a new partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketLimits {
    pub rows: u64,
    pub bytes: u64,
}

impl Default for BucketLimits {
    /// Ten cells a row: well below 100 MB and 100,000 cells, also when edits and other changes come on top.
    fn default() -> Self {
        Self { rows: 10_000, bytes: 32 << 20 }
    }
}

/// Connections to each node. One carries 32,768 requests at once; a second spreads the work over cores.
const CONNECTIONS: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

impl CassandraConfig {
    /// The addresses as a message names them.
    pub(crate) fn addresses(&self) -> String {
        self.contact_points.join(", ")
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let wrong = |detail: String| Err(SetupError::Config(detail));
        if self.contact_points.is_empty() {
            return wrong("Cassandra needs at least one contact point as host:port".into());
        }
        for point in &self.contact_points {
            let port = point.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
            if port.is_none_or(|port| port.parse::<u16>().is_err()) {
                return wrong(format!("{point:?} is no contact point: write host:port, such as cassandra:9042"));
            }
        }
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let first = self.keyspace.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !first || self.keyspace.len() > 48 || !self.keyspace.bytes().all(letters) {
            let keyspace = &self.keyspace;
            return wrong(format!("{keyspace:?} is no keyspace: 1 to 48 of a-z 0-9 _, the first a letter"));
        }
        if self.username.is_some() != self.password_file.is_some() {
            return wrong("Cassandra's username and password file belong together: set both or neither".into());
        }
        if let Some(file) = &self.password_file {
            read_password(file).map_err(SetupError::Config)?;
        }
        self.tls().map(drop)
    }

    /// Everything but the keyspace.
    pub(crate) fn session(&self) -> Result<SessionBuilder, SetupError> {
        let mut builder = SessionBuilder::new()
            .known_nodes(&self.contact_points)
            .connection_timeout(CONNECT_TIMEOUT)
            .hostname_resolution_timeout(Some(CONNECT_TIMEOUT))
            .pool_size(PoolSize::PerHost(CONNECTIONS))
            .keyspaces_to_fetch([&self.keyspace])
            // What one process writes and then writes anew is in that order, whichever nodes' clocks see it.
            .timestamp_generator(Arc::new(MonotonicTimestampGenerator::new()))
            .tls_context(self.tls()?);
        if let (Some(username), Some(file)) = (&self.username, &self.password_file) {
            let login = Login { username: username.clone(), password_file: file.clone() };
            builder = builder.authenticator_provider(Arc::new(login));
        }
        Ok(builder)
    }

    fn tls(&self) -> Result<Option<Arc<rustls::ClientConfig>>, SetupError> {
        let Some(file) = &self.ca_file else { return Ok(None) };
        let wrong = |error: &dyn std::fmt::Display| SetupError::Config(format!("{}: {error}", file.display()));
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
            roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
        }
        if roots.is_empty() {
            return Err(wrong(&"no certificate in it"));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(Arc::new(config)))
    }
}

fn read_password(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(format!("{}: no password in it", file.display()));
    }
    Ok(password.to_owned())
}

/// User and password by SASL PLAIN.
struct Login {
    username: String,
    password_file: PathBuf,
}

#[async_trait]
impl AuthenticatorProvider for Login {
    async fn start_authentication_session(
        &self,
        _authenticator: &str,
    ) -> Result<(Option<Vec<u8>>, Box<dyn AuthenticatorSession>), AuthError> {
        // A small local file: reading it blocks for microseconds, and only while a connection is made.
        let password = read_password(&self.password_file)?;
        let response = [&[0], self.username.as_bytes(), &[0], password.as_bytes()].concat();
        Ok((Some(response), Box::new(Plain)))
    }
}

struct Plain;

#[async_trait]
impl AuthenticatorSession for Plain {
    async fn evaluate_challenge(&mut self, _token: Option<&[u8]>) -> Result<Option<Vec<u8>>, AuthError> {
        Err("the server wants more than user and password".into())
    }
    async fn success(&mut self, _token: Option<&[u8]>) -> Result<(), AuthError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_setting_says_what_is_right() {
        type Change = fn(&mut CassandraConfig);
        let config = |change: Change| {
            let mut config = CassandraConfig::default();
            change(&mut config);
            config.check().map_err(|error| error.to_string())
        };
        assert_eq!(config(|_| ()), Ok(()));
        let cases: [(Change, &str); 6] = [
            (|c| c.contact_points.clear(), "at least one"),
            (|c| c.contact_points = vec!["cassandra".into()], "host:port"),
            (|c| c.keyspace = "Chat".into(), "a-z"),
            (|c| c.username = Some("chat".into()), "both or neither"),
            (|c| c.ca_file = Some("/nowhere/ca.pem".into()), "/nowhere/ca.pem"),
            (
                |c| {
                    c.username = Some("chat".into());
                    c.password_file = Some("/nowhere/password".into());
                },
                "/nowhere/password",
            ),
        ];
        for (change, expected) in cases {
            let error = config(change).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
