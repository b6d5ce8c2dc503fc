//! Writing what is generated, and formatting the rest.

use crate::process::{cargo, output, root, run, target};
use crate::{monitoring, steps, web};

pub const OPENAPI: &str = "docs/reference/openapi.json";
pub const TYPES: &str = "web/src/protocol/generated.ts";
/// Each definition, and its copy in the chart.
pub const CRDS: [(&str, &str); 1] = [("crds/chatclusters.yaml", "charts/elastic-chat-crds/files/chatclusters.yaml")];

/// The description as the node's types have it now.
pub fn openapi() -> anyhow::Result<String> {
    let mut run = cargo(&["run", "--quiet", "--package", "chat-node", "--locked", "--", "openapi"]);
    output(run.env("CARGO_INCREMENTAL", "0"))
}

pub fn generate(fast: bool) -> anyhow::Result<()> {
    monitoring::generate()?;
    steps::generate_docs()?;
    if fast {
        return Ok(());
    }
    std::fs::write(root().join(OPENAPI), openapi()?)?;
    let mut definitions = cargo(&["test", "--quiet", "--package", "operator", "--lib", "--locked", "generated"]);
    output(definitions.env("ELASTIC_CHAT_GENERATE", "1").env("CARGO_INCREMENTAL", "0"))?;
    for (crd, copy) in CRDS {
        std::fs::copy(root().join(crd), root().join(copy))?;
    }
    web::install()?;
    run(&mut web::npm(&["run", "--silent", "generate"]))
}

pub fn format() -> anyhow::Result<()> {
    run(&mut cargo(&["fmt", "--all"]))?;
    web::install()?;
    run(&mut web::npm(&["run", "--silent", "format"]))
}

/// Removes what was built and installed. Data and the cache of tools stay.
pub fn clean() -> anyhow::Result<()> {
    for folder in [target(), root().join("web/dist"), root().join("web/node_modules")] {
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => println!("removed {}", folder.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
