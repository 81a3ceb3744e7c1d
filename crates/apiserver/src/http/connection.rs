//! Connections: TLS on loopback, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::http::answer;

/// Connections that are open at once at most.
const CONNECTIONS: usize = 4096;
/// Until a client has said what it wants.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Watches and other requests of one client at once.
const STREAMS: u32 = 2000;
/// For those that are being answered when the server ends.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until it is stopped.
pub(crate) async fn serve(api: Arc<Api>, listener: TcpListener, tls: Arc<ServerConfig>, stop: CancellationToken) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            place = places.clone().acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of files, most likely: others will close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (api, acceptor, stop) = (api.clone(), acceptor.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            connection(api, stream, acceptor, stop).await;
        });
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    // What has not ended by then is ended.
    let _ = tokio::time::timeout(GRACE, ended).await;
    connections.shutdown().await;
}

async fn connection(api: Arc<Api>, stream: TcpStream, acceptor: TlsAcceptor, stop: CancellationToken) {
    // A socket that does not take the option is slower, no more.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_mins(5));
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS).adaptive_window(true);
    let ending = stop.clone();
    let service = service_fn(move |request| {
        let (api, stop) = (api.clone(), ending.clone());
        async move { Ok::<_, Infallible>(answer::answer(api, request, stop).await) }
    });
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        result = served.as_mut() => Some(result),
        () = stop.cancelled() => None,
    };
    if ended.is_none() {
        served.as_mut().graceful_shutdown();
        // A client that broke off has nobody to be told.
        let _ = served.await;
    }
}
