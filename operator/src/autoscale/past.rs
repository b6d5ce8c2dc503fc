//! What the loop of one component knows of what was before, also of what an operator before it did.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{ChatCluster, Decision, ScalingStatus};
use crate::autoscale::act;
use crate::autoscale::observation::Seen;
use crate::clusters::Cluster;
use crate::context::Context;
use crate::status::history;

/// A memory that is older than this misses what was wanted since.
const MEMORY_GAP_SECONDS: f64 = 30.0;

/// `M` is what the component's decisions remember.
#[derive(Debug)]
pub struct Past<M> {
    /// Of the ChatCluster. One of the same name that was made anew is another, and has another past.
    uid: String,
    pub memory: M,
    /// When the memory was written, if it came from a status.
    remembered_at: Option<f64>,
    /// Until then nothing shrinks: this operator has not looked for long enough. `None` before the first period.
    no_shrink_until: Option<f64>,
    /// Changes of the number, the newest first.
    decisions: Vec<Decision>,
    last_up: Option<f64>,
    last_down: Option<f64>,
    /// Why the last change could not be made.
    pub failure: Option<String>,
}

/// The memory as it is kept in the status.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<M> {
    /// Seconds since the Unix epoch.
    at: f64,
    uid: String,
    engine: M,
}

/// A decision that changes the number.
pub struct Change {
    pub from: u32,
    pub to: u32,
    pub reason: String,
    pub bound: Option<String>,
    pub inputs: BTreeMap<String, Value>,
}

impl<M: Default + Serialize + DeserializeOwned> Past<M> {
    /// Goes on where the status says that an operator stopped. A memory of another ChatCluster, or of another version of
    /// this program that can't be read, is none.
    pub fn remembering(cluster: &ChatCluster, status: Option<&ScalingStatus>) -> Self {
        let uid = cluster.uid().unwrap_or_default();
        let mut past = Self {
            uid,
            memory: M::default(),
            remembered_at: None,
            no_shrink_until: None,
            decisions: Vec::new(),
            last_up: None,
            last_down: None,
            failure: None,
        };
        let Some(status) = status else { return past };
        let kept: Option<Kept<M>> = status.memory.as_deref().and_then(|kept| serde_json::from_str(kept).ok());
        if let Some(kept) = kept.filter(|kept| kept.uid == past.uid) {
            past.memory = kept.engine;
            past.remembered_at = Some(kept.at);
            past.decisions = history::of(status.decision.as_ref(), &status.history);
            past.last_up = status.last_scale_up.as_ref().map(history::seconds);
            past.last_down = status.last_scale_down.as_ref().map(history::seconds);
        }
        past
    }

    /// Whether nothing may shrink yet, at `now` (seconds since the Unix epoch): until this operator has looked for as long
    /// as the stabilisation window is, what was wanted while nobody looked is not known.
    pub fn is_blind(&mut self, now: f64, window_seconds: u32) -> bool {
        let fresh = self.remembered_at.is_some_and(|at| (0.0..MEMORY_GAP_SECONDS).contains(&(now - at)));
        let until = if fresh { now } else { now + f64::from(window_seconds) };
        now < *self.no_shrink_until.get_or_insert(until)
    }

    /// Notes a change, and tells of it.
    pub async fn note(
        &mut self,
        context: &Context,
        cluster: &Cluster,
        component: &'static str,
        change: Change,
        now: f64,
    ) {
        let Change { from, to, reason, bound, inputs } = change;
        let noted = Decision { at: history::time(now), from, to, reason, bound, inputs };
        act::announce(context, cluster, component, &noted).await;
        history::push(&mut self.decisions, noted);
        *(if to > from { &mut self.last_up } else { &mut self.last_down }) = Some(now);
    }

    /// Of an observation, what is of the past. `decided`: there is a memory worth keeping.
    pub fn observe(&self, now: f64, decided: bool) -> Seen {
        let kept = Kept { at: now, uid: self.uid.clone(), engine: &self.memory };
        Seen {
            decisions: self.decisions.clone(),
            last_scale_up: self.last_up,
            last_scale_down: self.last_down,
            memory: decided.then(|| serde_json::to_string(&kept).ok()).flatten(),
            failure: self.failure.clone(),
            ..Seen::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::GatewayStatus;

    const NOW: f64 = 1.7e9;

    fn cluster(uid: &str) -> ChatCluster {
        let manifest = serde_json::json!({"apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster",
            "metadata": {"name": "demo", "namespace": "n", "uid": uid}, "spec": {"profile": "embedded"}});
        serde_json::from_value(manifest).expect("a ChatCluster")
    }

    /// The status that is written by one that remembers 7, through JSON.
    fn status(uid: &str) -> ScalingStatus {
        let mut past: Past<u32> = Past::remembering(&cluster(uid), None);
        past.memory = 7;
        let memory = past.observe(NOW, true).memory;
        let decision = Decision {
            at: history::time(NOW),
            from: 2,
            to: 8,
            reason: "a spike".into(),
            bound: None,
            inputs: BTreeMap::new(),
        };
        let scaling = ScalingStatus { memory, decision: Some(decision), ..ScalingStatus::default() };
        let json = serde_json::to_value(GatewayStatus { scaling, ..GatewayStatus::default() }).expect("JSON");
        assert!(json.get("memory").is_some() && json.get("scaling").is_none(), "{json}");
        serde_json::from_value::<GatewayStatus>(json).expect("a status").scaling
    }

    #[test]
    fn another_operator_goes_on() {
        let mut past: Past<u32> = Past::remembering(&cluster("a"), Some(&status("a")));
        assert_eq!((past.memory, past.decisions.len()), (7, 1));
        assert!(!past.is_blind(NOW + 29.0, 300), "nothing was missed");
    }

    #[test]
    fn a_memory_does_not_outlive_its_cluster() {
        // Deleted and made anew with the status of before, from a backup for example.
        let mut past: Past<u32> = Past::remembering(&cluster("b"), Some(&status("a")));
        assert_eq!((past.memory, past.decisions.len(), past.last_up), (0, 0, None));
        assert!(past.is_blind(NOW + 1.0, 300));
    }

    #[test]
    fn who_has_not_looked_for_a_window_shrinks_nothing() {
        let mut past: Past<u32> = Past::remembering(&cluster("a"), Some(&status("a")));
        assert!(past.is_blind(NOW + 31.0, 300));
        assert!(past.is_blind(NOW + 330.0, 300));
        assert!(!past.is_blind(NOW + 331.0, 300));
    }
}
