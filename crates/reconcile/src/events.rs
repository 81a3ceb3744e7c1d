//! What happened, told once: as a Kubernetes Event, and as a notification to the events address.
//!
//! Telling never holds a turn: events go through two bounded queues, each emptied by a task of its own. When a queue is
//! full the event is dropped and the log says so; an event is news, not state.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use api::well_known::EVENT_PREFIX;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event as KubernetesEvent, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many events may wait to be told.
const QUEUE: usize = 4096;
/// How many recent events are remembered, so that a repeated one raises a count instead of making a new object.
const REMEMBERED: usize = 4096;
/// How often a notification is tried.
const TRIES: u32 = 4;

/// Who should hear of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Only those who look at the object.
    Trace,
    /// Everybody.
    Info,
    /// Everybody, as a warning.
    Error,
}

/// One thing that happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who should hear of it.
    pub severity: Severity,
    /// One word in CamelCase.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Keys as they are sent, with their group prefix.
    pub metadata: BTreeMap<String, String>,
}

impl Event {
    /// Makes an event without metadata.
    pub fn new(severity: Severity, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity, reason: reason.into(), message: message.into(), metadata: BTreeMap::new() }
    }

    /// Sets the metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }
}

/// Tells events of one controller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    kubernetes: mpsc::Sender<Told>,
    notifications: Option<mpsc::Sender<Told>>,
}

/// What the recorder's tasks need.
#[derive(Clone)]
pub struct Destination {
    /// The cluster that gets Kubernetes Events.
    pub client: Client,
    /// Where notifications are posted, if anywhere, and by which client.
    pub notifications: Option<(url::Url, reqwest::Client)>,
    /// The controller's name, e.g. `source-controller`.
    pub controller: String,
    /// This process' name, usually the host's.
    pub instance: String,
}

/// An event with the object it is about.
#[derive(Debug)]
struct Told {
    object: ObjectReference,
    event: Event,
    time: Timestamp,
}

impl Recorder {
    /// Starts the tasks that tell events. They end when `stop` fires and what was queued by then is told.
    pub fn start(destination: Destination, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let (kubernetes, queue) = mpsc::channel(QUEUE);
        let posted = destination.clone();
        tasks.spawn(drain(queue, stop.clone(), Kubernetes::new(posted.client, posted.controller, posted.instance)));
        let notifications = destination.notifications.map(|(url, client)| {
            let (sender, queue) = mpsc::channel(QUEUE);
            let sink = Webhook { url, client, controller: destination.controller, instance: destination.instance };
            tasks.spawn(drain(queue, stop.clone(), sink));
            sender
        });
        Self { kubernetes, notifications }
    }

    /// Tells `event` of `object`, whose annotations may add to its metadata.
    pub fn tell(&self, object: &ObjectReference, annotations: &BTreeMap<String, String>, mut event: Event) {
        let wanted = annotations.iter().filter(|(key, _)| key.starts_with(EVENT_PREFIX));
        event.metadata.extend(wanted.map(|(key, value)| (key.clone(), value.clone())));
        let time = Timestamp::now();
        if let Some(notifications) = &self.notifications
            && event.severity != Severity::Trace
        {
            let told = Told { object: object.clone(), event: event.clone(), time };
            if notifications.try_send(told).is_err() {
                tracing::warn!("notification dropped: the events address is too slow");
            }
        }
        if self.kubernetes.try_send(Told { object: object.clone(), event, time }).is_err() {
            tracing::warn!("event dropped: the API server is too slow");
        }
    }
}

/// Where events go.
trait Sink: Send {
    /// Tells one event.
    fn tell(&mut self, told: Told) -> impl Future<Output = ()> + Send;
}

async fn drain(mut queue: mpsc::Receiver<Told>, stop: CancellationToken, mut sink: impl Sink) {
    loop {
        let told = tokio::select! {
            told = queue.recv() => told,
            () = stop.cancelled() => { queue.close(); queue.recv().await }
        };
        match told {
            Some(told) => sink.tell(told).await,
            None => return,
        }
    }
}

