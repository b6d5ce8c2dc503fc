//! Mutations as SQL. Each statement decides by the log position, so that any order and any repetition gives the same rows.

use chat_core::{ConversationId, MessageBody, MessageKind, Seq, Timestamp, UserId};
use chat_ports::store::Mutation;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

pub fn apply(db: &Connection, mutation: &Mutation) -> Result<()> {
    match mutation {
        Mutation::InsertMessage { .. } => insert_message(db, mutation),
        Mutation::EditMessage { conversation, target, body, at, version } => db
            .prepare_cached(
                "INSERT INTO messages (conv, seq, edit_version, edit_body, edited_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET edit_version = ?3, edit_body = ?4, edited_at = ?5 WHERE ?3 > edit_version",
            )?
            .execute(params![conversation.as_bytes(), target.as_i64(), version.as_i64(), json(body)?, at.millis()])
            .map(drop),
        Mutation::DeleteMessage { conversation, target, version } => {
            delete_message(db, *conversation, *target, *version)
        }
        Mutation::SetReaction { conversation, target, emoji, user, present, version } => db
            .prepare_cached(
                "INSERT INTO reactions (conv, target, emoji, user, present, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET present = ?5, version = ?6 WHERE ?6 > version",
            )?
            .execute(params![
                conversation.as_bytes(),
                target.as_i64(),
                emoji.as_str(),
                user.as_bytes(),
                present,
                version.as_i64()
            ])
            .map(drop),
        Mutation::CreateConversation { conversation, kind, title, created_by, at, version } => db
            .prepare_cached(
                "INSERT INTO conversations (id, kind, created_by, created_at, title, title_version, last_seq, last_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?4)
                 ON CONFLICT DO UPDATE SET kind = ?2, created_by = ?3, created_at = ?4,
                     title = iif(?6 > title_version, ?5, title), title_version = max(title_version, ?6),
                     last_at = iif(?6 > last_seq, ?4, last_at), last_seq = max(last_seq, ?6)",
            )?
            .execute(params![
                conversation.as_bytes(),
                kind.as_str(),
                created_by.as_bytes(),
                at.millis(),
                title,
                version.as_i64()
            ])
            .map(drop),
        Mutation::ChangeConversation { conversation, title, avatar, version } => {
            let (id, version) = (conversation.as_bytes(), version.as_i64());
            db.prepare_cached("INSERT OR IGNORE INTO conversations (id) VALUES (?1)")?.execute([id])?;
            if let Some(title) = title {
                db.prepare_cached(
                    "UPDATE conversations SET title = ?2, title_version = ?3 WHERE id = ?1 AND ?3 > title_version",
                )?
                .execute(params![id, title, version])?;
            }
            if let Some(avatar) = avatar {
                db.prepare_cached(
                    "UPDATE conversations SET avatar = ?2, avatar_version = ?3 WHERE id = ?1 AND ?3 > avatar_version",
                )?
                .execute(params![id, avatar.as_bytes(), version])?;
            }
            Ok(())
        }
        Mutation::PutMember { conversation, member, version } => {
            let put = Presence { conversation: *conversation, user: member.user, present: true, version: *version };
            put.set(db)?;
            set_role(db, *conversation, member.user, member.role.as_str(), *version)
        }
        Mutation::SetRole { conversation, user, role, version } => {
            set_role(db, *conversation, *user, role.as_str(), *version)
        }
        Mutation::RemoveMember { conversation, user, version } => {
            Presence { conversation: *conversation, user: *user, present: false, version: *version }.set(db)
        }
        Mutation::DeleteConversation { conversation, version } => db
            .prepare_cached(
                "INSERT INTO conversations (id, deleted_version) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET deleted_version = max(deleted_version, ?2)",
            )?
            .execute(params![conversation.as_bytes(), version.as_i64()])
            .map(drop),
        Mutation::Claim { conversation, author, client_msg_id, seq, at } => {
            claim(db, *conversation, *author, client_msg_id.as_bytes(), *seq, *at).map(drop)
        }
    }
}

