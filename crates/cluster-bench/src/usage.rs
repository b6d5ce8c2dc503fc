use std::collections::BTreeMap;
use std::time::Instant;

use service_kit::process::{reading, reading_of};

use crate::rig::Rig;

/// CPU that each kind of process has used so far.
pub struct Usage {
    at: Instant,
    seconds: BTreeMap<String, f64>,
}

impl Usage {
    pub fn now(rig: &Rig) -> anyhow::Result<Self> {
        let mut seconds = BTreeMap::from([("generator".to_owned(), reading().cpu_seconds)]);
        for (name, pid) in rig.processes()? {
            let kind = name.split('-').next().unwrap_or_default().to_owned();
            let used = reading_of(&pid.to_string()).map_or(0.0, |reading| reading.cpu_seconds);
            *seconds.entry(kind).or_default() += used;
        }
        Ok(Self { at: Instant::now(), seconds })
    }

    /// Cores that were busy with each kind of process since then. What started meanwhile counts from its start.
    pub fn cores_since(&self, before: &Self) -> BTreeMap<String, f64> {
        let elapsed = self.at.duration_since(before.at).as_secs_f64();
        let used = |kind: &str, now: f64| now - before.seconds.get(kind).copied().unwrap_or(0.0);
        self.seconds.iter().map(|(kind, now)| (kind.clone(), used(kind, *now) / elapsed)).collect()
    }
}
