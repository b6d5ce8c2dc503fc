//! The metrics that there are: `docs/reference/metrics.md`, which tests compare with what the programs export.

use std::collections::{BTreeMap, BTreeSet};

use super::promql::names;
use super::rules::{Rule, Rules};
use crate::files::read;

const PAGE: &str = "docs/reference/metrics.md";
/// What Prometheus and its operator add to each target.
const OF_TARGETS: [&str; 6] =
    ["namespace", "job", "pod", "instance", "app_kubernetes_io_name", "app_kubernetes_io_component"];

/// Each name that a query may use, with its own labels.
pub struct Reference(BTreeMap<String, BTreeSet<String>>);

impl Reference {
    /// # Errors
    /// The page can't be read, or has no table.
    pub fn of(rules: &Rules) -> anyhow::Result<Self> {
        let mut known = documented(&read(PAGE)?);
        anyhow::ensure!(known.len() > 30, "{PAGE} has hardly any metric: is its form another?");
        known.insert("up".to_owned(), BTreeSet::new());
        known.insert("ALERTS".to_owned(), ["alertname", "alertstate", "severity"].map(str::to_owned).into());
        for rule in rules.groups.iter().flat_map(|group| &group.rules) {
            if let Rule::Record { record, .. } = rule {
                known.insert(record.clone(), BTreeSet::new());
            }
        }
        Ok(Self(known))
    }

    /// What of an expression is not there.
    pub fn unknown(&self, expr: &str) -> Vec<String> {
        let found = names(expr);
        let mut unknown = Vec::new();
        let mut labels: BTreeSet<&str> = OF_TARGETS.into();
        labels.insert("le");
        for selector in &found.selectors {
            let Some(own) = self.0.get(&selector.metric) else {
                unknown.push(format!("no process exports {}", selector.metric));
                continue;
            };
            labels.extend(own.iter().map(String::as_str));
            let strange =
                selector.labels.iter().filter(|label| !own.contains(*label) && !OF_TARGETS.contains(&label.as_str()));
            unknown.extend(strange.map(|label| format!("{} has no label {label}", selector.metric)));
        }
        let strange = found.grouping.iter().filter(|label| !labels.contains(label.as_str()));
        unknown.extend(strange.map(|label| format!("nothing here has the label {label}")));
        unknown
    }
}

/// The rows of the page: `name{labels}` and a type in the first two columns. A histogram is three series.
fn documented(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut known = BTreeMap::new();
    for line in page.lines() {
        let Some((name, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) else { continue };
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        let labels: BTreeSet<String> =
            labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect();
        match rest.split(" |").next() {
            Some("counter" | "gauge") => {
                known.insert(name.to_owned(), labels);
            }
            Some("histogram") => {
                for end in ["sum", "count", "bucket"] {
                    let mut labels = labels.clone();
                    labels.extend((end == "bucket").then(|| "le".to_owned()));
                    known.insert(format!("{name}_{end}"), labels);
                }
            }
            _ => {}
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::rules;

    #[test]
    fn what_nobody_exports_is_found() {
        let reference = Reference::of(&rules::all()).expect("the page");
        for sound in [
            r#"sum by (outcome) (rate(chat_node_sends_total{outcome="acked", job="x"}[5m]))"#,
            r#"histogram_quantile(0.9, sum by (le) (rate(chat_node_send_seconds_bucket{le="0.25"}[5m])))"#,
            "job:chat_sends_failed:ratio_rate5m > 0.1",
        ] {
            assert_eq!(reference.unknown(sound), Vec::<String>::new(), "{sound}");
        }
        for (broken, problems) in [
            ("rate(chat_node_sends[5m])", 1),
            (r#"chat_node_sends_total{code="x"}"#, 1),
            ("sum by (outcome) (chat_node_connections)", 1),
            ("chat_node_send_seconds_bucket + chat_node_send_seconds", 1),
        ] {
            assert_eq!(reference.unknown(broken).len(), problems, "{broken}");
        }
    }
}