pub fn json(body: &MessageBody) -> Result<String> {
    serde_json::to_string(body).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The lowest position of (author, client_msg_id), after this one was entered.
fn claim(
    db: &Connection,
    conversation: ConversationId,
    author: UserId,
    client_msg_id: &[u8; 16],
    seq: Seq,
    at: Timestamp,
) -> Result<i64> {
    db.prepare_cached(
        "INSERT INTO message_claims (conv, author, client_msg_id, seq, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET at = iif(excluded.seq < seq, excluded.at, at), seq = min(seq, excluded.seq)
         RETURNING seq",
    )?
    .query_row(params![conversation.as_bytes(), author.as_bytes(), client_msg_id, seq.as_i64(), at.millis()], |row| {
        row.get(0)
    })
}

fn insert_message(db: &Connection, mutation: &Mutation) -> Result<()> {
    let Mutation::InsertMessage { conversation, seq, id, author, client_msg_id, kind, body, at } = mutation else {
        return Ok(());
    };
    let conv = conversation.as_bytes();
    if let Some(client_msg_id) = client_msg_id {
        let before = existing_claim(db, *conversation, *author, client_msg_id.as_bytes())?;
        let lowest = claim(db, *conversation, *author, client_msg_id.as_bytes(), *seq, *at)?;
        if lowest < seq.as_i64() {
            return Ok(());
        }
        if let Some(superseded) = before.filter(|before| *before > lowest) {
            db.prepare_cached("UPDATE messages SET kind = NULL, body = NULL WHERE conv = ?1 AND seq = ?2")?
                .execute(params![conv, superseded])?;
            db.prepare_cached("DELETE FROM mentions WHERE conv = ?1 AND seq = ?2")?
                .execute(params![conv, superseded])?;
        }
    }
    db.prepare_cached(
        "INSERT INTO messages (conv, seq, id, author, client_msg_id, kind, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET id = ?3, author = ?4, client_msg_id = ?5, kind = ?6, at = ?8,
             body = iif(deleted_version > 0, '{}', ?7)",
    )?
    .execute(params![
        conv,
        seq.as_i64(),
        id.as_bytes(),
        author.as_bytes(),
        client_msg_id.as_ref().map(chat_core::ClientMsgId::as_bytes),
        kind.as_str(),
        json(body)?,
        at.millis()
    ])?;
    for user in body.mentions.iter().filter(|_| *kind == MessageKind::Message) {
        db.prepare_cached("INSERT OR IGNORE INTO mentions (conv, user, seq) VALUES (?1, ?2, ?3)")?.execute(params![
            conv,
            user.as_bytes(),
            seq.as_i64()
        ])?;
    }
    db.prepare_cached(
        "INSERT INTO conversations (id, last_seq, last_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET last_seq = ?2, last_at = ?3 WHERE ?2 > last_seq",
    )?
    .execute(params![conv, seq.as_i64(), at.millis()])
    .map(drop)
}

fn existing_claim(
    db: &Connection,
    conversation: ConversationId,
    author: UserId,
    client_msg_id: &[u8; 16],
) -> Result<Option<i64>> {
    db.prepare_cached("SELECT seq FROM message_claims WHERE conv = ?1 AND author = ?2 AND client_msg_id = ?3")?
        .query_row(params![conversation.as_bytes(), author.as_bytes(), client_msg_id], |row| row.get(0))
        .optional()
}

/// The text goes for good, also from edits that are still to come.
fn delete_message(db: &Connection, conversation: ConversationId, target: Seq, version: Seq) -> Result<()> {
    let (conv, target) = (conversation.as_bytes(), target.as_i64());
    db.prepare_cached(
        "INSERT INTO messages (conv, seq, deleted_version) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET deleted_version = max(deleted_version, ?3), body = iif(kind IS NULL, NULL, '{}'),
             edit_body = NULL",
    )?
    .execute(params![conv, target, version.as_i64()])
    .map(drop)
}

fn set_role(db: &Connection, conversation: ConversationId, user: UserId, role: &str, version: Seq) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO members (conv, user, present, version, role, role_version) VALUES (?1, ?2, 0, 0, ?3, ?4)
         ON CONFLICT DO UPDATE SET role = ?3, role_version = ?4 WHERE ?4 > role_version",
    )?
    .execute(params![conversation.as_bytes(), user.as_bytes(), role, version.as_i64()])
    .map(drop)
}

/// Whether somebody is a member from a position on.
struct Presence {
    conversation: ConversationId,
    user: UserId,
    present: bool,
    version: Seq,
}

impl Presence {
    fn set(&self, db: &Connection) -> Result<()> {
        let (conv, user) = (self.conversation.as_bytes(), self.user.as_bytes());
        let known: Option<(bool, i64)> = db
            .prepare_cached("SELECT present, version FROM members WHERE conv = ?1 AND user = ?2")?
            .query_row(params![conv, user], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (was, version) = known.unwrap_or((false, 0));
        if self.version.as_i64() <= version {
            return Ok(());
        }
        db.prepare_cached(
            "INSERT INTO members (conv, user, present, version, role, role_version) VALUES (?1, ?2, ?3, ?4, 'member', 0)
             ON CONFLICT DO UPDATE SET present = ?3, version = ?4",
        )?
        .execute(params![conv, user, self.present, self.version.as_i64()])?;
        let change = i64::from(self.present) - i64::from(was);
        if change != 0 {
            db.prepare_cached(
                "INSERT INTO conversations (id, member_count) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET member_count = member_count + ?2",
            )?
            .execute(params![conv, change])?;
        }
        Ok(())
    }
}
