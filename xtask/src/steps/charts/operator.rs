//! The operator's chart.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};

use super::{name, of_kind};
use crate::files::read;
use crate::helm::{self, Chart, NAMESPACE};

/// What must hold for every file of values.
pub fn check(objects: &[Value]) -> anyhow::Result<()> {
    for object in objects {
        labelled(object).with_context(|| name(object))?;
    }
    let deployment = of_kind(objects, "Deployment").next().context("no Deployment")?;
    let template = deployment.pointer("/spec/template").context("no template")?;
    restricted(&template["spec"]).context("the Deployment")?;
    for pod in of_kind(objects, "Pod") {
        restricted(&pod["spec"]).with_context(|| name(pod))?;
    }
    operable(template)?;
    selected(objects, template)?;
    least_rights(objects)?;
    bound(objects, &template["spec"])?;
    budget_fits(objects, deployment)
}

/// Values that can't work are refused with the name of the value.
pub fn refuses_bad_values() -> anyhow::Result<()> {
    let bad = [
        ("replicas=-1", "replicas"),
        ("replicas=two", "replicas"),
        ("image.repository=", "repository"),
        ("image.digest=sha256:short", "digest"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("watchNamespace=Not_A_Name", "watchNamespace"),
        ("log.format=xml", "format"),
        ("metrics.port=80", "port"),
        ("metrics.podMonitor.interval=soon", "interval"),
        ("podDisruptionBudget.maxUnavailable=0", "maxUnavailable"),
        ("topologySpread.whenUnsatisfiable=Never", "whenUnsatisfiable"),
        ("nodeSelector.disk=1", "disk"),
        ("prometheusRule.runbooks=here", "runbooks"),
        ("prometheusRule.enable=true", "enable"),
        ("dashboards.labels=grafana", "labels"),
        ("replica=3", "replica"),
    ];
    for (values, named) in bad {
        let said = match helm::template(Chart::Operator, &["--set", values]) {
            Ok(_) => anyhow::bail!("{values} is not refused"),
            Err(error) => error.to_string(),
        };
        ensure!(said.contains(named), "{values} is refused without a word on {named}: {said}");
    }
    Ok(())
}

/// Who may do what to what: `group resource verb`.
type Rights = BTreeSet<String>;

const TABLE: &str = "docs/operator.md";

/// The operator is given what its documentation says that it needs, no less and no more.
pub fn rights_are_those_documented() -> anyhow::Result<()> {
    let (given, needed) = (given()?, needed(&read(TABLE)?));
    ensure!(!needed.is_empty(), "{TABLE} has no table of rights");
    let list = |rights: Vec<&String>| rights.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let (missing, more) = (list(needed.difference(&given).collect()), list(given.difference(&needed).collect()));
    ensure!(missing.is_empty(), "{TABLE} says that it needs what it is not given: {missing}");
    ensure!(more.is_empty(), "it is given what {TABLE} knows nothing of: {more}");
    Ok(())
}

fn given() -> anyhow::Result<Rights> {
    let objects = helm::objects(&helm::template(Chart::Operator, &["--set", "rbac.aggregate=false"])?)?;
    let roles = objects.iter().filter(|object| object["kind"] == "Role" || object["kind"] == "ClusterRole");
    let rules = roles.flat_map(|role| role["rules"].as_array().into_iter().flatten());
    Ok(rules
        .flat_map(|rule| product(&words(&rule["apiGroups"]), &words(&rule["resources"]), &words(&rule["verbs"])))
        .collect())
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|word| Some(word.as_str()?.to_owned())).collect()
}

