//! Certificates and passwords for servers that want them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::cache;

/// Who may log in to Kafka and Redis. The servers are thrown away and listen on loopback: no secret.
pub const USER: &str = "chat";
pub const PASSWORD: &str = "chat-secret";
/// Who may log in to Cassandra: it makes this user itself.
pub const CASSANDRA_USER: &str = "cassandra";
pub(crate) const CASSANDRA_PASSWORD: &str = "cassandra";
/// Of the key store that Cassandra wants.
pub(crate) const STORE_PASSWORD: &str = "store-secret";

/// The folder in the stack's folder.
const FOLDER: &str = "secrets";
const DAYS: &str = "30";

/// What clients and servers need to trust each other, in a folder.
#[derive(Debug, Clone)]
pub struct Secrets(PathBuf);

impl Secrets {
    pub(crate) fn of(dir: &Path) -> Self {
        Self(dir.join(FOLDER))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The certificate of the authority: what clients trust.
    pub fn ca(&self) -> PathBuf {
        self.0.join("ca.crt")
    }

    /// Holds the password of [`USER`].
    pub fn password(&self) -> PathBuf {
        self.0.join("password")
    }

    /// Holds the password of [`CASSANDRA_USER`].
    pub fn cassandra_password(&self) -> PathBuf {
        self.0.join("cassandra-password")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.join("server.crt")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("server.key")
    }

    /// Key and certificate in one file, as Kafka takes it.
    pub(crate) fn key_and_certificate(&self) -> PathBuf {
        self.0.join("server.pem")
    }

    /// The same as PKCS #12, as Cassandra takes it.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("server.p12")
    }

    /// Makes all that, once: an authority, and a certificate of it for the loopback addresses.
    ///
    /// # Errors
    /// No openssl, or a file can't be written.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        if self.0.exists() {
            return Ok(());
        }
        let making = Self(self.0.with_extension("making"));
        let _ = fs::remove_dir_all(&making.0);
        fs::create_dir_all(&making.0)?;
        making.fill().context("certificates could not be made with openssl")?;
        Ok(fs::rename(&making.0, &self.0)?)
    }

    fn fill(&self) -> anyhow::Result<()> {
        const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3\n";
        fs::write(self.0.join("names"), names)?;
        let authority = "-subj /CN=stack-authority -keyout ca.key -out ca.crt";
        self.openssl(&format!("req -x509 {KEY} -days {DAYS} {authority}"))?;
        self.openssl(&format!("req {KEY} -subj /CN=stack-server -keyout server.key -out server.csr"))?;
        let signing = "-CA ca.crt -CAkey ca.key -CAcreateserial -extfile names";
        self.openssl(&format!("x509 -req -in server.csr {signing} -days {DAYS} -out server.crt"))?;
        let both = [fs::read(self.key())?, fs::read(self.certificate())?].concat();
        fs::write(self.key_and_certificate(), both)?;
        let store = "-in server.crt -inkey server.key -out server.p12";
        self.openssl(&format!("pkcs12 -export -name server {store} -passout pass:{STORE_PASSWORD}"))?;
        fs::write(self.password(), PASSWORD)?;
        Ok(fs::write(self.cassandra_password(), CASSANDRA_PASSWORD)?)
    }

    fn openssl(&self, words: &str) -> anyhow::Result<()> {
        cache::run(Command::new("openssl").current_dir(&self.0).args(words.split(' '))).map(drop)
    }
}
