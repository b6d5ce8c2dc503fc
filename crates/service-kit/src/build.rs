/// Version of the package, and the commit when the build knew it.
pub const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

pub fn commit() -> &'static str {
    option_env!("ELASTIC_CHAT_COMMIT").unwrap_or("unknown")
}
