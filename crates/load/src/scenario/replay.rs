use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;

use super::Target;
use super::crowd::Crowd;
use super::open::pause;
use crate::client::Command;
use crate::report::{Report, Start};

/// A line of a real log: minutes since the first, who, what.
struct Line {
    minute: u32,
    nick: String,
    text: String,
}

/// Lines such as `[09:21] <nick> text`; others are not messages.
fn parse(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut day, mut last) = (0, 0);
    for line in text.lines() {
        let parsed = line.strip_prefix('[').and_then(|line| line.split_once("] <")).and_then(|(time, rest)| {
            let (hours, minutes) = time.split_once(':')?;
            let minute: u32 = hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?;
            let (nick, text) = rest.split_once("> ")?;
            Some((minute, nick, text))
        });
        let Some((minute, nick, text)) = parsed.filter(|(_, _, text)| !text.trim().is_empty()) else { continue };
        if minute + 12 * 60 < last {
            day += 24 * 60;
        }
        last = minute;
        lines.push(Line { minute: day + minute, nick: nick.to_owned(), text: text.to_owned() });
    }
    lines
}

/// One group says what real people said, at their times divided by `speed`.
pub async fn replay(
    target: &Target,
    files: &[PathBuf],
    speed: f64,
    stop: &CancellationToken,
) -> anyhow::Result<Report> {
    let mut lines = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let begin = lines.last().map_or(0, |line: &Line| line.minute);
        let mut more = parse(&String::from_utf8_lossy(&bytes));
        let first = more.first().map_or(0, |line| line.minute);
        for line in &mut more {
            line.minute = begin + line.minute - first.min(line.minute);
        }
        lines.extend(more);
    }
    if lines.is_empty() {
        bail!("the files have no messages");
    }
    let mut speakers: HashMap<&str, usize> = HashMap::new();
    for line in &lines {
        let next = speakers.len();
        speakers.entry(&line.nick).or_insert(next);
    }
    let mut crowd = Crowd::gather(target, speakers.len()).await?;
    crowd.room((0..speakers.len()).collect(), false).await?;
    crowd.connect(1, false).await?;
    println!("replay: {} messages of {} speakers, {speed} times as fast", lines.len(), speakers.len());
    let shared = Arc::clone(&crowd.shared);
    let watching = tokio::spawn(Crowd::watch(Arc::clone(&shared), target.quiet));
    let room = crowd.rooms[0].id;
    let start = Start::now(&shared, target.server());
    shared.warm_until.store(start.at, Ordering::Relaxed);
    let (mut minute, mut in_minute) = (0, 0u32);
    for line in &lines {
        in_minute = if line.minute == minute { in_minute + 1 } else { 0 };
        minute = line.minute;
        // Within a minute the log gives no seconds: two a second, as people type.
        let seconds = (f64::from(minute) * 60.0 + (f64::from(in_minute) * 0.5).min(59.0)) / speed.max(0.001);
        let intended = start.at + u64::try_from(Duration::from_secs_f64(seconds).as_micros()).unwrap_or(u64::MAX);
        if intended.saturating_sub(start.at) > u64::try_from(target.duration().as_micros()).unwrap_or(u64::MAX) {
            break;
        }
        if !pause(Duration::from_micros(intended.saturating_sub(shared.micros())), stop).await {
            break;
        }
        let speaker = speakers.get(line.nick.as_str()).copied().unwrap_or(0);
        let text = line.text.chars().take(4_000).collect();
        let send = crowd.seats[speaker].commands.send(Command::Send { conversation: room, intended, text });
        tokio::select! {
            _ = send => {}
            () = stop.cancelled() => break,
            () = tokio::time::sleep(target.duration()) => break,
        }
    }
    let end = Start::now(&shared, target.server());
    watching.abort();
    crowd.finish("replay", target, &start, &end).await
}
