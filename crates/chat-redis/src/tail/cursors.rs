//! Read positions: they only grow, and go on from what the store has.

use chat_core::{ConversationId, ReadCursor, Seq, UserId};
use chat_ports::PortError;
use redis::Value;

use super::RedisTail;
use super::events::TAIL_TTL_S;
use crate::failure::corrupt;
use crate::keys;
use crate::leases::take;
use crate::request::Request;
use crate::scripts;

impl RedisTail {
    fn advance_request(
        conversation: ConversationId,
        user: UserId,
        to: ReadCursor,
        floor: Option<ReadCursor>,
    ) -> Request {
        let key = keys::cursors(conversation);
        let request = Request::script(&scripts::CURSOR, &[&key]).arg(user.to_string());
        let request = request.arg(to.read.get()).arg(to.delivered.get()).arg(TAIL_TTL_S);
        match floor {
            Some(floor) => request.arg(floor.read.get()).arg(floor.delivered.get()),
            None => request,
        }
    }

    pub(super) async fn advance(
        &self,
        conversation: ConversationId,
        user: UserId,
        to: ReadCursor,
    ) -> Result<Option<ReadCursor>, PortError> {
        let (mut outcome, mut cursor) =
            moved(self.redis.call(&Self::advance_request(conversation, user, to, None)).await?)?;
        if outcome == 0 {
            let floor = self.store.cursor(conversation, user).await?;
            let request = Self::advance_request(conversation, user, to, Some(floor));
            (outcome, cursor) = moved(self.redis.call(&request).await?)?;
        }
        Ok((outcome == 1).then_some(cursor))
    }

    pub(super) async fn read_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<ReadCursor, PortError> {
        let request = Request::command("HGET", &keys::cursors(conversation)).arg(user.to_string());
        let known: Option<String> = take(Some(self.redis.call(&request).await?))?;
        let Some(known) = known else { return self.store.cursor(conversation, user).await };
        let pair =
            known.split_once(' ').and_then(|(read, delivered)| Some((read.parse().ok()?, delivered.parse().ok()?)));
        let (read, delivered) = pair.ok_or_else(|| corrupt(format_args!("a cursor is {known:?}")))?;
        Ok(ReadCursor { read: Seq::new(read), delivered: Seq::new(delivered) })
    }
}

fn moved(answer: Value) -> Result<(u64, ReadCursor), PortError> {
    let numbers: Vec<u64> = take(Some(answer))?;
    let [outcome, read, delivered] = <[u64; 3]>::try_from(numbers).map_err(|_| corrupt("a cursor's answer"))?;
    Ok((outcome, ReadCursor { read: Seq::new(read), delivered: Seq::new(delivered) }))
}
