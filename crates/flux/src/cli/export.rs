//! `flux export`: prints objects as YAML that can be applied again.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, core::DynamicObject};
use serde_json::{Value, json};

use crate::cli::{
    cluster::{Cluster, Selection},
    failure::Failure,
    kinds::{OfKind, Row, Verb},
    output::Output,
    settings::Settings,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # All Kustomizations of a namespace
  flux export kustomization --all > kustomizations.yaml

  # One Git repository with its credentials, in clear
  flux export source git webapp --with-credentials > webapp.yaml";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The one object to print
    name: Option<String>,
    /// Print all objects of the namespace
    #[arg(long)]
    all: bool,
    /// Print the Secrets of the credentials too, in clear (sources)
    #[arg(long)]
    with_credentials: bool,
}

impl Verb for Args {
    fn about(row: &Row) -> String {
        format!("Print objects of the kind {} as YAML", row.api.kind)
    }

    fn example(row: &Row) -> String {
        format!("flux export {} --all > objects.yaml", row.typed())
    }
}

pub(crate) async fn run(
    OfKind { row, args }: OfKind<Args>,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let namespace = settings.namespace.as_str();
    let objects = match &args.name {
        _ if args.all => {
            let cluster = Cluster::open(settings).await?;
            let selection = Selection { namespace: Some(namespace), ..Selection::default() };
            let objects = cluster.list(row, &selection).await?;
            if objects.is_empty() {
                return Err(Failure::new(format!("no objects found in {namespace} namespace")));
            }
            objects
        }
        Some(name) => vec![Cluster::open(settings).await?.get(row, namespace, name).await?],
        None => return Err(Failure::new("name is required").hint("--all prints all objects of the namespace")),
    };
    for object in &objects {
        out.data(&document(&manifest(row, object)));
        let secret = object.data["spec"]["secretRef"]["name"].as_str();
        if let (true, Some(secret)) = (args.with_credentials, secret) {
            out.data(&document(&credentials(settings, secret).await?));
        }
    }
    Ok(())
}

/// What has to be applied to get the object again: its name, labels, annotations and spec.
pub(crate) fn manifest(row: &Row, object: &DynamicObject) -> Value {
    let mut metadata = json!({ "name": object.metadata.name });
    if let Some(namespace) = &object.metadata.namespace {
        metadata["namespace"] = json!(namespace);
    }
    for (name, pairs) in [("labels", &object.metadata.labels), ("annotations", &object.metadata.annotations)] {
        if let Some(pairs) = pairs.as_ref().filter(|pairs| !pairs.is_empty()) {
            metadata[name] = json!(pairs);
        }
    }
    json!({
        "apiVersion": row.api.api_version(),
        "kind": row.api.kind,
        "metadata": metadata,
        "spec": row.spec_of(object),
    })
}

/// An object as one document of a YAML stream.
pub(crate) fn document(object: &Value) -> String {
    format!("---\n{}\n", yaml::print(object).trim())
}

/// The Secret of a source.
///
/// # Deviation
/// With `--all`, Flux ends after the first object that has a Secret. Here all objects follow.
async fn credentials(settings: &Settings, name: &str) -> Result<Value, Failure> {
    let cluster = Cluster::open(settings).await?;
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), &settings.namespace);
    let secret = secrets.get(name).await.map_err(|error| {
        Failure::new(format!("failed to retrieve secret {name}, error: {}", Failure::from(error).message()))
    })?;
    let mut printed = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": settings.namespace },
    });
    if let Some(data) = secret.data {
        printed["data"] = json!(data);
    }
    if let Some(type_) = secret.type_ {
        printed["type"] = json!(type_);
    }
    Ok(printed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::kinds::by_kind;

    #[test]
    fn an_exported_object_holds_what_people_wrote_in_go_s_spelling() {
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {
                "name": "app", "namespace": "apps", "uid": "1", "resourceVersion": "2", "generation": 3,
                "labels": { "team": "a" }, "finalizers": ["finalizers.fluxcd.io"],
            },
            "spec": {
                "interval": "10m", "retryInterval": "120s", "force": false, "wait": false, "prune": true, "path": "./",
                "sourceRef": { "kind": "GitRepository", "name": "repo" },
            },
            "status": { "observedGeneration": 3 },
        }))
        .unwrap();
        let wanted = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": { "name": "app", "namespace": "apps", "labels": { "team": "a" } },
            "spec": {
                "interval": "10m0s", "retryInterval": "2m0s", "prune": true, "path": "./",
                "sourceRef": { "kind": "GitRepository", "name": "repo" },
            },
        });
        assert_eq!(manifest(by_kind("kustomization").unwrap(), &object), wanted);
    }
}
