use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat_core::{Seq, UserId};
use chat_embedded::Embedded;
use chat_node::import::{ImportReport, IrcImport};
use chat_node::node::SystemClock;
use chat_ports::store::{MessageStore as _, Position};
use tempfile::TempDir;
use uuid::Uuid;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ubuntu-irc")
}

async fn import(data: &Path, paths: &[PathBuf]) -> (ImportReport, Vec<(Seq, String, String)>) {
    let embedded = Embedded::open(data, Arc::new(SystemClock)).expect("folder");
    let import = IrcImport {
        log: embedded.log.clone(),
        store: embedded.store.clone(),
        conversation: "ubuntu".into(),
        owner: UserId::new(Uuid::from_u128(1)),
    };
    let report = import.run(paths, |_| {}).await.expect("import");
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map_or(Seq::ZERO, |(seq, _, _)| *seq);
        let page = embedded.store.page(import.conversation_id(), Position::After(after), 500).await.expect("page");
        rows.extend(page.rows.into_iter().map(|row| (row.seq, row.at.to_string(), row.body.text.unwrap_or_default())));
        if !page.has_more {
            break;
        }
    }
    embedded.shutdown().await;
    (report, rows)
}

#[tokio::test]
async fn an_import_keeps_order_and_times_and_done_again_adds_nothing() {
    let folder = TempDir::new().expect("folder");
    let (report, rows) = import(folder.path(), &[sample()]).await;
    assert_eq!(report.lines, report.imported + report.notices + report.blank + report.malformed);
    assert_eq!(rows.len() as u64, report.imported);
    assert!(report.imported > 500 && report.speakers > 50, "{report:?}");
    let mut times: Vec<&String> = rows.iter().map(|(_, at, _)| at).collect();
    let in_order = times.clone();
    times.sort();
    assert_eq!(times, in_order);
    let (again, same) = import(folder.path(), &[sample()]).await;
    assert_eq!((again.imported, again.already_there, again.new_speakers), (0, report.imported, 0));
    assert_eq!(same, rows);
}

#[tokio::test]
async fn an_import_that_was_interrupted_goes_on() {
    let (whole, pieces) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    let (_, expected) = import(whole.path(), &[sample()]).await;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(sample()).expect("sample").map(|entry| entry.expect("entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt") && !path.ends_with("README.txt"));
    files.sort();
    import(pieces.path(), &files[..1]).await;
    let (_, rows) = import(pieces.path(), &[sample()]).await;
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn bad_lines_and_bytes_are_counted_and_shown() {
    let folder = TempDir::new().expect("folder");
    let log = folder.path().join("2020-01-01.log");
    std::fs::write(
        &log,
        b"[10:00] <ada> hi\n=== bob joined\n\nrubbish\n[10:01] <b\xffb> na\xefve\n[10:02]  * ada waves",
    )
    .expect("write");
    let (report, rows) = import(&folder.path().join("data"), &[log]).await;
    assert_eq!((report.imported, report.notices, report.blank, report.malformed, report.repaired), (3, 1, 1, 1, 1));
    assert_eq!(report.examples, ["2020-01-01.log:4: rubbish"]);
    assert_eq!(rows[2].2, "*ada waves*");
}
