//! Logs as upstream's controllers write them: one JSON object a line on stderr, with the keys that `flux logs` and
//! people's queries look for.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Encoding {
    /// One JSON object a line.
    Json,
    /// For people.
    Console,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Verbosity {
    /// Everything.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What happened.
    Info,
    /// What went wrong.
    Error,
}

/// Logs from now on.
pub(crate) fn start(encoding: Encoding, verbosity: Verbosity) {
    let (ours, others) = match verbosity {
        Verbosity::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
        Verbosity::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        Verbosity::Info => (LevelFilter::INFO, LevelFilter::ERROR),
        Verbosity::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
    };
    // Libraries may log requests in full: their debug level is behind our trace level.
    let mut filter = Targets::new().with_default(others);
    for ours_of in
        ["flux", "reconcile", "source_controller", "kustomize_controller", "apply", "fetch", "artifact", "render"]
    {
        filter = filter.with_target(ours_of, ours);
    }
    // A second start (tests in one process) keeps the first.
    drop(tracing_subscriber::registry().with(Lines { encoding }.with_filter(filter)).try_init());
}

struct Lines {
    encoding: Encoding,
}

/// The fields of a span, kept with it.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut turn = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(Fields(of_span)) = span.extensions().get::<Fields>() {
                turn.extend(of_span.clone());
            }
        }
        let line = match self.encoding {
            Encoding::Json => json_line(*event.metadata().level(), &Timestamp::now(), turn, fields.0),
            Encoding::Console => console_line(*event.metadata().level(), &Timestamp::now(), &turn, fields.0),
        };
        // A log that cannot be written has nobody to tell.
        drop(std::io::stderr().lock().write_all(line.as_bytes()));
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        // Upstream knows no warnings: what is not an error is information.
        Level::WARN | Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn time(now: &Timestamp) -> String {
    format!("{now:.3}")
}

fn json_line(level: Level, now: &Timestamp, turn: Map<String, Value>, mut event: Map<String, Value>) -> String {
    let mut line = Map::new();
    let message = event.remove("message").unwrap_or_default();
    line.insert("level".into(), level_name(level).into());
    line.insert("ts".into(), time(now).into());
    line.insert("msg".into(), message);
    line.extend(turn_keys(turn));
    line.extend(event);
    // Serialized by hand where the order of keys matters to people; JSON itself has none.
    let mut text = String::from("{");
    let first = ["level", "ts", "msg"];
    let ordered = first.iter().filter_map(|key| line.get_key_value(*key));
    let rest = line.iter().filter(|(key, _)| !first.contains(&key.as_str()));
    for (index, (key, value)) in ordered.chain(rest).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{}:{value}", Value::String(key.clone()));
    }
    text.push_str("}\n");
    text
}

/// The fields of a turn under the names that controller-runtime gives them.
fn turn_keys(mut turn: Map<String, Value>) -> Map<String, Value> {
    let Some(Value::String(kind)) = turn.remove("kind") else { return turn };
    let (name, namespace) = (turn.get("name").cloned(), turn.get("namespace").cloned());
    if let Some(group) = turn.remove("group") {
        turn.insert("controllerGroup".into(), group);
    }
    if let Some(id) = turn.remove("id") {
        turn.insert("reconcileID".into(), id);
    }
    turn.insert(kind.clone(), json!({ "name": name, "namespace": namespace }));
    turn.insert("controllerKind".into(), kind.into());
    turn
}

fn console_line(level: Level, now: &Timestamp, turn: &Map<String, Value>, mut event: Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut line = format!("{} {}", time(now), level_name(level).to_uppercase());
    if let (Some(kind), Some(namespace), Some(name)) = (turn.get("kind"), turn.get("namespace"), turn.get("name")) {
        let _ = write!(line, " {}/{}/{}", text(kind), text(namespace), text(name));
    }
    let _ = write!(line, " {}", text(&event.remove("message").unwrap_or_default()));
    for (key, value) in event {
        let _ = write!(line, " {key}={}", text(&value));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_turn_has_the_keys_that_flux_logs_reads() {
        let turn = json!({
            "controller": "kustomization", "group": "kustomize.toolkit.fluxcd.io", "kind": "Kustomization",
            "namespace": "apps", "name": "web", "id": "1f",
        });
        let event = json!({ "message": "server-side apply completed", "revision": "main@sha1:1" });
        let now = Timestamp::from_millisecond(1_767_225_600_123).unwrap();
        let line = json_line(Level::INFO, &now, turn.as_object().unwrap().clone(), event.as_object().unwrap().clone());
        assert!(
            line.starts_with(r#"{"level":"info","ts":"2026-01-01T00:00:00.123Z","msg":"server-side apply completed","#)
        );
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["controllerKind"], "Kustomization");
        assert_eq!(read["controllerGroup"], "kustomize.toolkit.fluxcd.io");
        assert_eq!(read["Kustomization"], json!({ "name": "web", "namespace": "apps" }));
        assert_eq!((&read["name"], &read["reconcileID"]), (&json!("web"), &json!("1f")));
        assert_eq!(read["revision"], "main@sha1:1");
    }
}
