//! What machine this is, and what processes use.

use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub kernel: String,
}

fn first(path: &str, key: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_once(':').map_or("", |(_, value)| value).trim().to_owned()
}

pub fn machine() -> Machine {
    let kib: u64 = first("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    Machine {
        cpu: first("/proc/cpuinfo", "model name"),
        // Of the machine, not those that this process was pinned to.
        cores: std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default().matches("processor\t").count(),
        memory_gib: kib / (1 << 20),
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
    }
}
