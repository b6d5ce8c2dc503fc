use std::pin::pin;

use service_kit::{build, shutdown, telemetry};

use crate::app::App;
use crate::config::{Config, check};

pub fn run(config: Config) -> anyhow::Result<()> {
    check(&config)?;
    telemetry::init(config.log_format == "json", &config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tracing::info!(version = build::version(), commit = build::commit(), "chat-node starts");
        let mut requested = pin!(shutdown::requested());
        let app = if config.cluster.is_cluster() {
            tokio::select! {
                app = App::join(config) => app?,
                signal = &mut requested => {
                    tracing::info!(signal = signal?, "stopping before the node was ready");
                    return Ok(());
                }
            }
        } else {
            App::start(config)?
        };
        let signal = requested.await?;
        tracing::info!(signal, "stopping");
        app.shutdown().await;
        Ok(())
    })
}
