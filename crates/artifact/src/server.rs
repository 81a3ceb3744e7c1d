//! Artifacts over HTTP: one file for one path, and nothing else.

use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_MODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How long answers under way may take once the server is told to end.
const GRACE: Duration = Duration::from_secs(5);

/// Pieces in which a file is sent.
const PIECE: usize = 64 * 1024;

/// Serves the files of a store until it is cancelled.
///
/// `GET /<kind>/<namespace>/<name>/<file>` answers a stored file, whole or one range of it, or 304 when it was not
/// modified since. `GET /` answers 200 and says nothing: it is what readiness probes ask. All else is 404; there are
/// no listings, links are not followed, and files under construction are not found.
///
/// # Errors
/// The listener's.
pub async fn serve(listener: TcpListener, store: Arc<Store>, cancel: CancellationToken) -> io::Result<()> {
    let ended = cancel.clone().cancelled_owned();
    let server = axum::serve(listener, router(store)).with_graceful_shutdown(ended);
    tokio::select! {
        outcome = server => outcome,
        () = async { cancel.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

/// The routes of [`serve`], for those who have a server already.
pub fn router(store: Arc<Store>) -> Router {
    Router::new().fallback(answer).with_state(store)
}

async fn answer(State(store): State<Arc<Store>>, method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return respond(StatusCode::METHOD_NOT_ALLOWED, &[(ALLOW, "GET, HEAD".into())], Body::empty());
    }
    if uri.path() == "/" {
        return respond(StatusCode::OK, &[], Body::empty());
    }
    // Names in the store need no escapes but for the colon of OCI digests, which clients may send either way.
    let path = uri.path().trim_start_matches('/').replace("%3A", ":").replace("%3a", ":");
    let found = tokio::task::spawn_blocking(move || store.read(&path)).await.map_err(io::Error::other).flatten();
    match found {
        Ok(Some((file, metadata))) => match send(file, &metadata, &method, &headers) {
            Ok(response) => response,
            Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, &[], Body::empty()),
        },
        Ok(None) => respond(StatusCode::NOT_FOUND, &[], Body::from("404 page not found\n")),
        Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, &[], Body::empty()),
    }
}

fn send(mut file: File, metadata: &Metadata, method: &Method, headers: &HeaderMap) -> io::Result<Response<Body>> {
    let size = metadata.len();
    let modified = metadata.modified()?;
    let mut shown = vec![(LAST_MODIFIED, httpdate::fmt_http_date(modified))];
    if is_unchanged(headers, modified) {
        return Ok(respond(StatusCode::NOT_MODIFIED, &shown, Body::empty()));
    }
    shown.push((ACCEPT_RANGES, "bytes".into()));
    let (status, start, length) = match range(headers, size) {
        Requested::All => (StatusCode::OK, 0, size),
        Requested::Part(part) => {
            shown.push((CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start(), part.end())));
            (StatusCode::PARTIAL_CONTENT, *part.start(), part.end() - part.start() + 1)
        }
        Requested::Outside => {
            shown.push((CONTENT_RANGE, format!("bytes */{size}")));
            return Ok(respond(StatusCode::RANGE_NOT_SATISFIABLE, &shown, Body::empty()));
        }
    };
    shown.push((CONTENT_TYPE, "application/x-gzip".into()));
    shown.push((CONTENT_LENGTH, length.to_string()));
    if method == Method::HEAD {
        return Ok(respond(status, &shown, Body::empty()));
    }
    file.seek(SeekFrom::Start(start))?;
    let content = tokio::fs::File::from_std(file).take(length);
    Ok(respond(status, &shown, Body::from_stream(ReaderStream::with_capacity(content, PIECE))))
}

/// HTTP dates have whole seconds; so has the comparison.
fn is_unchanged(headers: &HeaderMap, modified: SystemTime) -> bool {
    let since = headers.get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let Some(since) = since.and_then(|text| httpdate::parse_http_date(text).ok()) else { return false };
    modified < since + Duration::from_secs(1)
}

enum Requested {
    All,
    Part(RangeInclusive<u64>),
    Outside,
}

/// One range of bytes is honoured; several, or what is no range, are answered with the whole file.
fn range(headers: &HeaderMap, size: u64) -> Requested {
    let value = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let Some(bounds) = value.and_then(|text| text.strip_prefix("bytes=")).and_then(|range| range.split_once('-'))
    else {
        return Requested::All;
    };
    let part = match bounds {
        ("", last) => last.parse().ok().map(|count: u64| (size.saturating_sub(count), size.saturating_sub(1))),
        (first, "") => first.parse().ok().map(|first: u64| (first, size.saturating_sub(1))),
        (first, last) => first
            .parse()
            .ok()
            .zip(last.parse().ok())
            .map(|(first, last): (u64, u64)| (first, last.min(size.saturating_sub(1)))),
    };
    match part {
        None => Requested::All,
        Some((first, last)) if first < size && first <= last => Requested::Part(first..=last),
        Some(_) => Requested::Outside,
    }
}

fn respond(status: StatusCode, headers: &[(axum::http::HeaderName, String)], body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
