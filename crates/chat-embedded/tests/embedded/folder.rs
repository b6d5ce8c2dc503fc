//! Whose the folder is, and which files it opens.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use chat_core::ConversationKind;
use chat_embedded::{Embedded, OpenError};
use chat_ports::MessageLog as _;
use chat_ports::contract::{ManualClock, conversation, message_record, user};
use chat_ports::store::{ConversationStore as _, MessageStore as _, Mutation, Position};

use crate::child;
use crate::rig::open;

fn refused(folder: &Path) -> OpenError {
    match Embedded::open(folder, Arc::new(ManualClock::default())) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test]
#[ignore = "the second process"]
async fn tries_to_open() {
    if let Some(folder) = child::folder() {
        println!("refused: {}", refused(&folder));
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path());
    let output = child::command("folder::tries_to_open", folder.path()).output().expect("ran");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    assert!(said.contains(&folder.path().display().to_string()), "{said}");
    assert!(matches!(refused(folder.path()), OpenError::Locked { .. }), "also within one process");
    first.shutdown().await;
    open(folder.path()).shutdown().await;
}

#[tokio::test]
async fn a_new_folder_is_its_owners_only() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("deep/data");
    open(&folder).shutdown().await;
    assert_eq!(std::fs::metadata(&folder).expect("there").permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn after_a_shutdown_one_file_holds_everything() {
    let (folder, copy) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let embedded = open(folder.path());
    let conv = conversation();
    for n in 0..50 {
        embedded.log.append(message_record(conv, user(), &n.to_string())).await.expect("append");
    }
    embedded.shutdown().await;
    std::fs::copy(folder.path().join("chat.db"), copy.path().join("chat.db")).expect("copied");
    let embedded = open(copy.path());
    let page = embedded.store.page(conv, Position::Newest, 100).await.expect("page");
    assert_eq!(page.rows.len(), 50);
    embedded.shutdown().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).shutdown().await;
    let file = folder.path().join("chat.db");
    let database = rusqlite::Connection::open(&file).expect("opens");
    database.execute("INSERT INTO schema_version VALUES (1000, datetime('now'))", []).expect("inserted");
    database.close().expect("closed");
    let before = std::fs::read(&file).expect("there");
    let error = refused(folder.path()).to_string();
    assert!(error.contains("schema 1000") && error.contains("newer version"), "{error}");
    assert_eq!(std::fs::read(&file).expect("there"), before);
}

#[tokio::test]
async fn an_older_schema_is_brought_forward_with_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let (conv, by) = (conversation(), user());
    let database = rusqlite::Connection::open(folder.path().join("chat.db")).expect("opens");
    let first = include_str!("../../src/sqlite/schema/001.sql");
    let version = "CREATE TABLE schema_version (version INTEGER NOT NULL, applied_at TEXT NOT NULL);
        INSERT INTO schema_version VALUES (1, datetime('now'));";
    database.execute_batch(&format!("{first};{version}")).expect("the first schema");
    let insert = "INSERT INTO conversations (id, kind, created_by, created_at) VALUES (?1, 'group', ?2, 5)";
    database.execute(insert, [conv.as_bytes(), by.as_bytes()]).expect("inserted");
    database.close().expect("closed");
    let embedded = open(folder.path());
    let row = embedded.store.conversation(conv).await.expect("conversation").expect("kept");
    assert_eq!((row.created_by, row.created_at.millis()), (by, 5));
    let again = Mutation::CreateConversation {
        conversation: conv,
        kind: ConversationKind::Group,
        title: None,
        created_by: user(),
        at: row.created_at,
        version: chat_core::Seq::new(9),
    };
    embedded.store.apply(vec![again]).await.expect("apply");
    assert_eq!(embedded.store.conversation(conv).await.expect("conversation").expect("kept").created_by, by);
    embedded.shutdown().await;
}

#[tokio::test]
async fn what_is_no_database_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "somebody's notes, and not a database at all\n".repeat(100);
    std::fs::write(folder.path().join("chat.db"), &text).expect("written");
    let error = refused(folder.path()).to_string();
    assert!(error.contains("chat.db"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("chat.db")).expect("there"), text);
}
