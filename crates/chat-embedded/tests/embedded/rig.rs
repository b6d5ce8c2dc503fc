//! An embedded backend in a folder of its own, as each suite wants to see it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{ConversationId, Seq};
use chat_embedded::Embedded;
use chat_ports::contract::ManualClock;
use chat_ports::contract::directory::DirectoryFixture;
use chat_ports::contract::log::LogFixture;
use chat_ports::contract::store_messages::StoreFixture;
use chat_ports::contract::tail::TailFixture;
use chat_ports::{ChatStore, Clock, Directory, LiveTail, MessageLog};
use chat_wire::LogRecord;
use tempfile::TempDir;

pub struct Rig {
    embedded: Embedded,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

/// Opens a folder with a clock that stands.
pub fn open(folder: &Path) -> Embedded {
    Embedded::open(folder, Arc::new(ManualClock::default())).expect("opens")
}

#[allow(clippy::unused_async, reason = "suites make their fixtures asynchronously")]
pub async fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::default());
    let embedded = Embedded::open(folder.path(), Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    Rig { embedded, clock, folder }
}

#[async_trait]
impl LogFixture for Rig {
    fn log(&self) -> Arc<dyn MessageLog> {
        Arc::clone(&self.embedded.log) as _
    }

    async fn records(&self, conversation: ConversationId) -> Vec<(Seq, LogRecord)> {
        let database = rusqlite::Connection::open(self.folder.path().join("chat.db")).expect("opens");
        let mut statement = database.prepare("SELECT pos, record FROM log ORDER BY pos").expect("a log");
        let rows = statement.query_map([], |row| Ok((Seq::from_i64(row.get(0)?), row.get::<_, Vec<u8>>(1)?)));
        rows.expect("rows")
            .map(|row| row.expect("a row"))
            .map(|(seq, bytes)| (seq, LogRecord::decode(&bytes).expect("readable")))
            .filter(|(_, record)| record.conversation == conversation)
            .collect()
    }
}

#[async_trait]
impl TailFixture for Rig {
    fn tail(&self) -> Arc<dyn LiveTail> {
        Arc::clone(&self.embedded.tail) as _
    }
    fn store(&self) -> Arc<dyn ChatStore> {
        Arc::clone(&self.embedded.store) as _
    }
    async fn append_to_log(&self, record: LogRecord) -> Seq {
        self.embedded.log.append(record).await.expect("append")
    }
    async fn lose(&self) {
        self.embedded.tail.lose();
    }
    async fn pass(&self, millis: i64) {
        self.clock.pass(millis);
    }
}

#[async_trait]
impl StoreFixture for Rig {
    fn store(&self) -> Arc<dyn ChatStore> {
        Arc::clone(&self.embedded.store) as _
    }
}

#[async_trait]
impl DirectoryFixture for Rig {
    fn directory(&self) -> Arc<dyn Directory> {
        Arc::clone(&self.embedded.directory) as _
    }
    fn store(&self) -> Arc<dyn ChatStore> {
        Arc::clone(&self.embedded.store) as _
    }
}
