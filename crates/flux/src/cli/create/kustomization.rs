//! `flux create kustomization`: makes or changes a Kustomization.

use api::{
    Decryption, DecryptionProvider, DependencyReference, Duration, KubeConfig, KustomizationSpec, LocalObjectReference,
    NamespacedObjectKindReference, SecretKeyReference, SourceKind, SourceReference,
};
use clap::ValueEnum;

use crate::cli::{
    cluster::Cluster,
    create::{Common, Wanted, checked_name, given, row_of, to_json},
    failure::Failure,
    output::Output,
    settings::Settings,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Keep a directory applied, and wait until what is in it is healthy
  flux create kustomization webapp --source=webapp --path=./deploy --prune --wait --interval=10m

  # Only after another one is ready
  flux create kustomization policies --source=webapp --path=./policies --prune --depends-on=webapp

  # From a source of another namespace
  flux create ks webapp -n apps --source=GitRepository/webapp.flux-system --path=./deploy --prune";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Kustomization's name
    name: Option<String>,
    /// The source, as [KIND/]NAME[.NAMESPACE]; the kind is GitRepository unless given
    #[arg(long)]
    source: Option<String>,
    /// The directory with the kustomization.yaml
    #[arg(long, default_value = "./")]
    path: String,
    /// Delete what leaves the source
    #[arg(long)]
    prune: bool,
    /// Wait until everything applied is healthy
    #[arg(long)]
    wait: bool,
    /// What has to become healthy, as KIND/NAME.NAMESPACE
    #[arg(long, value_delimiter = ',', value_name = "OBJECT")]
    health_check: Vec<String>,
    /// How long health is waited for
    #[arg(long, default_value = "2m0s", value_name = "DURATION")]
    health_check_timeout: Option<Duration>,
    /// The Kustomizations that have to be ready first, as NAME or NAMESPACE/NAME
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    depends_on: Vec<String>,
    /// The ServiceAccount whose rights are used
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// The tool that files are encrypted with
    #[arg(long)]
    decryption_provider: Option<Encryption>,
    /// The Secret with the keys for decryption
    #[arg(long, value_name = "NAME")]
    decryption_secret: Option<String>,
    /// The namespace that all objects are put into
    #[arg(long, value_name = "NAMESPACE")]
    target_namespace: Option<String>,
    /// The Secret with the kubeconfig of another cluster
    #[arg(long, value_name = "NAME")]
    kubeconfig_secret_ref: Option<String>,
    /// How soon a failure is tried again; without it after the interval
    #[arg(long, value_name = "DURATION")]
    retry_interval: Option<Duration>,
    /// Accepted for scripts that set it: everything is validated by the API server
    #[arg(long, hide = true)]
    validation: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encryption {
    Sops,
}

pub(super) async fn run(args: Args, common: &Common, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let name = checked_name(args.name.clone())?;
    let spec = spec(args, common)?;
    let wanted = Wanted {
        row: row_of("Kustomization")?,
        called: "Kustomization",
        name: &name,
        labels: common.labels()?,
        spec: to_json(&spec)?,
    };
    if common.export {
        out.data(&wanted.manifest(settings));
        return Ok(());
    }
    out.generate("generating Kustomization");
    let cluster = Cluster::open(settings).await?;
    wanted.write(&cluster, settings, out).await?;
    let object = wanted.wait(&cluster, settings, out).await?;
    out.success(&format!("Kustomization {name} is ready"));
    let revision = object.data.pointer(wanted.row.revision).and_then(|value| value.as_str()).unwrap_or_default();
    out.success(&format!("applied revision {revision}"));
    Ok(())
}

fn spec(args: Args, common: &Common) -> Result<KustomizationSpec, Failure> {
    let source = given(args.source).ok_or_else(|| Failure::new("source is required"))?;
    let health_checks = if args.wait { Vec::new() } else { args.health_check };
    let health_checks: Vec<_> = health_checks.iter().map(|text| health_check(text)).collect::<Result<_, _>>()?;
    let waits = args.wait || !health_checks.is_empty();
    let secret = |name| LocalObjectReference { name };
    Ok(KustomizationSpec {
        source_ref: source_reference(&source)?,
        path: Some(relative(&args.path)),
        interval: common.interval(),
        retry_interval: args.retry_interval.filter(|interval| !interval.is_zero()),
        timeout: args.health_check_timeout.filter(|_| waits),
        prune: args.prune,
        wait: args.wait,
        health_checks,
        depends_on: args.depends_on.iter().map(|text| dependency(text)).collect(),
        target_namespace: given(args.target_namespace),
        service_account_name: given(args.service_account),
        decryption: args.decryption_provider.map(|Encryption::Sops| Decryption {
            provider: DecryptionProvider::Sops,
            secret_ref: given(args.decryption_secret).map(secret),
            service_account_name: None,
        }),
        kube_config: given(args.kubeconfig_secret_ref)
            .map(|name| KubeConfig { secret_ref: Some(SecretKeyReference { name, key: None }), config_map_ref: None }),
        ..KustomizationSpec::default()
    })
}

/// Reads `[kind/]name[.namespace]`.
fn source_reference(text: &str) -> Result<SourceReference, Failure> {
    const KINDS: [SourceKind; 4] =
        [SourceKind::OciRepository, SourceKind::GitRepository, SourceKind::Bucket, SourceKind::ExternalArtifact];
    let (kind, rest) = match text.split_once('/') {
        Some((kind, rest)) if !rest.contains('/') => (kind, rest),
        _ => ("", text),
    };
    let (name, namespace) = match rest.rsplit_once('.') {
        Some((name, namespace)) => (name, Some(namespace.to_owned())),
        None => (rest, None),
    };
    if name.is_empty() {
        return Err(Failure::new(format!("no name given for source of kind '{kind}'")));
    }
    let kind = if kind.is_empty() {
        if KINDS.iter().any(|kind| kind.as_str() == name) {
            return Err(Failure::new(format!("no kind specified for source '{name}'")));
        }
        SourceKind::GitRepository
    } else {
        *KINDS.iter().find(|known| known.as_str().eq_ignore_ascii_case(kind)).ok_or_else(|| {
            let all = KINDS.map(SourceKind::as_str).join(", ");
            Failure::new(format!("source kind '{kind}' is not supported, must be one of: {all}"))
        })?
    };
    Ok(SourceReference { api_version: None, kind, name: name.to_owned(), namespace: given(namespace) })
}

/// A path that cannot leave the source's root, always beginning with `./`.
fn relative(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.trim().split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("./{}", parts.join("/"))
}

/// Reads `name` or `namespace/name`.
fn dependency(text: &str) -> DependencyReference {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, text),
    };
    DependencyReference { name: name.to_owned(), namespace, ready_expr: None }
}

