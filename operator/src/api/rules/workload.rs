//! Images, amounts, labels, limits.

use super::Rule;
use crate::api::quantity;

const PARTS: [&str; 4] = ["embedded", "gateways", "writers", "web"];

/// 1 to 86400, a day: what the node takes.
const SECONDS: &str = "([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)";

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = images();
    rules.extend(amounts());
    rules.extend(pods());
    rules.extend(limits());
    rules.push(Rule::new(
        "log-filter",
        "spec.log.filter",
        "self.matches('^[A-Za-z0-9_:=,-]+$')",
        "write a level such as info, or levels by module such as info,chat_node=debug",
    ));
    rules
}

fn images() -> Vec<Rule> {
    vec![
        Rule::new(
            "tag-or-digests",
            "spec.image",
            "!(has(self.tag) && has(self.digests))",
            "give either image.tag or image.digests",
        )
        .blames("tag")
        .forbidden(),
        Rule::new(
            "repository",
            "spec.image.repository",
            "self.matches('^[a-z0-9]([-a-z0-9._]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([-._]+[a-z0-9]+)*)*$')",
            "write what stands before the images' names, without scheme and tag, such as \
                registry.example.com/elastic-chat",
        ),
        Rule::new(
            "tag",
            "spec.image.tag",
            "self.matches('^[A-Za-z0-9_][A-Za-z0-9._-]*$')",
            "a tag is of letters, digits, _, . and -, such as 1.2.3; digests are given in image.digests",
        ),
        Rule::new(
            "digest",
            "",
            "self.matches('^sha256:[0-9a-f]{64}$')",
            "write a digest as sha256: and 64 hexadecimal digits",
        )
        .everywhere(["chatNode", "writer", "web"].map(|image| format!("spec.image.digests.{image}"))),
    ]
}

fn amounts() -> Vec<Rule> {
    let amounts = PARTS
        .iter()
        .flat_map(|part| ["requests", "limits"].map(|kind| format!("spec.{part}.resources.{kind}")))
        .flat_map(|at| ["cpu", "memory"].map(|resource| format!("{at}.{resource}")))
        .chain(["spec.embedded.storage.size".to_owned()]);
    let mut rules = vec![
        Rule::new(
            "quantity",
            "",
            format!("type(self) == string ? self.matches('{}') : self >= 0", quantity::PATTERN.replace('\\', "\\\\")),
            "write an amount such as 500m, 2 or 1.5Gi",
        )
        .everywhere(amounts),
    ];
    for (id, resource) in [("requests-cpu", "cpu"), ("requests-memory", "memory")] {
        rules.push(
            Rule::new(
                id,
                "",
                format!(
                    "!has(self.requests.{resource}) || !has(self.limits.{resource}) || \
                     quantity(string(self.requests.{resource})).compareTo(quantity(string(self.limits.{resource}))) <= 0"
                ),
                format!("requests.{resource} is above limits.{resource}: lower the request or raise the limit"),
            )
            .blames(&format!("requests.{resource}"))
            .everywhere(PARTS.map(|part| format!("spec.{part}.resources"))),
        );
    }
    rules.push(
        Rule::new(
            "writer-memory",
            "spec.writers",
            "!has(self.resources.limits.memory) || \
             quantity(string(self.resources.limits.memory)).asApproximateFloat() > double(self.memoryMib) * 1048576.0",
            "resources.limits.memory does not hold memoryMib of records: raise it to at \
                least twice as much, or lower memoryMib",
        )
        .blames("resources.limits.memory"),
    );
    rules
}

fn pods() -> Vec<Rule> {
    let at = |field: &str| PARTS.map(|part| format!("spec.{part}.pod.{field}"));
    vec![
        Rule::new(
            "pod-labels",
            "",
            "self.all(key, !key.startsWith('app.kubernetes.io/') && !key.startsWith('elastic-chat.io/'))",
            "labels of app.kubernetes.io and elastic-chat.io are the operator's: use another prefix",
        )
        .everywhere(at("labels"))
        .forbidden(),
        Rule::new(
            "pod-annotations",
            "",
            "self.all(key, !key.startsWith('elastic-chat.io/'))",
            "annotations of elastic-chat.io are the operator's: use another prefix",
        )
        .everywhere(at("annotations"))
        .forbidden(),
    ]
}

fn limits() -> Vec<Rule> {
    let quotas = ["sendsPerUser", "handshakes", "authPerAddress"].map(|limit| format!("spec.limits.{limit}"));
    let values = ["connectionsPerUser", "frameBytes", "textChars", "groupMembers", "fileBytes", "queueBytes"]
        .map(|limit| format!("spec.limits.{limit}"));
    vec![
        Rule::new(
            "limit-quota",
            "",
            format!("self == 'off' || self.matches('^[1-9][0-9]{{0,8}}/{SECONDS}s$')"),
            "write so many in so many seconds, such as 30/10s (at most 86400s), or off",
        )
        .everywhere(quotas),
        Rule::new("limit-value", "", "type(self) == int || self == 'off'", "write a number, or off").everywhere(values),
    ]
}
