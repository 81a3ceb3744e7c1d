//! Where the controllers send their events in tests: an HTTP server that records every notification.

use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

type Recorded = Arc<Mutex<Vec<Value>>>;

/// A running sink. It has a thread of its own, so that tests with a runtime each can share it.
#[derive(Debug)]
pub struct Notifications {
    recorded: Recorded,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Notifications {
    /// Starts to listen.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start() -> io::Result<Self> {
        let recorded = Recorded::default();
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let state = Arc::clone(&recorded);
        let thread = std::thread::spawn(move || serve(state, stopped, &ready));
        let port = started.recv().map_err(io::Error::other)??;
        Ok(Self { recorded, port, stop: Some(stop), thread: Some(thread) })
    }

    /// For `--events-addr`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Everything received so far whose involved object is in this namespace, in the order of arrival.
    pub fn of(&self, namespace: &str) -> Vec<Value> {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.iter().filter(|n| n["involvedObject"]["namespace"] == namespace).cloned().collect()
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(recorded: Recorded, stopped: oneshot::Receiver<()>, ready: &mpsc::Sender<io::Result<u16>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let bound = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        let listener = match bound.await {
            Ok((listener, port)) => {
                drop(ready.send(Ok(port)));
                listener
            }
            Err(error) => return drop(ready.send(Err(error))),
        };
        let app = axum::Router::new().fallback(record).with_state(recorded);
        // Dropping the server closes it; connections that clients keep open are not waited for.
        tokio::select! {
            _ = axum::serve(listener, app) => {}
            _ = stopped => {}
        }
    });
}

async fn record(State(recorded): State<Recorded>, Json(notification): Json<Value>) -> StatusCode {
    recorded.lock().unwrap_or_else(PoisonError::into_inner).push(notification);
    StatusCode::ACCEPTED
}
