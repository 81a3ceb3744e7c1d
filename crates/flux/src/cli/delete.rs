//! `flux delete`: deletes an object, after asking.

use crate::cli::{
    ask,
    cluster::Cluster,
    failure::Failure,
    kinds::{OfKind, Row, Verb},
    output::Output,
    settings::Settings,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Delete a Kustomization, and with it what it applied if it prunes
  flux delete kustomization webapp

  # Delete a Git repository without being asked
  flux delete source git webapp --silent";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    silent: bool,
}

impl Verb for Args {
    fn about(row: &Row) -> String {
        format!("Delete a {}", row.api.kind)
    }

    fn example(row: &Row) -> String {
        format!("flux delete {} webapp", row.typed())
    }
}

pub(crate) async fn run(
    OfKind { row, args }: OfKind<Args>,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let namespace = settings.namespace.as_str();
    let name = args.name.ok_or_else(|| Failure::new(format!("{} name is required", row.human)))?;
    let cluster = Cluster::open(settings).await?;
    cluster.get(row, namespace, &name).await?;
    if !args.silent && !ask::confirm(&format!("Are you sure you want to delete this {}", row.human), out) {
        return Err(Failure::new("aborting"));
    }
    out.action(&format!("deleting {} {name} in {namespace} namespace", row.human));
    cluster.delete(row, namespace, &name).await?;
    out.success(&format!("{} deleted", row.human));
    Ok(())
}
