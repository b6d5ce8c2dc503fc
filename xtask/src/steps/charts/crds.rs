//! The chart of the definitions.

use anyhow::{bail, ensure};
use serde_json::Value;

use super::of_kind;
use crate::files::read;
use crate::generate::CRDS;
use crate::helm::{self, Chart};

const KEEP: &str = "/metadata/annotations/helm.sh~1resource-policy";

/// The chart's files are those of `crds/`.
pub fn copy_is_current() -> anyhow::Result<()> {
    for (from, to) in CRDS {
        if read(from)? != read(to)? {
            bail!("{to} is not {from}: run `./dev generate` and commit it");
        }
    }
    Ok(())
}

/// Only definitions, with all that `crds/` says and labels of ours.
pub fn check(objects: &[Value]) -> anyhow::Result<()> {
    ensure!(of_kind(objects, "CustomResourceDefinition").count() == objects.len(), "more than definitions");
    ensure!(objects.len() == CRDS.len(), "{} definitions for {} files", objects.len(), CRDS.len());
    for (object, (from, _)) in objects.iter().zip(CRDS) {
        let [committed] = helm::objects(&read(from)?)?.try_into().map_err(|_| anyhow::anyhow!("{from} is not one"))?;
        ensure!(object["spec"] == committed["spec"], "the chart changes the spec of {from}");
        ensure!(object.pointer("/metadata/name") == committed.pointer("/metadata/name"), "another name than in {from}");
        ensure!(
            object.pointer("/metadata/labels/app.kubernetes.io~1managed-by").is_some(),
            "{from} has lost its labels"
        );
    }
    Ok(())
}

/// By default an uninstall leaves the definitions, and with them everybody's clusters.
pub fn kept_unless_told_otherwise() -> anyhow::Result<()> {
    for (flags, keep) in [(&[][..], true), (&["--set", "keep=false"][..], false)] {
        let objects = helm::objects(&helm::template(Chart::Crds, flags)?)?;
        let kept = |object: &Value| object.pointer(KEEP).is_some_and(|policy| policy == "keep");
        ensure!(
            objects.iter().all(|object| kept(object) == keep),
            "with {flags:?} the definitions are kept: {}",
            !keep
        );
    }
    Ok(())
}
