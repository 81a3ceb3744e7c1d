//! `flux suspend`: has objects left alone for a while.

use serde_json::json;

use crate::cli::{
    cluster::{Cluster, Selection},
    failure::Failure,
    kinds::{OfKind, Row, Verb},
    output::Output,
    settings::Settings,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Leave a Kustomization alone
  flux suspend kustomization webapp

  # Leave all Git repositories of a namespace alone
  flux suspend source git --all -n apps";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The objects
    names: Vec<String>,
    /// All objects of the namespace
    #[arg(long)]
    all: bool,
}

impl Verb for Args {
    fn about(row: &Row) -> String {
        format!("Have objects of the kind {} left alone", row.api.kind)
    }

    fn example(row: &Row) -> String {
        format!("flux suspend {} webapp", row.typed())
    }
}

pub(crate) async fn run(
    OfKind { row, mut args }: OfKind<Args>,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let namespace = settings.namespace.as_str();
    if args.names.is_empty() && !args.all {
        return Err(Failure::new(format!("{} name is required", row.human)).hint("--all suspends all of the namespace"));
    }
    let cluster = Cluster::open(settings).await?;
    if args.names.is_empty() {
        return match suspend(&cluster, row, namespace, None, out).await? {
            0 => Err(Failure::new("no objects found")),
            _ => Ok(()),
        };
    }
    let mut seen = std::collections::BTreeSet::new();
    args.names.retain(|name| seen.insert(name.clone()));
    let kind = row.api.kind;
    for name in &args.names {
        match suspend(&cluster, row, namespace, Some(name), out).await {
            Ok(0) => out.failure(&format!("{kind} {name} not found in {namespace} namespace")),
            Ok(_) => {}
            Err(failure) => {
                let reason = failure.message();
                out.failure(&format!("failed suspending {kind} {name} in {namespace} namespace: {reason}"));
            }
        }
    }
    Ok(())
}

/// Suspends one object or all, and says how many there were.
async fn suspend(
    cluster: &Cluster,
    row: &Row,
    namespace: &str,
    name: Option<&str>,
    out: &mut Output,
) -> Result<usize, Failure> {
    let selection = Selection { namespace: Some(namespace), name, labels: None };
    let objects = cluster.list(row, &selection).await?;
    for object in &objects {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        out.action(&format!("suspending {} {name} in {namespace} namespace", row.human));
        cluster.merge(row, namespace, name, &json!({ "spec": { "suspend": true } })).await?;
        out.success(&format!("{} suspended", row.human));
    }
    Ok(objects.len())
}
