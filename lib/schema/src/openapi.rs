//! Reads OpenAPI v3 documents as kube-apiserver serves them at `/openapi/v3/apis/<group>/<version>`.

use serde_json::{Value, json};

use crate::node::{Id, Node, Type};
use crate::read::{Place, ReadError, Reader};
use crate::schemas::{Kind, Schemas};

/// `ObjectMeta`, which every document brings and every kind needs.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

impl Schemas {
    /// Reads the definitions of a document. Those that are there already stay as they are.
    ///
    /// # Errors
    /// When a definition is no schema, or refers to one that is in no document read so far.
    pub fn add_openapi(&mut self, document: &Value) -> Result<(), ReadError> {
        let place = Place::root("components.schemas");
        let definitions = document.get("components").and_then(|components| components.get("schemas"));
        let definitions = definitions.and_then(Value::as_object);
        let definitions = definitions.ok_or_else(|| place.error("is missing".to_owned()))?;
        let mut reader = Reader::new(self, true);
        let new: Vec<(Id, &String, &Value)> =
            definitions.iter().filter_map(|(name, schema)| Some((reader.reserve(name)?, name, schema))).collect();
        for (id, name, schema) in new {
            match name.as_str() {
                QUANTITY => reader.schemas.nodes[id.0 as usize] = Node { kind: Type::Quantity, ..Node::default() },
                RAW_EXTENSION => reader.schemas.nodes[id.0 as usize] = reader.schemas.node(Id::UNTYPED).clone(),
                _ => reader.define(id, schema, name)?,
            }
            for kind in kinds(schema) {
                reader.schemas.kinds.insert(kind, id);
            }
        }
        reader.keep()
    }

    /// The type of `metadata`.
    pub fn object_meta(&self) -> Id {
        self.object_meta
    }

    /// Declares `ObjectMeta` as Kubernetes does, so that CRDs can be read without any document.
    pub(crate) fn add_object_meta(&mut self) {
        let text = json!({"type": "string"});
        let texts = json!({"type": "object", "additionalProperties": {"type": "string", "default": ""}});
        let time = json!({"type": "string", "format": "date-time"});
        let number = json!({"type": "integer", "format": "int64"});
        let name = json!({"type": "string", "default": ""});
        let owner = json!({
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "required": ["apiVersion", "kind", "name", "uid"],
            "properties": {
                "apiVersion": name, "kind": name, "name": name, "uid": name,
                "controller": {"type": "boolean"}, "blockOwnerDeletion": {"type": "boolean"},
            },
        });
        let entry = json!({
            "type": "object",
            "properties": {
                "manager": text, "operation": text, "apiVersion": text, "fieldsType": text, "subresource": text,
                "time": time, "fieldsV1": {"type": "object"},
            },
        });
        let meta = json!({
            "type": "object",
            "properties": {
                "name": text, "generateName": text, "namespace": text, "selfLink": text, "uid": text,
                "resourceVersion": text, "generation": number, "creationTimestamp": time, "deletionTimestamp": time,
                "deletionGracePeriodSeconds": number, "labels": texts, "annotations": texts,
                "ownerReferences": {
                    "type": "array", "items": owner, "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["uid"],
                    "x-kubernetes-patch-merge-key": "uid", "x-kubernetes-patch-strategy": "merge",
                },
                "finalizers": {
                    "type": "array", "items": name, "x-kubernetes-list-type": "set",
                    "x-kubernetes-patch-strategy": "merge",
                },
                "managedFields": {"type": "array", "items": entry, "x-kubernetes-list-type": "atomic"},
            },
        });
        // It is ours, so that it cannot be refused.
        drop(self.add_openapi(&json!({"components": {"schemas": {OBJECT_META: meta}}})));
        self.object_meta = self.definition(OBJECT_META).unwrap_or(Id::DEDUCED);
    }
}

/// The kinds that a definition is the type of.
fn kinds(schema: &Value) -> Vec<Kind> {
    let list = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
    let kind = |entry: &Value| {
        let of = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Kind { group: of("group")?, version: of("version")?, kind: of("kind").filter(|kind| !kind.is_empty())? })
    };
    list.into_iter().flatten().filter_map(kind).collect()
}
