//! Programs that are built from Go modules. Small modules of our own name them, so that `go.mod` and `go.sum` pin them with
//! all that they need, and the Go client refuses what has another hash.

use std::path::PathBuf;
use std::process::Command;

use crate::cache;

/// A command of a Go module.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// What the program is called.
    pub name: &'static str,
    /// Its package: a path of the module, or `.` for that of the files.
    pub package: &'static str,
    /// `go.mod`, `go.sum` and what imports or is the program, by name.
    pub files: &'static [(&'static str, &'static str)],
    /// What the linker writes into variables: `path.name` and its value. Programs that compare versions have theirs from
    /// there, and a build from a module would have none.
    pub variables: &'static [(&'static str, &'static str)],
}

/// The files of a wrapper module that has no code of its own.
#[macro_export]
macro_rules! go_files {
    ($folder:literal, $source:literal) => {
        &[
            ("go.mod", include_str!(concat!($folder, "/go.mod"))),
            ("go.sum", include_str!(concat!($folder, "/go.sum"))),
            ($source, include_str!(concat!($folder, "/", $source))),
        ]
    };
}

/// An S3 server on a folder. It checks signatures, expiry and CORS as S3 does, which in-memory mocks don't.
pub(crate) const VERSITYGW: Program = Program {
    name: "versitygw",
    package: "github.com/versity/versitygw/cmd/versitygw",
    files: go_files!("../go/versitygw", "tools.go"),
    variables: &[],
};

/// A TCP proxy that breaks connections on command.
pub(crate) const TOXIPROXY: Program = Program {
    name: "toxiproxy",
    package: "github.com/Shopify/toxiproxy/v2/cmd/server",
    files: go_files!("../go/toxiproxy", "tools.go"),
    variables: &[],
};

impl Program {
    /// Its path, built when it is not there.
    ///
    /// # Errors
    /// Go is missing, or the build failed.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        let linker = self.linker_flags();
        let mut made_from: Vec<&str> = self.files.iter().map(|(_, text)| *text).collect();
        if !self.variables.is_empty() {
            made_from.push(&linker);
        }
        let folder = cache::folder(self.name, &made_from, |folder| {
            eprintln!("{}: building it, which may take some minutes", self.name);
            for (name, text) in self.files {
                std::fs::write(folder.join(name), text)?;
            }
            let mut build = Command::new("go");
            // The same flags for all: what two programs share is compiled once.
            build.current_dir(folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly -trimpath -buildvcs=false");
            build.args(["build", "-ldflags", &linker, "-o", self.name]);
            cache::run(build.arg(self.package)).map(drop)
        })?;
        Ok(folder.join(self.name))
    }

    fn linker_flags(&self) -> String {
        let mut flags = "-s -w".to_owned();
        for (variable, value) in self.variables {
            flags.extend([" -X ", variable, "=", value]);
        }
        flags
    }
}
