//! Kinds that a repository uses and nobody defines: on a cluster, whoever set it up installed them, or a chart will.
//!
//! A kind is assumed where its whole group is unknown, to the server and to the definitions of the repository: in a group
//! that somebody defines, a kind that is not there is a mistake, and has to be told.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tree::{Files as _, Tree, TreePath};

/// Files of instructions to tools, which no API server ever sees.
const TOOLS: [&str; 4] = ["kustomize.config.k8s.io", "config.kubernetes.io", "kind.x-k8s.io", "skaffold"];

/// A kind, as the objects of the repository show it.
#[derive(Default)]
struct Seen {
    versions: BTreeSet<String>,
    in_namespace: bool,
}

/// Definitions of the kinds that are assumed, which let any field pass; `served` are the groups that the server has.
pub(super) fn definitions(files: &Tree, served: &BTreeSet<String>) -> Vec<Value> {
    let mut kinds: BTreeMap<(String, String), Seen> = BTreeMap::new();
    let mut known = served.clone();
    for object in objects(files) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if text("/kind") == "CustomResourceDefinition" {
            known.insert(text("/spec/group").to_owned());
        }
        let (Some((group, version)), kind) = (text("/apiVersion").split_once('/'), text("/kind")) else { continue };
        if TOOLS.contains(&group) || !is_name(group, b".-") || !is_name(version, b"") || !is_name(kind, b"") {
            continue;
        }
        let seen = kinds.entry((group.to_owned(), kind.to_owned())).or_default();
        seen.versions.insert(version.to_owned());
        seen.in_namespace |= object.pointer("/metadata/namespace").is_some();
    }
    kinds.retain(|(group, _), _| !known.contains(group));
    kinds.iter().map(|((group, kind), seen)| definition(group, kind, seen)).collect()
}

/// All objects that can be read, with those in lists.
fn objects(files: &Tree) -> impl Iterator<Item = Value> + '_ {
    let extension = |path: &TreePath| path.name().and_then(|name| Some(name.rsplit_once('.')?.1.to_owned()));
    let is_manifest = move |path: &&TreePath| matches!(extension(path).as_deref(), Some("yaml" | "yml"));
    let manifests = files.paths().filter(is_manifest);
    // Files that are no YAML, as those of charts, are for others to complain about.
    let texts = manifests.filter_map(|path| String::from_utf8(files.read(path).ok()?).ok());
    let documents = texts.flat_map(|text| yaml::to_values(&text, yaml::Schema::V2).unwrap_or_default());
    documents.flat_map(|mut object| match object.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if object["kind"] == "List" => items,
        _ => vec![object],
    })
}

/// Whether a text can stand in a definition: letters, digits and these signs, and a dot in a group.
fn is_name(text: &str, signs: &[u8]) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || signs.contains(&byte);
    !text.is_empty() && text.len() < 64 && text.bytes().all(is_good) && (signs.is_empty() || text.contains('.'))
}

fn definition(group: &str, kind: &str, seen: &Seen) -> Value {
    let plural = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "", kind)).plural;
    // What is named so is one for the whole cluster, by custom.
    let is_wide = !seen.in_namespace && (kind.starts_with("Cluster") || kind.ends_with("Class"));
    let newest = seen.versions.iter().max_by_key(|version| !version.contains("alpha") && !version.contains("beta"));
    let versions = seen.versions.iter().map(|version| {
        json!({
            "name": version, "served": true, "storage": Some(version) == newest, "subresources": { "status": {} },
            "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
        })
    });
    let mut definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": if is_wide { "Cluster" } else { "Namespaced" },
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
            "versions": versions.collect::<Vec<_>>(),
        },
    });
    if group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io") {
        // Such groups are kept for those whose API was reviewed; this one is not theirs.
        definition["metadata"]["annotations"] = json!({ "api-approved.kubernetes.io": "unapproved, assumed" });
    }
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = Tree::new();
        for (path, text) in files {
            tree.insert(&TreePath::parse(path).unwrap(), *text).unwrap();
        }
        let served = ["apps".to_owned(), "apiextensions.k8s.io".to_owned()].into();
        let definitions = definitions(&tree, &served);
        definitions.iter().map(|one| format!("{} {}", one["metadata"]["name"], one["spec"]["scope"])).collect()
    }

    #[test]
    fn what_nobody_defines_is_assumed() {
        let secret = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: b}\n";
        let store = "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: a}\n";
        let list = "kind: List\napiVersion: v1\nitems: [{apiVersion: x.example.com/v1, kind: Policy}]\n";
        let found = names(&[("a.yaml", secret), ("b/c.yml", store), ("d.yaml", list), ("chart/e.yaml", "{{ x }}\n")]);
        assert_eq!(
            found,
            [
                "\"clustersecretstores.external-secrets.io\" \"Cluster\"",
                "\"externalsecrets.external-secrets.io\" \"Namespaced\"",
                "\"policies.x.example.com\" \"Namespaced\"",
            ]
        );
    }

    #[test]
    fn a_group_that_is_defined_has_no_more_kinds() {
        let definition =
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {group: teams.example.com}\n";
        let typo = "apiVersion: teams.example.com/v1\nkind: Taem\n";
        let built_in = "apiVersion: apps/v1\nkind: Deploymnet\n";
        let tool = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
        let found = names(&[("a.yaml", typo), ("b.yaml", built_in), ("c.yaml", tool), ("crd.yaml", definition)]);
        assert_eq!(found, [] as [&str; 0]);
    }
}
