//! Which images an environment runs: two files of `deploy/gitops` that nothing else is written in, so that a deployment is one
//! small commit, and taking it back is reverting that commit.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::process::root;

const HEAD: &str = "# Made by `./dev release bump`: don't edit.\n";

#[derive(clap::Args)]
pub struct Args {
    /// A folder of deploy/gitops/chat/overlays: dev, prod
    #[arg(long)]
    env: String,
    /// What stands before the images' names, such as 111122223333.dkr.ecr.eu-central-1.amazonaws.com/elastic-chat
    #[arg(long)]
    repository: String,
    /// The images' tag, when they are not named by digest
    #[arg(long, required_unless_present = "digest", conflicts_with = "digest")]
    tag: Option<String>,
    /// NAME=sha256:…, once for each of chat-node, writer, web and operator
    #[arg(long, value_name = "NAME=DIGEST")]
    digest: Vec<String>,
}

/// # Errors
/// There is no such environment, or a digest is missing or none.
pub fn bump(args: &Args) -> anyhow::Result<()> {
    bump_in(&root().join("deploy/gitops"), args)
}

fn bump_in(gitops: &Path, args: &Args) -> anyhow::Result<()> {
    let plain =
        !args.env.is_empty() && args.env.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    ensure!(plain, "{}: an environment's name has a-z, 0-9 and - only", args.env);
    let chat = file(gitops, &format!("chat/overlays/{}/image.yaml", args.env))?;
    let operator = file(gitops, &format!("operator/{}/image.yaml", args.env))?;
    let repository = args.repository.trim_end_matches('/');
    ensure!(!repository.is_empty() && !repository.contains("://"), "{repository}: a repository has no scheme");
    let (mut image, mut values) =
        (json!({"repository": repository}), json!({"repository": format!("{repository}/operator")}));
    if let Some(tag) = &args.tag {
        ensure!(!tag.is_empty() && tag != "latest", "{tag:?} is no version: it may be another image tomorrow");
        image["tag"] = json!(tag);
        values["tag"] = json!(tag);
    } else {
        let digest = |name: &str| digest_of(&args.digest, name);
        image["digests"] =
            json!({"chatNode": digest("chat-node")?, "writer": digest("writer")?, "web": digest("web")?});
        values["digest"] = digest("operator")?.into();
        ensure!(args.digest.len() == 4, "one digest for each of chat-node, writer, web and operator");
    }
    let patch = json!({
        "apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster",
        "metadata": {"name": "chat"}, "spec": {"image": image},
    });
    write(&chat, &patch)?;
    write(&operator, &json!({"image": values}))
}

/// A file that is there already: an environment is made by a person.
fn file(gitops: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let file = gitops.join(path);
    ensure!(file.is_file(), "there is no {}: no such environment", file.display());
    Ok(file)
}

fn digest_of(digests: &[String], name: &str) -> anyhow::Result<String> {
    let mut found = digests.iter().filter_map(|given| given.strip_prefix(name)?.strip_prefix('='));
    let digest = found.next().with_context(|| format!("--digest {name}=sha256:… is missing"))?;
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    let sound = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(sound, "{digest} is no digest: sha256: and 64 hexadecimal digits");
    ensure!(found.next().is_none(), "two digests for {name}");
    Ok(digest.to_owned())
}

fn write(file: &Path, content: &Value) -> anyhow::Result<()> {
    std::fs::write(file, format!("{HEAD}{}", serde_yaml_ng::to_string(content)?))?;
    println!("{}", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(tag: Option<&str>, digests: &[&str]) -> Args {
        Args {
            env: "dev".to_owned(),
            repository: "registry.example.com/chat/".to_owned(),
            tag: tag.map(str::to_owned),
            digest: digests.iter().map(|digest| (*digest).to_owned()).collect(),
        }
    }

    fn environment() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["chat/overlays/dev", "operator/dev"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(&path).expect("made");
            std::fs::write(path.join("image.yaml"), "# before\n").expect("written");
        }
        folder
    }

    fn read(folder: &Path, path: &str) -> Value {
        let text = std::fs::read_to_string(folder.join(path)).expect("there");
        assert!(text.starts_with(HEAD), "{text}");
        serde_yaml_ng::from_str(&text).expect("YAML")
    }

    #[test]
    fn an_environment_takes_four_digests_or_a_tag() {
        let folder = environment();
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let all = ["chat-node", "writer", "web", "operator"].map(|name| format!("{name}={}", digest("a")));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        bump_in(folder.path(), &args(None, &all)).expect("bumped");
        let chat = read(folder.path(), "chat/overlays/dev/image.yaml");
        assert_eq!(chat["spec"]["image"]["repository"], "registry.example.com/chat");
        assert_eq!(chat["spec"]["image"]["digests"]["chatNode"], digest("a"));
        assert_eq!(chat["spec"]["image"].get("tag"), None);
        let values = read(folder.path(), "operator/dev/image.yaml");
        assert_eq!(values["image"]["repository"], "registry.example.com/chat/operator");
        assert_eq!(values["image"]["digest"], digest("a"));
        bump_in(folder.path(), &args(Some("1.2.3"), &[])).expect("bumped");
        assert_eq!(read(folder.path(), "chat/overlays/dev/image.yaml")["spec"]["image"]["tag"], "1.2.3");
    }

    #[test]
    fn what_can_not_be_is_refused_and_nothing_is_written() {
        let folder = environment();
        let short = format!("chat-node=sha256:{}", "a".repeat(63));
        let mut elsewhere = args(Some("1"), &[]);
        elsewhere.env = "../prod".to_owned();
        let mut missing = args(Some("1"), &[]);
        missing.env = "staging".to_owned();
        for (args, says) in [
            (args(None, &[&short]), "is no digest"),
            (args(None, &["writer=x"]), "chat-node=sha256:… is missing"),
            (args(Some("latest"), &[]), "is no version"),
            (elsewhere, "a-z, 0-9 and -"),
            (missing, "no such environment"),
        ] {
            let error = bump_in(folder.path(), &args).expect_err(says).to_string();
            assert!(error.contains(says), "{error}");
        }
        let untouched = std::fs::read_to_string(folder.path().join("chat/overlays/dev/image.yaml")).expect("there");
        assert_eq!(untouched, "# before\n");
    }
}
