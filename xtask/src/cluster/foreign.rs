//! Clusters that others run: one that is there, or kind's in Docker.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::process::{output, run};

const RECORD: &str = "foreign.json";
const KUBECONFIG: &str = "admin.kubeconfig";
/// What kind calls ours.
const NAME: &str = "elastic-chat";

enum Kind {
    /// Somebody's; we start and end nothing.
    Context(String),
    /// Ours, in Docker.
    Docker,
}

/// The folder remembers which one it is.
pub struct Foreign {
    dir: PathBuf,
    kind: Kind,
}

/// Whether a Docker engine answers and kind is there to use it.
pub fn kind_works() -> bool {
    let answers = |program: &str, args: &[&str]| {
        Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
    };
    if !answers("docker", &["info"]) {
        return false;
    }
    let installed = answers("kind", &["version"]);
    if !installed {
        eprintln!("A Docker engine answers, but kind is not installed: the cluster is made of local processes");
    }
    installed
}

impl Foreign {
    /// `None` when the folder has none.
    pub fn load(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(RECORD);
        if !path.exists() {
            return Ok(None);
        }
        let record: Value =
            serde_json::from_slice(&std::fs::read(&path)?).with_context(|| path.display().to_string())?;
        let kind = match record["context"].as_str() {
            Some(context) => Kind::Context(context.to_owned()),
            None => Kind::Docker,
        };
        Ok(Some(Self { dir: dir.to_owned(), kind }))
    }

    pub fn use_context(dir: &Path, context: &str) -> anyhow::Result<Self> {
        refuse_second(dir)?;
        let mut view = Command::new("kubectl");
        view.args(["config", "view", "--raw", "--minify", "--flatten", "--context", context]);
        let kubeconfig = output(&mut view)?;
        Self::make(dir, Kind::Context(context.to_owned()), || {
            use std::io::Write as _;
            use std::os::unix::fs::OpenOptionsExt as _;
            let file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(dir.join(KUBECONFIG));
            Ok(file?.write_all(kubeconfig.as_bytes())?)
        })
    }

    pub fn create_kind(dir: &Path) -> anyhow::Result<Self> {
        if let Some(there @ Self { kind: Kind::Docker, .. }) = Self::load(dir)? {
            return Ok(there);
        }
        refuse_second(dir)?;
        Self::make(dir, Kind::Docker, || {
            let mut create = Command::new("kind");
            create.args(["create", "cluster", "--name", NAME, "--wait", "180s", "--kubeconfig"]);
            run(create.arg(dir.join(KUBECONFIG)))
        })
    }

    fn make(dir: &Path, kind: Kind, begin: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let context = match &kind {
            Kind::Context(context) => Some(context),
            Kind::Docker => None,
        };
        // First: what is begun half can then be taken down.
        std::fs::write(dir.join(RECORD), json!({"context": context}).to_string())?;
        let made = Self { dir: dir.to_owned(), kind };
        let ready = begin().and_then(|()| {
            let answer = output(made.kubectl().args(["get", "--raw", "/readyz", "--request-timeout=10s"]));
            answer.map(drop).context("the cluster does not answer")
        });
        if ready.is_err() {
            made.down()?;
        }
        ready.map(|()| made)
    }

    pub fn kubectl(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(self.dir.join(KUBECONFIG));
        command
    }

    pub fn down(&self) -> anyhow::Result<()> {
        if matches!(self.kind, Kind::Docker) {
            run(Command::new("kind").args(["delete", "cluster", "--name", NAME]))?;
        }
        for file in [RECORD, KUBECONFIG] {
            let _ = std::fs::remove_file(self.dir.join(file));
        }
        let _ = std::fs::remove_dir(&self.dir);
        Ok(())
    }

    pub fn load_images(&self, archives: &[PathBuf]) -> anyhow::Result<()> {
        if let Kind::Context(context) = &self.kind {
            bail!("{context} is not ours: push the images to a registry that its nodes pull from");
        }
        archives.iter().try_for_each(|archive| {
            run(Command::new("kind").args(["load", "image-archive", "--name", NAME]).arg(archive))
        })
    }

    pub fn status(&self, json: bool) {
        let up = output(self.kubectl().args(["get", "--raw", "/readyz", "--request-timeout=10s"])).is_ok();
        let (mode, kubeconfig) = (self.name(), self.dir.join(KUBECONFIG));
        if json {
            println!("{}", json!({"mode": mode, "up": up, "kubeconfig": kubeconfig}));
        } else {
            let state = if up { "answers" } else { "does not answer" };
            println!("{mode} {state}\nkubeconfig   {}", kubeconfig.display());
        }
    }

    fn name(&self) -> String {
        match &self.kind {
            Kind::Context(context) => format!("context {context}"),
            Kind::Docker => format!("kind cluster {NAME}"),
        }
    }
}

fn refuse_second(dir: &Path) -> anyhow::Result<()> {
    let there = dir.join(RECORD).exists() || dir.join("cluster.json").exists();
    ensure!(!there, "{} has a cluster already: `./dev cluster down` first", dir.display());
    Ok(())
}
