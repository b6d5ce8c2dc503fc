//! What a process exports, and what a page says that it does: so that tests can compare them.

use std::collections::{BTreeMap, BTreeSet};

/// Of a metric family: its type, and its labels but for those of buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    pub kind: String,
    /// `None` where there is no sample that would tell.
    pub labels: Option<BTreeSet<String>>,
}

/// The families of an exposition in OpenMetrics text, by the names that queries use: counters end in `_total`.
pub fn exported(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            family = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            families.insert(family.clone(), Family { kind: kind.to_owned(), labels: None });
        } else if !line.starts_with('#')
            && let Some(found) = families.get_mut(&family)
        {
            found.labels.get_or_insert_default().extend(labels_of(line));
        }
    }
    families
}

/// The labels of a sample, but for `le`.
fn labels_of(sample: &str) -> impl Iterator<Item = String> {
    let inside = sample.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(inside, _)| inside);
    inside
        .split("\",")
        .filter_map(|pair| pair.split_once("=\""))
        .map(|(name, _)| name.trim().to_owned())
        .filter(|n| n != "le")
}

/// The rows of a page's tables below the headings given: `name_total{label,…}` and a type in the first two columns.
pub fn documented(page: &str, headings: &[&str]) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    let mut wanted = false;
    for line in page.lines() {
        if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
            wanted = headings.contains(&heading);
        }
        let mut cells = line.split('|').map(str::trim);
        let (Some(""), Some(name), Some(kind), true) = (cells.next(), cells.next(), cells.next(), wanted) else {
            continue;
        };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        let labels = Some(labels.map(|label| label.trim().to_owned()).collect());
        families.insert(name.to_owned(), Family { kind: kind.to_owned(), labels });
    }
    families
}

/// What differs, one sentence for each metric.
///
/// A family without a sample says nothing of its labels, so these are not compared.
pub fn differences(exported: &BTreeMap<String, Family>, documented: &BTreeMap<String, Family>) -> Vec<String> {
    let mut said = Vec::new();
    for (name, real) in exported {
        match documented.get(name) {
            None => said.push(format!("{name} ({}) is exported and not documented", real.kind)),
            Some(told) if told.kind != real.kind => {
                said.push(format!("{name} is a {}, documented as {}", real.kind, told.kind));
            }
            Some(told) if real.labels.is_some() && told.labels != real.labels => {
                said.push(format!("{name} has the labels {:?}, documented are {:?}", real.labels, told.labels));
            }
            Some(_) => {}
        }
    }
    let missing = documented.keys().filter(|name| !exported.contains_key(*name));
    said.extend(missing.map(|name| format!("{name} is documented and not exported")));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPOSITION: &str = "# HELP a_sends Sends.\n# TYPE a_sends counter\na_sends_total{outcome=\"a, b\",of=\"x\"} 1\n\
        # TYPE a_send_seconds histogram\n# UNIT a_send_seconds seconds\na_send_seconds_sum 0\n\
        a_send_seconds_bucket{le=\"+Inf\"} 0\n# TYPE idle gauge\n# EOF\n";
    const PAGE: &str = "# One\n| metric | type |\n|---|---|\n| `a_sends_total{outcome,of}` | counter | x |\n\
        | `a_send_seconds` | histogram | y |\n# Two\n| `idle{by}` | gauge | z |\n";

    #[test]
    fn a_page_that_is_right_differs_in_nothing() {
        assert_eq!(differences(&exported(EXPOSITION), &documented(PAGE, &["One", "Two"])), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_told() {
        let page = PAGE.replace("outcome,of", "outcome").replace("histogram", "gauge") + "| `gone` | gauge | |\n";
        let said = differences(&exported(EXPOSITION), &documented(&page, &["One", "Two"]));
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(differences(&exported(EXPOSITION), &documented(PAGE, &["Two"])).len(), 2);
    }
}
