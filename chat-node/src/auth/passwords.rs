use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use chat_core::Password;
use chat_wire::ErrorCode;
use tokio::sync::Semaphore;

use crate::Failure;

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Longer in the queue than this, and the caller is asked to come back.
const WAIT: Duration = Duration::from_secs(10);
/// Longer passwords can't be right, and cost nothing.
const MOST_BYTES: usize = 1_024;

/// Hashes on threads that may block, as many at once as there are cores: memory and time stay bounded in a rush.
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// What an unknown name is checked against, so that it takes as long as a known one.
    dummy: Arc<str>,
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A PHC string, on this thread: for the command line.
///
/// # Errors
/// Never with these parameters, unless the system has no randomness.
pub fn hash_password(password: &Password) -> anyhow::Result<String> {
    let hash = hasher().hash_password(password.expose().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| anyhow::anyhow!("cannot hash a password: {error}"))
}

impl Passwords {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let random: [u8; 16] = rand::random();
        let dummy = hasher().hash_password(&random).map(|hash| hash.to_string()).unwrap_or_default();
        Self { turns: Arc::new(Semaphore::new(cores)), dummy: dummy.into() }
    }

    pub async fn hash(&self, password: Password) -> Result<String, Failure> {
        self.work(move || hash_password(&password))
            .await?
            .map_err(|error| Failure::internal("hashing a password", &error))
    }

    /// Against nothing it is never right, after the same work.
    pub async fn verify(&self, password: String, known: Option<String>) -> Result<bool, Failure> {
        if password.len() > MOST_BYTES {
            return Ok(false);
        }
        let dummy = Arc::clone(&self.dummy);
        self.work(move || {
            let hash = known.as_deref().unwrap_or(&dummy);
            let Ok(parsed) = PasswordHash::new(hash) else { return false };
            hasher().verify_password(password.as_bytes(), &parsed).is_ok() && known.is_some()
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let busy = || Failure {
            retry_after_ms: Some(2_000),
            ..Failure::new(ErrorCode::Unavailable, "too many people log in at this moment")
        };
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let working = tokio::task::spawn_blocking(move || {
            let result = work();
            // Held until the work is done, also when nobody waits for it any more.
            drop(turn);
            result
        });
        working.await.map_err(|error| Failure::internal("hashing a password", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new();
        let hash = passwords.hash(Password::try_from("correct horse".to_owned()).expect("valid")).await.expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.expect("verify"));
        assert!(!passwords.verify("correct horsf".into(), Some(hash)).await.expect("verify"));
        assert!(!passwords.verify("anything".into(), None).await.expect("verify"));
    }
}
