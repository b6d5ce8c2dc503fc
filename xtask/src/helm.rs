//! helm and kubeconform, built from Go modules that pin them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde::Deserialize as _;
use serde_json::Value;
use stack::go_files;
use stack::golang::Program;

use crate::process::{command, output, root};

const HELM: Program = Program {
    name: "helm",
    package: "helm.sh/helm/v4/cmd/helm",
    files: go_files!("../go/helm", "tools.go"),
    variables: &[("helm.sh/helm/v4/internal/version.version", "v4.3.1")],
};

const KUBECONFORM: Program = Program {
    name: "kubeconform",
    package: "github.com/yannh/kubeconform/cmd/kubeconform",
    files: go_files!("../go/kubeconform", "tools.go"),
    variables: &[],
};

/// What a namespace is called where the charts' rendering needs one.
pub const NAMESPACE: &str = "elastic-chat-system";
/// The Kubernetes that is rendered for; a chart may ask.
const KUBERNETES: &str = "1.34.0";

/// A chart of `charts/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    Crds,
    Operator,
}

impl Chart {
    pub const ALL: [Self; 2] = [Self::Crds, Self::Operator];

    /// Also what a release of it is called by default.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crds => "elastic-chat-crds",
            Self::Operator => "elastic-chat-operator",
        }
    }

    pub fn folder(self) -> PathBuf {
        root().join("charts").join(self.name())
    }

    /// The value files that every check goes through, in the order of their names.
    ///
    /// # Errors
    /// There are none.
    pub fn cases(self) -> anyhow::Result<Vec<PathBuf>> {
        let folder = self.folder().join("ci");
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut cases: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        cases.sort();
        anyhow::ensure!(!cases.is_empty(), "{} is empty", folder.display());
        Ok(cases)
    }
}

/// A command of helm: with nothing of the machine's own helm, and no cluster unless one is named.
///
/// # Errors
/// It could not be built.
pub fn helm(args: &[&str]) -> anyhow::Result<Command> {
    let mut helm = command(HELM.path()?, args);
    let home = stack::cache::root().join("helm-home");
    for (name, folder) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")] {
        helm.env(name, home.join(folder));
    }
    Ok(helm)
}

/// A command of kubeconform.
///
/// # Errors
/// It could not be built.
pub fn kubeconform() -> anyhow::Result<Command> {
    Ok(command(KUBECONFORM.path()?, &[]))
}

/// Complains about anything that is unusual, for one file of values.
///
/// # Errors
/// With what helm said.
pub fn lint(chart: Chart, values: &Path) -> anyhow::Result<()> {
    let mut lint = helm(&["lint", "--strict", "--quiet", "--kube-version", KUBERNETES, "--values"])?;
    output(lint.arg(values).arg(chart.folder())).map(drop)
}

/// What would be applied, as one text.
///
/// # Errors
/// With what helm said; the values may be refused.
pub fn template(chart: Chart, flags: &[&str]) -> anyhow::Result<String> {
    let mut template = helm(&["template", chart.name()])?;
    template.arg(chart.folder()).args(["--namespace", NAMESPACE, "--kube-version", KUBERNETES]);
    output(template.args(flags))
}

/// The same as a list of objects.
///
/// # Errors
/// What was rendered is no YAML, or has a key twice.
pub fn objects(rendered: &str) -> anyhow::Result<Vec<Value>> {
    let mut objects = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(rendered) {
        let object = Value::deserialize(document)?;
        if !object.is_null() {
            objects.push(object);
        }
    }
    Ok(objects)
}