/// What makes two events the same to those who read them.
type Key = (String, String, String, &'static str, String, String);

/// Writes Kubernetes Events, and raises the count of one that repeats.
struct Kubernetes {
    client: Client,
    controller: String,
    instance: String,
    recent: HashMap<Key, (String, i32)>,
    order: VecDeque<Key>,
}

impl Kubernetes {
    fn new(client: Client, controller: String, instance: String) -> Self {
        Self { client, controller, instance, recent: HashMap::new(), order: VecDeque::new() }
    }

    fn remember(&mut self, key: Key, name: String, count: i32) {
        if self.recent.insert(key.clone(), (name, count)).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
    }

    fn new_event(&self, name: &str, told: &Told) -> KubernetesEvent {
        let annotations = (!told.event.metadata.is_empty()).then(|| told.event.metadata.clone());
        KubernetesEvent {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: told.object.namespace.clone(),
                annotations,
                ..ObjectMeta::default()
            },
            involved_object: told.object.clone(),
            reason: Some(told.event.reason.clone()),
            message: Some(told.event.message.clone()),
            type_: Some(kind(told.event.severity).to_owned()),
            source: Some(EventSource { component: Some(self.controller.clone()), host: None }),
            reporting_component: Some(self.controller.clone()),
            reporting_instance: Some(self.instance.clone()),
            first_timestamp: Some(Time(told.time)),
            last_timestamp: Some(Time(told.time)),
            count: Some(1),
            ..KubernetesEvent::default()
        }
    }
}

impl Sink for Kubernetes {
    async fn tell(&mut self, told: Told) {
        let object = &told.object;
        let namespace = object.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let key = (
            object.kind.clone().unwrap_or_default(),
            namespace.clone(),
            object.name.clone().unwrap_or_default(),
            kind(told.event.severity),
            told.event.reason.clone(),
            told.event.message.clone(),
        );
        let events: Api<KubernetesEvent> = Api::namespaced(self.client.clone(), &namespace);
        if let Some((name, count)) = self.recent.get(&key).cloned() {
            // As client-go: the metadata stay those of the first time.
            let patch = serde_json::json!({ "count": count + 1, "lastTimestamp": Time(told.time) });
            match events.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await {
                Ok(_) => return self.remember(key, name, count + 1),
                // The API server deletes events after an hour: then it is new again.
                Err(kube::Error::Api(status)) if status.code == 404 => drop(self.recent.remove(&key)),
                Err(error) => return tracing::warn!(%error, "event not recorded"),
            }
        }
        // As client-go names them: the object, and the time in nanoseconds.
        let name = format!("{}.{:x}", key.2, told.time.as_nanosecond());
        let event = self.new_event(&name, &told);
        match events.create(&PostParams::default(), &event).await {
            Ok(_) => self.remember(key, name, 1),
            // A namespace that is being deleted takes no events; there is nobody left to read them.
            Err(kube::Error::Api(status)) if status.code == 403 || status.code == 404 => {
                tracing::debug!(%status, "event not recorded");
            }
            Err(error) => tracing::warn!(%error, "event not recorded"),
        }
    }
}

fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace | Severity::Info => "Normal",
        Severity::Error => "Warning",
    }
}

/// Posts notifications as notification-controller takes them.
#[derive(Debug)]
struct Webhook {
    url: url::Url,
    client: reqwest::Client,
    controller: String,
    instance: String,
}

/// The body of a notification (`eventv1.Event`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    involved_object: &'a ObjectReference,
    severity: &'static str,
    timestamp: Time,
    message: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    reporting_controller: &'a str,
    reporting_instance: &'a str,
}

impl Sink for Webhook {
    async fn tell(&mut self, told: Told) {
        let body = serde_json::to_vec(&Notification {
            involved_object: &told.object,
            severity: if told.event.severity == Severity::Error { "error" } else { "info" },
            timestamp: Time(Timestamp::from_second(told.time.as_second()).unwrap_or(told.time)),
            message: &told.event.message,
            reason: &told.event.reason,
            metadata: &told.event.metadata,
            reporting_controller: &self.controller,
            reporting_instance: &self.instance,
        });
        let Ok(body) = body else { return };
        let mut wait = Duration::from_secs(1);
        for attempt in 1..=TRIES {
            let request = self.client.post(self.url.clone()).header("content-type", "application/json");
            let problem = match request.body(body.clone()).timeout(Duration::from_secs(5)).send().await {
                // 429 says that the receiver has this one already.
                Ok(response) if response.status().as_u16() == 429 || response.status().is_success() => return,
                Ok(response) if !response.status().is_server_error() => {
                    return tracing::warn!(status = response.status().as_u16(), "notification refused");
                }
                Ok(response) => response.status().to_string(),
                Err(error) => error.without_url().to_string(),
            };
            if attempt == TRIES {
                return tracing::warn!(error = problem, "notification not delivered");
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_normal_events() {
        assert_eq!([Severity::Trace, Severity::Info, Severity::Error].map(kind), ["Normal", "Normal", "Warning"]);
    }
}
