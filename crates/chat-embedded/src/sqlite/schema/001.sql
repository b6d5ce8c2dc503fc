-- The log: a record's position is its seq. AUTOINCREMENT: a position is never given twice.
CREATE TABLE log (pos INTEGER PRIMARY KEY AUTOINCREMENT, record BLOB NOT NULL);

-- A row may begin with a change that came before its insert; it shows once `kind` is there.
CREATE TABLE messages (
    conv BLOB NOT NULL, seq INTEGER NOT NULL,
    id BLOB, author BLOB, client_msg_id BLOB, kind TEXT, body TEXT, at INTEGER,
    edit_version INTEGER NOT NULL DEFAULT 0, edit_body TEXT, edited_at INTEGER,
    deleted_version INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conv, seq)
) WITHOUT ROWID;
CREATE TABLE message_claims (
    conv BLOB NOT NULL, author BLOB NOT NULL, client_msg_id BLOB NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (conv, author, client_msg_id)
) WITHOUT ROWID;
CREATE TABLE reactions (
    conv BLOB NOT NULL, target INTEGER NOT NULL, emoji TEXT NOT NULL, user BLOB NOT NULL,
    present INTEGER NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (conv, target, emoji, user)
) WITHOUT ROWID;
CREATE TABLE mentions (
    conv BLOB NOT NULL, user BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (conv, user, seq)
) WITHOUT ROWID;
CREATE TABLE cursors (
    conv BLOB NOT NULL, user BLOB NOT NULL, read INTEGER NOT NULL, delivered INTEGER NOT NULL,
    PRIMARY KEY (conv, user)
) WITHOUT ROWID;

-- A conversation may begin with a change that came before its creation; it is there once `kind` is.
CREATE TABLE conversations (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT, created_by BLOB, created_at INTEGER,
    title TEXT, title_version INTEGER NOT NULL DEFAULT 0,
    avatar BLOB, avatar_version INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0, last_at INTEGER NOT NULL DEFAULT 0,
    member_count INTEGER NOT NULL DEFAULT 0,
    deleted_version INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- Who left stays as a row that is not present, so that a replay does not bring them back.
CREATE TABLE members (
    conv BLOB NOT NULL, user BLOB NOT NULL,
    present INTEGER NOT NULL, version INTEGER NOT NULL,
    role TEXT NOT NULL, role_version INTEGER NOT NULL,
    PRIMARY KEY (conv, user)
) WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, conv) WHERE present = 1;
CREATE INDEX owners ON members (conv) WHERE present = 1 AND role = 'owner';
CREATE TABLE preferences (
    user BLOB NOT NULL, conv BLOB NOT NULL, muted INTEGER NOT NULL DEFAULT 0, pinned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user, conv)
) WITHOUT ROWID;
CREATE TABLE direct_pairs (low BLOB NOT NULL, high BLOB NOT NULL, conv BLOB NOT NULL, PRIMARY KEY (low, high)) WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY, username TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, avatar BLOB, status_text TEXT,
    last_seen_visible INTEGER NOT NULL DEFAULT 1, last_seen INTEGER, created_at INTEGER NOT NULL, password_hash TEXT
) WITHOUT ROWID;
-- Lower-case words by which a user is found: the username and those of the display name.
CREATE TABLE user_words (word TEXT NOT NULL, username TEXT NOT NULL, PRIMARY KEY (word, username)) WITHOUT ROWID;
CREATE INDEX user_words_by_name ON user_words (username);
CREATE TABLE blocks (user BLOB NOT NULL, other BLOB NOT NULL, PRIMARY KEY (user, other)) WITHOUT ROWID;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY, user BLOB NOT NULL, device_name TEXT,
    created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);
-- Every refresh token of a living family; the current one has no replaced_at.
CREATE TABLE session_tokens (hash BLOB NOT NULL PRIMARY KEY, session BLOB NOT NULL, replaced_at INTEGER) WITHOUT ROWID;
CREATE INDEX session_tokens_by_session ON session_tokens (session);

CREATE TABLE files (
    id BLOB NOT NULL PRIMARY KEY, owner BLOB NOT NULL, conv BLOB, name TEXT NOT NULL, size INTEGER NOT NULL,
    media_type TEXT NOT NULL, sha256 BLOB NOT NULL, complete INTEGER NOT NULL DEFAULT 0, part_size INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_pending ON files (created_at) WHERE complete = 0;
