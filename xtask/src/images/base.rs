//! The bases, made of packages of the Debian or Ubuntu that this machine runs: its binaries are linked with the same libc.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::Image;
use super::buildah::{Working, buildah, has};
use crate::process::output;

/// Number it up when something below changes.
const RECIPE: &str = "1";
/// As in the public bases that have no root.
const USER: u32 = 65_532;

const PASSWD: &str = "\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n";
/// Without it glibc asks DNS before it reads /etc/hosts.
const NSSWITCH: &str = "hosts: files dns\n";

struct Base {
    name: &'static str,
    packages: &'static [&'static str],
    /// All programs that stay.
    programs: &'static [&'static str],
}

/// What a binary of ours is linked with: Kafka's client takes OpenSSL.
const BINARY: Base = Base {
    name: "binary",
    packages: &["base-files", "ca-certificates", "libc6", "libgcc-s1", "libssl3", "tzdata"],
    programs: &[],
};

const NGINX: Base = Base {
    name: "nginx",
    packages: &["base-files", "ca-certificates", "libc6", "nginx-light", "tzdata"],
    programs: &["usr/sbin/nginx"],
};

/// What nobody reads in a container. Licences stay.
const NOT_NEEDED: [&str; 13] = [
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/perl",
    "usr/share/perl5",
    // Leap seconds.
    "usr/share/zoneinfo/right",
    "usr/lib/nginx",
    "usr/share/nginx",
    "var/cache/apt",
    "var/lib/apt",
    "var/log",
];
/// Below `usr/lib/ARCHITECTURE-linux-gnu`: 8 MB of character sets, and what debconf is written in.
const NOT_NEEDED_LIBRARIES: [&str; 3] = ["gconv", "perl", "perl-base"];
const PROGRAMS: [&str; 4] = ["bin", "sbin", "usr/bin", "usr/sbin"];

/// The name of the base that an image stands on, made when it is not there.
///
/// # Errors
/// The packages can't be had.
pub fn of(image: Image) -> anyhow::Result<String> {
    let base = if image == Image::Web { &NGINX } else { &BINARY };
    let suite = suite()?;
    let mut hash = DefaultHasher::new();
    (RECIPE, &suite, base.packages).hash(&mut hash);
    let name = format!("localhost/elastic-chat/base-{}:{:016x}", base.name, hash.finish());
    if !has(&name) {
        println!("   making a base of {} ({suite})", base.packages.join(", "));
        let root = tempfile::tempdir()?;
        // Readable for everybody: it becomes the image's root.
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755))?;
        base.extract(root.path(), &suite)?;
        base.prepare(root.path())?;
        commit(root.path(), &name)?;
    }
    Ok(name)
}

/// Removes both, so that they are made anew.
///
/// # Errors
/// buildah can't remove one that is there.
pub fn forget() -> anyhow::Result<()> {
    let listed = output(buildah("images").args(["--format", "{{.Name}}:{{.Tag}}"]))?;
    for name in listed.lines().filter(|name| name.contains("/elastic-chat/base-")) {
        output(buildah("rmi").arg(name))?;
    }
    Ok(())
}

/// `bookworm`, for example.
fn suite() -> anyhow::Result<String> {
    let release = std::fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let found = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(found
        .context("bases are made of Debian's or Ubuntu's packages: elsewhere use --docker")?
        .trim_matches('"')
        .to_owned())
}

impl Base {
    /// Unpacks them and what they depend on, and runs none of their scripts: so no shell is needed, and it takes seconds.
    fn extract(&self, root: &Path, suite: &str) -> anyhow::Result<()> {
        let packages = format!("--include={}", self.packages.join(","));
        let mut extract = Command::new("mmdebstrap");
        output(extract.args(["--quiet", "--variant=extract", &packages, suite]).arg(root)).map(drop)
    }

    /// What the scripts would have made, and then only what is needed.
    fn prepare(&self, root: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(root.join("etc/ssl/certs"))?;
        std::fs::write(root.join("etc/ssl/certs/ca-certificates.crt"), authorities(root)?)?;
        std::fs::write(root.join("etc/passwd"), PASSWD)?;
        std::fs::write(root.join("etc/group"), GROUP)?;
        std::fs::write(root.join("etc/nsswitch.conf"), NSSWITCH)?;
        self.remove_programs(root)?;
        for folder in NOT_NEEDED {
            remove(&root.join(folder))?;
        }
        for libraries in std::fs::read_dir(root.join("usr/lib"))? {
            let libraries = libraries?.path();
            if libraries.to_string_lossy().ends_with("-linux-gnu") {
                NOT_NEEDED_LIBRARIES.iter().try_for_each(|folder| remove(&libraries.join(folder)))?;
            }
        }
        only_copyrights(&root.join("usr/share/doc"))?;
        for (folder, mode, owner) in [("tmp", 0o1777, 0), ("home/nonroot", 0o700, USER), ("var/log", 0o755, 0)] {
            let path = root.join(folder);
            std::fs::create_dir_all(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
            chown(&path, Some(owner), Some(owner))?;
        }
        if self.name == NGINX.name {
            // Ours come with the image.
            for folder in ["sites-enabled", "sites-available", "modules-enabled", "conf.d", "snippets"] {
                remove(&root.join("etc/nginx").join(folder))?;
            }
            std::fs::create_dir_all(root.join("usr/share/nginx/html"))?;
            // Its compiled-in log is opened before the configuration is read.
            std::fs::create_dir_all(root.join("var/log/nginx"))?;
        }
        Ok(())
    }

    fn remove_programs(&self, root: &Path) -> anyhow::Result<()> {
        for folder in PROGRAMS.map(|folder| root.join(folder)).iter().filter(|folder| !folder.is_symlink()) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry?.path();
                if !self.programs.iter().any(|program| root.join(program) == path) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }
}

/// All of Mozilla's, in one file under the name where every TLS client looks.
fn authorities(root: &Path) -> anyhow::Result<String> {
    let folder = root.join("usr/share/ca-certificates/mozilla");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let texts: Vec<String> = files.iter().map(std::fs::read_to_string).collect::<std::io::Result<_>>()?;
    Ok(texts.concat())
}

fn only_copyrights(folder: &Path) -> anyhow::Result<()> {
    for package in std::fs::read_dir(folder).into_iter().flatten() {
        let package = package?.path();
        if !package.is_dir() || package.is_symlink() {
            continue;
        }
        for entry in std::fs::read_dir(package)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name != "copyright") {
                remove(&path)?;
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    };
    removed.with_context(|| path.display().to_string())
}

fn commit(root: &Path, name: &str) -> anyhow::Result<()> {
    // A folder's files would all become root's; an archive's keep their owners.
    let archive = tempfile::NamedTempFile::with_suffix(".tar")?;
    output(
        Command::new("tar").arg("--directory").arg(root).arg("--create").arg("--file").arg(archive.path()).arg("."),
    )?;
    let working = Working::from("scratch")?;
    output(buildah("add").args(["--quiet", &working.name]).arg(archive.path()).arg("/"))?;
    let user = format!("{USER}:{USER}");
    let mut configure = buildah("config");
    configure.args(["--user", &user, "--workingdir", "/"]);
    output(configure.args(["--env", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", &working.name]))?;
    output(buildah("commit").args(["--quiet", &working.name, name])).map(drop)
}
