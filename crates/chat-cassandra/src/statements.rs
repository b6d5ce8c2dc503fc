//! Every statement, prepared once for a connection.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::policies::load_balancing::{DefaultPolicy, LoadBalancingPolicy};
use scylla::policies::retry::DefaultRetryPolicy;
use scylla::policies::speculative_execution::SimpleSpeculativeExecutionPolicy;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};

use crate::failure::{SetupError, advise};

/// How a statement is sent.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Asked of a second replica when the first has not answered in 250 ms.
    Read,
    /// Repeats safely: its timestamp, or its values, decide what it does.
    Write,
    /// Linearizable; never repeated by the driver.
    Transaction,
}

/// Timeouts by kind. The driver's own retry policy asks another node when one is overloaded, starting or gone, and
/// never repeats what may have had an effect that a second time would change.
pub struct Profiles {
    read: ExecutionProfileHandle,
    write: ExecutionProfileHandle,
    transaction: ExecutionProfileHandle,
}

/// One request of a read, all its attempts included.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer than the server's own timeout for writes (2 s), so that its answer says what was lacking.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(4);
const ASK_ANOTHER_AFTER: Duration = Duration::from_millis(250);

impl Profiles {
    pub fn new(datacenter: Option<&str>) -> Self {
        let balancing: Arc<dyn LoadBalancingPolicy> = match datacenter {
            Some(name) => DefaultPolicy::builder().prefer_datacenter(name.to_owned()).build(),
            None => DefaultPolicy::builder().build(),
        };
        let profile = |timeout| {
            ExecutionProfile::builder()
                .consistency(Consistency::LocalQuorum)
                .serial_consistency(Some(SerialConsistency::LocalSerial))
                .request_timeout(Some(timeout))
                .retry_policy(Arc::new(DefaultRetryPolicy::new()))
                .load_balancing_policy(Arc::clone(&balancing))
        };
        let another = SimpleSpeculativeExecutionPolicy { max_retry_count: 1, retry_interval: ASK_ANOTHER_AFTER };
        Self {
            read: profile(READ_TIMEOUT).speculative_execution_policy(Some(Arc::new(another))).build().into_handle(),
            write: profile(WRITE_TIMEOUT).build().into_handle(),
            transaction: profile(TRANSACTION_TIMEOUT).build().into_handle(),
        }
    }

    pub fn writes(&self) -> ExecutionProfileHandle {
        self.write.clone()
    }

    pub fn transactions(&self) -> ExecutionProfileHandle {
        self.transaction.clone()
    }
}

macro_rules! statements {
    ($($kind:ident $name:ident = $cql:expr;)*) => {
        pub struct Statements { $(pub $name: PreparedStatement,)* }

        impl Statements {
            pub async fn prepare(session: &Session, profiles: &Profiles) -> Result<Self, SetupError> {
                let all = [$((Kind::$kind, $cql)),*];
                let prepared = try_join_all(all.map(|(kind, cql)| prepare(session, profiles, kind, cql))).await?;
                let lacking = || SetupError::Config("a statement was not prepared".into());
                let mut prepared = prepared.into_iter();
                Ok(Self { $($name: prepared.next().ok_or_else(lacking)?,)* })
            }
        }
    };
}

async fn prepare(
    session: &Session,
    profiles: &Profiles,
    kind: Kind,
    cql: &str,
) -> Result<PreparedStatement, SetupError> {
    let mut statement = session
        .prepare(cql)
        .await
        .map_err(|error| SetupError::Schema { statement: cql.to_owned(), detail: advise("", &error) })?;
    let profile = match kind {
        Kind::Read => &profiles.read,
        Kind::Write => &profiles.write,
        Kind::Transaction => &profiles.transaction,
    };
    statement.set_execution_profile_handle(Some(profile.clone()));
    statement.set_is_idempotent(!matches!(kind, Kind::Transaction));
    Ok(statement)
}

