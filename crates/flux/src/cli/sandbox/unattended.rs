//! Flux's kinds that this program has no controller for. A sandbox serves them, so that repositories with such objects
//! go through, keeps the objects as they are, and says what they would need.

use std::collections::BTreeMap;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use object::ObjectId;
use object::inventory::Entry;
use serde_json::{Value, json};

use super::view::Line;

/// How the names of Flux's groups end.
const FLUX: &str = ".fluxcd.io";

/// A kind that nobody attends to.
struct Kind {
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    short: &'static str,
    /// What of an object tells where it leads: an address, or another object.
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// The objects are facts, and need nobody.
    None,
    /// At a JSON pointer.
    Address(&'static str),
    /// Kind and name, at one of these JSON pointers.
    Object(&'static [&'static str]),
}

const SOURCE: &str = "source.toolkit.fluxcd.io";
const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

const KINDS: [Kind; 13] = [
    kind(SOURCE, "v1", "OCIRepository", "ocirepositories", "ocirepo", Place::Address("/spec/url")),
    kind(SOURCE, "v1", "HelmRepository", "helmrepositories", "helmrepo", Place::Address("/spec/url")),
    kind(SOURCE, "v1", "HelmChart", "helmcharts", "hc", Place::Object(&["/spec/sourceRef"])),
    kind(SOURCE, "v1", "Bucket", "buckets", "", Place::Address("/spec/endpoint")),
    kind(SOURCE, "v1", "ExternalArtifact", "externalartifacts", "ea", Place::Object(&["/spec/sourceRef"])),
    kind(
        "source.extensions.fluxcd.io",
        "v1beta1",
        "ArtifactGenerator",
        "artifactgenerators",
        "ag",
        Place::Object(&["/spec/sources/0"]),
    ),
    kind(
        "helm.toolkit.fluxcd.io",
        "v2",
        "HelmRelease",
        "helmreleases",
        "hr",
        Place::Object(&["/spec/chartRef", "/spec/chart/spec/sourceRef"]),
    ),
    kind(NOTIFICATION, "v1beta3", "Provider", "providers", "", Place::None),
    kind(NOTIFICATION, "v1beta3", "Alert", "alerts", "", Place::None),
    kind(NOTIFICATION, "v1", "Receiver", "receivers", "", Place::None),
    kind(IMAGE, "v1", "ImageRepository", "imagerepositories", "imgrepo", Place::Address("/spec/image")),
    kind(IMAGE, "v1", "ImagePolicy", "imagepolicies", "imgpol", Place::Object(&["/spec/imageRepositoryRef"])),
    kind(IMAGE, "v1", "ImageUpdateAutomation", "imageupdateautomations", "iua", Place::Object(&["/spec/sourceRef"])),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    short: &'static str,
    place: Place,
) -> Kind {
    Kind { group, version, name, plural, short, place }
}

/// Whether an object is one of Flux's that no controller here attends to, if its kind has none of ours.
pub(super) fn is_flux(id: &ObjectId) -> bool {
    id.group.ends_with(FLUX)
}

/// The definitions of all those kinds. They let any field pass: who made the objects has checked them elsewhere.
pub(super) fn definitions() -> impl Iterator<Item = Value> {
    KINDS.iter().map(|one| {
        let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let mut status = anything.clone();
        // Nobody has seen a new object, and nobody will: it is waited for in vain, not taken for ready.
        if !matches!(one.place, Place::None) {
            status["default"] = json!({ "observedGeneration": -1 });
        }
        let short: Vec<&str> = Some(one.short).filter(|short| !short.is_empty()).into_iter().collect();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{}.{}", one.plural, one.group) },
            "spec": {
                "group": one.group,
                "scope": "Namespaced",
                "names": {
                    "kind": one.name, "listKind": format!("{}List", one.name), "plural": one.plural,
                    "singular": one.name.to_lowercase(), "shortNames": short, "categories": ["all", "fluxcd"],
                },
                "versions": [{
                    "name": one.version, "served": true, "storage": true, "subresources": { "status": {} },
                    "schema": {
                        "openAPIV3Schema": { "type": "object", "properties": { "spec": anything, "status": status } },
                    },
                }],
            },
        })
    })
}

