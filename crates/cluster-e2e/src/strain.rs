/// Runnable processes for each core that the cluster and its test make by themselves on the smallest machine, two cores.
const OWN: f64 = 2.0;

/// How many times longer things take because this machine has other work, too: 1 when it has not. By the load of the last minute.
pub fn strain() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    #[allow(clippy::cast_precision_loss)] // cores of one machine
    let each = load / cores as f64;
    (each / OWN).max(1.0)
}
