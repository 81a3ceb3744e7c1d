//! Namespaces: what each has from the beginning, and how it empties before it goes.
//!
//! # Source
//! `k8s.io/kubernetes/pkg/controller/{namespace,serviceaccount,certificates/rootcacertpublisher}`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::api::{Api, Target, split_key};
use crate::controllers::report;
use crate::failure::Failure;
use crate::http::query::{DeleteOptions, Propagation};
use crate::meta;
use crate::verbs::write::{FINALIZE, time};

const MANAGER: &str = "kube-controller-manager";
const ROOT_CA: &str = "kube-root-ca.crt";
const ROOT_CA_DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using \
internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
distributions of Kubernetes clusters.";

/// Looks at a namespace: completes it, or empties it.
pub(super) fn look(api: &Api, name: &str) {
    let Some(stored) = api.store.get("namespaces", name) else { return };
    let namespace = Value::Object(stored.parse());
    let result = if meta::is_terminating(&namespace) { empty(api, name, &namespace) } else { complete(api, name) };
    report("look after the namespace", name, result);
}

/// Gives a namespace its default account and the authority's certificate.
fn complete(api: &Api, namespace: &str) -> Result<(), Failure> {
    let accounts = Target::new(&api.row("", "v1", "serviceaccounts")?, namespace, "default");
    if api.store.get("serviceaccounts", &accounts.key()).is_none() {
        exists(api.make(&accounts, MANAGER, &json!({ "metadata": { "name": "default" } })).map(drop))?;
    }
    let maps = Target::new(&api.row("", "v1", "configmaps")?, namespace, ROOT_CA);
    match api.store.get("configmaps", &maps.key()) {
        None => {
            let annotations = json!({ "kubernetes.io/description": ROOT_CA_DESCRIPTION });
            let metadata = json!({ "name": ROOT_CA, "annotations": annotations });
            let object = json!({ "metadata": metadata, "data": { "ca.crt": api.ca_pem } });
            exists(api.make(&maps, MANAGER, &object).map(drop))
        }
        Some(stored) => {
            let right = json!({ "ca.crt": api.ca_pem });
            if stored.parse().get("data") == Some(&right) {
                return Ok(());
            }
            api.edit(&maps, MANAGER, &|object| object["data"] = right.clone()).map(drop)
        }
    }
}

/// Somebody else may have made it first.
fn exists(made: Result<(), Failure>) -> Result<(), Failure> {
    made.or_else(|failure| if failure.code == 409 { Ok(()) } else { Err(failure) })
}

/// What is left in a namespace.
#[derive(Debug, Default)]
struct Rest {
    /// Objects by resource.
    objects: BTreeMap<String, usize>,
    /// Objects by the finalizer that keeps them.
    finalizers: BTreeMap<String, usize>,
}

/// Deletes what is in a namespace, and lets it go when nothing is left.
fn empty(api: &Api, name: &str, namespace: &Value) -> Result<(), Failure> {
    let mut rest = Rest::default();
    let resources = api.resources();
    let mut seen = BTreeSet::new();
    for row in resources.iter().filter(|row| row.namespaced && row.verbs.iter().any(|verb| verb == "delete")) {
        let shelf = row.shelf();
        if !seen.insert(shelf.clone()) {
            continue;
        }
        for (key, _) in api.all(row, name) {
            let target = Target::new(row, name, split_key(&key).1);
            let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
            match api.delete_own(&target, &options) {
                Ok(deleted) if deleted.gone => {}
                Ok(deleted) => {
                    *rest.objects.entry(row.qualified()).or_default() += 1;
                    for finalizer in meta::finalizers(&deleted.object) {
                        *rest.finalizers.entry(finalizer).or_default() += 1;
                    }
                }
                Err(failure) if failure.code == 404 => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    let target = Target::new(&api.row("", "v1", "namespaces")?, "", name);
    if rest.objects.is_empty() {
        let release = |object: &mut Value| {
            if let Some(Value::Array(list)) = object.pointer_mut("/spec/finalizers") {
                list.retain(|one| one != "kubernetes");
            }
        };
        let target = Target { subresource: Some(FINALIZE.to_owned()), ..target };
        return api.edit(&target, MANAGER, &release).map(drop);
    }
    let conditions = rest.conditions(namespace, &time(api.now()));
    let target = Target { subresource: Some("status".to_owned()), ..target };
    api.edit(&target, MANAGER, &|object| object["status"]["conditions"] = conditions.clone()).map(drop)
}

impl Rest {
    /// The conditions of a namespace that waits; those that stay as they are keep their time.
    fn conditions(&self, namespace: &Value, now: &str) -> Value {
        let old = namespace.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        let list = |what: &BTreeMap<String, usize>, form: fn(&str, usize) -> String| {
            what.iter().map(|(name, count)| form(name, *count)).collect::<Vec<_>>().join(", ")
        };
        let objects = list(&self.objects, |name, count| {
            let name = if name.contains('.') { name.to_owned() } else { format!("{name}.") };
            format!("{name} has {count} resource instances")
        });
        let finalizers = list(&self.finalizers, |name, count| format!("{name} in {count} resource instances"));
        let condition = |kind: &str, status: &str, reason: &str, message: String| {
            let before = old.iter().find(|one| one["type"] == kind && one["status"] == status);
            let since = before.and_then(|one| one["lastTransitionTime"].as_str()).unwrap_or(now);
            json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since })
        };
        let mut conditions = vec![
            condition(
                "NamespaceDeletionDiscoveryFailure",
                "False",
                "ResourcesDiscovered",
                "All resources successfully discovered".to_owned(),
            ),
            condition(
                "NamespaceDeletionGroupVersionParsingFailure",
                "False",
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed".to_owned(),
            ),
            condition(
                "NamespaceDeletionContentFailure",
                "False",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization".to_owned(),
            ),
            condition(
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                format!("Some resources are remaining: {objects}"),
            ),
        ];
        if self.finalizers.is_empty() {
            let message = "All content-preserving finalizers finished".to_owned();
            conditions.push(condition("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", message));
        } else {
            let message = format!("Some content in the namespace has finalizers remaining: {finalizers}");
            conditions.push(condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message));
        }
        conditions.into()
    }
}
