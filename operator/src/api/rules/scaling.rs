//! Bounds and targets that must fit each other.

use super::Rule;

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        Rule::new(
            "gateways-min-max",
            "spec.gateways",
            "!has(self.max) || self.min <= self.max",
            "gateways.min is above gateways.max: raise max or lower min",
        )
        .blames("min"),
        Rule::new(
            "writers-min-max",
            "spec.writers",
            "!has(self.max) || self.min <= self.max",
            "writers.min is above writers.max: raise max or lower min",
        )
        .blames("min"),
        Rule::new(
            "writers-max-partitions",
            "spec",
            "!has(self.kafka) || !has(self.writers) || !has(self.writers.max) || \
                self.writers.max <= self.kafka.partitions",
            "writers.max is above kafka.partitions, and a writer without a partition does \
                nothing: lower it, or leave it out",
        )
        .blames("writers.max"),
        Rule::new(
            "writers-min-partitions",
            "spec",
            "!has(self.kafka) || !has(self.writers) || self.writers.min <= self.kafka.partitions",
            "writers.min is above kafka.partitions, and a writer without a partition does \
                nothing: lower it",
        )
        .blames("writers.min"),
        Rule::new(
            "target-some",
            "spec.gateways.target",
            "self.connections > 0 || self.deliveriesPerSecond > 0 || self.cpuPercent > 0",
            "with all targets at 0 nothing would be scaled by: give one, or set \
                gateways.min and max to the same number",
        ),
        Rule::new(
            "max-step",
            "spec.gateways.scaleUp.maxStep",
            share("[1-9][0-9]{0,3}"),
            "write a percentage from 1% to 9999% such as \"100%\", or a number of pods from 1 to 1000",
        ),
        Rule::new(
            "max-draining",
            "spec.gateways.scaleDown.maxDraining",
            share("([1-9][0-9]?|100)"),
            "write a percentage from 1% to 100% such as \"10%\", or a number of pods from 1 to 1000",
        ),
    ];
    for (id, field) in
        [("limit-connections", "connections"), ("limit-deliveries", "deliveriesPerSecond"), ("limit-cpu", "cpuPercent")]
    {
        rules.push(
            Rule::new(
                id,
                "spec.gateways",
                format!(
                    "!has(self.limit) || !has(self.limit.{field}) || self.target.{field} <= \
                    self.limit.{field}"
                ),
                format!(
                    "target.{field} is above limit.{field}, what one gateway can carry at \
                    most: lower the target or raise the limit"
                ),
            )
            .blames(&format!("target.{field}")),
        );
    }
    rules
}

fn share(percent: &str) -> String {
    format!("type(self) == string ? self.matches('^{percent}%$') : self >= 1 && self <= 1000")
}
