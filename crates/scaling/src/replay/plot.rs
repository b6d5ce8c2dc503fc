//! The replay as a picture: sessions in gateways, and the gateways that each policy had for them.

use std::fmt::Write as _;

use super::{Replay, World};

const WIDTH: usize = 1_200;
const PANEL: f64 = 150.0;
const GAP: f64 = 46.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 34.0;

/// An SVG with one panel for each replay: what the sessions need, what served, and where it was too little.
pub fn svg(world: &World, sessions: &[f64], replays: &[Replay]) -> String {
    let demand: Vec<f64> = sessions.iter().map(|open| open / world.carries(1)).collect();
    let most = replays
        .iter()
        .flat_map(|replay| replay.serving.iter().map(|pods| f64::from(*pods)))
        .chain(demand.iter().copied())
        .fold(1.0, f64::max);
    #[allow(clippy::cast_precision_loss)] // a handful of panels, pixels
    let (width, height) = (WIDTH as f64 + LEFT + 20.0, TOP + replays.len() as f64 * (PANEL + GAP));
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    );
    let mut top = TOP;
    for replay in replays {
        panel(&mut text, &demand, replay, most, top);
        top += PANEL + GAP;
    }
    text.push_str("</svg>\n");
    text
}

fn panel(text: &mut String, demand: &[f64], replay: &Replay, most: f64, top: f64) {
    let outcome = &replay.outcome;
    let bottom = top + PANEL;
    let y = |pods: f64| bottom - pods / most * PANEL;
    let _ = writeln!(
        text,
        "<text x=\"{LEFT}\" y=\"{:.1}\"><tspan font-weight=\"bold\">{}</tspan>: {} s under capacity (worst run {} s), {:.1} \
         pod-hours, {} actions, {} changes of direction</text>",
        top - 8.0,
        outcome.policy,
        outcome.seconds_under,
        outcome.worst_run_seconds,
        outcome.pod_hours,
        outcome.actions,
        outcome.direction_changes
    );
    let _ = writeln!(
        text,
        "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{most:.0}</text><text x=\"{:.0}\" y=\"{bottom:.1}\" \
         text-anchor=\"end\">0</text>",
        LEFT - 6.0,
        top + 10.0,
        LEFT - 6.0
    );
    let mut area = format!("M{LEFT:.1} {bottom:.1}");
    let mut line = String::new();
    let mut short = String::new();
    let columns = WIDTH.min(demand.len()).max(1);
    for column in 0..columns {
        let span = column * demand.len() / columns..((column + 1) * demand.len() / columns).min(demand.len());
        #[allow(clippy::cast_precision_loss)] // pixels
        let x = LEFT + column as f64 * WIDTH as f64 / columns as f64;
        let needed = demand[span.clone()].iter().copied().fold(0.0, f64::max);
        let served = replay.serving[span.clone()].iter().copied().min().unwrap_or(0);
        let _ = write!(area, "L{x:.1} {:.1}", y(needed));
        let _ = write!(line, "{}{x:.1} {:.1}", if column == 0 { 'M' } else { 'L' }, y(f64::from(served)));
        if span.into_iter().any(|second| demand[second] > f64::from(replay.serving[second])) {
            let _ = write!(short, "M{x:.1} {top:.1}V{bottom:.1}");
        }
    }
    #[allow(clippy::cast_precision_loss)] // pixels
    let right = LEFT + WIDTH as f64;
    let _ = writeln!(
        text,
        "<path d=\"{area}L{right:.1} {bottom:.1}Z\" fill=\"#cfe0f5\"/>\n\
         <path d=\"{short}\" stroke=\"#d62728\" stroke-width=\"1.5\"/>\n\
         <path d=\"{line}\" fill=\"none\" stroke=\"#1f4e8c\" stroke-width=\"1\"/>\n\
         <path d=\"M{LEFT} {top:.1}V{bottom:.1}H{right:.1}\" fill=\"none\" stroke=\"#888\"/>\n\
         <text x=\"{right:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.1} hours</text>",
        bottom + 14.0,
        hours(demand.len())
    );
}

fn hours(seconds: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)] // seconds of a trace
    let seconds = seconds as f64;
    seconds / 3_600.0
}
