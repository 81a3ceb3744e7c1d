//! `flux render`: builds manifests on this machine, without a cluster.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{Subcommand, ValueEnum};
use kustomize::{Build, LoadRestrictions, Options, Reorder, Resource};

use crate::cli::{failure::Failure, output::Output, render::disk::Disk, settings};

mod chart;
mod disk;

pub(crate) const EXAMPLES: &str = "\
Examples:
  # What helm template would print
  flux render chart ./charts/webapp webapp --namespace apps --values production.yaml

  # What kustomize build would print
  flux render kustomize ./overlays/production

  # One file for each object
  flux render kustomize ./overlays/production --output ./rendered";

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Render a Helm chart as helm template does
    #[command(after_help = EXAMPLES)]
    Chart(Box<chart::Args>),
    /// Build a directory as kustomize does
    #[command(visible_alias = "ks", after_help = EXAMPLES)]
    Kustomize(Args),
}

// What was typed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// The directory with the kustomization.yaml
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Where files may lie
    #[arg(long, default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: Restrictor,
    /// The order of the objects, unless the kustomization.yaml has sortOptions
    #[arg(long, default_value = "legacy")]
    reorder: Order,
    /// A file to write, or a directory to write a file for each object into
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Refused: Helm charts in a kustomization.yaml are rendered by a program that this one never runs
    #[arg(long)]
    enable_helm: bool,
    /// Refused: no program is ever run
    #[arg(long)]
    enable_exec: bool,
    /// Refused: no program is ever run
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// Refused: the kustomization.yaml says it, in buildMetadata
    #[arg(long)]
    enable_managedby_label: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Restrictor {
    /// In the directory of the kustomization.yaml or below.
    #[value(name = "LoadRestrictionsRootOnly", alias = "rootOnly")]
    RootOnly,
    /// Anywhere.
    #[value(name = "LoadRestrictionsNone", alias = "none")]
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// By kind.
    Legacy,
    /// As read and made.
    None,
}

pub(crate) fn run(command: &Command, global: &settings::Args, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Chart(args) => chart::run(args, global.namespace()?, out),
        Command::Kustomize(args) => kustomize(args, out),
    }
}

fn kustomize(args: &Args, out: &mut Output) -> Result<(), Failure> {
    refuse_programs(args)?;
    let build = build(args)?;
    for warning in &build.warnings {
        out.note(&format!("# Warning: {warning}"));
    }
    match &args.output {
        // Let go of each meanwhile: the text of all of them is as large as they are.
        None => print(documents(build), out),
        Some(path) if path.is_dir() => write_each(path, &build)?,
        Some(path) => write(path, &build.to_yaml())?,
    }
    Ok(())
}

/// The objects' texts, each made when it is asked for.
fn documents(build: Build) -> impl Iterator<Item = String> {
    let resources = build.resources.into_iter().enumerate();
    resources.map(|(i, resource)| format!("{}{}", if i > 0 { "---\n" } else { "" }, resource.to_yaml()))
}

/// Prints what is made piece by piece.
fn print(pieces: impl Iterator<Item = String>, out: &mut Output) {
    const PIECE: usize = 64 << 10;
    let mut text = String::new();
    for piece in pieces {
        text.push_str(&piece);
        if text.len() >= PIECE {
            out.data(&text);
            text.clear();
        }
    }
    out.data(&text);
}

fn refuse_programs(args: &Args) -> Result<(), Failure> {
    let helm = "render the chart with helm template, and list the result under resources";
    let program = "what a program would make can be made before, and listed under resources";
    let refused = [
        (args.enable_helm, "--enable-helm", helm),
        (args.enable_exec, "--enable-exec", program),
        (args.enable_alpha_plugins, "--enable-alpha-plugins", program),
        (args.enable_managedby_label, "--enable-managedby-label", "buildMetadata: [managedByLabel]"),
    ];
    match refused.into_iter().find(|(typed, ..)| *typed) {
        Some((_, flag, instead)) => Err(Failure::new(format!("{flag} is not supported")).hint(instead)),
        None => Ok(()),
    }
}

