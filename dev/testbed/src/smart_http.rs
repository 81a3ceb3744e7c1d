//! Git over plain HTTP, for everybody: `git http-backend` behind a small server.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread::JoinHandle;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running server. It has a thread of its own, so that tests with a runtime each can share it.
#[derive(Debug)]
pub struct SmartHttp {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SmartHttp {
    /// Serves the bare repositories in this folder.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let folder = folder.to_owned();
        let thread = std::thread::spawn(move || serve(folder, stopped, &ready));
        let port = started.recv().map_err(io::Error::other)??;
        Ok(Self { port, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`; a repository is `NAME.git` below it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for SmartHttp {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(folder: PathBuf, stopped: oneshot::Receiver<()>, ready: &mpsc::Sender<io::Result<u16>>) {
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
        let app = axum::Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(folder);
        tokio::select! {
            _ = axum::serve(listener, app) => {}
            _ = stopped => {}
        }
    });
}

async fn answer(
    State(folder): State<PathBuf>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let answered = backend(&folder, &method, &uri, &headers, &body).await;
    answered.unwrap_or_else(|error| {
        let mut response = Response::new(Body::from(format!("git http-backend: {error}\n")));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

pub(crate) async fn backend(
    folder: &Path,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> io::Result<Response<Body>> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // It may have answered without reading everything.
            let _ = stdin.write_all(body).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    response(output?.stdout)
}

/// Header lines, an empty line, the body; the status is a header too.
fn response(mut output: Vec<u8>) -> io::Result<Response<Body>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let end = output.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(invalid)?;
    let body = output.split_off(end + 4);
    let mut response = Response::new(Body::from(body));
    for line in String::from_utf8_lossy(&output).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|c| c.parse().ok()).ok_or_else(invalid)?;
            *response.status_mut() = StatusCode::from_u16(code).map_err(io::Error::other)?;
        } else {
            let name = header::HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?;
            response.headers_mut().insert(name, value.parse().map_err(io::Error::other)?);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::SmartHttp;
    use crate::repository::{Files, Repository};

    #[test]
    fn the_real_git_clones_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(folder.path(), "a.git").unwrap();
        let ids = repository.commits(&[Files::from([("a b.yaml".into(), "x: 1\n".into())])]).unwrap();
        repository.set_ref("refs/heads/main", &ids[0]).unwrap();
        let server = SmartHttp::start(folder.path()).unwrap();
        let other = Repository::new(folder.path(), "b.git").unwrap();
        other.git(&["fetch", "--quiet", &format!("{}/a.git", server.url()), "main"]).unwrap();
        assert_eq!(other.git(&["show", "FETCH_HEAD:a b.yaml"]).unwrap(), "x: 1");
        assert!(other.git(&["fetch", "--quiet", &format!("{}/none.git", server.url())]).is_err());
    }
}
