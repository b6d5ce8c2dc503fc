//! Which Secrets pods read, and under which path.

use serde_json::{Value, json};

use super::{ADMIN_TOKEN_KEY, Component, Context, meta};
use crate::api::{ChatCluster, Credentials, SecretKey};

/// Where all files from Secrets are. They are one projected volume: what changes in a Secret appears there, without a
/// restart.
pub(super) const FOLDER: &str = "/etc/elastic-chat/secrets";

/// A key of a Secret that pods need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The Secret, in the cluster's namespace.
    pub secret: String,
    pub key: String,
    /// The field that names it, for messages: `spec.redis.credentials`.
    pub field: &'static str,
    /// Where it appears below [`FOLDER`]; `None`: it is an environment variable.
    pub path: Option<&'static str>,
    /// Without it pods don't start.
    pub required: bool,
    /// Read only when a process starts: a change has to roll the pods.
    pub read_once: bool,
}

/// The Secret with the tokens of the admin ports: the operator makes and rotates it.
pub fn admin_secret(cluster: &ChatCluster) -> String {
    format!("{}-admin", meta::name(cluster))
}

/// What the pods of a component read.
pub fn uses(cluster: &ChatCluster, component: Component) -> Vec<Use> {
    let spec = &cluster.spec;
    let mut uses = Vec::new();
    if matches!(component, Component::Gateway | Component::Writer) {
        uses.push(Use {
            secret: admin_secret(cluster),
            key: ADMIN_TOKEN_KEY.to_owned(),
            field: "the operator's own",
            path: Some("admin/token"),
            required: true,
            read_once: false,
        });
    }
    if component == Component::Web {
        return uses;
    }
    if component != Component::Migrate
        && let Some(redis) = &spec.redis
    {
        // The ACL user `default` needs no name.
        uses.extend(login(redis.credentials.as_ref(), "spec.redis.credentials", "redis/password", false));
        uses.extend(ca(
            redis.tls.as_ref().and_then(|tls| tls.ca_secret.as_ref()),
            "spec.redis.tls.caSecret",
            "redis/ca.crt",
        ));
    }
    if let Some(kafka) = &spec.kafka {
        uses.extend(login(kafka.credentials.as_ref(), "spec.kafka.credentials", "kafka/password", true));
        uses.extend(ca(
            kafka.tls.as_ref().and_then(|tls| tls.ca_secret.as_ref()),
            "spec.kafka.tls.caSecret",
            "kafka/ca.crt",
        ));
    }
    if let Some(cassandra) = &spec.cassandra {
        uses.extend(login(cassandra.credentials.as_ref(), "spec.cassandra.credentials", "cassandra/password", true));
        uses.extend(ca(
            cassandra.tls.as_ref().map(|tls| &tls.ca_secret),
            "spec.cassandra.tls.caSecret",
            "cassandra/ca.crt",
        ));
    }
    if component == Component::Gateway {
        uses.extend(files(cluster));
    }
    uses
}

fn files(cluster: &ChatCluster) -> Vec<Use> {
    let spec = &cluster.spec;
    let s3 = spec.blobs.as_ref().and_then(|blobs| blobs.s3.as_ref()).and_then(|s3| s3.credentials.as_ref());
    let key = spec.auth.signing_key_secret.as_ref();
    [
        (s3, "spec.blobs.s3.credentials", "s3/credentials", false),
        (key, "spec.auth.signingKeySecret", "auth/signing.key", true),
    ]
    .into_iter()
    .filter_map(|(file, field, path, read_once)| {
        let file = file?;
        let (secret, key) = (file.name.clone(), file.key.clone());
        Some(Use { secret, key, field, path: Some(path), required: true, read_once })
    })
    .collect()
}

/// Passwords are read for every connection, names only when a process starts.
fn login(credentials: Option<&Credentials>, field: &'static str, path: &'static str, named: bool) -> Vec<Use> {
    let Some(credentials) = credentials else { return Vec::new() };
    let of = |key: &str, path, required, read_once| Use {
        secret: credentials.secret_name.clone(),
        key: key.to_owned(),
        field,
        path,
        required,
        read_once,
    };
    vec![of(&credentials.username_key, None, named, true), of(&credentials.password_key, Some(path), true, false)]
}

fn ca(secret: Option<&SecretKey>, field: &'static str, path: &'static str) -> Option<Use> {
    let SecretKey { name, key } = secret?.clone();
    Some(Use { secret: name, key, field, path: Some(path), required: true, read_once: true })
}

/// The volume with all of them, and its mount; nothing when there are none.
pub(super) fn volume(uses: &[Use]) -> (Option<Value>, Option<Value>) {
    let sources: Vec<Value> = uses
        .iter()
        .filter_map(|used| {
            let path = used.path?;
            Some(json!({"secret": {"name": used.secret, "items": [{"key": used.key, "path": path}]}}))
        })
        .collect();
    if sources.is_empty() {
        return (None, None);
    }
    // The group of the pods may read, nobody else.
    let volume = json!({"name": "secrets", "projected": {"defaultMode": 0o440, "sources": sources}});
    (Some(volume), Some(json!({"name": "secrets", "mountPath": FOLDER, "readOnly": true})))
}

/// The hashes of what processes read only when they start, as far as they are known.
pub(super) fn hashes(uses: &[Use], context: &Context) -> Vec<String> {
    uses.iter()
        .filter(|used| used.read_once)
        .map(|used| {
            let name = format!("{}/{}", used.secret, used.key);
            let hash = context.secrets.get(&name).map_or("", String::as_str);
            format!("{name}={hash}")
        })
        .collect()
}
