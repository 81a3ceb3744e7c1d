//! `flux logs`: shows the logs of the controllers, one line per entry.

use api::{
    Duration,
    well_known::{PART_OF, PART_OF_FLUX},
};
use futures::{AsyncBufReadExt as _, StreamExt as _, stream::select_all};
use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, LogParams},
};
use serde_json::Value;
use tokio::time::timeout_at;

use crate::cli::{cluster::Cluster, failure::Failure, output::Output, readiness, settings::Settings};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # What the controllers say about the objects of all namespaces
  flux logs --all-namespaces

  # Follow the errors
  flux logs --follow --level=error --all-namespaces

  # What is said about one Kustomization
  flux logs --kind=Kustomization --name=webapp -n apps";

/// The container to read where a pod has several.
const CONTAINER: &str = "manager";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only entries of this level: debug, info, error
    #[arg(long)]
    level: Option<String>,
    /// Only entries about this kind
    #[arg(long)]
    kind: Option<String>,
    /// Only entries about the object of this name
    #[arg(long)]
    name: Option<String>,
    /// Go on showing entries as they come
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines to look at
    #[arg(long, default_value_t = -1, allow_negative_numbers = true, value_name = "LINES")]
    tail: i64,
    /// The namespace of the controllers
    #[arg(long, default_value = "flux-system", value_name = "NAMESPACE")]
    flux_namespace: String,
    /// Entries about objects of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only entries newer than this, e.g. 5m
    #[arg(long, value_name = "DURATION", conflicts_with = "since_time")]
    since: Option<Duration>,
    /// Only entries after this time, in RFC 3339
    #[arg(long, value_name = "TIME")]
    since_time: Option<Timestamp>,
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let cluster = Cluster::open(settings).await?;
    let deadline = readiness::deadline(settings);
    let pods: Api<Pod> = Api::namespaced(cluster.client(), &args.flux_namespace);
    let mut params = LogParams { follow: args.follow, since_time: args.since_time, ..LogParams::default() };
    params.tail_lines = (args.tail > -1).then_some(args.tail);
    params.since_seconds = args.since.and_then(|since| i64::try_from(since.to_std().as_millis().div_ceil(1000)).ok());
    let mut streams = Vec::new();
    let mut failures = 0;
    for pod in controllers(&cluster, &args.flux_namespace).await? {
        let mut params = params.clone();
        if pod.spec.as_ref().is_some_and(|spec| spec.containers.len() > 1) {
            params.container = Some(CONTAINER.to_owned());
        }
        match pods.log_stream(&pod.name_any(), &params).await {
            Ok(stream) => streams.push(stream.lines().boxed()),
            Err(error) => {
                failures += 1;
                out.note(&format!("failed getting logs: {}", Failure::from(error).message()));
            }
        }
    }
    if args.follow {
        let mut lines = select_all(streams);
        while let Ok(Some(line)) = timeout_at(deadline, lines.next()).await {
            show(line, &args, settings, out)?;
            if out.is_closed() {
                break;
            }
        }
        return Ok(());
    }
    for mut lines in streams {
        while let Some(line) = timeout_at(deadline, lines.next()).await.map_err(|_| Failure::new("timed out"))? {
            show(line, &args, settings, out)?;
        }
    }
    if failures > 0 { Err(Failure::new("failed to collect logs from all Flux pods")) } else { Ok(()) }
}

/// One pod of each of the controllers' Deployments, a running one if there is one.
async fn controllers(cluster: &Cluster, namespace: &str) -> Result<Vec<Pod>, Failure> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client(), namespace);
    let pods: Api<Pod> = Api::namespaced(cluster.client(), namespace);
    let ours = ListParams::default().labels(&format!("{PART_OF}={PART_OF_FLUX}"));
    let mut found = Vec::new();
    for deployment in deployments.list(&ours).await?.items {
        let template = deployment.spec.template.metadata.and_then(|meta| meta.labels);
        let labels: Vec<String> =
            template.unwrap_or_default().iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut candidates = pods.list(&ListParams::default().labels(&labels.join(","))).await?.items;
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        candidates.sort_by_key(|pod| phase(pod).as_deref() != Some("Running"));
        found.extend(candidates.into_iter().next());
    }
    if found.is_empty() {
        return Err(Failure::new(format!("no Flux pods found in namespace {namespace:?}")));
    }
    Ok(found)
}

fn show(line: std::io::Result<String>, args: &Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let line = line.map_err(|error| Failure::new(format!("the log ended early: {error}")))?;
    if let Some(text) = format(&line, args, &settings.namespace) {
        out.data(&text);
    }
    Ok(())
}

/// An entry that is wanted, for people. Lines that are no entries are passed over.
fn format(line: &str, args: &Args, namespace: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line.strip_prefix('{').map(|_| line)?).ok()?;
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let reconciler = text("reconciler kind");
    let controller = text("controllerKind");
    let is = |wanted: &Option<String>, found: &[&str]| {
        let any = |wanted: &String| wanted.is_empty() || found.iter().any(|found| found.eq_ignore_ascii_case(wanted));
        wanted.as_ref().is_none_or(any)
    };
    let wanted = is(&args.level, &[text("level")])
        && is(&args.kind, &[reconciler, controller])
        && is(&args.name, &[text("name")])
        && (args.all_namespaces || text("namespace").eq_ignore_ascii_case(namespace));
    if !wanted {
        return None;
    }
    let kind = if reconciler.is_empty() { controller } else { reconciler };
    let object = match text("name") {
        "" => kind.to_owned(),
        name => format!("{kind}/{name}.{}", text("namespace")),
    };
    Some(format!("{} {} {object} - {} {}\n", text("ts"), text("level"), text("msg"), text("error")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    #[track_caller]
    fn check(flags: &[&str], line: &str, wanted: Option<&str>) {
        let typed = Typed::parse_from([&["logs"], flags].concat());
        assert_eq!(format(line, &typed.args, "apps").as_deref(), wanted);
    }

    const LINE: &str = r#"{"level":"info","ts":"2026-01-01T00:00:00.000Z","msg":"all well","controllerKind":"Kustomization","name":"a","namespace":"apps"}"#;
    const TEXT: &str = "2026-01-01T00:00:00.000Z info Kustomization/a.apps - all well \n";

    #[test]
    fn entries_are_filtered_by_what_they_are_about() {
        check(&[], LINE, Some(TEXT));
        check(&["--kind=kustomization", "--name=a", "--level=info"], LINE, Some(TEXT));
        check(&["--level=error"], LINE, None);
        check(&["--kind=GitRepository"], LINE, None);
        check(&["--name=b"], LINE, None);
    }

    #[test]
    fn entries_of_other_namespaces_need_to_be_asked_for() {
        let other = LINE.replace("apps", "other");
        check(&[], &other, None);
        check(&["-A"], &other, Some(&TEXT.replace("apps", "other")));
        let general = r#"{"level":"error","ts":"t","msg":"m","error":"e"}"#;
        check(&["-A"], general, Some("t error  - m e\n"));
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
        check(&["-A"], "panic: no", None);
        check(&["-A"], "{ no json", None);
    }
}
