//! `flux events`: shows the Kubernetes events of Flux's objects.

use futures::{StreamExt as _, stream::select_all};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, WatchParams},
    core::WatchEvent,
};
use tokio::time::timeout_at;

use crate::cli::{
    cluster::Cluster,
    failure::Failure,
    kinds::{Row, by_kind},
    output::Output,
    readiness,
    settings::Settings,
    table,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # The events of all of Flux's objects in a namespace
  flux events -n apps

  # What went wrong with a Kustomization, or with its source
  flux events --for Kustomization/webapp --types Warning

  # Follow all events
  flux events -A --watch";

/// The kinds whose events are Flux's.
const KINDS: [&str; 15] = [
    "Kustomization",
    "HelmRelease",
    "Alert",
    "Receiver",
    "Provider",
    "ImagePolicy",
    "HelmChart",
    "GitRepository",
    "OCIRepository",
    "Bucket",
    "HelmRepository",
    "ImageUpdateAutomation",
    "ImageRepository",
    "ArtifactGenerator",
    "ExternalArtifact",
];

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Events of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Go on showing events as they come
    #[arg(short, long)]
    watch: bool,
    /// Only events of a kind, or of one object and its source
    #[arg(long = "for", value_name = "KIND[/NAME]")]
    about: Option<String>,
    /// Only events of these types: Normal, Warning
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,
}

/// Events of a namespace (or all) that fulfil a field selector.
struct Query {
    namespace: Option<String>,
    fields: Option<String>,
}

impl Query {
    fn api(&self, cluster: &Cluster) -> Api<Event> {
        match &self.namespace {
            Some(namespace) => Api::namespaced(cluster.client(), namespace),
            None => Api::all(cluster.client()),
        }
    }
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    for type_ in &args.types {
        if !["Normal", "Warning"].iter().any(|known| known.eq_ignore_ascii_case(type_)) {
            let message = format!("type '{type_}' not supported. Supported types are Normal, Warning");
            return Err(Failure::new(message));
        }
    }
    let cluster = Cluster::open(settings).await?;
    let namespace = (!args.all_namespaces).then(|| settings.namespace.clone());
    let mut queries = vec![Query { namespace: namespace.clone(), fields: None }];
    if let Some(about) = &args.about {
        queries = about_object(&cluster, about, namespace.as_deref(), settings).await?;
    }
    let shows_namespace = namespace.is_none() || queries.iter().any(|query| query.namespace != namespace);
    if args.watch {
        return watch(&cluster, &queries, &args, shows_namespace, settings, out).await;
    }
    let mut events = Vec::new();
    for query in &queries {
        events.extend(list(&cluster, query).await?);
    }
    events.retain(|event| is_wanted(event, &args));
    events.sort_by_key(time_of);
    if events.is_empty() {
        out.failure(&match &namespace {
            Some(namespace) => format!("No events found in {namespace} namespace."),
            None => "No events found.".to_owned(),
        });
        return Ok(());
    }
    let now = Timestamp::now();
    let rows: Vec<_> = events.iter().map(|event| cells(event, shows_namespace, now)).collect();
    out.data(&table::layout(&header(shows_namespace), &rows));
    Ok(())
}

/// The queries for `Kind` or `Kind/name`; a named object's source comes with it.
async fn about_object(
    cluster: &Cluster,
    about: &str,
    namespace: Option<&str>,
    settings: &Settings,
) -> Result<Vec<Query>, Failure> {
    let (kind, name) = match about.split_once('/') {
        Some((kind, name)) => (kind, Some(name).filter(|name| !name.is_empty())),
        None => (about, None),
    };
    if kind.is_empty() {
        return Err(Failure::new("--for selector must be of format <kind>[/<name>]"));
    }
    let known = KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind));
    let kind = known.ok_or_else(|| Failure::new(format!("'{kind}' is not a recognized Flux kind")))?;
    let fields = |kind: &str, name: Option<&str>| match name {
        Some(name) => format!("involvedObject.kind={kind},involvedObject.name={name}"),
        None => format!("involvedObject.kind={kind}"),
    };
    let mut queries = vec![Query { namespace: namespace.map(str::to_owned), fields: Some(fields(kind, name)) }];
    if let (Some(row), Some(name)) = (by_kind(kind), name) {
        queries.extend(source(cluster, row, name, settings).await?.map(|(kind, name, namespace)| Query {
            namespace: Some(namespace),
            fields: Some(fields(&kind, Some(&name))),
        }));
    }
    Ok(queries)
}

/// Kind, name and namespace of an object's source.
async fn source(
    cluster: &Cluster,
    row: &Row,
    name: &str,
    settings: &Settings,
) -> Result<Option<(String, String, String)>, Failure> {
    let Some(path) = row.source else { return Ok(None) };
    let object = cluster.get(row, &settings.namespace, name).await?;
    let part = |part: &str| Some(object.data.pointer(path)?[part].as_str()?.to_owned()).filter(|part| !part.is_empty());
    let namespace = part("namespace").unwrap_or_else(|| settings.namespace.clone());
    Ok(part("kind").zip(part("name")).map(|(kind, name)| (kind, name, namespace)))
}

