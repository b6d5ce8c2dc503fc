//! From the log into the store.

use std::cell::Cell;
use std::time::Duration;

use elastic_chat_load::bench::Figure;
use tokio::time::Instant;

use crate::args::Args;
use crate::producer::{Source, Watched};
use crate::reader::{Reader, quantile};
use crate::results::Results;
use crate::rig::{Rig, WRITERS, WriterLoad};
use crate::usage::Usage;

/// Of the batches' last records, every how many-th is watched: ten in a second.
const WATCH_EVERY: u32 = 5;
const LOOK: Duration = Duration::from_millis(100);

/// What is streamed into the log, and how its figures are called.
pub struct Shape {
    own_conversations: bool,
    cores: &'static str,
    names: [&'static str; 5],
    goals: [&'static str; 5],
}

pub const USUAL: Shape = Shape {
    own_conversations: false,
    cores: "log → Cassandra, shared conversations",
    names: [
        "Log → Cassandra, shared conversations: sustained",
        "The same: records behind at the end",
        "The same: publish → readable p50",
        "The same: publish → readable p99",
        "The same: the writers' CPU for each row",
    ],
    goals: ["≥ 5,000", "bounded", "", "", "≤ 50"],
};

pub const WORST: Shape = Shape {
    own_conversations: true,
    cores: "log → Cassandra, each its own conversation",
    names: [
        "Log → Cassandra, each record its own conversation: sustained",
        "The same: records behind at the end",
        "The same: publish → readable p50",
        "The same: publish → readable p99",
        "The same: the writers' CPU for each row",
    ],
    goals: ["", "", "", "", ""],
};

const UNITS: [&str; 5] = ["rows/s", "records", "ms", "ms", "µs"];

/// A steady stream, as long as it is measured.
#[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub async fn sustained(args: &Args, rig: &Rig, results: &mut Results, shape: &Shape) -> anyhow::Result<()> {
    let mut figures: Vec<Figure> = (0..5).map(|n| Figure::new(shape.names[n], UNITS[n], shape.goals[n])).collect();
    let (conversations, rate) =
        if shape.own_conversations { (0, args.worst_rate) } else { (args.conversations, args.ingest_rate) };
    for run in 0..args.runs {
        let mut source = Source::new(conversations, args.body, run as u64);
        let before = rig.writers().await?;
        let warm = Duration::from_secs_f64(args.warmup);
        let warmed = source.stream(&rig.adapters.log, rate, warm, |_| ()).await?;
        let (begin, start, used) = (Instant::now(), rig.writers().await?, Usage::now(rig)?);
        let reader = Reader::start(&rig.adapters.store);
        let ticks = Cell::new(0_u32);
        let watch = |record: Watched| {
            ticks.set(ticks.get() + 1);
            if ticks.get().is_multiple_of(WATCH_EVERY) {
                reader.watch(record);
            }
        };
        let streamed = source.stream(&rig.adapters.log, rate, Duration::from_secs_f64(args.duration), watch).await?;
        let (seconds, end, used_then) = (begin.elapsed().as_secs_f64(), rig.writers().await?, Usage::now(rig)?);
        let rows = end.records_total - start.records_total;
        let behind = (before.records_total + warmed + streamed).saturating_sub(end.records_total);
        let behind_before = (before.records_total + warmed).saturating_sub(start.records_total);
        let ages = reader.finish().await?;
        let values = [
            rows as f64 / seconds,
            behind as f64,
            quantile(&ages, 0.5),
            quantile(&ages, 0.99),
            (end.cpu_seconds - start.cpu_seconds) / rows as f64 * 1e6,
        ];
        println!(
            "\n{}\n  offered    {:.0}/s, stored {:.0}/s, behind {behind_before} at the begin and {behind} at the end",
            shape.cores,
            streamed as f64 / seconds,
            values[0]
        );
        println!(
            "  readable   p50 {:.0} ms, p99 {:.0} ms of {} samples; writers {:.0} µs a row",
            values[2],
            values[3],
            ages.len(),
            values[4]
        );
        results.cores(shape.cores, used_then.cores_since(&used));
        figures.iter_mut().zip(values).for_each(|(figure, value)| figure.add(value, 0));
        rig.stored(before.records_total + warmed + streamed).await?;
    }
    results.figures.extend(figures);
    Ok(())
}

/// One writer, and a log that is full.
#[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub async fn drain(args: &Args, rig: &Rig, results: &mut Results) -> anyhow::Result<()> {
    let what = "backlog, one writer";
    let mut rate = Figure::new("Backlog, one writer: drained", "rows/s", "");
    let mut cpu = Figure::new("The same: the writer's CPU for each row", "µs", "≤ 50");
    let mut cassandra = Figure::new("The same: busy with Cassandra", "cores", "more than the writer");
    let mut writer = Figure::new("The same: busy with the writer", "cores", "");
    for run in 0..args.runs {
        for n in 1..=WRITERS {
            rig.stop(n)?;
        }
        let mut source = Source::new(args.conversations, args.body, run as u64);
        let filling = Instant::now();
        source.backlog(rig.adapters.log.as_ref(), args.backlog).await?;
        println!("\n{what}\n  filled     {:.0}/s", args.backlog as f64 / filling.elapsed().as_secs_f64());
        rig.start_again(1)?;
        // The first and last twentieth are joining and leftovers of single partitions.
        let part = |share: u64| args.backlog as u64 * share / 20;
        let (begin, start, used) = reached(rig, part(1)).await?;
        let (end, last, used_then) = reached(rig, part(19)).await?;
        let rows = (last.records_total - start.records_total) as f64;
        let seconds = end.duration_since(begin).as_secs_f64();
        let cores = used_then.cores_since(&used);
        let of = |kind: &str| cores.get(kind).copied().unwrap_or(f64::NAN);
        rate.add(rows / seconds, 0);
        cpu.add((last.cpu_seconds - start.cpu_seconds) / rows * 1e6, 0);
        cassandra.add(of("cassandra"), 0);
        writer.add(of("writer"), 0);
        println!("  drained    {:.0}/s", rows / seconds);
        results.cores(what, cores);
        reached(rig, args.backlog as u64).await?;
        rig.start_again(2)?;
    }
    results.figures.extend([rate, cpu, cassandra, writer]);
    Ok(())
}

/// When the first writer had brought so many records to the store since its start.
async fn reached(rig: &Rig, records: u64) -> anyhow::Result<(Instant, WriterLoad, Usage)> {
    let begin = Instant::now();
    loop {
        let load = rig.writer(1).await?;
        if load.records_total >= records {
            return Ok((Instant::now(), load, Usage::now(rig)?));
        }
        anyhow::ensure!(begin.elapsed() < Duration::from_mins(5), "the writer does not come to the end of the log");
        tokio::time::sleep(LOOK).await;
    }
}
