//! Runs the steps of `./dev test` and sums them up.

use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;

use crate::files::changes;
use crate::steps::{STEPS, Step};

#[derive(clap::Args)]
pub struct Args {
    /// Only these steps, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = names())]
    only: Vec<String>,
    /// Not these steps
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = names())]
    skip: Vec<String>,
    /// Only what takes seconds: no tests that build or start a node
    #[arg(long)]
    fast: bool,
    /// Without the tests that take a Kubernetes node of their own
    #[arg(long)]
    no_cluster: bool,
    /// Fail where no Kubernetes node can run, instead of leaving its tests out: it takes root, namespaces and control groups
    #[arg(long, conflicts_with = "no_cluster")]
    cluster: bool,
    /// Print the steps' names
    #[arg(long)]
    list: bool,
}

/// A misspelt name is an error, not a run without that step.
fn names() -> PossibleValuesParser {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().into()
}

enum Outcome {
    Passed(String),
    Failed,
    Skipped(String),
}

/// Runs every step, also after one failed, and ends with a summary.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.list {
        for Step { name, what, .. } in STEPS {
            println!("{name:<13} {what}");
        }
        return Ok(());
    }
    let before = changes()?;
    let mut outcomes: Vec<(&Step, Outcome, Duration)> = Vec::new();
    for step in STEPS {
        let begin = Instant::now();
        let broken = step.needs.iter().find(|need| {
            outcomes.iter().any(|(earlier, outcome, _)| earlier.name == **need && matches!(outcome, Outcome::Failed))
        });
        let outcome = match broken {
            _ if !wanted(args, step) => Outcome::Skipped(String::new()),
            Some(need) => Outcome::Skipped(format!("needs {need}")),
            None => match without_node(args, step) {
                Some(why) => Outcome::Skipped(why),
                None => perform(step),
            },
        };
        outcomes.push((step, outcome, begin.elapsed()));
    }
    // Last of all: what was tested is what git has, and testing changed nothing.
    let after = changes()?;
    if after != before {
        println!("── the run changed the checkout: git status said\n{before}and says now\n{after}");
    }
    summary(&outcomes, after == before)
}

fn wanted(args: &Args, step: &Step) -> bool {
    let named = |list: &[String]| list.iter().any(|name| name == step.name);
    (args.only.is_empty() || named(&args.only)) && !named(&args.skip) && !(args.fast && step.slow)
}

/// Why a step that takes a node is left out.
fn without_node(args: &Args, step: &Step) -> Option<String> {
    if !step.node || args.cluster {
        return None;
    }
    if args.no_cluster {
        return Some("--no-cluster: nothing was tried on a node that runs pods".to_owned());
    }
    let missing = local_cluster::missing();
    (!missing.is_empty()).then(|| format!("no node that runs pods can be started here: {}", missing.join("; ")))
}

fn perform(step: &Step) -> Outcome {
    println!("── {}: {}", step.name, step.what);
    match (step.run)() {
        Ok(note) => Outcome::Passed(note),
        Err(error) => {
            println!("{error:#}\n── {} FAILED", step.name);
            Outcome::Failed
        }
    }
}

fn summary(outcomes: &[(&Step, Outcome, Duration)], clean: bool) -> anyhow::Result<()> {
    println!("\nstep          result   seconds");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (Step { name, .. }, outcome, took) in outcomes {
        let (word, note, count) = match outcome {
            Outcome::Passed(note) => ("ok", note.as_str(), &mut passed),
            Outcome::Failed => ("FAILED", "", &mut failed),
            Outcome::Skipped(why) => ("skipped", why.as_str(), &mut skipped),
        };
        *count += 1;
        println!("{}", format!("{name:<13} {word:<8} {:>7.1}  {note}", took.as_secs_f64()).trim_end());
    }
    let word = if clean { "ok" } else { "FAILED" };
    *(if clean { &mut passed } else { &mut failed }) += 1;
    println!("{:<13} {word}", "clean");
    let total: Duration = outcomes.iter().map(|(_, _, took)| *took).sum();
    println!("{:<22} {:>7.1}", "", total.as_secs_f64());
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{passed} passed, {failed} failed{skipped}");
    if failed > 0 { std::process::exit(1) } else { Ok(()) }
}
