//! `flux tree`: shows what an object has applied, and what that has applied in turn.

use std::{collections::BTreeSet, fmt::Write as _};

use api::Kustomization;
use clap::{Subcommand, ValueEnum};
use kube::Api;
use object::{ObjectId, inventory::Entry};
use serde_json::{Value, json};

use crate::cli::{cluster::Cluster, failure::Failure, kinds::by_kind, output::Output, settings::Settings};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # What a Kustomization has applied
  flux tree kustomization webapp

  # Only Flux's own objects in it
  flux tree kustomization flux-system --compact";

/// The part of an API group that all of Flux's kinds share.
const FLUX_GROUP: &str = "toolkit.fluxcd.io";

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Show what a Kustomization has applied
    #[command(visible_alias = "ks", after_help = EXAMPLES)]
    Kustomization(Args),
}

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Kustomization
    name: Option<String>,
    /// Only Flux's own objects
    #[arg(long)]
    compact: bool,
    /// Print data instead of a drawing
    #[arg(short, long)]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let name = args.name.ok_or_else(|| Failure::new("kustomization name is required"))?;
    let cluster = Cluster::open(settings).await?;
    let tree = grow(&cluster, &settings.namespace, &name, args.compact).await?;
    out.data(&match args.output {
        None => format!("{}\n", tree.draw()),
        Some(Format::Yaml) => format!("{}\n", yaml::print(&tree.value())),
        Some(Format::Json) => {
            let text = serde_json::to_string_pretty(&tree.value()).map_err(|error| Failure::new(error.to_string()))?;
            format!("{text}\n")
        }
    });
    Ok(())
}

/// An object and what it has applied.
#[derive(Debug)]
struct Tree {
    id: ObjectId,
    branches: Vec<Tree>,
}

/// Reads a Kustomization and those among what it has applied, each once however they refer to each other.
async fn grow(cluster: &Cluster, namespace: &str, name: &str, compact: bool) -> Result<Tree, Failure> {
    let row = by_kind("Kustomization").ok_or_else(|| Failure::new("Kustomizations are not known"))?;
    let mut seen = BTreeSet::new();
    // Depth first without recursion: a place is the way to it, branch by branch.
    let root = ObjectId {
        group: row.api.group.to_owned(),
        kind: row.api.kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    };
    let mut tree = Tree { id: root.clone(), branches: Vec::new() };
    seen.insert(root);
    let mut places = vec![Vec::new()];
    while let Some(place) = places.pop() {
        let Some(leaf) = tree.at(&place) else { continue };
        let (namespace, name) = (leaf.id.namespace.clone().unwrap_or_default(), leaf.id.name.clone());
        let api: Api<Kustomization> = Api::namespaced(cluster.client(), &namespace);
        let owner = match api.get(&name).await {
            Ok(owner) => owner,
            Err(error) if place.is_empty() => return Err(error.into()),
            Err(error) => {
                return Err(Failure::new(format!("failed to find object: {}", Failure::from(error).message())));
            }
        };
        let is_remote = owner.spec.kube_config.is_some();
        let inventory = owner.status.and_then(|status| status.inventory).unwrap_or_default();
        for entry in inventory.entries {
            let id = Entry::parse(&entry.id, &entry.version).map_err(|error| Failure::new(error.to_string()))?.id;
            if id == leaf.id || (compact && !id.group.contains(FLUX_GROUP)) {
                continue;
            }
            let grows = id.group == row.api.group && id.kind == row.api.kind && !is_remote && seen.insert(id.clone());
            if grows {
                let mut inner = place.clone();
                inner.push(leaf.branches.len());
                places.push(inner);
            }
            leaf.branches.push(Tree { id, branches: Vec::new() });
        }
    }
    Ok(tree)
}

impl Tree {
    fn at(&mut self, place: &[usize]) -> Option<&mut Self> {
        place.iter().try_fold(self, |tree, branch| tree.branches.get_mut(*branch))
    }

    /// The drawing, with an empty line below it.
    fn draw(&self) -> String {
        let mut text = format!("{}\n", self.id);
        draw(&self.branches, "", &mut text);
        text
    }

    /// The tree as data, under the names that Flux gives the parts of an id.
    fn value(&self) -> Value {
        let ObjectId { group, kind, namespace, name } = &self.id;
        let resource = json!({
            "Namespace": namespace.as_deref().unwrap_or_default(),
            "Name": name,
            "GroupKind": { "Group": group, "Kind": kind },
        });
        let mut value = json!({ "resource": resource });
        if !self.branches.is_empty() {
            value["resources"] = self.branches.iter().map(Self::value).collect();
        }
        value
    }
}

fn draw(branches: &[Tree], indent: &str, text: &mut String) {
    for (at, branch) in branches.iter().enumerate() {
        let is_last = at + 1 == branches.len();
        let (mark, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{indent}{mark}{}", branch.id);
        draw(&branch.branches, &format!("{indent}{below}"), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(id: &str) -> Tree {
        Tree { id: Entry::parse(id, "v1").unwrap().id, branches: Vec::new() }
    }

    #[test]
    fn branches_are_drawn_with_lines() {
        let mut inner = leaf("apps_inner_kustomize.toolkit.fluxcd.io_Kustomization");
        inner.branches = vec![leaf("apps_web_apps_Deployment")];
        let mut root = leaf("apps_app_kustomize.toolkit.fluxcd.io_Kustomization");
        root.branches = vec![leaf("_team__Namespace"), inner, leaf("apps_one__ConfigMap")];
        let drawn = "Kustomization/apps/app\n\
                     ├── Namespace/team\n\
                     ├── Kustomization/apps/inner\n\
                     │   └── Deployment/apps/web\n\
                     └── ConfigMap/apps/one\n";
        assert_eq!(root.draw(), drawn);
        let value = root.value();
        assert_eq!(value["resources"][1]["resources"][0]["resource"]["GroupKind"]["Group"], "apps");
        assert_eq!(value["resources"][0].get("resources"), None);
    }
}