statements! {
    // Timelines.
    Write insert_message = "INSERT INTO messages (conversation_id, bucket, seq, id, author, client_msg_id, kind, body, at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    Write edit_message = "UPDATE messages USING TIMESTAMP ? SET edit_body = ?, edited_at = ?
        WHERE conversation_id = ? AND bucket = ? AND seq = ?";
    Write delete_message = "UPDATE messages USING TIMESTAMP ? SET deleted = true, body = '', edit_body = ''
        WHERE conversation_id = ? AND bucket = ? AND seq = ?";
    Write hide_message = "UPDATE messages USING TIMESTAMP ? SET hidden = true, body = '', edit_body = ''
        WHERE conversation_id = ? AND bucket = ? AND seq = ?";
    Write set_reaction = "UPDATE reactions USING TIMESTAMP ? SET present = ?, version = ?
        WHERE conversation_id = ? AND bucket = ? AND seq = ? AND emoji = ? AND user_id = ?";
    Write insert_mention = "INSERT INTO mentions (conversation_id, user_id, seq) VALUES (?, ?, ?) USING TIMESTAMP ?";
    Read messages_older = "SELECT seq, id, author, client_msg_id, kind, body, at, edit_body, edited_at, deleted, hidden
        FROM messages WHERE conversation_id = ? AND bucket = ? AND seq < ? LIMIT ?";
    Read messages_newer = "SELECT seq, id, author, client_msg_id, kind, body, at, edit_body, edited_at, deleted, hidden
        FROM messages WHERE conversation_id = ? AND bucket = ? AND seq > ? AND seq < ? ORDER BY seq ASC LIMIT ?";
    Read one_message = "SELECT seq, id, author, client_msg_id, kind, body, at, edit_body, edited_at, deleted, hidden
        FROM messages WHERE conversation_id = ? AND bucket = ? AND seq = ?";
    Read states_newer = "SELECT seq, author, kind, deleted, hidden
        FROM messages WHERE conversation_id = ? AND bucket = ? AND seq > ? AND seq < ? ORDER BY seq ASC LIMIT ?";
    Read states_of = "SELECT seq, author, kind, deleted, hidden
        FROM messages WHERE conversation_id = ? AND bucket = ? AND seq IN ?";
    Read mentions_after = "SELECT seq FROM mentions
        WHERE conversation_id = ? AND user_id = ? AND seq > ? AND seq <= ? LIMIT ?";
    Read reactions_between = "SELECT seq, emoji, user_id, present, version
        FROM reactions WHERE conversation_id = ? AND bucket = ? AND seq >= ? AND seq <= ?";
    Read last_message = "SELECT seq FROM messages WHERE conversation_id = ? AND bucket = ? LIMIT 1";
    Read last_reaction = "SELECT seq FROM reactions WHERE conversation_id = ? AND bucket = ? LIMIT 1";
    Read newest_buckets = "SELECT bucket, state FROM conversation_buckets WHERE conversation_id = ? LIMIT ?";
    Transaction announce_bucket = "INSERT INTO conversation_buckets (conversation_id, bucket, state)
        VALUES (?, ?, 'pending') IF NOT EXISTS";
    Transaction settle_bucket = "UPDATE conversation_buckets SET state = ?
        WHERE conversation_id = ? AND bucket = ? IF state = 'pending'";

    // Claims and cursors.
    Write insert_claim = "INSERT INTO message_claims (conversation_id, day, client_msg_id, author, seq, at, message)
        VALUES (?, ?, ?, ?, ?, ?, ?)";
    Read claims_of = "SELECT client_msg_id, author, seq, message
        FROM message_claims WHERE conversation_id = ? AND day = ? AND client_msg_id IN ?";
    Read first_claim = "SELECT seq, at FROM message_claims
        WHERE conversation_id = ? AND day = ? AND client_msg_id = ? AND author = ? LIMIT 1";
    Write set_read = "UPDATE cursors USING TIMESTAMP ? SET read_seq = ? WHERE conversation_id = ? AND user_id = ?";
    Write set_delivered = "UPDATE cursors USING TIMESTAMP ? SET delivered_seq = ?
        WHERE conversation_id = ? AND user_id = ?";
    Read cursors = "SELECT user_id, read_seq, delivered_seq FROM cursors WHERE conversation_id = ? LIMIT ?";
    Read cursor = "SELECT read_seq, delivered_seq FROM cursors WHERE conversation_id = ? AND user_id = ?";

    // Conversations.
    Write create_conversation = "UPDATE conversations USING TIMESTAMP ? SET kind = ?, created_by = ?, created_at = ?
        WHERE conversation_id = ?";
    Write set_title = "UPDATE conversations USING TIMESTAMP ? SET title = ? WHERE conversation_id = ?";
    Write set_conversation_avatar = "UPDATE conversations USING TIMESTAMP ? SET avatar = ? WHERE conversation_id = ?";
    Write delete_conversation = "UPDATE conversations USING TIMESTAMP ? SET deleted = true WHERE conversation_id = ?";
    Read conversation = "SELECT kind, created_by, created_at, title, avatar, deleted
        FROM conversations WHERE conversation_id = ?";
    Write set_head = "UPDATE conversation_heads USING TIMESTAMP ?
        SET last_seq = ?, last_at = ?, fill_bucket = ?, fill_rows = ?, fill_bytes = ? WHERE conversation_id = ?";
    Read head = "SELECT last_seq, last_at FROM conversation_heads WHERE conversation_id = ?";
    Read fill = "SELECT last_seq, fill_bucket, fill_rows, fill_bytes FROM conversation_heads WHERE conversation_id = ?";
    Write put_member = "UPDATE members USING TIMESTAMP ? SET present = true, joined_seq = ?, role = ?
        WHERE conversation_id = ? AND user_id = ?";
    Write set_role = "UPDATE members USING TIMESTAMP ? SET role = ? WHERE conversation_id = ? AND user_id = ?";
    Write remove_member = "UPDATE members USING TIMESTAMP ? SET present = false
        WHERE conversation_id = ? AND user_id = ?";
    Write put_membership = "UPDATE conversations_by_user USING TIMESTAMP ? SET present = true, joined_seq = ?, role = ?
        WHERE conversation_id = ? AND user_id = ?";
    Write set_membership_role = "UPDATE conversations_by_user USING TIMESTAMP ? SET role = ?
        WHERE conversation_id = ? AND user_id = ?";
    Write remove_membership = "UPDATE conversations_by_user USING TIMESTAMP ? SET present = false
        WHERE conversation_id = ? AND user_id = ?";
    Read member = "SELECT present, joined_seq, role FROM members WHERE conversation_id = ? AND user_id = ?";
    Read members = "SELECT user_id, present, role FROM members WHERE conversation_id = ?";
    Read members_after = "SELECT user_id, present, role FROM members WHERE conversation_id = ? AND user_id > ?";
    Read memberships = "SELECT conversation_id, present, joined_seq, role FROM conversations_by_user WHERE user_id = ?";
    Write set_muted = "UPDATE preferences SET muted = ? WHERE user_id = ? AND conversation_id = ?";
    Write set_pinned = "UPDATE preferences SET pinned = ? WHERE user_id = ? AND conversation_id = ?";
    Read preference = "SELECT muted, pinned FROM preferences WHERE user_id = ? AND conversation_id = ?";
    Read preferences = "SELECT conversation_id, muted, pinned FROM preferences WHERE user_id = ?";
    Transaction set_secret = "INSERT INTO secrets (name, value) VALUES (?, ?) IF NOT EXISTS";
    Transaction reserve_pair = "INSERT INTO direct_pairs (low_user, high_user, conversation_id)
        VALUES (?, ?, ?) IF NOT EXISTS";

    // Accounts.
    Transaction reserve_name = "INSERT INTO user_names (name, user_id) VALUES (?, ?) IF NOT EXISTS";
    Read user_of_name = "SELECT user_id FROM user_names WHERE name = ?";
    Write insert_user = "INSERT INTO users (user_id, username, display_name, last_seen_visible, created_at)
        VALUES (?, ?, ?, true, ?)";
    Write drop_user = "DELETE FROM users WHERE user_id = ?";
    Read user = "SELECT user_id, username, display_name, avatar, status_text, last_seen_visible, last_seen, created_at
        FROM users WHERE user_id = ?";
    Write change_user = "UPDATE users SET display_name = ?, avatar = ?, status_text = ?, last_seen_visible = ?
        WHERE user_id = ?";
    Write set_last_seen = "UPDATE users USING TIMESTAMP ? SET last_seen = ? WHERE user_id = ?";
    Write set_password = "UPDATE user_credentials SET password_hash = ? WHERE user_id = ?";
    Write drop_password = "DELETE FROM user_credentials WHERE user_id = ?";
    Read password = "SELECT password_hash FROM user_credentials WHERE user_id = ?";
    Write insert_prefix = "INSERT INTO user_prefixes (prefix, username, user_id) VALUES (?, ?, ?)";
    Write drop_prefix = "DELETE FROM user_prefixes WHERE prefix = ? AND username = ? AND user_id = ?";
    Read prefixed = "SELECT username, user_id FROM user_prefixes WHERE prefix = ? AND username > ? LIMIT ?";
    Write insert_block = "INSERT INTO blocks (user_id, other_id) VALUES (?, ?)";
    Write drop_block = "DELETE FROM blocks WHERE user_id = ? AND other_id = ?";
    Read blocks = "SELECT other_id FROM blocks WHERE user_id = ? LIMIT 10000";
    Read block = "SELECT other_id FROM blocks WHERE user_id = ? AND other_id = ?";

    // Sessions.
    Transaction insert_session = "INSERT INTO sessions (session_id, token_hash, user_id, device_name, created_at,
        last_used_at, expires_at, current, ended) VALUES (?, 0x00, ?, ?, ?, ?, ?, ?, false) IF NOT EXISTS USING TTL ?";
    Write insert_user_session = "INSERT INTO sessions_by_user (user_id, session_id, created_at) VALUES (?, ?, ?)
        USING TTL ?";
    Write drop_user_session = "DELETE FROM sessions_by_user WHERE user_id = ? AND session_id = ?";
    Read session = "SELECT user_id, device_name, created_at, last_used_at, expires_at, current, ended
        FROM sessions WHERE session_id = ? AND token_hash = 0x00";
    Read replaced_token = "SELECT replaced_at FROM sessions WHERE session_id = ? AND token_hash = ?";
    Read user_sessions = "SELECT session_id FROM sessions_by_user WHERE user_id = ? LIMIT 1000";
    Transaction rotate_session = "UPDATE sessions USING TTL ? SET user_id = ?, device_name = ?, created_at = ?,
        last_used_at = ?, expires_at = ?, current = ?, ended = false
        WHERE session_id = ? AND token_hash = 0x00 IF current = ? AND ended = false";
    Transaction insert_replaced_token = "INSERT INTO sessions (session_id, token_hash, replaced_at) VALUES (?, ?, ?)
        USING TTL ?";
    Transaction end_session = "UPDATE sessions USING TTL ? SET ended = true
        WHERE session_id = ? AND token_hash = 0x00 IF user_id = ? AND ended = false";

    // Files.
    Transaction insert_file = "INSERT INTO files (file_id, owner, conversation_id, name, size, media_type, sha256,
        complete, part_size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS";
    Read file = "SELECT file_id, owner, conversation_id, name, size, media_type, sha256, complete, part_size, created_at
        FROM files WHERE file_id = ?";
    Transaction complete_file = "UPDATE files SET complete = true, media_type = ? WHERE file_id = ? IF complete = false";
    Transaction drop_file = "DELETE FROM files WHERE file_id = ? IF complete = false";
    Write insert_pending = "INSERT INTO pending_files (day, created_at, file_id) VALUES (?, ?, ?)";
    Write drop_pending = "DELETE FROM pending_files WHERE day = ? AND created_at = ? AND file_id = ?";
    Read pending = "SELECT created_at, file_id FROM pending_files WHERE day = ? AND created_at < ?";
    Write insert_pending_day = "INSERT INTO pending_days (component, day) VALUES ('files', ?)";
    Read pending_days = "SELECT day FROM pending_days WHERE component = 'files' AND day <= ?";

    Read schema_version = "SELECT version FROM schema_version WHERE component = 'chat'";
}