/// The rows whose first cell is a group in backticks.
fn needed(page: &str) -> Rights {
    let split = |cell: &str| -> Vec<String> {
        cell.split(',').map(|word| word.trim().trim_matches(['`', '"']).to_owned()).collect()
    };
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.split(" | ").collect::<Vec<_>>().try_into().ok());
    cells
        .filter(|[_, resources, _]: &[&str; 3]| resources.starts_with('`'))
        .flat_map(|[group, resources, verbs]| {
            // What is only in its own namespace says so behind the group.
            let group = group.split('`').next().unwrap_or_default();
            product(&split(group), &split(resources), &split(verbs))
        })
        .collect()
}

fn product(groups: &[String], resources: &[String], verbs: &[String]) -> Rights {
    let mut rights = Rights::new();
    for group in groups {
        for resource in resources {
            rights.extend(verbs.iter().map(|verb| format!("{group} {resource} {verb}").trim().to_owned()));
        }
    }
    rights
}

fn labelled(object: &Value) -> anyhow::Result<()> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object).context("no labels")?;
    for label in ["name", "instance", "component", "part-of", "version", "managed-by"] {
        ensure!(labels.contains_key(&format!("app.kubernetes.io/{label}")), "no label {label}");
    }
    let everywhere = ["ClusterRole", "ClusterRoleBinding"].iter().any(|kind| object["kind"] == *kind);
    ensure!(everywhere == object.pointer("/metadata/namespace").is_none(), "a namespace, or none, where it should not");
    Ok(())
}

/// The restricted Pod Security Standard, and more: a root that can't be written.
fn restricted(pod: &Value) -> anyhow::Result<()> {
    let expect = |at: &Value, pointer: &str, wanted: Value| {
        let found = at.pointer(pointer).cloned().unwrap_or_default();
        ensure!(found == wanted, "{pointer} is {found}, not {wanted}");
        Ok(())
    };
    expect(pod, "/securityContext/runAsNonRoot", true.into())?;
    expect(pod, "/securityContext/seccompProfile/type", "RuntimeDefault".into())?;
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        ensure!(pod.get(host).is_none(), "it has {host}");
    }
    for container in pod["containers"].as_array().context("no containers")? {
        expect(container, "/securityContext/allowPrivilegeEscalation", false.into())?;
        expect(container, "/securityContext/readOnlyRootFilesystem", true.into())?;
        expect(container, "/securityContext/capabilities/drop", serde_json::json!(["ALL"]))?;
        let image = container["image"].as_str().unwrap_or_default();
        ensure!(
            image.contains('@') || (image.contains(':') && !image.ends_with(":latest")),
            "{image} may be any version"
        );
    }
    Ok(())
}

/// It is asked whether it lives and is ready, and knows who and where it is.
fn operable(template: &Value) -> anyhow::Result<()> {
    let container = template.pointer("/spec/containers/0").context("no container")?;
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        ensure!(container[probe]["httpGet"]["port"] == "metrics", "{probe} asks another port");
    }
    let env = container["env"].as_array().context("no env")?;
    for wanted in ["POD_NAME", "POD_NAMESPACE"] {
        ensure!(env.iter().any(|variable| variable["name"] == wanted), "no {wanted}");
    }
    Ok(())
}

