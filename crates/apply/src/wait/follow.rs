//! Watches one object: one that the shared watch does not know, as it is not managed, or not there yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use kube::Client;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use object::ObjectId;
use tokio::task::JoinHandle;

use crate::discovery::Resource;
use crate::watch::Alarm;

/// A watch of one object; it ends when this is dropped.
pub(super) struct Follower {
    task: Option<JoinHandle<()>>,
    is_live: Arc<AtomicBool>,
}

impl Follower {
    /// Rings the alarm whenever the object changes.
    ///
    /// It watches as whoever waits, who may see less than the shared watch does.
    pub(super) fn start(client: &Client, resource: &Resource, id: &ObjectId, alarm: &Arc<Alarm>) -> Self {
        let kind = resource.api_resource();
        let api: Api<PartialObjectMeta> = match id.namespace.as_deref().filter(|_| resource.namespaced) {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
            None => Api::all_with(client.clone(), &kind),
        };
        let is_live = Arc::new(AtomicBool::new(false));
        let (live, alarm, id) = (Arc::clone(&is_live), Arc::clone(alarm), id.clone());
        let task = tokio::spawn(async move {
            let config = watcher::Config::default().fields(&format!("metadata.name={}", id.name));
            let mut events = std::pin::pin!(watcher::watcher(api, config).default_backoff());
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Init | Event::InitApply(_)) => {}
                    // What happened between the look and the list is found by another look.
                    Ok(Event::InitDone) => {
                        live.store(true, Ordering::Relaxed);
                        alarm.ring(id.clone());
                    }
                    Ok(Event::Apply(_) | Event::Delete(_)) => alarm.ring(id.clone()),
                    Err(_) => live.store(false, Ordering::Relaxed),
                }
            }
        });
        Self { task: Some(task), is_live }
    }

    /// Stands for an object that cannot be watched.
    pub(super) fn none() -> Self {
        Self { task: None, is_live: Arc::default() }
    }

    /// Whether it tries to.
    pub(super) fn is_watching(&self) -> bool {
        self.task.is_some()
    }

    /// Whether changes are told.
    pub(super) fn is_live(&self) -> bool {
        self.is_live.load(Ordering::Relaxed)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
