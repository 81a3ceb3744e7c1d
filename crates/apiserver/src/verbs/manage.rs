//! Who manages which fields of an object: the one place that hands objects to `ssa`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use object::go_struct;
use serde_json::{Map, Value, json};
use ssa::fields::{FieldSet, PathElement};
use ssa::typed::Type;
use ssa::{ApplyError, Force, Reset};

use crate::api::Api;
use crate::failure::Failure;
use crate::meta;
use crate::resource::Resource;
use crate::verbs::convert::Forms;

/// Whoever writes, as entries of `managedFields` name them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manager<'a> {
    pub(crate) name: &'a str,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    pub(crate) now: Timestamp,
}

impl Api {
    /// The rows of all versions of a resource.
    fn versions(&self, resource: &Resource) -> Vec<Arc<Resource>> {
        let resources = self.resources();
        resources.iter().filter(|row| row.group == resource.group && row.plural == resource.plural).cloned().collect()
    }

    /// The live object with all that a manager applies.
    ///
    /// # Errors
    /// 409 for fields that are others', 400 and 500 for what cannot be applied, as upstream answers.
    pub(crate) fn apply(
        &self,
        resource: &Resource,
        manager: &Manager<'_>,
        live: Option<&Value>,
        config: &Value,
        force: Force,
    ) -> Result<Value, Failure> {
        let rows = self.versions(resource);
        self.ssa(resource, &rows, manager, |write| write.apply(live, config, force)).map_err(|error| failed(&error))
    }

    /// Notes in an object what its writer manages of it: what differs from the live one before the server had its say.
    pub(crate) fn note(
        &self,
        resource: &Resource,
        manager: &Manager<'_>,
        live: Option<&Value>,
        defaulted: Option<Value>,
        new: &mut Value,
    ) {
        let rows = self.versions(resource);
        let mut seen = defaulted.unwrap_or_else(|| new.clone());
        if resource.group.is_empty() && resource.kind == "Namespace" {
            // The label with the name is a default that waits for a generated name.
            meta::carry(&mut seen, "labels", new);
        }
        let managed = self.ssa(resource, &rows, manager, |write| write.update(live, seen));
        let managed = managed.pointer("/metadata/managedFields").cloned();
        let metadata = meta::of(new);
        match managed {
            Some(managed) => drop(metadata.insert("managedFields".to_owned(), managed)),
            None => drop(metadata.remove("managedFields")),
        }
    }

    #[expect(clippy::unused_self, reason = "the server's rows, and its way of writing")]
    fn ssa<T>(
        &self,
        resource: &Resource,
        rows: &[Arc<Resource>],
        manager: &Manager<'_>,
        write: impl FnOnce(&ssa::Write<'_>) -> T,
    ) -> T {
        let types: BTreeMap<String, Type<'_>> =
            rows.iter().map(|row| (row.api_version(), Type::new(&row.schemas, row.schema))).collect();
        let versions = Forms(types);
        // Of a custom kind, only its status knows what other versions cannot set.
        let knows =
            |row: &&Arc<Resource>| !row.custom || manager.subresource == "status" || row.version == resource.version;
        let reset: Reset =
            rows.iter().filter(knows).map(|row| (row.api_version(), never_set(row, manager.subresource))).collect();
        let mut empty = empty(resource);
        resource.name_kind(&mut empty);
        let empty = Value::Object(empty);
        write(&ssa::Write {
            versions: &versions,
            reset: &reset,
            empty: &empty,
            subresource: manager.subresource,
            manager: manager.name,
            now: ssa::Time::from_seconds(manager.now.as_second()),
        })
    }
}

/// An object of a kind before anybody sets anything: of built-in kinds what Go prints of the zero value.
fn empty(resource: &Resource) -> Map<String, Value> {
    if resource.custom {
        return Map::new();
    }
    let struct_ = go_struct::of_kind(&resource.api_version(), &resource.kind);
    match struct_.and_then(|struct_| struct_.round_trip(&json!({})).ok()) {
        Some(read) => read.content,
        // Reviews, which nobody stores.
        None => resource.schemas.zero(resource.schema).as_object().cloned().unwrap_or_default(),
    }
}

/// Fields that a write cannot set, and that nobody owns by it.
fn never_set(resource: &Resource, subresource: &str) -> FieldSet {
    let mut set = FieldSet::default();
    let mut add = |path: &[&str]| {
        let path: Vec<PathElement> = path.iter().map(|name| PathElement::field(name)).collect();
        set.insert(&path);
    };
    match subresource {
        "" if resource.subresource("status").is_some() => add(&["status"]),
        "status" => {
            add(&["spec"]);
            match resource.kind.as_str() {
                _ if resource.custom => {}
                "Deployment" => add(&["metadata", "labels"]),
                "Pod" => {
                    add(&["metadata", "deletionTimestamp"]);
                    add(&["metadata", "ownerReferences"]);
                }
                "APIService" | "CustomResourceDefinition" | "ValidatingAdmissionPolicy" | "VolumeAttachment" => {
                    add(&["metadata"]);
                }
                _ => {}
            }
        }
        _ => {}
    }
    set
}

fn failed(error: &ApplyError) -> Failure {
    match error {
        ApplyError::Kind { .. } | ApplyError::ManagedFields => Failure::bad_request(error.to_string()),
        ApplyError::Conflicts(conflicts) => {
            let causes = conflicts.0.iter().map(|conflict| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": conflict.to_string(),
                    "field": conflict.field(),
                })
            });
            Failure::apply_conflict(conflicts.to_string(), &causes.collect::<Vec<_>>())
        }
        _ => Failure::unknown(error.to_string()),
    }
}
