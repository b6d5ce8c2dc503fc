use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::node::{Node, free_port};
use crate::process::{cargo, command, output, root};
use crate::tools::tool;
use crate::{checks, web};

#[derive(clap::Args)]
pub struct Args {
    /// Only these steps (by name, separated by commas)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Not these steps
    #[arg(long, value_delimiter = ',')]
    skip: Vec<String>,
}

type Step = fn() -> anyhow::Result<String>;

/// In this order: what is cheap first, what others need before them.
const STEPS: [(&str, Step); 15] = [
    ("tree", checks::tree),
    ("format", format),
    ("shell", checks::shell),
    ("deny", checks::deny),
    ("web-install", web_install),
    ("web-check", web_check),
    ("web-test", web_test),
    ("web-build", web_build),
    ("web-size", web_size),
    ("clippy", clippy),
    ("rust-test", rust_test),
    ("doc-test", doc_test),
    ("openapi", checks::openapi_drift),
    ("web-types", checks::types_drift),
    ("browser", browser),
];

struct Outcome {
    name: &'static str,
    took: Duration,
    result: Option<anyhow::Result<String>>,
}

/// Runs every step, also after one failed, and ends with a summary.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut outcomes = Vec::new();
    for (name, step) in STEPS {
        let wanted = args.only.is_empty() || args.only.iter().any(|only| only == name);
        let skipped = !wanted || args.skip.iter().any(|skip| skip == name);
        let begin = Instant::now();
        let result = if skipped {
            None
        } else {
            println!("── {name}");
            Some(step())
        };
        if let Some(Err(error)) = &result {
            println!("{error:#}\n── {name} FAILED");
        }
        outcomes.push(Outcome { name, took: begin.elapsed(), result });
    }
    summary(&outcomes)
}

fn summary(outcomes: &[Outcome]) -> anyhow::Result<()> {
    println!("\nstep          result   seconds");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for Outcome { name, took, result } in outcomes {
        let (word, count) = match result {
            Some(Ok(_)) => ("ok", &mut passed),
            Some(Err(_)) => ("FAILED", &mut failed),
            None => ("skipped", &mut skipped),
        };
        *count += 1;
        println!("{name:<13} {word:<8} {:>7.1}", took.as_secs_f64());
        if let Some(Ok(note)) = result
            && !note.is_empty()
        {
            println!("              {note}");
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 { std::process::exit(1) } else { Ok(()) }
}

/// One feature set and no incremental files: every cargo step shares what the others built.
fn lean(args: &[&str]) -> std::process::Command {
    let mut command = cargo(args);
    command.env("CARGO_INCREMENTAL", "0");
    command
}

fn format() -> anyhow::Result<String> {
    output(&mut cargo(&["fmt", "--all", "--check"]))?;
    Ok(String::new())
}

fn clippy() -> anyhow::Result<String> {
    let args = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    output(&mut lean(&args)).map(|_| String::new())
}

fn rust_test() -> anyhow::Result<String> {
    let nextest = tool("cargo-nextest")?;
    let mut command = command(nextest, &["nextest", "run", "--workspace", "--locked", "--no-tests=fail"]);
    let status = command.env("CARGO_INCREMENTAL", "0").stdin(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "tests failed, see above");
    Ok(String::new())
}

fn doc_test() -> anyhow::Result<String> {
    output(&mut lean(&["test", "--quiet", "--workspace", "--doc", "--locked"])).map(|_| String::new())
}

fn web_install() -> anyhow::Result<String> {
    web::install().map(|()| String::new())
}

fn web_check() -> anyhow::Result<String> {
    output(&mut web::npm(&["run", "--silent", "check"])).map(|_| String::new())
}

fn web_test() -> anyhow::Result<String> {
    output(&mut web::npm(&["test", "--silent"])).map(|_| String::new())
}

fn web_build() -> anyhow::Result<String> {
    web::build().map(|()| String::new())
}

fn web_size() -> anyhow::Result<String> {
    let said = output(&mut web::npm(&["run", "--silent", "size"]))?;
    Ok(said.trim().lines().last().unwrap_or_default().to_owned())
}

/// The browser tests against a node that was just built and started on an empty folder.
fn browser() -> anyhow::Result<String> {
    web::build()?;
    output(&mut lean(&["build", "--quiet", "--package", "chat-node", "--locked"]))?;
    let folder = root().join("target/browser-test");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let log = std::fs::File::create(folder.join("node.log"))?;
    let off = ["--limit-auth-per-address", "off", "--limit-sends-per-user", "off"].map(str::to_owned);
    let binary = root().join("target/debug/chat-node");
    let node = Node::start(&binary, free_port()?, free_port()?, &folder.join("data"), &off, log.into())?;
    let mut tests = web::npm(&["run", "--silent", "e2e"]);
    output(tests.env("CHAT_URL", format!("http://{}", node.address))).map(|_| String::new())
}
