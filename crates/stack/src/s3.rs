//! S3 on a folder. Objects' metadata are extended attributes: the stack's folder must lie on a file system that has them
//! (ext4, xfs, btrfs, and tmpfs from Linux 6.6).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::golang::VERSITYGW;
use crate::part::Part;
use crate::{Options, Probe, Process};

/// The keys of a throw-away server on loopback: no secret.
pub const ACCESS_KEY: &str = "test";
pub const SECRET_KEY: &str = "testsecret";
/// The bucket of the chat's files. A folder is a bucket; others are made by asking the server.
pub(crate) const BUCKET: &str = "chat-files";

const NAME: &str = "s3";
const FOLDER: &str = "buckets";
const HEALTH: &str = "/_health";

/// versitygw with its POSIX back end.
pub(crate) struct S3 {
    program: PathBuf,
    address: SocketAddr,
}

impl S3 {
    pub fn fetch(options: &Options) -> anyhow::Result<Self> {
        Ok(Self { program: VERSITYGW.path()?, address: options.ports().s3() })
    }
}

impl Part for S3 {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>> {
        let (program, address) = (self.program.display().to_string(), self.address);
        let port = address.to_string();
        let args = [&program, "--port", &port, "--quiet", "--keep-alive", "--health", HEALTH, "posix", FOLDER];
        let probe = Probe::Http { address, path: HEALTH.to_owned() };
        let mut process = Process::new(dir, NAME, address, args.map(str::to_owned).to_vec(), probe);
        let keys = [("ROOT_ACCESS_KEY", ACCESS_KEY), ("ROOT_SECRET_KEY", SECRET_KEY)];
        process.env.extend(keys.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(vec![process])
    }

    fn configure(&self, dir: &Path) -> anyhow::Result<()> {
        Ok(std::fs::create_dir_all(dir.join(NAME).join(FOLDER).join(BUCKET))?)
    }
}
