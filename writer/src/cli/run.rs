use service_kit::{build, shutdown, telemetry};

use crate::app::{App, backends};
use crate::config::Config;

pub fn run(config: &Config) -> anyhow::Result<()> {
    let settings = config.settings()?;
    telemetry::init(config.log_format == "json", &config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tracing::info!(version = build::version(), commit = build::commit(), "writer starts");
        let app = App::start(settings, backends(&config.cluster)?).await?;
        let signal = shutdown::requested().await?;
        tracing::info!(signal, "stopping");
        app.shutdown().await;
        Ok(())
    })
}
