//! The file of rules, as Prometheus reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{RUNBOOKS_URL, alerts, objectives};

#[derive(Debug, Serialize)]
pub struct Rules {
    pub groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub name: &'static str,
    /// How often it is computed; Prometheus' own interval where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<&'static str>,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Rule {
    Record { record: String, expr: String },
    Alert(Alert),
}

#[derive(Debug, Serialize)]
pub struct Alert {
    #[serde(rename = "alert")]
    pub name: &'static str,
    pub expr: String,
    /// How long it must hold.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub hold: Option<&'static str>,
    pub labels: BTreeMap<&'static str, String>,
    pub annotations: BTreeMap<&'static str, String>,
}

/// Whether somebody is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Now, whatever the hour.
    Critical,
    /// In working hours.
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

impl Alert {
    pub fn new(
        name: &'static str,
        severity: Severity,
        hold: Option<&'static str>,
        expr: impl Into<String>,
        summary: &str,
        description: &str,
    ) -> Self {
        Self {
            name,
            expr: expr.into(),
            hold,
            labels: BTreeMap::from([("severity", severity.as_str().to_owned())]),
            annotations: BTreeMap::from([
                ("summary", summary.to_owned()),
                ("description", description.to_owned()),
                ("runbook_url", format!("{RUNBOOKS_URL}/{name}.html")),
            ]),
        }
    }
}

pub fn all() -> Rules {
    let mut groups = objectives::groups();
    groups.extend(alerts::groups());
    Rules { groups }
}
