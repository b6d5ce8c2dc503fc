use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Sends logs to standard error: sentences for people, or JSON for machines.
///
/// # Errors
/// `filter` is not in the form of RUST_LOG, or logging was begun before.
pub fn init(json: bool, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let result = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    };
    result.map_err(|error| anyhow::anyhow!("{error}"))
}
