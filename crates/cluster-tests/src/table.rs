//! The fault table: a line for each trial, in the folder of the fault tests.

use std::io::Write as _;
use std::path::PathBuf;

use elastic_chat_load::history::Rule;
use elastic_chat_load::report::Report;

use crate::course::Trouble;

const HEAD: &str = "| fault | load (msg/s) | acked | lost | doubled | disordered | other | acks back after (s) | longest ack gap (s) | longest delivery gap (s) | refetches |\n|---|---|---|---|---|---|---|---|---|---|---|\n";

/// Adds a line. What was broken, and the refetches, are those of the whole trial.
pub fn note(name: &str, rate: f64, acked: u64, report: &Report, trouble: &Trouble) {
    let Some(folder) = std::env::var_os("ELASTIC_CHAT_FAULTS_DIR").map(PathBuf::from) else { return };
    let path = folder.join("table.md");
    let new = !path.exists();
    let verdict = &report.history;
    let lost = verdict.count(Rule::Lost) + verdict.count(Rule::LostLive);
    let doubled = verdict.count(Rule::Doubled);
    let disordered = verdict.count(Rule::Order) + verdict.count(Rule::RevOrder) + verdict.count(Rule::Hole);
    let line = format!(
        "| {} | {} | {} | {lost} | {doubled} | {disordered} | {} | {:.2} | {:.2} | {:.2} | {} |\n",
        name,
        rate,
        acked,
        verdict.violations() - lost - doubled - disordered,
        trouble.acks.as_secs_f64(),
        trouble.ack_gap.as_secs_f64(),
        trouble.delivery_gap.as_secs_f64(),
        report.refetches,
    );
    let written = std::fs::OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| {
        if new {
            file.write_all(HEAD.as_bytes())?;
        }
        file.write_all(line.as_bytes())
    });
    if let Err(error) = written {
        println!("{}: {error}", path.display());
    }
}
