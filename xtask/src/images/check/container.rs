//! An archive's image as a container of runc, in a network of its own.

use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::super::buildah::{Working, buildah};
use crate::process::output;

/// For an answer, and for the end.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
const NAMESPACES: [&str; 5] = ["pid", "network", "ipc", "uts", "mount"];
const MASKED: [&str; 4] = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"];

/// An image that is about to run.
pub struct Container {
    /// Holds the root mounted.
    _working: Working,
    root: PathBuf,
    config: Value,
    mounts: Vec<Value>,
}

impl Container {
    /// # Errors
    /// buildah can't read the archive.
    pub fn of(archive: &Path) -> anyhow::Result<Self> {
        let working = Working::from(&format!("oci-archive:{}", archive.display()))?;
        let inspected: Value = serde_json::from_str(&output(buildah("inspect").arg(&working.name))?)?;
        let config = inspected["OCIv1"]["config"].clone();
        ensure!(config.is_object(), "buildah tells no configuration of {}", archive.display());
        let root = working.mount()?;
        Ok(Self { _working: working, root, config, mounts: system_mounts() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn user(&self) -> &str {
        self.config["User"].as_str().unwrap_or_default()
    }

    /// Somewhere to write, as an emptyDir. (runc gives the mount the mode of the folder below it, so only its owner counts.)
    pub fn memory(&mut self, at: &str) -> &mut Self {
        let options = ["nosuid", "nodev", "noexec", "mode=0755", "uid=65532", "gid=65532", "size=64m"];
        self.mounts.push(json!({"destination": at, "type": "tmpfs", "source": "tmpfs", "options": options}));
        self
    }

    /// A folder of ours, to read only, as a ConfigMap.
    pub fn bind(&mut self, folder: &Path, at: &str) -> &mut Self {
        let options = ["rbind", "ro"];
        self.mounts.push(json!({"destination": at, "type": "bind", "source": folder, "options": options}));
        self
    }

    /// Starts it with these arguments, or with the image's own when there are none.
    ///
    /// # Errors
    /// runc can't.
    pub fn start(&self, args: &[&str]) -> anyhow::Result<Running> {
        let bundle = tempfile::tempdir()?;
        let name = format!("elastic-chat-check-{}", std::process::id());
        std::fs::write(bundle.path().join("config.json"), self.specification(&name, args).to_string())?;
        let log = std::fs::File::options().create(true).append(true).read(true).open(bundle.path().join("log"))?;
        let mut run = Command::new("runc");
        run.arg("--root").arg(bundle.path().join("state")).arg("run");
        run.arg("--bundle").arg(bundle.path()).arg("--pid-file").arg(bundle.path().join("pid")).arg(&name);
        run.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
        let child =
            run.spawn().context("cannot run runc: install it (`./dev images --check` does on Debian and Ubuntu)")?;
        let signal = self.config["StopSignal"].as_str().unwrap_or("SIGTERM").to_owned();
        Ok(Running { child, name, bundle, log, signal })
    }

    fn specification(&self, name: &str, args: &[&str]) -> Value {
        let words = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().filter_map(|word| Some(word.as_str()?.to_owned())).collect()
        };
        let mut command = words(&self.config["Entrypoint"]);
        if args.is_empty() {
            command.extend(words(&self.config["Cmd"]));
        } else {
            command.extend(args.iter().map(|arg| (*arg).to_owned()));
        }
        json!({
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 65532, "gid": 65532},
                "args": command,
                "env": words(&self.config["Env"]),
                "cwd": "/",
                "noNewPrivileges": true,
                "capabilities": {"bounding": [], "effective": [], "permitted": [], "inheritable": [], "ambient": []},
            },
            "root": {"path": self.root, "readonly": true},
            "hostname": "check",
            "mounts": self.mounts,
            "linux": {
                "cgroupsPath": format!("/elastic-chat/{name}"),
                "namespaces": NAMESPACES.map(|kind| json!({"type": kind})),
                "maskedPaths": MASKED,
            },
        })
    }
}

fn system_mounts() -> Vec<Value> {
    vec![
        json!({"destination": "/proc", "type": "proc", "source": "proc"}),
        json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}),
        json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}),
    ]
}

/// A container that runs. It is killed when this is dropped.
pub struct Running {
    child: Child,
    name: String,
    bundle: tempfile::TempDir,
    log: std::fs::File,
    signal: String,
}

impl Running {
    /// Waits until an address within its network answers with that status and, somewhere, that text.
    ///
    /// # Errors
    /// It ended, or did not answer so.
    pub fn answers(&mut self, address: &str, status: u16, text: &str) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut last = String::new();
        while begin.elapsed() < PATIENCE {
            if let Some(ended) = self.child.try_wait()? {
                bail!("it ended with {ended}:\n{}", self.said());
            }
            // curl writes the status behind the body.
            if let Ok(answer) = self.ask(address) {
                if answer.ends_with(&status.to_string()) && answer.contains(text) {
                    return Ok(());
                }
                last = answer;
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{address} did not answer {status} {text:?}, but {last:?}. It said:\n{}", self.said())
    }

    fn ask(&self, address: &str) -> anyhow::Result<String> {
        let pid = std::fs::read_to_string(self.bundle.path().join("pid"))?;
        let mut curl = Command::new("nsenter");
        curl.arg(format!("--net=/proc/{}/ns/net", pid.trim())).args(["curl", "--silent", "--max-time", "5"]);
        output(curl.args(["--write-out", "%{http_code}", address]))
    }

    /// Asks it to end, as the image says, and waits.
    ///
    /// # Errors
    /// It did not end in time, or not cleanly.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        output(self.runc("kill").args([&self.name, &self.signal]))?;
        self.wait()
    }

    /// Waits for its end, and gives what it said.
    ///
    /// # Errors
    /// It did not end in time, or not cleanly.
    pub fn finish(mut self) -> anyhow::Result<String> {
        self.wait()?;
        Ok(self.said())
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(ended) = self.child.try_wait()? {
                ensure!(ended.success(), "it ended with {ended}:\n{}", self.said());
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("it did not end within {} s:\n{}", PATIENCE.as_secs(), self.said())
    }

    fn said(&mut self) -> String {
        let mut text = String::new();
        let _ = self.log.rewind();
        let _ = self.log.read_to_string(&mut text);
        text
    }

    fn runc(&self, subcommand: &str) -> Command {
        let mut runc = Command::new("runc");
        runc.arg("--root").arg(self.bundle.path().join("state")).arg(subcommand);
        runc
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = output(self.runc("delete").args(["--force", &self.name]));
        let _ = self.child.wait();
    }
}
