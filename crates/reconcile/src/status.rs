//! Writes to the reconciled object itself: its status, as a patch of what changed, and its finalizer.

use std::sync::Arc;

use api::well_known::FINALIZER;
use api::{FluxObject, Spec};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Map, Value, json};

use crate::store::{Key, Store};

/// Writes objects of one kind under one field manager.
pub(crate) struct Writer<S: Spec> {
    pub(crate) client: Client,
    pub(crate) store: Arc<Store<FluxObject<S>>>,
    pub(crate) manager: &'static str,
}

impl<S: Spec> Clone for Writer<S> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), store: self.store.clone(), manager: self.manager }
    }
}

impl<S: Spec> Writer<S> {
    /// Patches the status of `object` to `status`; sends nothing when it is that already. Returns whether it sent
    /// anything.
    pub(crate) async fn write(&self, object: &FluxObject<S>, status: &S::Status) -> Result<bool, kube::Error> {
        let latest = self.store.get(&Key::of(object)).filter(|latest| latest.uid() == object.uid());
        let before = latest.as_deref().unwrap_or(object).status.as_ref();
        let before = before.map_or(Ok(Value::Null), serde_json::to_value).map_err(kube::Error::SerdeError)?;
        let after = serde_json::to_value(status).map_err(kube::Error::SerdeError)?;
        let Some(changed) = merge_patch(&before, &after) else { return Ok(false) };
        // The uid keeps the status of an object from being written to its successor of the same name.
        let patch = json!({ "metadata": { "uid": object.uid() }, "status": changed });
        let written = self.api(object).patch_status(object.name(), &self.params(), &Patch::Merge(patch)).await?;
        self.store.wrote(written);
        Ok(true)
    }

    /// Adds our finalizer.
    pub(crate) async fn add_finalizer(&self, object: &FluxObject<S>) -> Result<(), kube::Error> {
        let mut finalizers = object.finalizers().to_vec();
        finalizers.push(FINALIZER.to_owned());
        self.write_finalizers(object, &finalizers).await
    }

    /// Removes our finalizer. That the object is gone already is as good.
    pub(crate) async fn remove_finalizer(&self, object: &FluxObject<S>) -> Result<(), kube::Error> {
        let others: Vec<String> = object.finalizers().iter().filter(|name| *name != FINALIZER).cloned().collect();
        match self.write_finalizers(object, &others).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            result => result,
        }
    }

    async fn write_finalizers(&self, object: &FluxObject<S>, finalizers: &[String]) -> Result<(), kube::Error> {
        // With the version: the list is replaced as a whole, and others write to it too.
        let patch = json!({ "metadata": {
            "uid": object.uid(), "resourceVersion": object.resource_version(), "finalizers": finalizers,
        }});
        let written = self.api(object).patch(object.name(), &self.params(), &Patch::Merge(patch)).await?;
        self.store.wrote(written);
        Ok(())
    }

    fn api(&self, object: &FluxObject<S>) -> Api<FluxObject<S>> {
        Api::namespaced(self.client.clone(), object.namespace())
    }

    fn params(&self) -> PatchParams {
        PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() }
    }
}

/// The JSON merge patch (RFC 7386) that turns `before` into `after`, if they differ.
fn merge_patch(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        if let Some(changed) = merge_patch(old.get(key).unwrap_or(&Value::Null), value) {
            patch.insert(key.clone(), changed);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &Value, after: &Value, expected: &Value) {
        let patch = merge_patch(before, after);
        assert_eq!(patch.as_ref().unwrap_or(&Value::Null), expected);
    }

    #[test]
    fn only_what_changed_is_sent() {
        check(&json!({"a": 1}), &json!({"a": 1}), &Value::Null);
        check(&json!({"a": 1, "b": [1]}), &json!({"a": 2, "b": [1]}), &json!({"a": 2}));
        check(&json!({"a": {"x": 1, "y": 2}}), &json!({"a": {"x": 1}}), &json!({"a": {"y": null}}));
        check(&json!({"a": [1]}), &json!({"a": [1, 2]}), &json!({"a": [1, 2]}));
        check(&Value::Null, &json!({"a": 1}), &json!({"a": 1}));
        check(&json!({"a": 1}), &json!({}), &json!({"a": null}));
    }
}
