//! Another process on a data folder: this test binary again, running one of its ignored tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FOLDER: &str = "CHAT_EMBEDDED_CHILD_FOLDER";

/// Runs `test` (its whole path) in a process of its own.
pub fn command(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    prepare(&mut command, test, folder);
    command
}

/// As [`command`], with no file allowed to grow beyond about `kib` KiB until the process raises its own limit.
pub fn command_with_file_limit(test: &str, folder: &Path, kib: u64) -> Command {
    let mut command = Command::new("bash");
    // Ignored, the signal leaves the write to fail with EFBIG. Both outlive exec.
    let script = format!("trap '' XFSZ; ulimit -S -f {kib}; exec \"$0\" \"$@\"");
    command.args(["-c", &script]).arg(std::env::current_exe().expect("this binary"));
    prepare(&mut command, test, folder);
    command
}

fn prepare(command: &mut Command, test: &str, folder: &Path) {
    command
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
}

/// In the child: the folder to work on. `None` when somebody runs the ignored tests by hand.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}
