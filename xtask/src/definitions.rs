//! The definitions (CRDs) that others publish, as files: those of Argo CD, Flux, the Gateway API and Envoy Gateway. Their Go
//! modules carry them, and Go's checksums pin what comes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use stack::cache;
use stack::go_files;
use stack::golang::Program;

/// A module that carries definitions.
struct Module {
    /// `path@version`
    name: &'static str,
    /// Go's checksum of all of its files.
    sum: &'static str,
    files: &'static [&'static str],
}

const MODULES: &[Module] = &[
    Module {
        name: "github.com/argoproj/argo-cd/v3@v3.5.7",
        sum: "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=",
        files: &["manifests/crds/application-crd.yaml", "manifests/crds/appproject-crd.yaml"],
    },
    Module {
        name: "github.com/fluxcd/kustomize-controller@v1.9.6",
        sum: "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        files: &["config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml"],
    },
    Module {
        name: "github.com/fluxcd/source-controller@v1.9.0",
        sum: "h1:5msg2yyjVYDULZos+2ve8MZzcSqTpusiXmrOeBhc9yY=",
        files: &["config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml"],
    },
    Module {
        name: "sigs.k8s.io/gateway-api@v1.6.3",
        sum: "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
        files: &[
            "config/crd/standard/gateway.networking.k8s.io_gatewayclasses.yaml",
            "config/crd/standard/gateway.networking.k8s.io_gateways.yaml",
            "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
        ],
    },
    Module {
        name: "github.com/envoyproxy/gateway@v1.9.1",
        sum: "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY=",
        files: &[
            "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_clienttrafficpolicies.yaml",
            "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_backendtrafficpolicies.yaml",
        ],
    },
];

/// Makes a definition of Go types. That of `HelmRelease` is in no module that can be had, its types are.
const CONTROLLER_GEN: Program = Program {
    name: "controller-gen",
    package: "sigs.k8s.io/controller-tools/cmd/controller-gen",
    files: go_files!("../go/helmrelease", "tools.go"),
    variables: &[],
};
const HELM_RELEASE: &str = "github.com/fluxcd/helm-controller/api/v2";

/// A folder with nothing but the definitions, fetched and made when it is not there.
///
/// # Errors
/// A module can't be had, is another than the pinned one, or lacks a file.
pub fn folder() -> anyhow::Result<PathBuf> {
    let mut made_from: Vec<&str> = CONTROLLER_GEN.files.iter().map(|(_, text)| *text).collect();
    for module in MODULES {
        made_from.extend([module.name, module.sum]);
        made_from.extend(module.files);
    }
    cache::folder("definitions", &made_from, |folder| {
        MODULES.iter().try_for_each(|module| module.copy(folder).with_context(|| module.name.to_owned()))?;
        helm_release(folder)
    })
}

impl Module {
    fn copy(&self, folder: &Path) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Fetched {
            dir: PathBuf,
            sum: String,
        }
        let mut download = Command::new("go");
        // Outside of any module: what it needs itself is not asked for.
        download.current_dir(folder).env("GOFLAGS", "-mod=mod").args(["mod", "download", "-json", self.name]);
        let Fetched { dir, sum } = serde_json::from_str(&cache::run(&mut download)?)?;
        ensure!(sum == self.sum, "its checksum is {sum}, pinned is {}", self.sum);
        for file in self.files {
            let name = Path::new(file).file_name().context("a file without a name")?;
            // Written and not copied: Go's files can't be written, and a cache must be removable.
            std::fs::write(folder.join(name), std::fs::read(dir.join(file)).with_context(|| (*file).to_owned())?)?;
        }
        Ok(())
    }
}

fn helm_release(folder: &Path) -> anyhow::Result<()> {
    let generator = CONTROLLER_GEN.path()?;
    // Beside the program is the module that pins the types.
    let module = generator.parent().context("a program without a folder")?;
    let mut generate = Command::new(&generator);
    generate.current_dir(module).env("GOFLAGS", "-mod=readonly").arg("crd").arg(format!("paths={HELM_RELEASE}"));
    cache::run(generate.arg(format!("output:crd:dir={}", folder.display()))).map(drop)
}
