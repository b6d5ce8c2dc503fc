use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use elastic_chat_load::bench::Figure;
use elastic_chat_load::machine::{Machine, machine};
use serde::Serialize;

use crate::args::Args;

/// Cores busy with each kind of process, for each run.
type Cores = BTreeMap<String, Vec<f64>>;

/// Everything that was measured.
#[derive(Serialize)]
pub struct Results {
    machine: Machine,
    /// Before the stack was started: what else ran. Of the last 1, 5 and 15 minutes.
    load_average: String,
    args: Args,
    pub figures: Vec<Figure>,
    cores: Vec<(&'static str, Cores)>,
}

impl Results {
    pub fn new(args: &Args) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            machine: machine(),
            load_average: load.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
            args: args.clone(),
            figures: Vec::new(),
            cores: Vec::new(),
        }
    }

    /// Where the time of a run went.
    pub fn cores(&mut self, what: &'static str, cores: BTreeMap<String, f64>) {
        let line = cores.iter().map(|(kind, cores)| format!("{kind} {cores:.2}")).collect::<Vec<_>>().join(", ");
        println!("  cores      {line}");
        if self.cores.last().is_none_or(|(last, _)| *last != what) {
            self.cores.push((what, Cores::new()));
        }
        let Some((_, all)) = self.cores.last_mut() else { return };
        for (kind, cores) in cores {
            all.entry(kind).or_default().push(cores);
        }
    }

    /// Prints, and writes where it is wanted. True when no promise was broken.
    pub fn publish(&self, path: Option<&Path>) -> anyhow::Result<bool> {
        let Machine { cpu, cores, memory_gib, kernel } = &self.machine;
        println!(
            "\nMachine: {cpu}, {cores} cores, {memory_gib} GiB, Linux {kernel}. Load before: {}.\n",
            self.load_average
        );
        println!("| figure | median | min – max | runs | goal | violations |");
        println!("|---|---:|---:|---:|---|---:|");
        for figure in &self.figures {
            println!("{figure}");
        }
        self.print_cores();
        if let Some(path) = path {
            std::fs::write(path, serde_json::to_vec_pretty(self)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(self.figures.iter().all(|figure| figure.violations == 0))
    }

    fn print_cores(&self) {
        let mut kinds: Vec<&String> = self.cores.iter().flat_map(|(_, cores)| cores.keys()).collect();
        kinds.sort();
        kinds.dedup();
        if kinds.is_empty() {
            return;
        }
        let titles: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        println!("\n| cores busy with (median) | {} |", titles.join(" | "));
        println!("|---|{}", "---:|".repeat(kinds.len()));
        for (what, cores) in &self.cores {
            let cells = kinds.iter().map(|kind| cores.get(*kind).map_or_else(String::new, |runs| median(runs)));
            println!("| {what} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
    }
}

fn median(runs: &[f64]) -> String {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).map_or_else(String::new, |median| format!("{median:.2}"))
}
