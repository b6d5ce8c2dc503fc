use chat_core::MessageBody;
use chat_ports::store::{MessageRow, Mutation};

/// Applies mutations, ascending by position, to rows that the store gave; the rows stay ascending by `seq`.
///
/// The store may have some of them already: inserts that are there are skipped, and changes come to the same again.
/// Changes of rows that are not in `rows` are skipped.
pub fn overlay(rows: &mut Vec<MessageRow>, mutations: &[Mutation]) {
    for mutation in mutations {
        match mutation {
            Mutation::InsertMessage { seq, id, author, client_msg_id, kind, body, at, .. } => {
                let doubled = client_msg_id.is_some()
                    && rows.iter().any(|row| row.author == *author && row.client_msg_id == *client_msg_id);
                let Err(place) = rows.binary_search_by_key(seq, |row| row.seq) else { continue };
                if !doubled {
                    let row = MessageRow {
                        seq: *seq,
                        id: *id,
                        author: *author,
                        client_msg_id: *client_msg_id,
                        kind: *kind,
                        body: body.clone(),
                        at: *at,
                        edited_at: None,
                        deleted: false,
                        reactions: Vec::new(),
                    };
                    rows.insert(place, row);
                }
            }
            Mutation::EditMessage { target, body, at, .. } => {
                change(rows, *target, |row| {
                    if !row.deleted {
                        row.body = body.clone();
                        row.edited_at = Some(*at);
                    }
                });
            }
            Mutation::DeleteMessage { target, .. } => change(rows, *target, |row| {
                row.deleted = true;
                row.body = MessageBody::default();
                row.edited_at = None;
                row.reactions.clear();
            }),
            Mutation::SetReaction { target, emoji, user, present, .. } => change(rows, *target, |row| {
                let is_it = |reaction: &(_, _)| reaction.0 == *emoji && reaction.1 == *user;
                match (row.reactions.iter().position(is_it), present) {
                    (Some(at), false) => {
                        row.reactions.remove(at);
                    }
                    (None, true) if !row.deleted => row.reactions.push((emoji.clone(), *user)),
                    _ => {}
                }
            }),
            _ => {}
        }
    }
}

fn change(rows: &mut [MessageRow], seq: chat_core::Seq, apply: impl FnOnce(&mut MessageRow)) {
    if let Ok(at) = rows.binary_search_by_key(&seq, |row| row.seq) {
        apply(&mut rows[at]);
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{ClientMsgId, ConversationId, EventBody, MessageId, Seq, Timestamp, UserId};
    use chat_wire::LogRecord;
    use uuid::Uuid;

    use super::*;
    use crate::project;

    fn record(n: u64, body: EventBody) -> (LogRecord, Seq) {
        let record = LogRecord {
            conversation: ConversationId::new(Uuid::from_u128(1)),
            at: Timestamp::from_millis(i64::try_from(n).expect("small")),
            actor: UserId::new(Uuid::from_u128(2)),
            client_msg_id: Some(ClientMsgId::new(Uuid::from_u128(u128::from(n)))),
            body,
        };
        (record, Seq::new(n))
    }

    fn message(text: &str) -> EventBody {
        EventBody::Message { id: MessageId::new(Uuid::from_u128(9)), body: MessageBody::text(text) }
    }

    fn rows_of(records: &[(LogRecord, Seq)], rows: &mut Vec<MessageRow>) {
        let mutations: Vec<_> = records.iter().flat_map(|(record, seq)| project(record, *seq)).collect();
        overlay(rows, &mutations);
    }

    #[test]
    fn laying_over_what_the_store_has_already_changes_nothing() {
        let like = "👍".to_owned().try_into().expect("emoji");
        let records = [
            record(1, message("one")),
            record(2, message("two")),
            record(3, EventBody::Edited { target: Seq::new(1), body: MessageBody::text("ONE") }),
            record(4, EventBody::ReactionAdded { target: Seq::new(2), emoji: like }),
            record(5, EventBody::Deleted { target: Seq::new(1) }),
        ];
        let mut once = Vec::new();
        rows_of(&records, &mut once);
        let mut twice = once.clone();
        rows_of(&records[2..], &mut twice);
        assert_eq!(once, twice);
        assert!(once[0].deleted && once[0].body == MessageBody::default());
        assert_eq!(once[1].reactions.len(), 1);
    }

    #[test]
    fn a_second_record_of_one_send_is_not_shown() {
        let (first, seq) = record(1, message("hi"));
        let mut rows = Vec::new();
        rows_of(&[(first.clone(), seq), (first, Seq::new(2))], &mut rows);
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [Seq::new(1)]);
    }
}