fn build(args: &Args) -> Result<Build, Failure> {
    let (disk, path) = Disk::around(&args.dir)?;
    let options = Options {
        load_restrictions: match args.load_restrictor {
            Restrictor::RootOnly => LoadRestrictions::RootOnly,
            Restrictor::None => LoadRestrictions::None,
        },
        reorder: match args.reorder {
            Order::Legacy => Reorder::Unspecified,
            Order::None => Reorder::None,
        },
        ..Options::default()
    };
    kustomize::build(&disk, &path, &options).map_err(|error| Failure::new(error.to_string()))
}

/// Writes a file for each object, under the names that kustomize gives them.
fn write_each(folder: &Path, build: &Build) -> Result<(), Failure> {
    let namespaces: BTreeSet<&str> = build.resources.iter().filter_map(Resource::namespace).collect();
    for resource in &build.resources {
        let mut name = file_name(resource);
        if let (true, Some(namespace)) = (namespaces.len() > 1, resource.namespace()) {
            name = format!("{}_{name}", namespace.to_lowercase());
        }
        write(&folder.join(name), &resource.to_yaml())?;
    }
    Ok(())
}

/// `<group>_<version>_<kind>_<name>.yaml`, without what the object does not have.
fn file_name(resource: &Resource) -> String {
    let value = resource.to_value();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let parts: Vec<String> = text(&value["apiVersion"])
        .split('/')
        .map(str::to_owned)
        .chain([text(&value["kind"]), text(&value["metadata"]["name"])])
        .filter(|part| !part.is_empty())
        .collect();
    // A name may hold what separates folders; the file must not leave its own.
    format!("{}.yaml", parts.join("_").to_lowercase().replace(['/', '\\'], "_"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    const FILES: [(&str, &str); 3] = [
        ("base/kustomization.yaml", "resources: [one.yaml]\n"),
        (
            "base/one.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n  namespace: b\n---\n\
             apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n",
        ),
        (
            "overlays/prod/kustomization.yaml",
            "resources: [../../base]\nnamePrefix: prod-\nconfigMapGenerator:\n- name: two\n  literals: [k=v]\n\
             generatorOptions: {disableNameSuffixHash: true}\n",
        ),
    ];

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in FILES {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn render(folder: &Path, flags: &[&str]) -> Result<String, Failure> {
        #[derive(Clone, Default)]
        struct Shared(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Shared {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let dir = folder.join("overlays/prod");
        let args = Typed::parse_from([&["kustomize", dir.to_str().unwrap()], flags].concat()).args;
        let printed = Shared::default();
        super::kustomize(&args, &mut Output::new(Box::new(printed.clone()), Box::new(std::io::sink())))?;
        let printed = printed.0.lock().unwrap().clone();
        Ok(String::from_utf8(printed).unwrap())
    }

    #[test]
    fn an_overlay_is_built_from_the_disk() {
        let folder = tree();
        let text = "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: prod-two\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: prod-one\n  namespace: b\n---\n\
                    apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n";
        let mut found: Vec<_> = render(folder.path(), &[]).unwrap().split("---\n").map(str::to_owned).collect();
        let mut wanted: Vec<_> = text.split("---\n").map(str::to_owned).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_output_is_a_file_or_a_file_for_each_object() {
        let folder = tree();
        let (file, dir) = (folder.path().join("all.yaml"), folder.path().join("each"));
        fs::create_dir(&dir).unwrap();
        let printed = render(folder.path(), &[]).unwrap();
        assert_eq!(render(folder.path(), &["-o", file.to_str().unwrap()]).unwrap(), "");
        assert_eq!(fs::read_to_string(&file).unwrap(), printed);
        assert_eq!(render(folder.path(), &["-o", dir.to_str().unwrap()]).unwrap(), "");
        let mut names: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let wanted = ["b_v1_configmap_prod-one.yaml", "default_v1_configmap_prod-two.yaml", "v1_namespace_b.yaml"];
        assert_eq!(names, wanted);
    }

    #[test]
    fn what_would_run_a_program_is_refused_with_another_way() {
        let folder = tree();
        for flag in ["--enable-helm", "--enable-exec", "--enable-alpha-plugins", "--enable-managedby-label"] {
            let failure = render(folder.path(), &[flag]).unwrap_err();
            assert!(failure.message().starts_with(flag) && failure.hint_text().is_some(), "{failure:?}");
        }
    }

    #[test]
    fn a_missing_directory_is_named() {
        let folder = tree();
        let failure = render(&folder.path().join("nope"), &[]).unwrap_err();
        assert!(failure.message().contains("nope"), "{failure:?}");
    }
}
