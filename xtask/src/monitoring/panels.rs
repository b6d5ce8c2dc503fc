//! Pieces of Grafana dashboards (schema version 39: Grafana 10.4 and newer).

use serde_json::{Value, json};

/// Grafana's grid.
const COLUMNS: u64 = 24;

/// A panel whose place is found when the dashboard is put together.
pub struct Panel {
    kind: &'static str,
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    width: u64,
    height: u64,
    queries: Vec<(String, &'static str)>,
    /// From these values on it is shown in orange, and in red.
    thresholds: Option<(f64, f64)>,
}

/// Lines over time, a third of the page wide. `queries`: an expression, and what a line is called.
pub fn lines(
    title: &'static str,
    unit: &'static str,
    description: &'static str,
    queries: &[(&str, &'static str)],
) -> Panel {
    let queries = queries.iter().map(|(expr, legend)| (scoped(expr), *legend)).collect();
    Panel { kind: "timeseries", title, description, unit, width: 8, height: 8, queries, thresholds: None }
}

/// One number for each line of the answer, a sixth of the page wide.
pub fn number(title: &'static str, unit: &'static str, description: &'static str, expr: &str) -> Panel {
    let queries = vec![(scoped(expr), "__auto")];
    Panel { kind: "stat", title, description, unit, width: 4, height: 4, queries, thresholds: None }
}

/// What fires now.
pub fn alerts() -> Panel {
    let expr = r#"ALERTS{alertstate="firing", alertname=~"Chat.*", namespace=~"$namespace"}"#;
    Panel {
        kind: "table",
        title: "Firing alerts",
        description: "Each has a runbook of its name.",
        unit: "short",
        width: 12,
        height: 8,
        queries: vec![(expr.to_owned(), "{{alertname}}")],
        thresholds: None,
    }
}

impl Panel {
    pub fn wide(mut self, columns: u64) -> Self {
        self.width = columns;
        self
    }

    pub fn thresholds(mut self, orange: f64, red: f64) -> Self {
        self.thresholds = Some((orange, red));
        self
    }

    fn json(&self, id: u64, x: u64, y: u64) -> Value {
        let targets: Vec<Value> = self
            .queries
            .iter()
            .zip('A'..='Z')
            .map(|((expr, legend), reference)| {
                let now = self.kind == "table";
                json!({
                    "datasource": datasource(), "expr": expr, "legendFormat": legend, "refId": reference.to_string(),
                    "instant": now, "range": !now, "format": if now { "table" } else { "time_series" },
                })
            })
            .collect();
        let mut steps = vec![json!({"color": "green", "value": null})];
        if let Some((orange, red)) = self.thresholds {
            let (low, high) = (json!({"color": "orange", "value": orange}), json!({"color": "red", "value": red}));
            if orange < red {
                steps.extend([low, high]);
            } else {
                // Small is bad: below `red` red, from `orange` on green.
                steps = vec![
                    json!({"color": "red", "value": null}),
                    json!({"color": "orange", "value": red}),
                    json!({"color": "green", "value": orange}),
                ];
            }
        }
        let mut panel = json!({
            "id": id, "type": self.kind, "title": self.title, "description": self.description,
            "datasource": datasource(), "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": targets,
            "fieldConfig": {
                "defaults": {"unit": self.unit, "thresholds": {"mode": "absolute", "steps": steps}},
                "overrides": [],
            },
        });
        match self.kind {
            "timeseries" => {
                panel["options"] =
                    json!({"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list"}});
                panel["fieldConfig"]["defaults"]["min"] = json!(0);
                panel["fieldConfig"]["defaults"]["custom"] = json!({
                    "fillOpacity": 8, "showPoints": "never",
                    "thresholdsStyle": {"mode": if self.thresholds.is_some() { "line" } else { "off" }},
                });
            }
            "stat" => {
                panel["options"] = json!({
                    "reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "area",
                });
            }
            _ => {
                let columns = ["alertname", "severity", "namespace", "job", "pod", "backend"];
                panel["transformations"] = json!([
                    {"id": "filterFieldsByName", "options": {"include": {"names": columns}}},
                ]);
            }
        }
        panel
    }
}

/// `{}` stands for the cluster that was chosen.
fn scoped(expr: &str) -> String {
    expr.replace("{}", r#"{namespace=~"$namespace", job=~"$job"}"#)
        .replace("{,", r#"{namespace=~"$namespace", job=~"$job", "#)
        .replace("[W]", "[$__rate_interval]")
}

fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// A heading, and the panels below it.
pub type Row = (&'static str, Vec<Panel>);

/// `of` is the metric that tells which namespaces and jobs there are to choose from.
pub fn dashboard(uid: &str, title: &str, description: &str, of: &str, rows: &[Row]) -> Value {
    let (mut panels, mut id, mut y) = (Vec::new(), 0, 0);
    for (heading, row) in rows {
        id += 1;
        panels.push(json!({
            "id": id, "type": "row", "title": heading, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }));
        y += 1;
        let (mut x, mut height) = (0, 0);
        for panel in row {
            if x + panel.width > COLUMNS {
                (x, y, height) = (0, y + height, 0);
            }
            id += 1;
            panels.push(panel.json(id, x, y));
            x += panel.width;
            height = height.max(panel.height);
        }
        y += height;
    }
    let choice = |name: &str, label: &str, query: String| {
        json!({
            "name": name, "label": label, "type": "query", "datasource": datasource(),
            "query": {"query": query, "refId": name}, "definition": query, "refresh": 2, "sort": 1,
            "includeAll": true, "multi": true, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
        })
    };
    json!({
        "uid": uid, "title": title, "description": description, "tags": ["elastic-chat"],
        "schemaVersion": 39, "editable": true, "graphTooltip": 1, "refresh": "30s", "timezone": "utc",
        "time": {"from": "now-3h", "to": "now"},
        "links": [{
            "type": "dashboards", "title": "Elastic Chat", "tags": ["elastic-chat"],
            "asDropdown": true, "includeVars": true, "keepTime": true,
        }],
        "templating": {"list": [
            {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            choice("namespace", "Namespace", format!("label_values({of}, namespace)")),
            choice("job", "Cluster", format!(r#"label_values({of}{{namespace=~"$namespace"}}, job)"#)),
        ]},
        "panels": panels,
    })
}
