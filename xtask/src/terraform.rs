//! Terraform or OpenTofu, with a provider that knows the real ones' schemas and nothing else: those can't be had everywhere, and
//! validating and testing with mocks needs no more.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use stack::go_files;
use stack::golang::Program;

use crate::process::output;

const TOFU: Program = Program {
    name: "tofu",
    package: "github.com/opentofu/opentofu/cmd/tofu",
    files: go_files!("../go/tofu", "tools.go"),
    variables: &[],
};

const STAND_IN: Program = Program {
    name: "stand-in",
    package: ".",
    files: &[
        ("go.mod", include_str!("../../terraform/stand-in/go.mod")),
        ("go.sum", include_str!("../../terraform/stand-in/go.sum")),
        ("main.go", include_str!("../../terraform/stand-in/main.go")),
        ("schema.go", include_str!("../../terraform/stand-in/schema.go")),
        ("schemas.json", include_str!("../../terraform/stand-in/schemas.json")),
    ],
    variables: &[],
};

/// Whose schemas the stand-in has, and of which version.
const PROVIDERS: [(&str, &str); 3] = [("aws", "6.25.0"), ("helm", "3.1.1"), ("random", "3.7.2")];
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// The oldest that knows all that the configurations use: locks of the state in S3.
const OLDEST: (u32, u32) = (1, 10);

/// A program, and a folder that it takes providers from.
#[derive(Debug)]
pub struct Terraform {
    program: PathBuf,
    settings: PathBuf,
    /// Of the program, for messages.
    pub version: String,
}

impl Terraform {
    /// The machine's own terraform or tofu, if it is new enough, else an OpenTofu that is built once. Providers come from
    /// `mirror`, which is filled.
    ///
    /// # Errors
    /// Something could not be built.
    pub fn with_stand_in(mirror: &Path) -> anyhow::Result<Self> {
        let installed = ["tofu", "terraform"].iter().find_map(|name| new_enough(Path::new(name)));
        let (program, version) = match installed {
            Some(found) => found,
            None => (TOFU.path()?, "OpenTofu, built here".to_owned()),
        };
        fill(mirror)?;
        let settings = mirror.join("settings.tfrc");
        let text =
            format!("provider_installation {{\n  filesystem_mirror {{\n    path = {:?}\n  }}\n}}\n", mirror.display());
        std::fs::write(&settings, text)?;
        Ok(Self { program, settings, version })
    }

    /// Runs it in a folder; gives what it printed.
    ///
    /// # Errors
    /// With what it said.
    pub fn run(&self, folder: &Path, args: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(folder).env("TF_CLI_CONFIG_FILE", &self.settings);
        command
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env_remove("TF_DATA_DIR");
        output(&mut command).with_context(|| folder.display().to_string())
    }
}

fn new_enough(program: &Path) -> Option<(PathBuf, String)> {
    let mut asked = Command::new(program);
    // A settings file of the machine that is missing would be complained about before the answer.
    let said =
        output(asked.args(["version", "-json"]).env("CHECKPOINT_DISABLE", "1").env("TF_CLI_CONFIG_FILE", "/dev/null"));
    let answer: serde_json::Value = serde_json::from_str(&said.ok()?).ok()?;
    let version = answer["terraform_version"].as_str()?;
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let found = (numbers.next()??, numbers.next()??);
    (found >= OLDEST).then(|| (program.to_owned(), format!("{} {version}", program.display())))
}

/// The layout of a mirror: REGISTRY/hashicorp/NAME/VERSION/SYSTEM/terraform-provider-NAME_vVERSION.
fn fill(mirror: &Path) -> anyhow::Result<()> {
    let stand_in = STAND_IN.path()?;
    let system = match (std::env::consts::OS, std::env::consts::ARCH) {
        (system, "x86_64") => format!("{}_amd64", go_name(system)),
        (system, "aarch64") => format!("{}_arm64", go_name(system)),
        (system, other) => format!("{}_{other}", go_name(system)),
    };
    for registry in REGISTRIES {
        for (name, version) in PROVIDERS {
            let folder = mirror.join(registry).join("hashicorp").join(name).join(version).join(&system);
            std::fs::create_dir_all(&folder)?;
            let program = folder.join(format!("terraform-provider-{name}_v{version}"));
            // Its name tells the program which schemas to serve.
            std::fs::hard_link(&stand_in, &program).or_else(|_| std::fs::copy(&stand_in, &program).map(drop))?;
        }
    }
    Ok(())
}

fn go_name(system: &str) -> &str {
    if system == "macos" { "darwin" } else { system }
}

/// The folders below `root` that are modules or roots: they have `*.tf` files.
///
/// # Errors
/// A folder can't be read, or there is none.
pub fn configurations(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut found, mut left) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = left.pop() {
        let mut has_any = false;
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                left.push(path);
            } else if path.extension().is_some_and(|kind| kind == "tf") {
                has_any = true;
            }
        }
        if has_any {
            found.push(folder);
        }
    }
    ensure!(!found.is_empty(), "{} has no configuration", root.display());
    found.sort();
    Ok(found)
}
