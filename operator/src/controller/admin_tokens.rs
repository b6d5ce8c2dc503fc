//! The Secret with the tokens of the pods' admin ports: made, and replaced in time.
//!
//! A replacement takes two steps, since kubelets bring a changed Secret into pods only after a while: first the new token
//! stands beside the old one, and only after the overlap the old one goes. The operator tries the new one first and falls
//! back, so no pod is ever out of reach.

use std::collections::BTreeMap;

use base64::Engine as _;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::ObjectMeta;
use rand::Rng as _;

use crate::api::ChatCluster;
use crate::calls::CallError;
use crate::children::{self, ADMIN_TOKEN_KEY};
use crate::clusters::Cluster;
use crate::context::{Context, Settings};
use crate::scrape::client::Tokens;
use crate::status::facts::owner;

const ROTATED_AT: &str = "elastic-chat.io/rotated-at";
const TOKEN_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("Secret {0} exists and belongs to somebody else: rename the ChatCluster, or remove that Secret")]
    NameTaken(String),
}

/// Makes sure that there is one, rotates it when it is due, and takes its tokens in.
///
/// # Errors
/// The API server does not answer, or somebody else has a Secret of that name.
pub async fn ensure(context: &Context, entry: &Cluster, cluster: &ChatCluster) -> Result<(), TokenError> {
    let name = children::admin_secret(cluster);
    if entry.tokens_are_young(context.settings.secrets_age) {
        return Ok(());
    }
    let found: Option<Secret> = context.calls.get(&entry.key.namespace, &name).await?;
    let secret = match found {
        None => context.calls.create(&first(cluster, &name)).await?,
        Some(secret) if !secret.owner_references().iter().any(|owner| owner.uid == entry.uid) => {
            return Err(TokenError::NameTaken(name));
        }
        Some(secret) => match rotated(&secret, &context.settings, Timestamp::now()) {
            None => secret,
            Some(next) => {
                tracing::info!(cluster = %entry.key, "the admin tokens are rotated");
                context.calls.replace(&next).await?
            }
        },
    };
    entry.take_tokens(Tokens::new(lines(&secret)));
    Ok(())
}

fn lines(secret: &Secret) -> Vec<String> {
    let value = secret.data.as_ref().and_then(|data| data.get(ADMIN_TOKEN_KEY));
    let text = value.map(|value| String::from_utf8_lossy(&value.0).into_owned()).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn token() -> String {
    let mut bytes = [0; TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn data(tokens: &[String]) -> BTreeMap<String, ByteString> {
    BTreeMap::from([(ADMIN_TOKEN_KEY.to_owned(), ByteString((tokens.join("\n") + "\n").into_bytes()))])
}

fn first(cluster: &ChatCluster, name: &str) -> Secret {
    let labels = [
        ("app.kubernetes.io/name", "elastic-chat".to_owned()),
        ("app.kubernetes.io/instance", cluster.name_any()),
        ("app.kubernetes.io/managed-by", "elastic-chat-operator".to_owned()),
    ];
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: cluster.namespace(),
            labels: Some(labels.map(|(name, value)| (name.to_owned(), value)).into()),
            annotations: Some([(ROTATED_AT.to_owned(), Timestamp::now().to_string())].into()),
            owner_references: Some(vec![owner(cluster)]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data(&[token()])),
        ..Secret::default()
    }
}

/// The next step of its life, when one is due.
fn rotated(secret: &Secret, settings: &Settings, now: Timestamp) -> Option<Secret> {
    let tokens = lines(secret);
    let at: Option<Timestamp> = secret.annotations().get(ROTATED_AT).and_then(|at| at.parse().ok());
    let age = at.map_or(f64::MAX, |at| now.duration_since(at).as_secs_f64());
    let next = match tokens.as_slice() {
        [] => vec![token()],
        [only] if age >= settings.token_age.as_secs_f64() => vec![token(), only.clone()],
        [new, _, ..] if age >= settings.token_overlap.as_secs_f64() => vec![new.clone()],
        _ => return None,
    };
    let mut secret = secret.clone();
    secret.data = Some(data(&next));
    if next.len() == 2 || tokens.is_empty() {
        secret.annotations_mut().insert(ROTATED_AT.to_owned(), now.to_string());
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn secret(tokens: &[&str], at: &str) -> Secret {
        let tokens: Vec<String> = tokens.iter().map(|token| (*token).to_owned()).collect();
        let mut secret = Secret { data: Some(data(&tokens)), ..Secret::default() };
        secret.annotations_mut().insert(ROTATED_AT.to_owned(), at.to_owned());
        secret
    }

    #[test]
    fn a_new_token_comes_first_and_the_old_one_goes_later() {
        let settings = Settings {
            token_age: Duration::from_secs(1_000),
            token_overlap: Duration::from_secs(100),
            ..Settings::default()
        };
        let at = |second| Timestamp::from_second(second).expect("a time");
        let begin = secret(&["old"], "1970-01-01T00:00:00Z");
        assert!(rotated(&begin, &settings, at(999)).is_none());
        let both = rotated(&begin, &settings, at(1_000)).expect("due");
        assert_eq!((lines(&both).len(), lines(&both)[1].as_str()), (2, "old"));
        assert!(rotated(&both, &settings, at(1_099)).is_none(), "pods may not know the new one yet");
        let one = rotated(&both, &settings, at(1_100)).expect("due");
        assert_eq!(lines(&one), [lines(&both)[0].clone()]);
        assert!(rotated(&one, &settings, at(1_999)).is_none());
        assert_eq!(lines(&rotated(&secret(&[], "x"), &settings, at(0)).expect("due")).len(), 1);
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (token(), token());
        assert!(one.len() == 43 && one != other);
    }
}
