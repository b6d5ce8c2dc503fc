use chat_cluster::Projection;
use prometheus_client::registry::Registry;
use service_kit::{build, shutdown, telemetry};

use crate::Backends;
use crate::app::App;
use crate::config::Config;

pub fn run(config: &Config) -> anyhow::Result<()> {
    let settings = config.settings()?;
    telemetry::init(config.log_format == "json", &config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tracing::info!(version = build::version(), commit = build::commit(), "writer starts");
        let projection = Projection::open(&config.cluster)?;
        let mut registry = Registry::default();
        projection.register(&mut registry);
        let app = App::start(settings, Backends::from(&projection), registry).await?;
        let signal = shutdown::requested().await?;
        tracing::info!(signal, "stopping");
        app.shutdown().await;
        projection.close().await;
        Ok(())
    })
}
