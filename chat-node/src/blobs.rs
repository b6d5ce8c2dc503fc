//! Where the bytes of files are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::local::LocalFileSystem;
use object_store::{ClientOptions, CredentialProvider, ObjectStore, RetryConfig};
use parking_lot::Mutex;

use crate::config::Config;

/// One call to S3, and all tries of it.
const CALL: Duration = Duration::from_secs(30);
const ALL_TRIES: Duration = Duration::from_secs(40);
const CONNECT: Duration = Duration::from_secs(3);

/// Opens the folder or names the bucket. Whether S3 answers shows with the first file.
///
/// # Errors
/// The folder can't be made, or the credentials file is not readable.
pub fn open(config: &Config) -> anyhow::Result<Arc<dyn ObjectStore>> {
    match &config.blobs.s3 {
        Some(address) => s3(config, address),
        None => folder(&config.data_dir.join("files")),
    }
}

fn folder(path: &Path) -> anyhow::Result<Arc<dyn ObjectStore>> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true).with_automatic_cleanup(true)))
}

fn s3(config: &Config, address: &str) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let client = ClientOptions::new().with_timeout(CALL).with_connect_timeout(CONNECT).with_allow_http(true);
    let retry = RetryConfig { max_retries: 3, retry_timeout: ALL_TRIES, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&config.blobs.s3_bucket)
        .with_region(&config.blobs.s3_region)
        .with_client_options(client)
        .with_retry(retry);
    if address != "aws" {
        builder = builder.with_endpoint(address).with_virtual_hosted_style_request(false);
    }
    if let Some(path) = &config.blobs.s3_credentials_file {
        builder = builder.with_credentials(Arc::new(CredentialsFile::open(path)?));
    }
    Ok(Arc::new(builder.build().context("the settings for S3 are not complete")?))
}

/// Credentials in a file that may be replaced while the node runs.
#[derive(Debug)]
struct CredentialsFile {
    path: PathBuf,
    known: Mutex<(Option<SystemTime>, Arc<AwsCredential>)>,
}

impl CredentialsFile {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let (modified, credential) = read(path)?;
        Ok(Self { path: path.to_owned(), known: Mutex::new((modified, Arc::new(credential))) })
    }
}

fn read(path: &Path) -> anyhow::Result<(Option<SystemTime>, AwsCredential)> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let modified = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let value = |key: &str| {
        let line = text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == key);
        line.map(|(_, value)| value.trim().to_owned())
    };
    let needed = |key: &str| value(key).with_context(|| format!("{shown} has no line `{key} = …`"));
    let credential = AwsCredential {
        key_id: needed("aws_access_key_id")?,
        secret_key: needed("aws_secret_access_key")?,
        token: value("aws_session_token"),
    };
    Ok((modified, credential))
}

#[async_trait]
impl CredentialProvider for CredentialsFile {
    type Credential = AwsCredential;

    /// The file is small and local: looking when it was changed costs less than the call that needs it.
    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let modified = std::fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        let mut known = self.known.lock();
        if modified != known.0 {
            match read(&self.path) {
                Ok((modified, credential)) => *known = (modified, Arc::new(credential)),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the credentials of S3 stay as they were"),
            }
        }
        Ok(Arc::clone(&known.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn credentials_are_read_again_when_the_file_changes() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("credentials");
        let write = |key: &str, seconds: u64| {
            std::fs::write(&path, format!("[default]\naws_access_key_id = {key}\naws_secret_access_key=s\n"))
                .expect("write");
            let file = std::fs::File::options().write(true).open(&path).expect("open");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("time");
        };
        write("one", 1);
        let file = CredentialsFile::open(&path).expect("readable");
        assert_eq!(file.get_credential().await.expect("credential").key_id, "one");
        write("two", 2);
        assert_eq!(file.get_credential().await.expect("credential").key_id, "two");
        std::fs::write(&path, "nothing").expect("write");
        assert_eq!(file.get_credential().await.expect("credential").key_id, "two", "a broken file changes nothing");
    }
}
