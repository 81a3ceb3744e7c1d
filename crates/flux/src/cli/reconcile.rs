//! `flux reconcile`: has an object reconciled now, and waits until that is done.

use api::well_known::REQUESTED_AT;
use jiff::Timestamp;
use kube::core::DynamicObject;
use serde_json::json;
use tokio::time::Instant;

use crate::cli::{
    cluster::Cluster,
    failure::Failure,
    kinds::{OfKind, Row, Verb, by_kind},
    output::Output,
    readiness::{self, Readiness},
    settings::Settings,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Look at the repository now
  flux reconcile source git webapp

  # Look at the repository, then apply
  flux reconcile kustomization webapp --with-source";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: Option<String>,
    /// Reconcile the object's source first (kinds that have one)
    #[arg(long)]
    with_source: bool,
}

impl Verb for Args {
    fn about(row: &Row) -> String {
        format!("Have a {} reconciled now", row.api.kind)
    }

    fn example(row: &Row) -> String {
        let source = if row.source.is_some() { " --with-source" } else { "" };
        format!("flux reconcile {} webapp{source}", row.typed())
    }
}

pub(crate) async fn run(
    OfKind { row, args }: OfKind<Args>,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let name = args.name.ok_or_else(|| Failure::new(format!("{} name is required", row.api.kind)))?;
    let cluster = Cluster::open(settings).await?;
    let deadline = readiness::deadline(settings);
    let object = cluster.get(row, &settings.namespace, &name).await?;
    refuse_suspended(row, &object)?;
    if args.with_source {
        let (source, name, namespace) = source_of(row, &object)?;
        let settings = Settings { namespace: namespace.unwrap_or(settings.namespace.clone()), ..settings.clone() };
        let object = cluster.get(source, &settings.namespace, &name).await?;
        refuse_suspended(source, &object)?;
        reconcile(&cluster, source, &object, &settings, deadline, out).await?;
    }
    reconcile(&cluster, row, &object, settings, deadline, out).await
}

fn refuse_suspended(row: &Row, object: &DynamicObject) -> Result<(), Failure> {
    if !object.data["spec"]["suspend"].as_bool().unwrap_or_default() {
        return Ok(());
    }
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    Err(Failure::new("resource is suspended").hint(format!("flux resume {} {name} -n {namespace}", row.typed())))
}

/// The row, name and namespace of an object's source.
fn source_of(row: &Row, object: &DynamicObject) -> Result<(&'static Row, String, Option<String>), Failure> {
    let Some(reference) = row.source.and_then(|path| object.data.pointer(path)) else {
        return Err(Failure::new(format!("a {} has no source", row.api.kind)));
    };
    let part = |name: &str| reference[name].as_str().filter(|part| !part.is_empty());
    let kind = part("kind").unwrap_or_default();
    let source = by_kind(kind)
        .filter(|row| row.family.is_some())
        .ok_or_else(|| Failure::new(format!("cannot reconcile source of kind {kind}")))?;
    Ok((source, part("name").unwrap_or_default().to_owned(), part("namespace").map(str::to_owned)))
}

/// Asks for a reconciliation of an object as it was read, and waits until the request was handled and all is well.
async fn reconcile(
    cluster: &Cluster,
    row: &Row,
    object: &DynamicObject,
    settings: &Settings,
    deadline: Instant,
    out: &mut Output,
) -> Result<(), Failure> {
    let kind = row.api.kind;
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let handled = |object: &DynamicObject| object.data["status"]["lastHandledReconcileAt"].as_str().map(str::to_owned);
    let before = handled(object);
    out.action(&format!("annotating {kind} {name} in {} namespace", settings.namespace));
    let request = json!({ "metadata": { "annotations": { REQUESTED_AT: Timestamp::now().to_string() } } });
    cluster.merge(row, &settings.namespace, name, &request).await?;
    out.success(&format!("{kind} annotated"));
    out.waiting(&format!("waiting for {kind} reconciliation"));
    let done = readiness::wait(cluster, (row, name), settings, deadline, |object| {
        if handled(object) == before { Readiness::InProgress } else { readiness::of(object) }
    })
    .await?;
    match readiness::ready(&done) {
        ("True", _) => {}
        (_, message) => return Err(Failure::new(format!("{kind} reconciliation failed: {message}"))),
    }
    let revision = done.data.pointer(row.revision).and_then(|revision| revision.as_str()).unwrap_or_default();
    out.success(&format!("{} revision {revision}", row.done));
    Ok(())
}
