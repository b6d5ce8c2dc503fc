//! Addresses, and how Redis, Kafka, Cassandra and S3 are set up.

use super::Rule;

/// host:port, with a name, an IPv4 address, or an IPv6 address in brackets. No user, no password, no path.
const HOST_PORT: &str = "^([a-zA-Z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?|[[][0-9a-fA-F:.]+[]]):[1-9][0-9]{0,4}$";
const SECRET_NAME: &str = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        addresses("redis-addresses", "spec.redis.addresses", "redis.chat.svc:6379"),
        addresses("kafka-brokers", "spec.kafka.brokers", "kafka-0.kafka.chat.svc:9092"),
        addresses("cassandra-contact-points", "spec.cassandra.contactPoints", "cassandra.chat.svc:9042"),
        Rule::new(
            "keyspace",
            "spec.cassandra.keyspace",
            "self.matches('^[a-z][a-z0-9_]*$')",
            "a keyspace is 1 to 48 of a-z, 0-9 and _, beginning with a letter",
        ),
        Rule::new("blobs-one", "spec.blobs", "has(self.s3) != has(self.claim)", "give either blobs.s3 or blobs.claim"),
        Rule::new(
            "s3-endpoint",
            "spec.blobs.s3.endpoint",
            "self == 'aws' || self.matches('^https?://[^/@ ]+/?$')",
            "write aws, or the address of a server such as https://s3.example.com",
        ),
        Rule::new(
            "s3-bucket",
            "spec.blobs.s3.bucket",
            "self.matches('^[a-z0-9][a-z0-9.-]*[a-z0-9]$')",
            "a bucket's name is 3 to 63 of a-z, 0-9, . and -, beginning and ending with a letter or digit",
        ),
    ];
    rules.extend(redis());
    rules.extend(secrets());
    rules
}

fn addresses(id: &'static str, at: &str, example: &str) -> Rule {
    Rule::new(
        id,
        at,
        format!("self.all(address, address.matches('{HOST_PORT}'))"),
        format!("write each as host:port, such as {example}; credentials are named in a Secret"),
    )
}

fn redis() -> Vec<Rule> {
    vec![
        Rule::new(
            "redis-standalone-one",
            "spec.redis",
            "self.mode != 'standalone' || self.addresses.size() == 1",
            "a standalone Redis has one address: name one, or set redis.mode to sentinel or cluster",
        )
        .blames("addresses"),
        Rule::new(
            "redis-sentinel-master",
            "spec.redis",
            "self.mode != 'sentinel' || has(self.master)",
            "with redis.mode sentinel give redis.master, the name that the sentinels have for the primary",
        )
        .blames("master")
        .required(),
        Rule::new(
            "redis-master-sentinel",
            "spec.redis",
            "self.mode == 'sentinel' || !has(self.master)",
            "redis.master is for redis.mode sentinel: remove it, or set the mode",
        )
        .blames("master")
        .forbidden(),
        Rule::new(
            "redis-database-standalone",
            "spec.redis",
            "self.mode == 'standalone' || !has(self.database)",
            "redis.database is for redis.mode standalone: remove it, or set the mode",
        )
        .blames("database")
        .forbidden(),
        Rule::new(
            "redis-master",
            "spec.redis.master",
            "self.matches('^[A-Za-z0-9._-]+$')",
            "the primary's name is of letters, digits, ., _ and -, as in the sentinels' configuration",
        ),
    ]
}

fn secrets() -> Vec<Rule> {
    let credentials = ["redis", "kafka", "cassandra"].map(|backend| format!("spec.{backend}.credentials"));
    let cas = ["redis", "kafka", "cassandra"].map(|backend| format!("spec.{backend}.tls.caSecret"));
    let files = ["spec.blobs.s3.credentials", "spec.auth.signingKeySecret"].map(str::to_owned);
    let named = cas.iter().chain(&files);
    let names = credentials
        .iter()
        .map(|at| format!("{at}.secretName"))
        .chain(named.clone().map(|at| format!("{at}.name")))
        .chain(["spec.exposure.tls.secretName".to_owned(), "spec.blobs.claim.name".to_owned()]);
    let keys = credentials
        .iter()
        .flat_map(|at| [format!("{at}.usernameKey"), format!("{at}.passwordKey")])
        .chain(named.map(|at| format!("{at}.key")));
    vec![
        Rule::new(
            "secret-name",
            "",
            format!("self.matches('{SECRET_NAME}')"),
            "write the name of an object in this namespace: a-z, 0-9, - and ., beginning \
                and ending with a letter or digit",
        )
        .everywhere(names),
        Rule::new(
            "secret-key",
            "",
            "self.matches('^[-._a-zA-Z0-9]+$')",
            "write a key of the Secret: letters, digits, -, _ and .",
        )
        .everywhere(keys),
    ]
}
