use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::bail;
use chat_cluster::{Adapters, Health, health};
use chat_embedded::{Embedded, check_file};

use crate::config::{Config, check};
use crate::node::SystemClock;

/// For backends that need several tries to be reached.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line for each thing that was looked at; an error when any is not right.
pub fn run(config: &Config) -> anyhow::Result<()> {
    let mut problems = 0;
    let mut report = |name: &str, result: Result<String, String>| match result {
        Ok(detail) => println!("ok      {name}: {detail}"),
        Err(detail) => {
            problems += 1;
            println!("problem {name}: {detail}");
        }
    };
    report("configuration", check(config).map(|()| "is sound".to_owned()).map_err(|error| error.to_string()));
    report("clients' address", free(config.listen));
    report("admin address", free(config.admin));
    if config.cluster.is_cluster() {
        for (name, result) in backends(config)? {
            report(name, result);
        }
    } else {
        report("data folder", folder(config));
    }
    if problems > 0 {
        bail!("{problems} problem(s) found");
    }
    Ok(())
}

/// What each backend answers, as soon as it does, or what it lacks after ten seconds.
fn backends(config: &Config) -> anyhow::Result<Vec<(&'static str, Result<String, String>)>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let adapters = Adapters::open(&config.cluster, "chat-node doctor")?;
        let begin = Instant::now();
        let health = loop {
            let health = health(&*adapters.log, &*adapters.tail, &*adapters.store).await;
            if begin.elapsed() > PATIENCE || health.iter().all(|health| health.problem.is_none()) {
                break health;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        adapters.close().await;
        let told = |health: Health| (health.name, health.problem.map_or_else(|| Ok("answers".to_owned()), Err));
        Ok(health.into_iter().map(told).collect())
    })
}

fn free(address: SocketAddr) -> Result<String, String> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => Err(format!("cannot listen on {address}: {error}. Stop what runs there, or choose another port")),
    }
}

fn folder(config: &Config) -> Result<String, String> {
    let folder = &config.data_dir;
    if !folder.exists() {
        return Ok(format!("{} will be created", folder.display()));
    }
    let opened = Embedded::open(folder, std::sync::Arc::new(SystemClock)).map_err(|error| error.to_string())?;
    let found = check_file(&folder.join("chat.db")).map_err(|error| format!("the database cannot be read: {error}"))?;
    drop(opened);
    if found.is_empty() {
        return Ok(format!("{} is sound", folder.display()));
    }
    Err(format!("the database is damaged: {}. Restore the last backup into an empty folder", found.join("; ")))
}
