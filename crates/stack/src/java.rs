//! The JVM and its class-data archives.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::part::Part;
use crate::{Options, Ports, Stack, cache};

/// Cassandra 5.0 runs on this version, not on later ones.
const VERSION: &str = "17";

/// Without the second, a starting JVM changes to its folder of performance data for a moment, and a process is known by its
/// working directory.
pub(crate) const EVERY_SERVER: [&str; 2] = ["-XX:+ExitOnOutOfMemoryError", "-XX:+PerfDisableSharedMem"];

/// A Java 17.
pub(crate) struct Java {
    pub program: PathBuf,
    /// Of this very build: class-data archives are valid for no other.
    build: String,
}

impl Java {
    /// `JAVA_HOME`, the path, or where Debian and Fedora put it.
    ///
    /// # Errors
    /// There is none of that version.
    pub fn find() -> anyhow::Result<Self> {
        let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
        let mut candidates: Vec<PathBuf> = home.map(|home| PathBuf::from(home).join("bin/java")).into_iter().collect();
        candidates.push("java".into());
        let installed = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
        let named = installed.filter(|entry| entry.file_name().to_string_lossy().contains(VERSION));
        candidates.extend(named.map(|entry| entry.path().join("bin/java")));
        let found = candidates.into_iter().find_map(|program| {
            let said = Command::new(&program).arg("-version").output().ok()?;
            let build = String::from_utf8_lossy(&said.stderr).into_owned();
            build.contains(&format!("version \"{VERSION}.")).then_some(Self { program, build })
        });
        found.with_context(|| {
            format!("no Java {VERSION}: install it (Debian: openjdk-{VERSION}-jre-headless), or set JAVA_HOME")
        })
    }

    /// Where the class-data archive of a program with these jars is, or should be.
    pub fn archive(&self, jars: &Path, what: &str) -> anyhow::Result<PathBuf> {
        // Beside the jars, not among them: the jars' folder stays as it was verified.
        let made_from = [self.build.as_str(), &jars.display().to_string()];
        Ok(cache::folder("class-data", &made_from, |_| Ok(()))?.join(format!("{what}.jsa")))
    }
}

/// The flags for an archive: to use it, or, `making` it, to write it when the program ends.
pub(crate) fn archive_flags(archive: &Path, making: bool) -> Vec<String> {
    let main = match (archive.exists(), making) {
        (true, _) => format!("-XX:SharedArchiveFile={}", archive.display()),
        (false, true) => format!("-XX:ArchiveClassesAtExit={}", archive.display()),
        (false, false) => "-Xshare:auto".to_owned(),
    };
    vec![main, "-Xlog:cds=off".to_owned(), "-Xlog:cds+dynamic=off".to_owned()]
}

/// Small servers on few cores: with the serial collector and C1 alone a broker is ready in 1.4 s with 173 MB, with C2 and
/// G1 in 3.5 s with 235 MB; Cassandra takes 330 MB instead of 550, and 2 s less.
pub(crate) fn compiler_flags(full: bool) -> Vec<String> {
    let flags: &[&str] = if full { &["-XX:+UseG1GC"] } else { &["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] };
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}

/// A server that writes its class data when it ends.
pub(crate) trait Archiving: Part {
    /// Gives what was written its name.
    fn keep(&self, made: &Path) -> anyhow::Result<()>;
}

/// Runs a server once, on a folder that is thrown away, to have its class data. Without it everything works, a few seconds
/// slower: a failure is only told.
pub(crate) fn archive_once<P: Archiving>(archive: &Path, server: impl FnOnce(Ports, PathBuf) -> P) {
    if archive.exists() {
        return;
    }
    let making = archive.with_extension(format!("making-{}", std::process::id()));
    // Two that do this at once should not meet at a port.
    let spread = u16::try_from(std::process::id() % 90).unwrap_or_default() * 10;
    let options = Options { port_offset: Ports::HIGHEST_OFFSET - spread, ..Options::default() };
    let server = server(options.ports(), making);
    eprintln!("making class-data archives, once: servers start quicker with them");
    if let Err(error) = run_once(&server).and_then(|()| server.keep(archive)) {
        eprintln!("no class-data archive: {error:#}");
    }
}

fn run_once(server: &impl Part) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("elastic-chat-class-data-{}", std::process::id()));
    let stack = Stack::open(folder)?;
    let ran = server
        .configure(stack.dir())
        .and_then(|()| server.start(&stack, server.processes(stack.dir())?))
        .and_then(|()| stack.down());
    // Also what did not come up.
    stack.wipe()?;
    ran
}
