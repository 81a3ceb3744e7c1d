//! Artifacts between a store, its server and those who open them, over real HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its world up has failed")]

mod opening;
mod serving;

use std::sync::Arc;
use std::time::Duration;

use artifact::{Algorithm, Artifact, OpenSettings, Opener, Place, Retention, Retry, Settings, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tree::{Ignore, Tree};

/// A store that is being served.
struct World {
    root: TempDir,
    store: Arc<Store>,
    host: String,
    _server: DropGuard,
}

impl World {
    async fn new() -> Self {
        let root = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let settings = Settings {
            root: root.path().join("data"),
            host: host.clone(),
            retention: Retention::default(),
            algorithm: Algorithm::Sha256,
        };
        let store = Arc::new(Store::open(settings).unwrap());
        let cancel = CancellationToken::new();
        tokio::spawn(artifact::server::serve(listener, Arc::clone(&store), cancel.clone()));
        Self { root, store, host, _server: cancel.drop_guard() }
    }

    fn put(&self, tree: &Tree) -> Artifact {
        let place = Place::new("GitRepository", "default", "podinfo").unwrap();
        self.store.put(&place, "00.tar.gz", "main@sha1:00".into(), (tree, &Ignore::nothing())).unwrap()
    }

    fn opener(&self, change: impl FnOnce(&mut OpenSettings)) -> Opener {
        let mut settings = OpenSettings {
            client: client(),
            scratch: self.root.path().to_owned(),
            limits: OpenSettings::LIMITS,
            largest_download: 1 << 20,
            retry: Retry { attempts: 0, first: Duration::from_millis(10), longest: Duration::from_millis(20) },
            host: None,
            local: None,
            keep: 0,
        };
        change(&mut settings);
        Opener::new(settings)
    }
}

#[allow(clippy::disallowed_methods, reason = "the crate that builds clients stands beside this one, not below")]
fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
