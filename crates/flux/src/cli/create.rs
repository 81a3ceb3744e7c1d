//! `flux create`: makes or changes objects, and waits until they are ready.

use std::collections::BTreeMap;

use api::Duration;
use clap::Subcommand;
use kube::core::{DynamicObject, ObjectMeta, TypeMeta};
use serde_json::{Value, json};

use crate::cli::{
    cluster::Cluster, export::document, failure::Failure, kinds::Row, output::Output, readiness, settings::Settings,
};

mod kustomization;
mod secret;
mod secret_git;
mod source_git;
mod ssh_key;

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Watch a branch of a public repository
  flux create source git webapp --url=https://github.com/org/webapp --branch=main

  # Print the manifest instead of applying it
  flux create kustomization webapp --source=webapp --path=./deploy --export > webapp.yaml";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    target: Target,
}

// The flags of all kinds.
#[derive(Debug, clap::Args)]
struct Common {
    /// How often the object is looked at
    #[arg(long, global = true, default_value = "1m0s")]
    interval: Option<Duration>,
    /// Print the manifest instead of applying it
    #[arg(long, global = true)]
    export: bool,
    /// Labels of the object, as key=value
    #[arg(long, global = true, value_name = "KEY=VALUE", value_delimiter = ',')]
    label: Vec<String>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Target {
    /// Create or update a source
    #[command(subcommand, after_help = source_git::EXAMPLES)]
    Source(Source),
    /// Create or update a Kustomization
    #[command(visible_alias = "ks", after_help = kustomization::EXAMPLES)]
    Kustomization(kustomization::Args),
    /// Create or update a Secret that objects refer to
    #[command(subcommand, after_help = secret_git::EXAMPLES)]
    Secret(Secret),
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Source {
    /// Create or update a GitRepository
    #[command(after_help = source_git::EXAMPLES)]
    Git(source_git::Args),
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Secret {
    /// Create or update the credentials for a Git server
    #[command(after_help = secret_git::EXAMPLES)]
    Git(secret_git::Args),
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let Args { common, target } = args;
    match target {
        Target::Source(Source::Git(args)) => source_git::run(args, &common, settings, out).await,
        Target::Kustomization(args) => kustomization::run(args, &common, settings, out).await,
        Target::Secret(Secret::Git(args)) => secret_git::run(args, &common, settings, out).await,
    }
}

impl Common {
    fn interval(&self) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(60))
    }

    /// The labels that were typed.
    fn labels(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut labels = BTreeMap::new();
        for label in &self.label {
            let mut parts = label.split('=');
            let (Some(key), Some(value), None) = (parts.next(), parts.next(), parts.next()) else {
                return Err(Failure::new(format!("invalid label format '{label}', must be key=value")));
            };
            if !is_label_key(key) {
                return Err(Failure::new(format!("invalid label '{key}'")).hint(LABEL_RULE));
            }
            if !value.is_empty() && !is_label_word(value) {
                return Err(Failure::new(format!("invalid label value '{value}'")).hint(LABEL_RULE));
            }
            labels.insert(key.to_owned(), value.to_owned());
        }
        Ok(labels)
    }
}

const LABEL_RULE: &str =
    "labels are up to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit";

fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_label_word(key),
        Some((prefix, name)) => {
            let prefix_fits = prefix.len() <= 253 && prefix.split('.').all(crate::cli::settings::is_dns_label);
            prefix_fits && is_label_word(name)
        }
    }
}

fn is_label_word(word: &str) -> bool {
    let bytes = word.as_bytes();
    let outer = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && outer(bytes.first())
        && outer(bytes.last())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

/// The name that was typed, if it can be one: 2 to 63 lower-case letters, digits and inner dashes.
fn checked_name(name: Option<String>) -> Result<String, Failure> {
    let name = name.ok_or_else(|| Failure::new("name is required"))?;
    if name.len() < 2 || !crate::cli::settings::is_dns_label(&name) {
        return Err(Failure::new(format!(
            "name '{name}' is invalid, it should adhere to standard defined in RFC 1123, the name can only contain \
             alphanumeric characters or '-'"
        )));
    }
    Ok(name)
}

/// An object that is to be made or changed.
struct Wanted<'a> {
    row: &'static Row,
    /// How messages call it, e.g. `GitRepository source`.
    called: &'a str,
    name: &'a str,
    labels: BTreeMap<String, String>,
    spec: Value,
}

impl Wanted<'_> {
    fn object(&self, settings: &Settings) -> DynamicObject {
        let api_version = self.row.api.api_version();
        DynamicObject {
            types: Some(TypeMeta { api_version, kind: self.row.api.kind.to_owned() }),
            metadata: ObjectMeta {
                name: Some(self.name.to_owned()),
                namespace: Some(settings.namespace.clone()),
                labels: (!self.labels.is_empty()).then(|| self.labels.clone()),
                ..ObjectMeta::default()
            },
            data: json!({ "spec": self.spec }),
        }
    }

    /// The manifest, for `--export`.
    fn manifest(&self, settings: &Settings) -> String {
        document(&crate::cli::export::manifest(self.row, &self.object(settings)))
    }

    /// Creates the object, or gives the one that is there these labels and this spec.
    async fn write(&self, cluster: &Cluster, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
        let called = self.called;
        if settings.verbose {
            out.data(&self.manifest(settings));
        }
        out.action(&format!("applying {called}"));
        let wanted = self.object(settings);
        let Some(mut found) = cluster.find(self.row, &settings.namespace, self.name).await? else {
            cluster.create(self.row, &wanted).await?;
            out.success(&format!("{called} created"));
            return Ok(());
        };
        found.metadata.labels = wanted.metadata.labels;
        found.data["spec"] = self.spec.clone();
        cluster.replace(self.row, &found).await?;
        out.success(&format!("{called} updated"));
        Ok(())
    }

    /// Waits until the object that was written is ready.
    async fn wait(&self, cluster: &Cluster, settings: &Settings, out: &mut Output) -> Result<DynamicObject, Failure> {
        out.waiting(&format!("waiting for {} reconciliation", self.called));
        let deadline = readiness::deadline(settings);
        readiness::wait(cluster, (self.row, self.name), settings, deadline, readiness::of_written).await
    }
}

/// The row of a kind that this command makes.
fn row_of(kind: &str) -> Result<&'static Row, Failure> {
    crate::cli::kinds::by_kind(kind).ok_or_else(|| Failure::new(format!("kind {kind} is not known")))
}

/// A typed spec as JSON.
fn to_json(spec: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(spec).map_err(|error| Failure::new(error.to_string()))
}

/// A flag's text, if there is any.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
