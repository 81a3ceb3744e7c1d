//! `flux check`: looks whether a cluster is fit for Flux, and whether what is installed in it is well.

use ::version::{Constraint, Version};
use api::{
    Duration,
    well_known::{PART_OF, PART_OF_FLUX},
};
use k8s_openapi::{
    api::apps::v1::Deployment, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, ResourceExt as _, api::ListParams};

use crate::cli::{
    cluster::Cluster,
    failure::Failure,
    output::Output,
    readiness,
    settings::Settings,
    version::{images, installation},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Before installing
  flux check --pre

  # After installing
  flux check";

/// The Kubernetes versions that the controllers work with.
const KUBERNETES: &str = ">=1.33.0-0";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only look whether Flux could be installed
    #[arg(long)]
    pre: bool,
    /// Accepted for scripts that set it: what is installed is found by its labels
    #[arg(long, value_delimiter = ',', hide = true)]
    components: Vec<String>,
    /// Accepted for scripts that set it: what is installed is found by its labels
    #[arg(long, value_delimiter = ',', hide = true)]
    components_extra: Vec<String>,
    /// How often to look while a controller is on its way
    #[arg(long, default_value = "5s", value_name = "DURATION")]
    poll_interval: Option<Duration>,
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    out.action("checking prerequisites");
    let cluster = Cluster::open(settings).await?;
    let mut fine = is_kubernetes_fit(&cluster, out).await;
    if args.pre {
        if !fine {
            return Err(Failure::new("check failed"));
        }
        out.success("prerequisites checks passed");
        return Ok(());
    }
    out.action("checking version in cluster");
    fine &= is_installed(&cluster, out).await;
    out.action("checking controllers");
    fine &= are_controllers_well(&cluster, &args, settings, out).await;
    out.action("checking crds");
    fine &= are_crds_stored(&cluster, out).await;
    if !fine {
        return Err(Failure::new("check failed"));
    }
    out.success("all checks passed");
    Ok(())
}

async fn is_kubernetes_fit(cluster: &Cluster, out: &mut Output) -> bool {
    let text = match cluster.client().apiserver_version().await {
        Ok(info) => info.git_version,
        Err(error) => {
            out.failure(&format!("Kubernetes API call failed: {}", Failure::from(error).message()));
            return false;
        }
    };
    let (Ok(version), Ok(constraint)) = (Version::parse(&text), Constraint::parse(KUBERNETES)) else {
        out.failure("Kubernetes version can't be determined");
        return false;
    };
    if !constraint.check(&version) {
        out.failure(&format!("Kubernetes version {text} does not match {KUBERNETES}"));
        return false;
    }
    out.success(&format!("Kubernetes {version} {KUBERNETES}"));
    true
}

async fn is_installed(cluster: &Cluster, out: &mut Output) -> bool {
    match installation(cluster).await {
        Ok(Some(found)) => {
            if let Some(distribution) = found.distribution() {
                out.success(&format!("distribution: {distribution}"));
            }
            out.success(&format!("bootstrapped: {}", found.bootstrapped));
            true
        }
        Ok(None) => {
            out.failure("checking failed: Flux's custom resource definitions are not installed");
            false
        }
        Err(failure) => {
            out.failure(&format!("checking failed: {}", failure.message()));
            false
        }
    }
}

/// Whether each Deployment of the installation is rolled out; those on their way are waited for. Not being allowed to
/// look fails nothing.
async fn are_controllers_well(cluster: &Cluster, args: &Args, settings: &Settings, out: &mut Output) -> bool {
    let namespace = &settings.namespace;
    let deadline = readiness::deadline(settings);
    let pause = args.poll_interval.unwrap_or(Duration::from_secs(5)).to_std();
    let api: Api<Deployment> = Api::namespaced(cluster.client(), namespace);
    let selector = format!("{PART_OF}={PART_OF_FLUX}");
    let Ok(list) = api.list(&ListParams::default().labels(&selector)).await else { return true };
    if list.items.is_empty() {
        out.failure(&format!(
            "no controllers found in the '{namespace}' namespace with the label selector '{selector}'"
        ));
        return false;
    }
    let mut fine = true;
    for deployment in list.items {
        let name = deployment.name_any();
        let mut current = Some(deployment.clone());
        while current.as_ref().is_some_and(|deployment| !is_rolled_out(deployment))
            && tokio::time::Instant::now() + pause < deadline
        {
            tokio::time::sleep(pause).await;
            current = api.get_opt(&name).await.unwrap_or(current);
        }
        match current {
            Some(current) if is_rolled_out(&current) => out.success(&format!("{name}: deployment ready")),
            Some(_) => {
                fine = false;
                out.failure(&format!("{name}: deployment not ready"));
            }
            None => {
                fine = false;
                out.failure(&format!("{name}: deployment not found"));
            }
        }
        for image in images(&deployment) {
            out.action(&image);
        }
    }
    fine
}

/// Whether all of a Deployment's pods are of its current template, and available.
fn is_rolled_out(deployment: &Deployment) -> bool {
    let Some(status) = &deployment.status else { return false };
    let wanted = deployment.spec.replicas.unwrap_or(1);
    let is_available = status.conditions.iter().flatten().any(|condition| {
        condition.type_.as_deref() == Some("Available") && condition.status.as_deref() == Some("True")
    });
    status.observed_generation >= deployment.metadata.generation
        && status.replicas.unwrap_or_default() == wanted
        && status.updated_replicas.unwrap_or_default() >= wanted
        && status.available_replicas.unwrap_or_default() >= wanted
        && (is_available || wanted == 0)
}

async fn are_crds_stored(cluster: &Cluster, out: &mut Output) -> bool {
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client());
    let selector = format!("{PART_OF}={PART_OF_FLUX}");
    let Ok(list) = api.list(&ListParams::default().labels(&selector)).await else { return true };
    if list.items.is_empty() {
        out.failure(&format!("no crds found with the label selector '{selector}'"));
        return false;
    }
    let mut fine = true;
    for crd in list.items {
        let name = crd.name_any();
        let versions = crd.status.and_then(|status| status.stored_versions).unwrap_or_default();
        if let Some(version) = versions.last() {
            out.success(&format!("{name}/{version}"));
        } else {
            fine = false;
            out.failure(&format!("no stored versions for {name}"));
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_deployment_is_ready_when_all_its_pods_are_current_and_available() {
        let deployment = |status: Value| -> Deployment {
            let spec = json!({ "replicas": 2, "selector": {}, "template": {} });
            serde_json::from_value(
                json!({ "metadata": { "name": "d", "generation": 2 }, "spec": spec, "status": status }),
            )
            .unwrap()
        };
        let well = json!({
            "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
            "conditions": [{ "type": "Available", "status": "True" }],
        });
        assert!(is_rolled_out(&deployment(well.clone())));
        for (field, value) in
            [("observedGeneration", 1), ("replicas", 3), ("updatedReplicas", 1), ("availableReplicas", 0)]
        {
            let mut status = well.clone();
            status[field] = json!(value);
            assert!(!is_rolled_out(&deployment(status)), "{field}");
        }
        assert!(!is_rolled_out(&deployment(Value::Null)));
    }
}
