//! Why pods of a workload are not created at all. Deployments say it in their status; StatefulSets only in events.

use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};

use crate::cache::children::ChildKey;
use crate::calls::CallError;
use crate::context::Context;

/// The newest words of the StatefulSet controller about why it can't create a pod.
///
/// # Errors
/// The API server does not answer, or forbids it.
pub async fn of_stateful_set(context: &Context, key: &ChildKey) -> Result<Option<String>, CallError> {
    let api: Api<Event> = Api::namespaced(context.calls.client(), &key.namespace);
    let fields =
        format!("involvedObject.kind=StatefulSet,involvedObject.name={},reason=FailedCreate,type=Warning", key.name);
    let parameters = ListParams::default().fields(&fields).limit(20);
    let found = context.calls.read("list", format!("events of {key}"), api.list(&parameters)).await?;
    let newest = found.items.into_iter().max_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
    Ok(newest.and_then(|event| event.message))
}
