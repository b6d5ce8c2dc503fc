//! What the kernel says of this process (Linux; zeros elsewhere).

/// Kernel ticks in a second, as `/proc` counts them: 100 on every Linux that Rust supports.
const TICKS: f64 = 100.0;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    pub resident_bytes: u64,
    /// User and system time since its start.
    pub cpu_seconds: f64,
    pub threads: u64,
}

pub fn reading() -> Reading {
    reading_of("self").unwrap_or_default()
}

/// Of another process, by its id. `None` when it is gone.
pub fn reading_of(pid: &str) -> Option<Reading> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name is in parentheses and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let resident_bytes = number("VmRSS:")? * 1024;
    Some(Reading { resident_bytes, cpu_seconds: ticks / TICKS, threads: number("Threads:")? })
}

/// Files and sockets that this process has open.
pub fn open_files() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory() {
        assert!(reading().resident_bytes > 100_000);
        assert_eq!(reading_of("0"), None);
    }
}
