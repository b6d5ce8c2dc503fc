//! People who talk through the nodes, with the history checker watching.

use elastic_chat_load::bench::Figure;
use elastic_chat_load::report::Report;
use elastic_chat_load::scenario::{Crowd, Plan, Target, open_loop};
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::results::Results;
use crate::rig::{NODES, Rig};
use crate::usage::Usage;

const PAIRS: usize = 100;
const ROOMS: usize = 20;
/// Two of each room at every node.
const MEMBERS: usize = 2 * NODES as usize;

fn target(args: &Args, rig: &Rig, prefix: &str) -> Target {
    Target {
        url: rig.urls(),
        server_pid: None,
        json: None,
        prefix: prefix.into(),
        duration: args.duration,
        warmup: args.warmup,
        seed: 1,
        quiet: true,
    }
}

/// One open-loop run with new rooms and connections of people who are known.
async fn talk(
    (args, rig, results): (&Args, &Rig, &mut Results),
    (name, what): (&'static str, &'static str),
    (rooms, members): (usize, usize),
    rate: f64,
) -> anyhow::Result<Report> {
    let target = target(args, rig, name);
    // Names that exist sign in again; that is hashing, which is over before the run begins.
    let mut crowd = Crowd::gather(&target, rooms * members).await?;
    for room in 0..rooms {
        crowd.room((room * members..(room + 1) * members).collect(), members == 2).await?;
    }
    crowd.connect(1, false).await?;
    let owner_only = members > 2;
    let plan = Plan { rate, text: args.body, owner_only, storm: None, stop: CancellationToken::new() };
    let before = Usage::now(rig)?;
    let report = open_loop(name, &target, crowd, &plan).await?;
    report.print();
    results.cores(what, Usage::now(rig)?.cores_since(&before));
    Ok(report)
}

pub async fn sends(args: &Args, rig: &Rig, results: &mut Results) -> anyhow::Result<()> {
    let mut rate = Figure::new("Pairs on three nodes: acked", "messages/s", "");
    let mut p50 = Figure::new("The same: send → ack p50", "ms", "≤ 10");
    let mut p99 = Figure::new("The same: send → ack p99", "ms", "≤ 50");
    let mut delivery = Figure::new("The same: send → delivery on another node p99", "ms", "");
    let mut cpu = Figure::new("The same: the generator's CPU", "cores", "");
    for _ in 0..args.runs {
        let what = ("sends", "sends through the nodes");
        let report = talk((args, rig, results), what, (PAIRS, 2), args.send_rate).await?;
        rate.add(report.acked_per_second, report.history.violations());
        p50.add(report.ack_ms.p50, 0);
        p99.add(report.ack_ms.p99, 0);
        delivery.add(report.delivery_ms.p99, 0);
        cpu.add(report.generator_cpu_seconds / report.seconds, 0);
    }
    results.figures.extend([rate, p50, p99, delivery, cpu]);
    Ok(())
}

/// All who speak are on the first node, and each has two listeners on every node: what those on the others wait longer is
/// what the way from node to node adds.
pub async fn nodes(args: &Args, rig: &Rig, results: &mut Results) -> anyhow::Result<()> {
    let mut same = Figure::new("Rooms on three nodes, moderate load: delivery on the sender's node p50", "ms", "");
    let mut other = Figure::new("The same: delivery on the other nodes p50", "ms", "");
    let mut added = Figure::new("The same: added from node to node p50", "ms", "≤ 3");
    let mut ack = Figure::new("The same: send → ack p50", "ms", "≤ 10");
    for _ in 0..args.runs {
        let what = ("nodes", "rooms over the nodes");
        let report = talk((args, rig, results), what, (ROOMS, MEMBERS), args.node_rate).await?;
        let at = |server| report.delivery_p50_ms(server).unwrap_or(f64::NAN);
        let elsewhere = f64::midpoint(at(1), at(2));
        same.add(at(0), report.history.violations());
        other.add(elsewhere, 0);
        added.add(elsewhere - at(0), 0);
        ack.add(report.ack_ms.p50, 0);
    }
    results.figures.extend([same, other, added, ack]);
    Ok(())
}
