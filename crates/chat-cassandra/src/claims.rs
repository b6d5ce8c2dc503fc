//! Who settled which client id where. Each position has a row of its own, written before any is read: of two processes
//! that settle one id at two positions at once, the later reader sees both, and the lower position wins everywhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use chat_core::{ClientMsgId, ConversationId, Seq, Timestamp, UserId};
use chat_ports::PortError;
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::batch::Line;
use crate::connection::Connection;
use crate::value::{time, timestamp};

pub struct Claim {
    pub author: UserId,
    pub id: ClientMsgId,
    pub seq: Seq,
    pub at: Timestamp,
    /// Is the row at `seq` a message of this id? A change may have made a row of its own there.
    pub message: bool,
}

const MILLIS_A_DAY: u64 = 86_400_000;
/// Of a claim's values.
const CLAIM_BYTES: usize = 64;
/// Keys of one read.
const KEYS: usize = 50;

/// The partition of a client id: the day on which a UUIDv7 was made; others are spread over sixteen.
fn day(id: ClientMsgId) -> i32 {
    let bytes = id.as_bytes();
    if id.uuid().get_version_num() != 7 {
        return -1 - i32::from(bytes[0] >> 4);
    }
    let millis = bytes[..6].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    i32::try_from(millis / MILLIS_A_DAY).unwrap_or(0)
}

/// Enters claims, and answers which messages are superseded: the given ones, and others that were there before.
pub async fn settle(
    connection: &Connection,
    conversation: ConversationId,
    claims: &[Claim],
) -> Result<HashSet<Seq>, PortError> {
    if claims.is_empty() {
        return Ok(HashSet::new());
    }
    let mut days: BTreeMap<i32, Vec<&Claim>> = BTreeMap::new();
    for claim in claims {
        days.entry(day(claim.id)).or_default().push(claim);
    }
    let each = days.iter().map(|(day, claims)| settle_day(connection, conversation, *day, claims));
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

async fn settle_day(
    connection: &Connection,
    conversation: ConversationId,
    day: i32,
    claims: &[&Claim],
) -> Result<Vec<Seq>, PortError> {
    let line = |claim: &&Claim| Line {
        statement: &connection.statements.insert_claim,
        values: Box::new((
            conversation.uuid(),
            day,
            claim.id.uuid(),
            claim.author.uuid(),
            claim.seq.as_i64(),
            time(claim.at),
            claim.message,
        )),
        bytes: CLAIM_BYTES,
    };
    connection.write_lines(claims.iter().map(line).collect()).await?;

    let mut ids: Vec<_> = claims.iter().map(|claim| claim.id.uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    let reads = ids.chunks(KEYS).map(async |ids| {
        let _permit = connection.permit().await?;
        connection.all::<Row>(&connection.statements.claims_of, (conversation.uuid(), day, ids)).await
    });
    let found: Vec<Row> = try_join_all(reads).await?.into_iter().flatten().collect();
    Ok(superseded(claims, &found))
}

/// Client id, author, position, and whether it is a message.
type Row = (Uuid, Uuid, i64, Option<bool>);

fn superseded(claims: &[&Claim], found: &[Row]) -> Vec<Seq> {
    let mut first: HashMap<(Uuid, Uuid), i64> = HashMap::new();
    let own =
        claims.iter().map(|claim| (claim.id.uuid(), claim.author.uuid(), claim.seq.as_i64(), Some(claim.message)));
    let all: Vec<_> = own.chain(found.iter().copied()).collect();
    for (id, author, seq, _) in &all {
        let lowest = first.entry((*id, *author)).or_insert(*seq);
        *lowest = (*lowest).min(*seq);
    }
    let later = all.iter().filter(|(id, author, seq, _)| first.get(&(*id, *author)).is_some_and(|lowest| lowest < seq));
    later.filter(|(.., message)| *message == Some(true)).map(|(_, _, seq, _)| Seq::from_i64(*seq)).collect()
}

pub async fn claimed(
    connection: &Connection,
    conversation: ConversationId,
    author: UserId,
    id: ClientMsgId,
) -> Result<Option<(Seq, Timestamp)>, PortError> {
    let key = (conversation.uuid(), day(id), id.uuid(), author.uuid());
    let row: Option<(i64, Option<scylla::value::CqlTimestamp>)> =
        connection.first(&connection.statements.first_claim, key).await?;
    Ok(row.and_then(|(seq, at)| Some((Seq::from_i64(seq), timestamp(at?)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_day_are_together() {
        let of = |seconds| ClientMsgId::new(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0)));
        assert_eq!(day(of(86_400 * 19_000)), 19_000);
        assert_eq!(day(of(86_400 * 19_001 - 1)), 19_000);
        let other = day(ClientMsgId::new(Uuid::from_u128(0xf0 << 120 | 4 << 76)));
        assert_eq!(other, -16);
    }
}
