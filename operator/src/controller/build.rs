//! What the builders of owned objects have to know besides the resource.

use std::collections::BTreeMap;

use crate::children;
use crate::context::Context;

pub fn context(context: &Context, secrets: BTreeMap<String, String>) -> children::Context {
    children::Context {
        version: context.settings.version.clone(),
        operator_namespace: context.settings.operator_namespace.clone(),
        http_routes: context.installed.http_routes,
        pod_monitors: context.installed.pod_monitors,
        secrets,
    }
}
