//! The pods of one component of one cluster, and what each said over time.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::cache::pods::PodView;
use crate::metrics::{Metrics, ScrapeLabels};
use crate::scrape::client::{Address, AdminClient, AdminError, Tokens};
use crate::scrape::load::Load;
use crate::scrape::series::{Series, Standing};

/// Questions of one cluster that are under way at once. Each cluster has its own, so silent pods of one delay no other.
const AT_ONCE: usize = 64;

#[derive(Default)]
pub struct Fleet {
    /// By the pod's uid.
    series: HashMap<String, Series>,
    /// Sessions cut by pods that are gone.
    cut_before: f64,
}

/// A pod that does not say what it should.
#[derive(Debug, Clone, PartialEq)]
pub enum Complaint {
    /// It serves, and was silent for so many periods.
    Silent { pod: String, periods: u32 },
    /// It says what can't be.
    Absurd { pod: String, fields: Vec<&'static str> },
}

pub fn address(pod: &PodView) -> Option<Address> {
    Some(Address { ip: pod.ip?, port: pod.admin_port })
}

/// Whether there is a process that could answer.
fn answers(pod: &PodView) -> bool {
    pod.ip.is_some() && !pod.pending && !pod.ended
}

impl Fleet {
    /// Asks each pod once, at `now` (seconds, monotonic), and takes in what came.
    pub async fn scrape(
        &mut self,
        client: &AdminClient,
        tokens: &Tokens,
        pods: &[Arc<PodView>],
        now: f64,
        metrics: &Metrics,
    ) -> Vec<(String, AdminError)> {
        let mut asked = Vec::new();
        for pod in pods.iter().filter(|pod| answers(pod)) {
            let Some(address) = address(pod) else { continue };
            let uid = pod.uid.clone();
            asked.push(async move { (uid, client.load(address, tokens).await) });
        }
        let answers: Vec<(String, Result<Load, AdminError>)> =
            stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        self.forget(pods);
        let mut failed = Vec::new();
        for (uid, answer) in answers {
            let outcome = answer.as_ref().map_or_else(AdminError::label, |_| "ok");
            metrics.scrapes.get_or_create(&ScrapeLabels { outcome }).inc();
            let series = self.series.entry(uid.clone()).or_default();
            match answer {
                Ok(load) => series.answer(now, load),
                Err(error) => {
                    series.silence();
                    failed.push((uid, error));
                }
            }
        }
        failed
    }

    fn forget(&mut self, pods: &[Arc<PodView>]) {
        let before = &mut self.cut_before;
        self.series.retain(|uid, series| {
            let stays = pods.iter().any(|pod| pod.uid == *uid);
            if !stays {
                *before += series.sessions_cut;
            }
            stays
        });
    }

    pub fn of(&self, pod: &PodView) -> Option<&Series> {
        self.series.get(&pod.uid)
    }

    /// Sessions cut since we began to look.
    pub fn sessions_cut(&self) -> f64 {
        self.cut_before + self.series.values().map(|series| series.sessions_cut).sum::<f64>()
    }

    /// Pods that should speak and don't, or speak nonsense.
    pub fn complaints(&self, pods: &[Arc<PodView>]) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for pod in pods.iter().filter(|pod| !pod.terminating && !pod.ended) {
            let Some(series) = self.of(pod) else { continue };
            if let (Standing::Lost(periods), true) = (series.standing(), pod.ready()) {
                complaints.push(Complaint::Silent { pod: pod.name.clone(), periods });
            }
            if !series.absurd.is_empty() {
                complaints.push(Complaint::Absurd { pod: pod.name.clone(), fields: series.absurd.clone() });
            }
        }
        complaints
    }
}
