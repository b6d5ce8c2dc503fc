use service_kit::{build, shutdown, telemetry};

use crate::app::App;
use crate::config::{Config, check};

pub fn run(config: Config) -> anyhow::Result<()> {
    check(&config)?;
    telemetry::init(config.log_format == "json", &config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tracing::info!(version = build::version(), commit = build::commit(), "chat-node starts");
        let app = App::start(config)?;
        let signal = shutdown::requested().await?;
        tracing::info!(signal, "stopping");
        app.shutdown().await;
        Ok(())
    })
}
