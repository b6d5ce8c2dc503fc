use chat_cluster::ConfigProblems;

use super::Config;

/// Checks what single values can't tell.
pub fn check(config: &Config) -> Result<(), ConfigProblems> {
    let mut problems = Vec::new();
    let mut require = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    require(
        config.listen != config.admin || config.listen.port() == 0,
        format!("--listen and --admin are both {}: give them different ports", config.listen),
    );
    require(
        (1..=3600).contains(&config.heartbeat_seconds),
        format!("--heartbeat-seconds is {}, 1 to 3600 are possible", config.heartbeat_seconds),
    );
    require(
        config.drain_seconds <= 3600,
        format!("--drain-seconds is {}, at most 3600 are possible", config.drain_seconds),
    );
    require(
        (1..=3600).contains(&config.session_check_seconds),
        format!("--session-check-seconds is {}, 1 to 3600 are possible", config.session_check_seconds),
    );
    require(
        matches!(config.log_format.as_str(), "text" | "json"),
        format!("--log-format is {:?}, text and json are possible", config.log_format),
    );
    for origin in &config.allowed_origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        require(
            host.is_some_and(|host| !host.is_empty() && !host.contains('/')),
            format!("--allowed-origin {origin:?} is not scheme://host[:port]"),
        );
    }
    let limits = &config.limits;
    for (flag, limit, least) in [
        ("--limit-connections-per-user", limits.connections_per_user, 1),
        ("--limit-frame-bytes", limits.frame_bytes, 1024),
        ("--limit-text-chars", limits.text_chars, 1),
        ("--limit-group-members", limits.group_members, 2),
        ("--limit-file-bytes", limits.file_bytes, 1),
        ("--limit-queue-bytes", limits.queue_bytes, 16_384),
    ] {
        if let Some(bound) = limit.get() {
            require(bound >= least, format!("{flag} is {bound}, at least {least} is needed (or `off`)"));
        }
    }
    if let Some(file) = &config.admin_token_file
        && let Err(error) = service_kit::admin::check_token_file(file)
    {
        problems.push(format!("--admin-token-file: {error}"));
    }
    if config.cluster.is_cluster() {
        problems.extend(config.cluster.problems());
    }
    if let Some(address) = config.blobs.s3.as_deref().filter(|address| *address != "aws")
        && !address.starts_with("http://")
        && !address.starts_with("https://")
    {
        problems.push(format!("--s3 {address:?} is neither `aws` nor http(s)://host[:port]"));
    }
    if problems.is_empty() { Ok(()) } else { Err(ConfigProblems(problems)) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Args {
        #[command(flatten)]
        config: Config,
    }

    fn config(args: &[&str]) -> Config {
        Args::try_parse_from(std::iter::once(&"chat-node").chain(args)).expect("parses").config
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(check(&config(&[])), Ok(()));
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let bad = config(&[
            "--listen=127.0.0.1:1",
            "--admin=127.0.0.1:1",
            "--heartbeat-seconds=0",
            "--allowed-origin=ftp://x",
            "--limit-frame-bytes=1",
            "--log-format=xml",
            "--admin-token-file=/does/not/exist",
        ]);
        assert_eq!(check(&bad).expect_err("six problems").0.len(), 6);
    }
}
