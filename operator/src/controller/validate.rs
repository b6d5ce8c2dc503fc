//! What a spec must hold beyond its schema. The API server refuses most of it already; this is for resources that were
//! stored under older rules, or with rules switched off.

use kube::ResourceExt as _;

use crate::api::ChatCluster;
use crate::children;
use crate::status::problems::Problem;

/// Object names are made of the cluster's name and at most `-gateway-headless`, and must be DNS labels.
const MOST_NAME: usize = 46;

/// Everything that is wrong, as one problem: a spec that can't work is not begun with.
pub fn validate(cluster: &ChatCluster, context: &children::Context) -> Option<Problem> {
    let spec = &cluster.spec;
    let mut wrong = Vec::new();
    if cluster.name_any().len() > MOST_NAME {
        wrong.push(format!("metadata.name: at most {MOST_NAME} characters, since Services are named after it"));
    }
    if spec.is_distributed() {
        let missing: Vec<&str> = [
            ("spec.redis", spec.redis.is_none()),
            ("spec.kafka", spec.kafka.is_none()),
            ("spec.cassandra", spec.cassandra.is_none()),
            ("spec.blobs", spec.blobs.is_none()),
        ]
        .into_iter()
        .filter_map(|(field, missing)| missing.then_some(field))
        .collect();
        if !missing.is_empty() {
            wrong.push(format!("{}: the profile distributed needs it", missing.join(", ")));
        }
        let gateways = spec.gateways();
        if gateways.min > gateways.max {
            wrong.push(format!("spec.gateways: min {} is more than max {}", gateways.min, gateways.max));
        }
        let writers = spec.writers();
        if writers.min > spec.writers_max() {
            let most = spec.writers_max();
            wrong.push(format!("spec.writers: min {} is more than max, or than the partitions: {most}", writers.min));
        }
    }
    wrong.extend(children::missing_kinds(cluster, context));
    (!wrong.is_empty()).then(|| Problem::blocking("InvalidSpec", wrong.join("; ")))
}
