//! What each profile needs and refuses, and what never changes.

use super::Rule;

/// The longest name of a cluster: the StatefulSet of its writers is named after it, and its pods carry a label that is a
/// few characters longer and may have 63.
const NAME: usize = 40;

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        Rule::new(
            "name",
            "",
            format!(
                "self.metadata.name.size() <= {NAME} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')"
            ),
            format!(
                "the name must be 1 to {NAME} of a-z, 0-9 and -, beginning with a letter, \
                    since Services and pods are named after it"
            ),
        ),
        Rule::new(
            "profile-immutable",
            "spec.profile",
            "self == oldSelf",
            "the profile never changes: make another ChatCluster and move there",
        )
        .forbidden(),
    ];
    rules.extend(embedded());
    rules.extend(distributed());
    rules.extend(digests());
    rules
}

fn embedded() -> Vec<Rule> {
    let refused = [
        (
            "embedded-no-gateways",
            "gateways",
            "an embedded cluster is one node: remove spec.gateways (resources and pod are \
                in spec.embedded), or use the profile distributed",
        ),
        (
            "embedded-no-writers",
            "writers",
            "an embedded node writes by itself: remove spec.writers, or use the profile distributed",
        ),
        (
            "embedded-no-web",
            "web",
            "an embedded node serves the web client itself: remove spec.web, or use the profile distributed",
        ),
        (
            "embedded-no-redis",
            "redis",
            "an embedded node needs no Redis: remove spec.redis, or use the profile distributed",
        ),
        (
            "embedded-no-kafka",
            "kafka",
            "an embedded node needs no Kafka: remove spec.kafka, or use the profile distributed",
        ),
        (
            "embedded-no-cassandra",
            "cassandra",
            "an embedded node needs no Cassandra: remove spec.cassandra, or use the profile distributed",
        ),
        (
            "embedded-no-migration",
            "migration",
            "an embedded node migrates its data itself: remove spec.migration, or use the profile distributed",
        ),
    ];
    let mut rules: Vec<Rule> = refused
        .into_iter()
        .map(|(id, field, message)| {
            Rule::new(id, "spec", format!("self.profile != 'embedded' || !has(self.{field})"), message)
                .blames(field)
                .forbidden()
        })
        .collect();
    rules.push(
        Rule::new(
            "embedded-no-claim",
            "spec",
            "self.profile != 'embedded' || !has(self.blobs) || !has(self.blobs.claim)",
            "an embedded node keeps files on its own volume: remove spec.blobs, or use spec.blobs.s3",
        )
        .blames("blobs.claim")
        .forbidden(),
    );
    let size = |of: &str| format!("(has({of}.embedded) ? string({of}.embedded.storage.size) : '10Gi')");
    let class = |of: &str| {
        format!(
            "(has({of}.embedded) && has({of}.embedded.storage.className) ? \
            {of}.embedded.storage.className : '')"
        )
    };
    for (id, what, field, message) in [
        (
            "storage-size-immutable",
            size("self") + " == " + &size("oldSelf"),
            "embedded.storage.size",
            "the size is that of a new volume: enlarge the PersistentVolumeClaim \
                data-NAME-gateway-0 itself, and leave this as it is",
        ),
        (
            "storage-class-immutable",
            class("self") + " == " + &class("oldSelf"),
            "embedded.storage.className",
            "the storage class of a volume never changes: leave it, or make another ChatCluster and move there",
        ),
    ] {
        rules.push(Rule::new(id, "spec", what, message).blames(field).forbidden());
    }
    rules
}

fn distributed() -> Vec<Rule> {
    let needed = [
        (
            "distributed-gateways",
            "gateways",
            "the profile distributed needs spec.gateways: write `gateways: {}` for the defaults",
        ),
        ("distributed-redis", "redis", "the profile distributed needs spec.redis with addresses: [host:port]"),
        ("distributed-kafka", "kafka", "the profile distributed needs spec.kafka with brokers: [host:port]"),
        (
            "distributed-cassandra",
            "cassandra",
            "the profile distributed needs spec.cassandra with contactPoints: [host:port]",
        ),
        (
            "distributed-blobs",
            "blobs",
            "the profile distributed needs spec.blobs: s3 with a bucket, or a claim that all gateways share",
        ),
    ];
    let mut rules: Vec<Rule> = needed
        .into_iter()
        .map(|(id, field, message)| {
            Rule::new(id, "spec", format!("self.profile != 'distributed' || has(self.{field})"), message)
                .blames(field)
                .required()
        })
        .collect();
    rules.push(
        Rule::new(
            "distributed-no-embedded",
            "spec",
            "self.profile != 'distributed' || !has(self.embedded)",
            "spec.embedded is for the profile embedded: remove it; resources and pod are in spec.gateways",
        )
        .blames("embedded")
        .forbidden(),
    );
    for (id, field, message) in [
        (
            "partitions-immutable",
            "spec.kafka.partitions",
            "the number of partitions never changes, since it decides where each \
                conversation is: leave it as it was",
        ),
        (
            "generation-immutable",
            "spec.kafka.logGeneration",
            "the generation of the log never changes in v1alpha1: leave it as it was, or make another ChatCluster",
        ),
        (
            "keyspace-immutable",
            "spec.cassandra.keyspace",
            "the keyspace never changes, since all data is in it: leave it as it was, or make another ChatCluster",
        ),
    ] {
        rules.push(Rule::new(id, field, "self == oldSelf", message).forbidden());
    }
    rules
}

fn digests() -> Vec<Rule> {
    vec![
        Rule::new(
            "digests-writer",
            "spec",
            "self.profile != 'distributed' || !has(self.image.digests) || has(self.image.digests.writer)",
            "with spec.image.digests a distributed cluster needs digests.writer too",
        )
        .blames("image.digests.writer")
        .required(),
        Rule::new(
            "digests-web",
            "spec",
            "self.profile != 'distributed' || !has(self.image.digests) || \
                has(self.image.digests.web) || (has(self.web) && !self.web.enabled)",
            "with spec.image.digests a distributed cluster needs digests.web too, or web.enabled: false",
        )
        .blames("image.digests.web")
        .required(),
    ]
}
