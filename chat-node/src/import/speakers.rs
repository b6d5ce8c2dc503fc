use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use chat_core::{DisplayName, Timestamp, UserId, Username};
use chat_ports::store::NewUser;
use chat_ports::{ChatStore, PortError};
use futures_util::future::try_join_all;
use uuid::Uuid;

/// Names tried for one speaker before giving up.
const NAMES: u32 = 10_000;

/// The accounts of those who speak: found by nick, made when they are new. Nobody can log in to them.
pub struct Speakers {
    store: Arc<dyn ChatStore>,
    known: HashMap<String, UserId>,
    pub created: u64,
}

impl Speakers {
    pub fn new(store: Arc<dyn ChatStore>) -> Self {
        Self { store, known: HashMap::new(), created: 0 }
    }

    /// Always the same for a nick, so that a second import finds whom the first made.
    pub fn id(nick: &str) -> UserId {
        UserId::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:elastic-chat:irc:{nick}").as_bytes()))
    }

    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Makes sure that all of these have accounts. Waits for many at once, so that they share the disk's syncs.
    pub async fn meet(&mut self, nicks: &[&str], at: Timestamp) -> Result<(), PortError> {
        let mut strangers: Vec<&str> = nicks.iter().copied().filter(|nick| !self.known.contains_key(*nick)).collect();
        strangers.sort_unstable();
        strangers.dedup();
        for chunk in strangers.chunks(500) {
            let store = &self.store;
            let made = try_join_all(chunk.iter().map(|nick| create(store, nick, at))).await?;
            self.created += made.into_iter().map(u64::from).sum::<u64>();
            self.known.extend(chunk.iter().map(|nick| ((*nick).to_owned(), Self::id(nick))));
        }
        Ok(())
    }
}

/// True when the account was not there.
async fn create(store: &Arc<dyn ChatStore>, nick: &str, at: Timestamp) -> Result<bool, PortError> {
    let id = Speakers::id(nick);
    if store.user(id).await?.is_some() {
        return Ok(false);
    }
    let display_name = DisplayName::try_from(nick.to_owned()).map_or_else(|_| "?".to_owned(), String::from);
    for number in 1..=NAMES {
        let Some(username) = username(nick, number) else { continue };
        let user = NewUser { id, username, display_name: display_name.clone(), password_hash: None, at };
        if store.create_user(user).await? || store.user(id).await?.is_some() {
            return Ok(true);
        }
    }
    Err(PortError::Refused { backend: "store", detail: format!("there is no free username for {nick:?}") })
}

/// The nick as far as a username can hold it, with a number when that is taken.
fn username(nick: &str, number: u32) -> Option<Username> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut name: String =
        nick.chars().map(|c| if allowed(c) { c.to_ascii_lowercase() } else { '-' }).take(24).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        name.insert(0, 'x');
    }
    while name.len() < 3 {
        name.push('-');
    }
    if number > 1 {
        let _ = write!(name, "-{number}");
    }
    Username::try_from(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nick_has_a_username() {
        for (nick, number, name) in
            [("Ada", 1, "ada"), ("[bob]^", 2, "x-bob---2"), ("a", 1, "a--"), ("é", 1, "x--"), ("_x_", 1, "x_x_")]
        {
            assert_eq!(username(nick, number).expect(nick).as_str(), name);
        }
    }
}
