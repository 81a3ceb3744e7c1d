//! The two small HTTP servers of a controller process: metrics, and probes for the kubelet.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Serves `/metrics` until `stop` fires.
///
/// # Errors
/// When serving fails for good.
pub async fn serve_metrics(listener: TcpListener, metrics: Metrics, stop: CancellationToken) -> std::io::Result<()> {
    let print = move || {
        let text = metrics.print();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response() }
    };
    serve(listener, Router::new().route("/metrics", get(print)), stop).await
}

/// Serves `/healthz` and `/readyz` until `stop` fires. Both answer as soon as the process runs, as upstream's do: a
/// standby that waits for its lease is healthy.
///
/// # Errors
/// When serving fails for good.
pub async fn serve_health(listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let ok = || async { (StatusCode::OK, "ok") };
    serve(listener, Router::new().route("/healthz", get(ok)).route("/readyz", get(ok)), stop).await
}

async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Listens on a Go-style address: `:8080` means every interface, `0` or an empty one means not at all.
///
/// # Errors
/// When the address does not parse or is taken.
pub async fn listen(address: &str) -> std::io::Result<Option<TcpListener>> {
    if address.is_empty() || address == "0" {
        return Ok(None);
    }
    let address = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_owned() };
    let located = |error: std::io::Error| std::io::Error::new(error.kind(), format!("listen on {address}: {error}"));
    let listener = match address.parse::<SocketAddr>() {
        Ok(address) => TcpListener::bind(address).await,
        Err(_) => TcpListener::bind(&address).await,
    };
    listener.map(Some).map_err(located)
}