/// Reads `kind/name.namespace`.
fn health_check(text: &str) -> Result<NamespacedObjectKindReference, Failure> {
    let form = || Failure::new(format!("invalid health check '{text}' must be in the format 'kind/name.namespace'"));
    let (kind, object) = text.split_once('/').filter(|(_, object)| !object.contains('/')).ok_or_else(form)?;
    let api_version = match kind {
        "Deployment" | "DaemonSet" | "StatefulSet" => None,
        "HelmRelease" => Some("helm.toolkit.fluxcd.io/v2".to_owned()),
        _ => {
            return Err(Failure::new(format!(
                "invalid health check kind '{kind}' can be HelmRelease, Deployment, DaemonSet or StatefulSet"
            )));
        }
    };
    let (name, namespace) = object.split_once('.').filter(|(_, ns)| !ns.contains('.')).ok_or_else(form)?;
    Ok(NamespacedObjectKindReference {
        api_version,
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_leave_the_root() {
        for (typed, path) in [
            ("./", "./"),
            ("", "./"),
            ("./deploy/webapp/", "./deploy/webapp"),
            ("deploy", "./deploy"),
            ("/deploy", "./deploy"),
            ("../../deploy", "./deploy"),
            ("a/../../b/./c", "./b/c"),
        ] {
            assert_eq!(relative(typed), path, "{typed}");
        }
    }

    #[test]
    fn sources_are_typed_with_or_without_kind_and_namespace() {
        let read = |text| {
            let source = source_reference(text).map_err(|failure| failure.message().to_owned())?;
            Ok(format!("{}/{}/{}", source.kind, source.namespace.unwrap_or_default(), source.name))
        };
        assert_eq!(read("webapp"), Ok("GitRepository//webapp".to_owned()));
        assert_eq!(read("webapp.apps"), Ok("GitRepository/apps/webapp".to_owned()));
        assert_eq!(read("ocirepository/web.app.apps"), Ok("OCIRepository/apps/web.app".to_owned()));
        assert_eq!(read("Bucket"), Err("no kind specified for source 'Bucket'".to_owned()));
        assert_eq!(read("GitRepository/"), Err("no name given for source of kind 'GitRepository'".to_owned()));
        assert!(read("Sftp/x").is_err_and(|message| message.contains("must be one of")));
    }

    #[test]
    fn health_checks_name_a_workload() {
        let check = health_check("Deployment/web.apps").unwrap();
        assert_eq!(
            (check.kind.as_str(), check.name.as_str(), check.namespace.as_deref()),
            ("Deployment", "web", Some("apps"))
        );
        for wrong in ["web", "Deployment/web", "Job/web.apps", "Deployment/a.b.c", "Deployment/a/b.c"] {
            assert!(health_check(wrong).is_err(), "{wrong}");
        }
    }
}
