use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chat_core::{Seq, UserId};
use chat_embedded::Embedded;
use chat_node::import::{ImportReport, IrcImport};
use chat_node::node::SystemClock;
use chat_ports::store::{MessageStore as _, Position};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
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

/// Several transactions' worth of lines.
fn long_log(folder: &Path) -> PathBuf {
    let path = folder.join("2021-03-04.log");
    let lines = (0..9_000).map(|n| format!("[{:02}:{:02}] <nick{}> line {n}\n", n / 60 / 10, n / 10 % 60, n % 50));
    std::fs::write(&path, lines.collect::<String>()).expect("write");
    path
}

#[tokio::test]
async fn an_import_that_is_killed_adds_nothing_twice_and_loses_nothing() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = TempDir::new().expect("folder");
    let log = long_log(folder.path());
    let (_, expected) = import(&folder.path().join("whole"), std::slice::from_ref(&log)).await;
    assert_eq!(expected.len(), 9_000);
    let killed = folder.path().join("killed");
    let mut cut = 0;
    for _ in 0..10 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chat-node"))
            .args(["import", "irc", "--conversation", "ubuntu", "--data-dir"])
            .args([&killed, &log])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the node's binary");
        // The random moment is the point.
        tokio::time::sleep(Duration::from_millis(random.random_range(10..150))).await;
        child.kill().expect("kill");
        cut += u32::from(!child.wait().expect("status").success());
    }
    let (report, rows) = import(&killed, &[log]).await;
    println!("{cut} of 10 runs were cut off, {report:?}");
    assert_eq!(report.imported + report.already_there, 9_000);
    // The runs that were killed had another owner, so that ours joins afterwards: a row without text.
    let content = |rows: Vec<(Seq, String, String)>| -> Vec<(String, String)> {
        rows.into_iter().filter(|(_, _, text)| !text.is_empty()).map(|(_, at, text)| (at, text)).collect()
    };
    assert_eq!(content(rows), content(expected));
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
