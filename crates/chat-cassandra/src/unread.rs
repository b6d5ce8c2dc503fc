//! How much somebody has not read.

use std::collections::BTreeMap;

use chat_core::{ConversationId, Seq, UserId};
use chat_ports::PortError;
use chat_ports::store::Unread;
use futures_util::future::{try_join, try_join_all};
use scylla::DeserializeRow;
use uuid::Uuid;

use crate::buckets::Mapping;
use crate::connection::Connection;
use crate::pages::with_mapping;
use crate::value::limit;

/// Counts end here.
const COUNT_CAP: usize = 100;
/// Rows of one read.
const ROWS: usize = 200;
/// After so many rows that don't count the count is what it is: a bound on what one question may cost.
const ROWS_IN_ALL: usize = 5_000;

#[derive(DeserializeRow)]
struct StateRow {
    seq: i64,
    author: Option<Uuid>,
    kind: Option<String>,
    deleted: Option<bool>,
    hidden: Option<bool>,
}

impl StateRow {
    fn counts_for(&self, user: UserId) -> bool {
        let shows = self.hidden != Some(true) && self.deleted != Some(true);
        shows && self.kind.as_deref() == Some("message") && self.author != Some(user.uuid())
    }
}

struct Count<'a> {
    connection: &'a Connection,
    conversation: ConversationId,
    user: UserId,
    after: Seq,
    up_to: Seq,
}

pub async fn unread(
    connection: &Connection,
    conversation: ConversationId,
    user: UserId,
    after: Seq,
    up_to: Seq,
) -> Result<Unread, PortError> {
    let count = Count { connection, conversation, user, after, up_to };
    with_mapping(connection, conversation, up_to, async |mapping| {
        let (unread, mentions) = try_join(count.messages(&mapping), count.mentions(&mapping)).await?;
        Ok(Unread { unread: unread as u64, mentions: mentions as u64 })
    })
    .await
}

impl Count<'_> {
    async fn messages(&self, mapping: &Mapping) -> Result<usize, PortError> {
        let (mut count, mut seen) = (0, 0);
        for (bucket, end) in mapping.up_from(self.after) {
            let end = end.min(self.up_to.as_i64().saturating_add(1));
            let mut after = self.after.as_i64();
            loop {
                let key = (self.conversation.uuid(), bucket, after, end, limit(ROWS));
                let rows: Vec<StateRow> = self.connection.all(&self.connection.statements.states_newer, key).await?;
                count += rows.iter().filter(|row| row.counts_for(self.user)).count();
                seen += rows.len();
                if count >= COUNT_CAP || seen >= ROWS_IN_ALL {
                    return Ok(count.min(COUNT_CAP));
                }
                match rows.last() {
                    Some(last) if rows.len() == ROWS => after = last.seq,
                    _ => break,
                }
            }
            if end > self.up_to.as_i64() {
                break;
            }
        }
        Ok(count)
    }

    /// The few mentions first, then what became of their messages.
    async fn mentions(&self, mapping: &Mapping) -> Result<usize, PortError> {
        let (mut count, mut seen, mut after) = (0, 0, self.after.as_i64());
        loop {
            let key = (self.conversation.uuid(), self.user.uuid(), after, self.up_to.as_i64(), limit(COUNT_CAP));
            let found: Vec<(i64,)> = self.connection.all(&self.connection.statements.mentions_after, key).await?;
            let mut buckets: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for (seq,) in &found {
                buckets.entry(mapping.of(Seq::from_i64(*seq))).or_default().push(*seq);
            }
            let reads = buckets.into_iter().map(async |(bucket, seqs)| {
                let key = (self.conversation.uuid(), bucket, seqs);
                self.connection.all::<StateRow>(&self.connection.statements.states_of, key).await
            });
            let states = try_join_all(reads).await?;
            count += states.iter().flatten().filter(|row| row.counts_for(self.user)).count();
            seen += found.len();
            match found.last() {
                Some((last,)) if found.len() == COUNT_CAP && count < COUNT_CAP && seen < ROWS_IN_ALL => after = *last,
                _ => return Ok(count.min(COUNT_CAP)),
            }
        }
    }
}
