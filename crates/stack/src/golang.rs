//! Servers that are built from Go modules. Small modules of our own name them, so that `go.mod` and `go.sum` pin them with
//! all that they need, and the Go client refuses what has another hash.

use std::path::PathBuf;
use std::process::Command;

use crate::cache;

const TOOLS: &str = "tools.go";

/// A command of a Go module.
pub(crate) struct Program {
    pub name: &'static str,
    package: &'static str,
    module: &'static str,
    sums: &'static str,
    import: &'static str,
}

/// An S3 server on a folder. It checks signatures, expiry and CORS as S3 does, which in-memory mocks don't.
pub(crate) const VERSITYGW: Program = Program {
    name: "versitygw",
    package: "github.com/versity/versitygw/cmd/versitygw",
    module: include_str!("../go/versitygw/go.mod"),
    sums: include_str!("../go/versitygw/go.sum"),
    import: include_str!("../go/versitygw/tools.go"),
};

/// A TCP proxy that breaks connections on command.
pub(crate) const TOXIPROXY: Program = Program {
    name: "toxiproxy",
    package: "github.com/Shopify/toxiproxy/v2/cmd/server",
    module: include_str!("../go/toxiproxy/go.mod"),
    sums: include_str!("../go/toxiproxy/go.sum"),
    import: include_str!("../go/toxiproxy/tools.go"),
};

impl Program {
    /// Its path, built when it is not there.
    ///
    /// # Errors
    /// Go is missing, or the build failed.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        let folder = cache::folder(self.name, &[self.module, self.sums, self.import], |folder| {
            eprintln!("{}: building it, which may take some minutes", self.name);
            let files = [("go.mod", self.module), ("go.sum", self.sums), (TOOLS, self.import)];
            for (name, text) in files {
                std::fs::write(folder.join(name), text)?;
            }
            let mut build = Command::new("go");
            build.current_dir(folder).env("CGO_ENABLED", "0");
            build.args([
                "build",
                "-mod=readonly",
                "-trimpath",
                "-buildvcs=false",
                "-ldflags",
                "-s -w",
                "-o",
                self.name,
            ]);
            cache::run(build.arg(self.package)).map(drop)
        })?;
        Ok(folder.join(self.name))
    }
}
