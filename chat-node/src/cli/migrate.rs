use chat_cluster::{ClusterArgs, ConfigProblems};
use service_kit::telemetry;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Copies of the data: 3, or 1 where there is one server of each
    #[arg(long, env = "ELASTIC_CHAT_REPLICATION", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=16))]
    replication: u16,
    /// Partitions of the log: the most writers that can share it. It never changes within a generation
    #[arg(long, env = "ELASTIC_CHAT_PARTITIONS", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    partitions: u16,
    /// What to log, as in RUST_LOG
    #[arg(long, env = "ELASTIC_CHAT_LOG", default_value = "warn")]
    log: String,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut problems = args.cluster.problems();
    // It is the one thing that a migration does not touch.
    problems.retain(|problem| args.cluster.redis.is_some() || !problem.starts_with("--redis is missing"));
    if !problems.is_empty() {
        return Err(ConfigProblems(problems).into());
    }
    telemetry::init(false, &args.log)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(chat_cluster::migrate(&args.cluster, args.replication, args.partitions))?;
    for line in &done {
        println!("{line}");
    }
    if done.is_empty() {
        println!("topics and tables are as this version needs them");
    }
    Ok(())
}