async fn list(cluster: &Cluster, query: &Query) -> Result<Vec<Event>, Failure> {
    let mut params = ListParams::default().limit(500);
    params.field_selector.clone_from(&query.fields);
    let api = query.api(cluster);
    let mut events = Vec::new();
    loop {
        let list = api.list(&params).await.map_err(|error| {
            let failure = Failure::from(error);
            Failure::new(format!("error getting events: {}", failure.message()))
        })?;
        events.extend(list.items);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(events),
        }
    }
}

/// Shows the events that there are, and those that come, until the time is over.
async fn watch(
    cluster: &Cluster,
    queries: &[Query],
    args: &Args,
    shows_namespace: bool,
    settings: &Settings,
    out: &mut Output,
) -> Result<(), Failure> {
    let deadline = readiness::deadline(settings);
    let mut streams = Vec::new();
    for query in queries {
        let mut params = WatchParams::default();
        params.field_selector.clone_from(&query.fields);
        streams.push(query.api(cluster).watch(&params, "").await?.boxed());
    }
    let mut events = select_all(streams);
    let mut header = header(shows_namespace);
    while let Ok(Some(event)) = timeout_at(deadline, events.next()).await {
        let event = match event? {
            WatchEvent::Added(event) | WatchEvent::Modified(event) => event,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status).into()),
            WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => continue,
        };
        if !is_wanted(&event, args) {
            continue;
        }
        out.data(&table::layout(&header, &[cells(&event, shows_namespace, Timestamp::now())]));
        header.clear();
        if out.is_closed() {
            break;
        }
    }
    Ok(())
}

fn is_wanted(event: &Event, args: &Args) -> bool {
    let kind = event.involved_object.kind.as_deref().unwrap_or_default();
    let type_ = event.type_.as_deref().unwrap_or_default();
    KINDS.contains(&kind)
        && (args.types.is_empty() || args.types.iter().any(|wanted| wanted.eq_ignore_ascii_case(type_)))
}

fn header(shows_namespace: bool) -> Vec<&'static str> {
    let mut header = vec!["Last seen", "Type", "Reason", "Object", "Message"];
    if shows_namespace {
        header.insert(0, "Namespace");
    }
    header
}

fn cells(event: &Event, shows_namespace: bool, now: Timestamp) -> Vec<String> {
    let object = &event.involved_object;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut cells = vec![
        last_seen(event, now),
        text(&event.type_),
        text(&event.reason),
        format!("{}/{}", text(&object.kind), text(&object.name)),
        text(&event.message),
    ];
    if shows_namespace {
        cells.insert(0, event.namespace().unwrap_or_default());
    }
    cells
}

/// When an event was last seen, for sorting.
fn time_of(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| Some(series.last_observed_time.as_ref()?.0));
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    series.or(last).or(event.event_time.as_ref().map(|time| time.0))
}

/// How long ago an event was seen, and how often.
fn last_seen(event: &Event, now: Timestamp) -> String {
    let since = |time: Option<Timestamp>| time.map_or("<unknown>".to_owned(), |time| rough(now.duration_since(time)));
    let event_time = event.event_time.as_ref().map(|time| time.0);
    let first = since(event_time.or(event.first_timestamp.as_ref().map(|time| time.0)));
    let count = event.count.unwrap_or_default();
    if let Some(series) = &event.series {
        let last = since(series.last_observed_time.as_ref().map(|time| time.0));
        format!("{last} (x{} over {first})", series.count.unwrap_or_default())
    } else if count > 1 {
        format!("{} (x{count} over {first})", since(event.last_timestamp.as_ref().map(|time| time.0)))
    } else {
        first
    }
}

/// A duration in two or three digits, as kubectl writes ages.
///
/// # Source
/// `HumanDuration` of Kubernetes' apimachinery; see the test.
fn rough(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    let pair = |big: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big}{unit}"),
        small => format!("{big}{unit}{small}{small_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ages_are_rough() {
        for (seconds, text) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (176_400, "2d1h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_288_000, "8y"),
        ] {
            assert_eq!(rough(SignedDuration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn a_repeated_event_says_how_often() {
        let now: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let event = |extra: serde_json::Value| -> Event {
            let mut event = json!({
                "metadata": { "name": "e", "namespace": "apps" },
                "involvedObject": { "kind": "Kustomization", "name": "a" },
                "type": "Warning", "reason": "BuildFailed", "message": "no",
                "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:59:30Z",
            });
            event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            serde_json::from_value(event).unwrap()
        };
        assert_eq!(last_seen(&event(json!({ "count": 3 })), now), "30s (x3 over 60m)");
        assert_eq!(last_seen(&event(json!({ "count": 1 })), now), "60m");
        let row = cells(&event(json!({ "count": 1 })), true, now);
        assert_eq!(row, ["apps", "60m", "Warning", "BuildFailed", "Kustomization/a", "no"]);
    }
}
