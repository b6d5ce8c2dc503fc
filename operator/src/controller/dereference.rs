//! Reads the Secrets that a spec names, and says in one sentence each what is wrong with them.
//!
//! Only `get` is needed, and only for Secrets that are named: the operator may not list or watch any. So a change of one is
//! seen with the next look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use sha2::{Digest as _, Sha256};

use crate::api::ChatCluster;
use crate::calls::CallError;
use crate::children::{self, Component, Use};
use crate::clusters::Cluster;
use crate::context::Context;
use crate::status::problems::Problem;

/// After something was wrong, Secrets are looked at again so soon.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What Secrets held when they were last read.
#[derive(Debug, Clone)]
pub struct Known {
    at: Instant,
    generation: Option<i64>,
    /// Of `NAME/KEY`.
    pub hashes: BTreeMap<String, String>,
    pub problems: Vec<Problem>,
}

impl Known {
    fn counts(&self, cluster: &ChatCluster, age: Duration) -> bool {
        let age = if self.problems.is_empty() { age } else { AGAIN_AFTER };
        self.generation == cluster.metadata.generation && self.at.elapsed() < age
    }
}

/// Reads them, or answers from memory while that is young enough.
///
/// # Errors
/// The API server does not answer, or forbids it.
pub async fn secrets(context: &Context, entry: &Cluster, cluster: &ChatCluster) -> Result<Known, CallError> {
    let known = entry.secrets.lock().clone();
    if let Some(known) = known.filter(|known| known.counts(cluster, context.settings.secrets_age)) {
        return Ok(known);
    }
    let mut by_secret: BTreeMap<String, Vec<Use>> = BTreeMap::new();
    let own = children::admin_secret(cluster);
    for component in [Component::Gateway, Component::Writer, Component::Migrate] {
        for used in children::secret_uses(cluster, component) {
            let uses = by_secret.entry(used.secret.clone()).or_default();
            if used.secret != own && !uses.contains(&used) {
                uses.push(used);
            }
        }
    }
    by_secret.remove(&own);
    let (mut hashes, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, uses) in by_secret {
        match context.calls.get::<Secret>(&entry.key.namespace, &name).await? {
            Some(secret) => examine(&secret, &uses, &mut hashes, &mut problems),
            None if uses.iter().any(|used| used.required) => {
                let text = format!("Secret {name} does not exist ({}): create it", fields(&uses));
                problems.push(Problem::blocking("SecretMissing", text));
            }
            None => {}
        }
    }
    let known = Known { at: Instant::now(), generation: cluster.metadata.generation, hashes, problems };
    *entry.secrets.lock() = Some(known.clone());
    Ok(known)
}

fn fields(uses: &[Use]) -> String {
    let fields: BTreeSet<&str> = uses.iter().map(|used| used.field).collect();
    fields.into_iter().collect::<Vec<_>>().join(", ")
}

fn examine(secret: &Secret, uses: &[Use], hashes: &mut BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let name = secret.name_any();
    let empty = BTreeMap::new();
    let data = secret.data.as_ref().unwrap_or(&empty);
    for used in uses {
        let value = data.get(&used.key).map(|value| value.0.as_slice()).filter(|value| !value.is_empty());
        match value {
            Some(value) => {
                let digest =
                    Sha256::digest(value).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
                hashes.insert(format!("{name}/{}", used.key), digest);
                if let Some(wrong) = wrong(used, value) {
                    let text = format!("Secret {name}, key {} ({}): {wrong}", used.key, used.field);
                    problems.push(Problem::blocking("SecretInvalid", text));
                }
            }
            None if used.required => {
                let keys: Vec<&str> = data.keys().map(String::as_str).collect();
                let has = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
                let text = format!("Secret {name} has no key {} ({}): it has {has}", used.key, used.field);
                problems.push(Problem::blocking("SecretInvalid", text));
            }
            None => {}
        }
    }
}

/// What can be told of a value without its being told.
fn wrong(used: &Use, value: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    match used.path {
        Some("auth/signing.key") => {
            let hex = text.trim().len() == 64 && text.trim().bytes().all(|byte| byte.is_ascii_hexdigit());
            (value.len() != 32 && !hex).then_some("it must be 32 bytes, raw or as 64 hexadecimal digits")
        }
        Some(path) if path.ends_with("ca.crt") => {
            (!text.contains("-----BEGIN CERTIFICATE-----")).then_some("it must hold certificates in PEM")
        }
        Some("s3/credentials") => {
            let has = |name: &str| text.lines().any(|line| line.trim_start().starts_with(name));
            (!has("aws_access_key_id") || !has("aws_secret_access_key"))
                .then_some("it must have lines with aws_access_key_id and aws_secret_access_key")
        }
        Some(path) if path.ends_with("password") => {
            text.trim().contains(['\n', '\r']).then_some("a password is one line")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn used(key: &str, path: &'static str) -> Use {
        Use {
            secret: "s".into(),
            key: key.into(),
            field: "spec.auth.signingKeySecret",
            path: Some(path),
            required: true,
            read_once: true,
        }
    }

    fn problems(data: &[(&str, &str)], used: Use) -> Vec<String> {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec()))).collect();
        let mut secret = Secret { data: Some(data), ..Secret::default() };
        secret.metadata.name = Some("s".into());
        let (mut hashes, mut problems) = (BTreeMap::new(), Vec::new());
        examine(&secret, &[used], &mut hashes, &mut problems);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let key = || used("key", "auth/signing.key");
        assert_eq!(
            problems(&[("other", "x")], key()),
            ["Secret s has no key key (spec.auth.signingKeySecret): it has other"]
        );
        let said = problems(&[("key", "hunter2")], key());
        assert!(said[0].contains("32 bytes") && !said[0].contains("hunter2"), "{said:?}");
        assert!(problems(&[("key", &"0a".repeat(32))], key()).is_empty());
        assert_eq!(problems(&[("ca", "no")], used("ca", "kafka/ca.crt")).len(), 1);
    }
}
