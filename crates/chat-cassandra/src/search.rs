//! Finding people by the beginning of a word. A partition for each of a word's first 1 to 4 characters holds who has
//! such a word, by username: so a page is one read, already in order. For a longer prefix the rows of its first four
//! characters are read, and those kept whose words really begin so.

use std::collections::BTreeSet;

use chat_core::{UserId, Username};
use chat_ports::PortError;
use chat_ports::store::UserRow;
use futures_util::future::{try_join, try_join_all};
use futures_util::{StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use crate::accounts::{id_of, user};
use crate::batch::Line;
use crate::connection::Connection;
use crate::value::limit as cql_limit;

/// Characters of the longest indexed beginning.
const LONGEST: usize = 4;
/// Words of a display name that are indexed, the first with what follows it.
const WORDS: usize = 9;
/// Rows of one read.
const ROWS: usize = 200;
/// Rows that one search looks at. Only a prefix longer than [`LONGEST`] needs more than its page.
const ROWS_IN_ALL: usize = 5_000;
const READS: usize = 32;

/// The beginnings by which somebody is found.
pub struct Words(BTreeSet<String>);

impl Words {
    pub fn of(username: &str, display_name: &str) -> Self {
        let mut beginnings = BTreeSet::new();
        for word in words(username, display_name) {
            beginnings.extend((1..=LONGEST).map(|length| word.chars().take(length).collect::<String>()));
        }
        Self(beginnings)
    }

    pub fn without(&self, others: &Self) -> Self {
        Self(self.0.difference(&others.0).cloned().collect())
    }
}

/// In lower case: the username, the whole display name, and its later words.
fn words(username: &str, display_name: &str) -> Vec<String> {
    let display_name = display_name.to_lowercase();
    let later = display_name.split_whitespace().skip(1).take(WORDS - 1).map(str::to_owned);
    let mut words: Vec<_> = later.collect();
    words.extend([username.to_lowercase(), display_name]);
    words
}

fn matches(row: &UserRow, prefix: &str) -> bool {
    words(row.username.as_str(), &row.display_name).iter().any(|word| word.starts_with(prefix))
}

pub async fn add(connection: &Connection, words: &Words, name: &str, id: UserId) -> Result<(), PortError> {
    write(connection, words, name, id, true).await
}

pub async fn remove(connection: &Connection, words: &Words, name: &str, id: UserId) -> Result<(), PortError> {
    write(connection, words, name, id, false).await
}

async fn write(connection: &Connection, words: &Words, name: &str, id: UserId, add: bool) -> Result<(), PortError> {
    let statements = &connection.statements;
    let statement = if add { &statements.insert_prefix } else { &statements.drop_prefix };
    let line = |prefix| Line { statement, values: Box::new((prefix, name, id.uuid())), bytes: 64 };
    try_join_all(words.0.iter().map(|prefix| connection.write_lines(vec![line(prefix)]))).await.map(drop)
}

pub async fn search(
    connection: &Connection,
    prefix: &str,
    after: Option<&Username>,
    limit: usize,
) -> Result<Vec<UserRow>, PortError> {
    let prefix = prefix.trim().to_lowercase();
    let beginning: String = prefix.chars().take(LONGEST).collect();
    if beginning.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut after = after.map(|name| name.as_str().to_owned()).unwrap_or_default();
    let most = if prefix.chars().count() > LONGEST { ROWS } else { limit.min(ROWS) };
    loop {
        let key = (&beginning, &after, cql_limit(most));
        let rows: Vec<(String, Uuid)> = connection.all(&connection.statements.prefixed, key).await?;
        let count = rows.len();
        seen += count;
        if let Some((last, _)) = rows.last() {
            after.clone_from(last);
        }
        let people = futures_util::stream::iter(rows)
            .map(async |(name, id)| living(connection, &name, UserId::new(id)).await)
            .buffered(READS);
        let people: Vec<UserRow> = people.try_filter_map(async |row| Ok(row)).try_collect().await?;
        found.extend(people.into_iter().filter(|row| matches(row, &prefix)));
        if found.len() >= limit || count < most || seen >= ROWS_IN_ALL {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// Whose the name really is: an account that was refused its name may have left a row behind.
async fn living(connection: &Connection, name: &str, id: UserId) -> Result<Option<UserRow>, PortError> {
    let (owner, row) = try_join(id_of(connection, name), user(connection, id)).await?;
    Ok(row.filter(|_| owner == Some(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_all_words() {
        let beginnings: Vec<_> = Words::of("ada", "Ää B").0.into_iter().collect();
        assert_eq!(beginnings, ["a", "ad", "ada", "b", "ä", "ää", "ää ", "ää b"]);
    }
}
