//! Which metrics and labels an expression names. Whether it is sound promtool says.

/// A metric of an expression, with the labels that its matchers name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    pub labels: Vec<String>,
}

/// What an expression names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub selectors: Vec<Selector>,
    /// In `by (…)`, `on (…)` and the like.
    pub grouping: Vec<String>,
}

const AGGREGATIONS: [&str; 12] =
    ["sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile"];
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Reads an expression; what is no metric, label or list of labels is passed over.
pub fn names(expr: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expr;
    let mut list_comes = false;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => after_text(rest),
            '[' => rest.split_once(']').map_or("", |(_, after)| after),
            '{' => {
                let (labels, after) = matchers(&rest[1..]);
                if let Some(selector) = names.selectors.last_mut() {
                    selector.labels.extend(labels);
                }
                after
            }
            '(' if list_comes => {
                let (inside, after) = rest[1..].split_once(')').unwrap_or((&rest[1..], ""));
                let labels = inside.split(',').map(str::trim).filter(|label| !label.is_empty());
                names.grouping.extend(labels.map(str::to_owned));
                list_comes = false;
                after
            }
            '0'..='9' => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.'),
            _ if begins_word(first) => {
                let end = rest.find(|c: char| !begins_word(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                let called = after.trim_start().starts_with('(');
                if LISTS.contains(&word) {
                    list_comes = called;
                } else if !called && !AGGREGATIONS.contains(&word) && !OPERATORS.contains(&word) {
                    names.selectors.push(Selector { metric: word.to_owned(), labels: Vec::new() });
                }
                after
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    names
}

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':'
}

/// Behind the quoted text at the begin.
fn after_text(text: &str) -> &str {
    let quote = text.chars().next().unwrap_or('"');
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// The labels of matchers up to the closing brace, and what comes behind it.
fn matchers(text: &str) -> (Vec<String>, &str) {
    let (mut labels, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        match first {
            '}' => return (labels, &rest[1..]),
            '"' | '\'' | '`' => rest = after_text(rest),
            _ if begins_word(first) => {
                let end = rest.find(|c: char| !begins_word(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
                labels.push(rest[..end].to_owned());
                rest = &rest[end..];
            }
            _ => rest = &rest[first.len_utf8()..],
        }
    }
    (labels, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_labels_and_groupings_are_told_apart() {
        let expr = r#"1 - sum by (namespace, job) (rate(a_total{outcome=~"x|b_total}", job="y"}[5m] offset 1h)) / 1e3 * 14.4
            and on (pod) topk(5, job:b:rate5m{le="0.25"}) > bool 2 unless absent(up == 1)"#;
        let found = names(expr);
        let metrics: Vec<&str> = found.selectors.iter().map(|selector| selector.metric.as_str()).collect();
        assert_eq!(metrics, ["a_total", "job:b:rate5m", "up"]);
        assert_eq!(found.selectors[0].labels, ["outcome", "job"]);
        assert_eq!(found.selectors[1].labels, ["le"]);
        assert_eq!(found.grouping, ["namespace", "job", "pod"]);
    }

    #[test]
    fn a_metric_that_is_called_like_a_function_is_one_without_parentheses() {
        assert_eq!(names("rate").selectors.len(), 1);
        assert_eq!(names("rate (x[5m])").selectors[0].metric, "x");
    }
}
