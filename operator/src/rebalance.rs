//! Gives new gateways their share: those with more connections than so much over the mean are asked to shed down to it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::api::Rebalance;
use crate::autoscale::fleet::{Fleet, address};
use crate::cache::pods::PodView;
use crate::clusters::Cluster;
use crate::context::Context;
use crate::events::Note;
use crate::scrape::load::State;
use crate::scrape::series::Standing;

/// Fewer connections over the mean are not worth moving.
const LEAST: f64 = 50.0;
/// Connections a second that one gateway sheds at most: what the others admit beside their own work.
const MOST_PER_SECOND: f64 = 100.0;
/// Over so many seconds at least, and at most; what is not shed then comes with the next time.
const LEAST_SECONDS: f64 = 10.0;
const MOST_SECONDS: f64 = 60.0;
/// After a shed: clients take a moment to land.
const PAUSE_SECONDS: f64 = 15.0;

/// One gateway as the plan sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    pub pod: String,
    pub connections: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shed {
    pub pod: String,
    pub connections: u32,
    pub seconds: u32,
}

/// What is to be shed among gateways that all serve and all answer. Pure.
pub fn plan(shares: &[Share], over_mean_percent: u32) -> Vec<Shed> {
    if shares.len() < 2 {
        return Vec::new();
    }
    #[allow(clippy::cast_precision_loss)] // pods of one cluster
    let mean = shares.iter().map(|share| share.connections).sum::<f64>() / shares.len() as f64;
    let bound = mean * (1.0 + f64::from(over_mean_percent) / 100.0);
    shares
        .iter()
        .filter(|share| share.connections > bound && share.connections - mean >= LEAST)
        .map(|share| {
            let over = share.connections - mean;
            let seconds = (over / MOST_PER_SECOND).clamp(LEAST_SECONDS, MOST_SECONDS);
            let connections = over.min(seconds * MOST_PER_SECOND);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // both are bounded above
            Shed { pod: share.pod.clone(), connections: connections as u32, seconds: seconds.ceil() as u32 }
        })
        .collect()
}

#[derive(Default)]
pub struct Rebalancing {
    /// Pod → until when it sheds or rests, in monotonic seconds.
    busy: HashMap<String, f64>,
}

impl Rebalancing {
    pub async fn period(
        &mut self,
        context: &Context,
        cluster: &Cluster,
        policy: &Rebalance,
        fleet: &Fleet,
        pods: &[Arc<PodView>],
        now: f64,
    ) {
        self.busy.retain(|_, until| *until > now);
        // One thing at a time: connections that move now say nothing about where they belong.
        if !policy.enabled || !self.busy.is_empty() {
            return;
        }
        let Some(shares) = shares(fleet, pods) else { return };
        for shed in plan(&shares, policy.over_mean_percent) {
            if context.calls.leadership().check().is_err() {
                return;
            }
            let Some(pod) = pods.iter().find(|pod| pod.name == shed.pod) else { continue };
            let Some(address) = address(pod) else { continue };
            let tokens = cluster.tokens.read().clone();
            match context.admin.shed(address, &tokens, shed.connections, shed.seconds).await {
                Ok(()) => {
                    context.metrics.shed_connections.inc_by(u64::from(shed.connections));
                    let text = format!(
                        "gateway {} asks {} clients to move over {} s",
                        shed.pod, shed.connections, shed.seconds
                    );
                    context.events.tell(cluster, Note::normal("Rebalancing", "Rebalance", text)).await;
                }
                Err(error) => {
                    tracing::warn!(cluster = %cluster.key, pod = shed.pod, %error, "no connections were shed");
                }
            }
            self.busy.insert(shed.pod.clone(), now + f64::from(shed.seconds) + PAUSE_SECONDS);
        }
    }
}

/// `None`: somebody drains, or is silent, so that the mean would be of some only.
fn shares(fleet: &Fleet, pods: &[Arc<PodView>]) -> Option<Vec<Share>> {
    let mut shares = Vec::new();
    for pod in pods.iter().filter(|pod| !pod.ended) {
        if pod.terminating || pod.marks.draining_since.is_some() {
            return None;
        }
        if !pod.ready() {
            continue;
        }
        let series = fleet.of(pod)?;
        if series.standing() != Standing::Fresh || series.state() != Some(State::Serving) || !series.absurd.is_empty() {
            return None;
        }
        shares.push(Share { pod: pod.name.clone(), connections: series.connections() });
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(connections: &[f64]) -> Vec<Share> {
        let share = |(n, connections): (usize, &f64)| Share { pod: format!("p{n}"), connections: *connections };
        connections.iter().enumerate().map(share).collect()
    }

    #[test]
    fn a_new_gateway_gets_its_share() {
        let sheds = plan(&shares(&[1_000.0, 1_000.0, 0.0]), 15);
        assert_eq!(sheds.iter().map(|shed| shed.connections).collect::<Vec<_>>(), [333, 333]);
        assert_eq!(sheds[0].seconds, 10);
    }

    #[test]
    fn an_even_fleet_is_left_alone() {
        assert!(plan(&shares(&[1_000.0, 1_100.0, 950.0]), 15).is_empty());
        assert!(plan(&shares(&[40.0, 0.0]), 15).is_empty(), "a few connections are not worth it");
        assert!(plan(&shares(&[5_000.0]), 15).is_empty());
    }

    #[test]
    fn a_large_move_is_spread() {
        let shed = &plan(&shares(&[100_000.0, 0.0]), 15)[0];
        assert_eq!((shed.connections, shed.seconds), (6_000, 60));
    }
}
