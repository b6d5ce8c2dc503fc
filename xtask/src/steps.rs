//! The steps of `./dev test`: what is cheap first, what others need before them.

mod browser;
mod charts;
mod codedeploy;
mod docs;
mod gitops;
mod images;
mod kubernetes;
mod policy;
mod rust;
mod servers;
mod terraform;
mod tree;
mod web;

use crate::monitoring::check as monitoring;

pub use docs::generate as generate_docs;

pub struct Step {
    pub name: &'static str,
    pub what: &'static str,
    /// Steps without which this one can't be: it is skipped when one of them failed.
    pub needs: &'static [&'static str],
    /// Left out by `--fast`.
    pub slow: bool,
    /// Takes a node that runs pods: left out by `--no-cluster`, and where none can run.
    pub node: bool,
    /// A note for the summary, or what went wrong.
    pub run: fn() -> anyhow::Result<String>,
}

const fn step(name: &'static str, what: &'static str, run: fn() -> anyhow::Result<String>) -> Step {
    Step { name, what, needs: &[], slow: false, node: false, run }
}

impl Step {
    const fn needs(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    const fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    const fn node(mut self) -> Self {
        self.node = true;
        self
    }
}

pub const STEPS: &[Step] = &[
    step("tree", "lock files name no mirror, nothing is left to do, no file is too long", tree::tree),
    step("format", "rustfmt", rust::format),
    step("shell", "shellcheck", policy::shell),
    step("spelling", "typos", policy::spelling),
    step("workflow", "actionlint and zizmor read the workflows", policy::workflow),
    step("release", "crates, charts and changelog are of one version", policy::release),
    step("deny", "licences, banned crates, sources", policy::deny),
    step("unused", "dependencies that nothing uses", policy::unused),
    step("codedeploy", "what the CodeDeploy agent reads", codedeploy::codedeploy),
    step("web-install", "npm ci", web::install),
    step("web-check", "Biome, TypeScript, knip", web::check).needs(&["web-install"]),
    step("web-test", "vitest", web::test).needs(&["web-install"]),
    step("web-build", "the bundle", web::build).needs(&["web-install"]),
    step("web-size", "the first load fits its budget", web::size).needs(&["web-build"]),
    step("argocd", "Argo CD's health of a ChatCluster", policy::health),
    step("alerts", "rules and dashboards: current, of metrics that there are, tried by promtool", monitoring::alerts),
    step("clippy", "all targets, no warnings", rust::clippy),
    step("rust-test", "nextest, but for what needs servers", rust::test).slow(),
    step("real", "tests against real Redis, Kafka, Cassandra and S3", servers::real).slow(),
    step("faults", "tests that kill nodes, writers and servers, one at a time", servers::faults).slow(),
    step("api", "the operator's tests against a real Kubernetes API server", kubernetes::api).slow(),
    step("doc-test", "examples in the documentation", rust::doc_test).slow(),
    step("openapi", "docs/reference/openapi.json is what the node says", rust::openapi_drift).slow(),
    step("web-types", "the client's types are those of openapi.json", web::types_drift).needs(&["web-install"]),
    step("docs", "the book: builds, links, commands, and what is generated", docs::docs).slow(),
    step("charts", "the Helm charts: lint, kubeconform, and what must hold", charts::charts).slow(),
    step(
        "gitops",
        "what Argo CD and Flux are given, on a real API server: a second time changes nothing",
        gitops::gitops,
    )
    .slow(),
    step(
        "terraform",
        "AWS: every module and root against the providers' schemas, and their tests",
        terraform::terraform,
    )
    .slow(),
    step("images", "each image built without Docker, and run on a root that can't be written", images::images)
        .needs(&["web-build"])
        .slow(),
    step(
        "cluster",
        "end to end on a node that runs pods: chat, a spike and back, evictions, an update, failover",
        kubernetes::node,
    )
    .needs(&["images"])
    .slow()
    .node(),
    step("browser", "Playwright against a node on an empty folder", browser::browser)
        .needs(&["web-build", "openapi"])
        .slow(),
    step("browser-nodes", "the same against three nodes behind nginx", browser::nodes)
        .needs(&["web-build", "openapi"])
        .slow(),
];