/// What is known of objects that nobody attends to: where each leads.
pub(super) struct Places {
    client: Client,
    known: BTreeMap<ObjectId, String>,
}

impl Places {
    pub(super) fn new(client: Client) -> Self {
        Self { client, known: BTreeMap::new() }
    }

    /// Looks at those that have not been looked at.
    pub(super) async fn learn(&mut self, entries: &[Entry]) {
        for entry in entries {
            if self.known.contains_key(&entry.id) {
                continue;
            }
            let gvk = GroupVersionKind::gvk(&entry.id.group, &entry.version, &entry.id.kind);
            let resource = match of(&entry.id) {
                Some(kind) => ApiResource::from_gvk_with_plural(&gvk, kind.plural),
                None => ApiResource::from_gvk(&gvk),
            };
            let namespace = entry.id.namespace.as_deref().unwrap_or_default();
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
            // What cannot be read now is read at the next look.
            if let Ok(object) = api.get(&entry.id.name).await {
                self.known.insert(entry.id.clone(), place(&entry.id, &object.data));
            }
        }
    }

    /// How such an object is.
    pub(super) fn line(&self, id: &ObjectId) -> Line {
        let is_fact = of(id).is_some_and(|kind| matches!(kind.place, Place::None));
        let message = if is_fact {
            "kept; nothing is sent from here, or received".to_owned()
        } else {
            let place = self.known.get(id).map(String::as_str).unwrap_or_default();
            format!("this version has no controller for objects of this kind{place}")
        };
        Line { name: id.to_string(), health: Some(is_fact), message }
    }
}

fn of(id: &ObjectId) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.group == id.group && kind.name == id.kind)
}

/// Where an object leads, as the end of a sentence; empty when that is not known.
fn place(id: &ObjectId, object: &Value) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match of(id).map(|kind| kind.place) {
        Some(Place::Address(pointer)) => {
            text(object.pointer(pointer)).map(|address| format!("; it needs {address}")).unwrap_or_default()
        }
        Some(Place::Object(pointers)) => {
            let reference = pointers.iter().find_map(|pointer| object.pointer(pointer)).unwrap_or(&Value::Null);
            let name = text(reference.get("name"));
            let kind = text(reference.get("kind")).unwrap_or_else(|| "ImageRepository".to_owned());
            name.map(|name| format!("; it needs {kind} {name}")).unwrap_or_default()
        }
        Some(Place::None) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use object::GroupKind;

    use super::*;

    fn id(kind: &str) -> ObjectId {
        let known = KINDS.iter().find(|known| known.name == kind).unwrap();
        let kind = GroupKind { group: known.group.to_owned(), kind: known.name.to_owned() };
        ObjectId::new(&kind, Some("apps"), "one")
    }

    #[test]
    fn what_an_object_needs_is_named() {
        let repository = json!({ "spec": { "url": "oci://registry.example.com/charts" } });
        assert_eq!(place(&id("HelmRepository"), &repository), "; it needs oci://registry.example.com/charts");
        let release = json!({ "spec": { "chart": { "spec": { "sourceRef": { "kind": "HelmRepository", "name": "bitnami" } } } } });
        assert_eq!(place(&id("HelmRelease"), &release), "; it needs HelmRepository bitnami");
        let policy = json!({ "spec": { "imageRepositoryRef": { "name": "podinfo" } } });
        assert_eq!(place(&id("ImagePolicy"), &policy), "; it needs ImageRepository podinfo");
        assert_eq!(place(&id("HelmRelease"), &json!({ "spec": {} })), "");
    }

    #[test]
    fn a_kind_with_a_controller_is_attended_to() {
        let ours = api::crds();
        for definition in definitions() {
            assert!(ours.iter().all(|one| one["metadata"]["name"] != definition["metadata"]["name"]), "{definition}");
        }
    }
}