/// Whatever selects Pods selects the operator's.
fn selected(objects: &[Value], template: &Value) -> anyhow::Result<()> {
    let labels = template.pointer("/metadata/labels").and_then(Value::as_object).context("no labels")?;
    let selectors = [
        ("Deployment", "/spec/selector/matchLabels"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ("Service", "/spec/selector"),
        ("PodMonitor", "/spec/selector/matchLabels"),
    ];
    for (kind, pointer) in selectors {
        for object in of_kind(objects, kind) {
            let selector = object.pointer(pointer).and_then(Value::as_object).context("no selector")?;
            ensure!(!selector.is_empty() && within(selector, labels), "{} selects other Pods", name(object));
            // A selector can't be changed, and these change with every version.
            let passing =
                ["app.kubernetes.io/version", "helm.sh/chart"].iter().any(|label| selector.contains_key(*label));
            ensure!(!passing, "{} selects Pods of one version", name(object));
        }
    }
    let spread = template.pointer("/spec/topologySpreadConstraints").and_then(Value::as_array);
    for constraint in spread.into_iter().flatten() {
        let selector = constraint.pointer("/labelSelector/matchLabels").and_then(Value::as_object);
        ensure!(selector.is_some_and(|selector| within(selector, labels)), "the Pods are spread over those of others");
    }
    Ok(())
}

fn within(selector: &Map<String, Value>, labels: &Map<String, Value>) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// No wildcard, nothing that leads to more rights, and with watched namespaces nothing outside of them.
fn least_rights(objects: &[Value]) -> anyhow::Result<()> {
    let roles = || objects.iter().filter(|object| object["kind"] == "Role" || object["kind"] == "ClusterRole");
    for role in roles() {
        for rule in role["rules"].as_array().context("no rules")? {
            for part in ["apiGroups", "resources", "verbs"] {
                let words = rule[part].as_array().with_context(|| format!("{}: no {part}", name(role)))?;
                ensure!(!words.is_empty() && words.iter().all(|word| word != "*"), "{}: any of {part}", name(role));
            }
            let text = rule.to_string();
            for right in
                ["\"escalate\"", "\"bind\"", "\"impersonate\"", "pods/exec", "serviceaccounts/token", "\"nodes\""]
            {
                ensure!(!text.contains(right), "{} has {right}", name(role));
            }
        }
    }
    if watched(objects).is_some() {
        ensure!(of_kind(objects, "ClusterRoleBinding").next().is_none(), "a right outside of the watched namespaces");
    }
    Ok(())
}

fn watched(objects: &[Value]) -> Option<&str> {
    let deployment = of_kind(objects, "Deployment").next()?;
    let args = deployment.pointer("/spec/template/spec/containers/0/args")?.as_array()?;
    args.iter().filter_map(Value::as_str).find_map(|arg| arg.strip_prefix("--namespace="))
}

/// Each role is bound to the account that the Pods run as, in every namespace that they look at.
fn bound(objects: &[Value], pod: &Value) -> anyhow::Result<()> {
    let bindings: Vec<&Value> = objects
        .iter()
        .filter(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("RoleBinding")))
        .collect();
    for binding in &bindings {
        let subject = &binding["subjects"][0];
        ensure!(subject["name"] == pod["serviceAccountName"], "{} is for another account", name(binding));
        ensure!(subject["namespace"] == NAMESPACE, "{} is for another namespace's account", name(binding));
        let role = &binding["roleRef"];
        let there = objects.iter().any(|object| {
            object["kind"] == role["kind"]
                && object.pointer("/metadata/name") == Some(&role["name"])
                && object.pointer("/metadata/namespace") == binding.pointer("/metadata/namespace")
        });
        ensure!(there, "{} is of a role that is not there", name(binding));
    }
    if let (false, Some(namespace)) = (bindings.is_empty(), watched(objects)) {
        let here = |binding: &&Value| binding.pointer("/metadata/namespace").is_some_and(|own| own == namespace);
        ensure!(bindings.iter().any(here), "no rights in {namespace}");
    }
    Ok(())
}

/// A budget for a single Pod would stop every drain of its node.
fn budget_fits(objects: &[Value], deployment: &Value) -> anyhow::Result<()> {
    let several = deployment.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1) > 1;
    let budget = of_kind(objects, "PodDisruptionBudget").next().is_some();
    ensure!(several || !budget, "a budget for one Pod");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_rights_is_read() {
        let page = "| API group | resources | verbs |\n|---|---|---|\n| `\"\"` | `pods`, `events` | list, patch |\n\
            | `apps` (own namespace) | `deployments` | get |\n| `--flag` | what it does |\n";
        let rights = "apps deployments get; events list; events patch; pods list; pods patch";
        assert_eq!(needed(page).into_iter().collect::<Vec<_>>().join("; "), rights);
    }
}
