//! `flux version`: prints the versions of this program and of what runs in the cluster.

use std::collections::BTreeMap;

use api::well_known::{PART_OF, PART_OF_FLUX, VERSION};
use clap::ValueEnum;
use k8s_openapi::{
    api::apps::v1::Deployment, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, ResourceExt as _, api::ListParams};
use serde_json::json;

use crate::cli::{cluster::Cluster, failure::Failure, output::Output, settings::Settings};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Of this program and of what runs in the cluster
  flux version

  # Of this program only, without a cluster
  flux version --client";

/// This program's version.
pub(crate) const OURS: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// The CRD whose labels tell about an installation.
const CRD: &str = "gitrepositories.source.toolkit.fluxcd.io";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this program's version
    #[arg(long)]
    client: bool,
    /// The form of the answer
    #[arg(short, long, default_value = "yaml")]
    output: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let mut versions = vec![("flux".to_owned(), OURS.to_owned())];
    if !args.client {
        let cluster = Cluster::open(settings).await?;
        if let Some(distribution) = installation(&cluster).await?.and_then(|found| found.distribution()) {
            versions.push(("distribution".to_owned(), distribution));
        }
        versions.extend(controllers(&cluster, &settings.namespace).await?);
    }
    out.data(&match args.output {
        Format::Yaml => {
            versions.iter().map(|(name, version)| yaml::print(&json!({ name.as_str(): version }))).collect()
        }
        Format::Json => {
            let versions: BTreeMap<_, _> = versions.into_iter().collect();
            let text = serde_json::to_string_pretty(&versions).map_err(|error| Failure::new(error.to_string()))?;
            format!("{text}\n")
        }
    });
    Ok(())
}

/// The controllers' images by name, with their tags.
async fn controllers(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, String>, Failure> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client(), namespace);
    let list = deployments.list(&ListParams::default().labels(&format!("{PART_OF}={PART_OF_FLUX}"))).await?;
    if list.items.is_empty() {
        return Err(Failure::new(format!("no deployments found in {namespace} namespace"))
            .hint("--client prints this program's version only"));
    }
    let mut found = BTreeMap::new();
    for image in list.items.iter().flat_map(images) {
        let (name, tag) = split_image(&image)?;
        found.insert(name, tag);
    }
    Ok(found)
}

/// The images of a Deployment's containers.
pub(crate) fn images(deployment: &Deployment) -> Vec<String> {
    let pod = deployment.spec.template.spec.as_ref();
    pod.into_iter().flat_map(|pod| &pod.containers).filter_map(|container| container.image.clone()).collect()
}

/// The last part of an image's name, and its tag with the digest.
fn split_image(image: &str) -> Result<(String, String), Failure> {
    let after_host = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[after_host..].split_once(':') {
        Some((name, tag)) if !name.contains('@') => Ok((name.to_owned(), tag.to_owned())),
        _ => Err(Failure::new(format!("missing image tag in image {image}"))),
    }
}

/// What the labels of a CRD tell about how Flux was installed.
pub(crate) struct Installation {
    version: String,
    part_of: Option<String>,
    /// Whether a Kustomization applies the installation.
    pub(crate) bootstrapped: bool,
}

impl Installation {
    /// The distribution and its version, if the installation is labelled.
    pub(crate) fn distribution(&self) -> Option<String> {
        match &self.part_of {
            Some(part_of) => Some(format!("{part_of}-{}", self.version)),
            None => Some(self.version.clone()).filter(|version| !version.is_empty()),
        }
    }
}

/// How Flux was installed; nothing where it is not.
pub(crate) async fn installation(cluster: &Cluster) -> Result<Option<Installation>, Failure> {
    let crds: Api<CustomResourceDefinition> = Api::all(cluster.client());
    let Some(crd) = crds.get_metadata_opt(CRD).await? else { return Ok(None) };
    let label = |name: &str| crd.labels().get(name).cloned();
    Ok(Some(Installation {
        version: label(VERSION).unwrap_or_default(),
        part_of: label(PART_OF),
        bootstrapped: label(api::well_known::KUSTOMIZE_NAMESPACE).is_some(),
    }))
}

#[cfg(test)]
mod tests {
    use super::split_image;

    #[test]
    fn an_image_s_tag_keeps_its_digest() {
        for (image, name, tag) in [
            ("ghcr.io/fluxcd/source-controller:v1.9.4", "source-controller", "v1.9.4"),
            ("localhost:5000/a/b:v1@sha256:00", "b", "v1@sha256:00"),
            ("flux:v1", "flux", "v1"),
        ] {
            let split = split_image(image).unwrap();
            assert_eq!((split.0.as_str(), split.1.as_str()), (name, tag));
        }
        assert!(split_image("localhost:5000/flux").is_err());
        assert!(split_image("ghcr.io/a/flux@sha256:00").is_err());
    }
}
