//! Git's smart protocol over HTTP.

use std::io;

use auth::git::Login;
use auth::{ClientError, Timeouts, Tls, http_client};
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::error::RemoteError;
use super::wire::AGENT;
use super::{GitRequest, shown};

const LIST: &str = "info/refs";
const FETCH: &str = "git-upload-pack";
/// How much of a refusal's text is of interest.
const REASON: usize = 256;

pub(super) struct Remote {
    client: reqwest::Client,
    login: Login,
    /// The repository, with a slash at the end; where a redirect of the first request led.
    base: Url,
    /// The one of the request. Credentials go nowhere else.
    home: Url,
}

pub(super) struct Answer {
    response: Response,
    method: &'static str,
}

impl Remote {
    pub(super) fn new(request: &GitRequest, login: Login, tls: &Tls) -> Result<Self, ClientError> {
        let timeouts = Timeouts { read: request.timeout, connect: request.timeout, total: None };
        let client = http_client(tls, request.proxy.as_ref(), &timeouts)?;
        let mut base = request.url.clone();
        auth::git::strip_userinfo(&mut base);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { client, login, home: base.clone(), base })
    }

    pub(super) async fn list(&mut self) -> Result<Answer, RemoteError> {
        const METHOD: &str = "Get";
        let mut url = self.at(LIST);
        url.query_pairs_mut().append_pair("service", FETCH);
        let request = self.client.get(url.clone()).header(USER_AGENT, AGENT).header(ACCEPT, "*/*");
        let response = self.authorized(request).send().await.map_err(|error| failed(METHOD, &url, &error))?;
        let response = checked(response, &url, "application/x-git-upload-pack-advertisement").await?;
        // A repository that moved is fetched from where it is now.
        if let Some(path) = response.url().path().strip_suffix(LIST) {
            let mut base = response.url().clone();
            base.set_path(path);
            base.set_query(None);
            self.base = base;
        }
        Ok(Answer { response, method: METHOD })
    }

    pub(super) async fn fetch(&mut self, body: Vec<u8>) -> Result<Answer, RemoteError> {
        const METHOD: &str = "Post";
        let url = self.at(FETCH);
        let request = self
            .client
            .post(url.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/x-git-upload-pack-result")
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .body(body);
        let response = self.authorized(request).send().await.map_err(|error| failed(METHOD, &url, &error))?;
        let response = checked(response, &url, "application/x-git-upload-pack-result").await?;
        Ok(Answer { response, method: METHOD })
    }

    fn at(&self, end: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{end}", self.base.path()));
        url
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        if self.base.origin() != self.home.origin() {
            return request;
        }
        match &self.login {
            Login::Anonymous => request,
            Login::Basic { username, password } => request.basic_auth(username, Some(password.expose_text())),
            Login::Bearer(token) => request.bearer_auth(token.expose_text()),
        }
    }
}

impl Answer {
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| failed(self.method, &self.response.url().clone(), &error))
    }
}

async fn checked(response: Response, url: &Url, expected: &str) -> Result<Response, RemoteError> {
    let status = response.status();
    if status != StatusCode::OK {
        let reason = reason(response).await;
        return Err(match status {
            StatusCode::UNAUTHORIZED => RemoteError::Unauthenticated { reason },
            StatusCode::FORBIDDEN => RemoteError::Forbidden { reason },
            StatusCode::NOT_FOUND => RemoteError::NotFound { reason },
            status => RemoteError::Status { status: status.as_u16(), reason },
        });
    }
    let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header.split(';').next().map(str::trim) == Some(expected) {
        return Ok(response);
    }
    Err(RemoteError::NotGit { url: shown(url), content_type: header.to_owned() })
}

/// What the server says about a refusal: its text where that is short and plain, else just the status.
async fn reason(mut response: Response) -> String {
    let status = format!("the server answered {}", response.status());
    let plain = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !plain.is_some_and(|kind| kind.starts_with("text/plain")) {
        return status;
    }
    let mut text = Vec::new();
    while text.len() < REASON {
        match response.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            _ => break,
        }
    }
    text.truncate(REASON);
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().map(str::trim).unwrap_or_default();
    if line.is_empty() { status } else { format!("{line} ({})", response.status()) }
}

/// Says what happened down to the system's words, without the layers that only repeat each other.
fn failed(method: &'static str, url: &Url, error: &reqwest::Error) -> RemoteError {
    let mut innermost: &dyn std::error::Error = error;
    let mut refused = false;
    while let Some(source) = innermost.source() {
        innermost = source;
        if let Some(system) = innermost.downcast_ref::<io::Error>() {
            refused |= system.kind() == io::ErrorKind::ConnectionRefused;
        }
    }
    let port = url.port_or_known_default().unwrap_or_default();
    let address = format!("{}:{port}", url.host_str().unwrap_or_default());
    let reason = if refused {
        format!("dial tcp {address}: connect: connection refused")
    } else if error.is_timeout() {
        "context deadline exceeded".to_owned()
    } else if error.is_connect() {
        format!("dial tcp {address}: {innermost}")
    } else {
        innermost.to_string()
    };
    let mut target = url.clone();
    auth::git::strip_userinfo(&mut target);
    RemoteError::Http { method, url: target.to_string(), reason }
}
