//! `flux resume`: lets suspended objects go on.

use futures::future::join_all;
use kube::core::DynamicObject;
use serde_json::json;

use crate::cli::{
    cluster::{Cluster, Selection},
    failure::Failure,
    kinds::{OfKind, Row, Verb},
    output::Output,
    readiness,
    settings::Settings,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Let a Kustomization go on, and wait until it is ready
  flux resume kustomization webapp

  # Let all Git repositories of a namespace go on, without waiting
  flux resume source git --all -n apps";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The objects
    names: Vec<String>,
    /// All objects of the namespace
    #[arg(long)]
    all: bool,
    /// Wait until the objects are ready [default: true for exactly one name]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    wait: Option<bool>,
}

impl Verb for Args {
    fn about(row: &Row) -> String {
        format!("Let objects of the kind {} go on", row.api.kind)
    }

    fn example(row: &Row) -> String {
        format!("flux resume {} webapp", row.typed())
    }
}

pub(crate) async fn run(
    OfKind { row, mut args }: OfKind<Args>,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    if args.names.is_empty() && !args.all {
        return Err(Failure::new(format!("{} name is required", row.human)).hint("--all resumes all of the namespace"));
    }
    let wait = args.wait.unwrap_or(args.names.len() == 1);
    let cluster = Cluster::open(settings).await?;
    let mut resumed = Vec::new();
    if args.names.is_empty() {
        let all = resume(&cluster, row, settings, None, out).await;
        resumed = all.map_err(|failure| Failure::new(format!("failed patching objects: {}", failure.message())))?;
    }
    let mut seen = std::collections::BTreeSet::new();
    args.names.retain(|name| seen.insert(name.clone()));
    for name in &args.names {
        resumed.extend(resume(&cluster, row, settings, Some(name), out).await?);
    }
    if wait { wait_for(&cluster, row, resumed, settings, out).await } else { Ok(()) }
}

/// Resumes one object or all. That there is none is said, and no failure.
async fn resume(
    cluster: &Cluster,
    row: &Row,
    settings: &Settings,
    name: Option<&str>,
    out: &mut Output,
) -> Result<Vec<DynamicObject>, Failure> {
    let namespace = settings.namespace.as_str();
    let selection = Selection { namespace: Some(namespace), name, labels: None };
    let objects = cluster.list(row, &selection).await?;
    let kind = row.api.kind;
    if objects.is_empty() {
        out.failure(&match name {
            Some(name) => format!("{kind} object '{name}' not found in {namespace} namespace"),
            None => format!("no {kind} objects found in {namespace} namespace"),
        });
    }
    for object in &objects {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        out.action(&format!("resuming {} {name} in {namespace} namespace", row.human));
        cluster.merge(row, namespace, name, &json!({ "spec": { "suspend": null } })).await?;
        out.success(&format!("{} resumed", row.human));
    }
    Ok(objects)
}

/// Waits for all objects at once, and then says by name how each went.
async fn wait_for(
    cluster: &Cluster,
    row: &Row,
    mut objects: Vec<DynamicObject>,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let kind = row.api.kind;
    let deadline = readiness::deadline(settings);
    objects.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    for _ in &objects {
        out.waiting(&format!("waiting for {kind} reconciliation"));
    }
    let waits = objects.iter().map(|object| async move {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        (name, readiness::wait(cluster, (row, name), settings, deadline, readiness::of_written).await)
    });
    let mut failed = 0;
    for (name, result) in join_all(waits).await {
        match result {
            Ok(object) => {
                out.success(&format!("{kind} {name} reconciliation completed"));
                let revision = object.data.pointer(row.revision).and_then(|value| value.as_str()).unwrap_or_default();
                out.success(&format!("{} revision {revision}", row.done));
            }
            Err(failure) => {
                failed += 1;
                out.failure(&format!("{kind} {name} reconciliation failed: {}", failure.message()));
            }
        }
    }
    if failed > 0 { Err(Failure::new(format!("reconciliation failed for {failed} {kind}(s)"))) } else { Ok(()) }
}
