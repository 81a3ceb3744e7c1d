//! `git http-backend` behind TLS and a guard, which counts and may misbehave.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::smart_http;

/// Who is let in.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Everybody.
    #[default]
    Open,
    /// Who knows a name and a password.
    Basic(String, String),
    /// Who has a token.
    Bearer(String),
}

/// How a server behaves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Who is let in.
    pub access: Access,
    /// Speak TLS with a certificate of this authority.
    pub tls: Option<Arc<Authority>>,
    /// Also ask for a certificate of that authority.
    pub client_certificate: bool,
    /// Answer requests whose path ends like this never.
    pub stall: Option<String>,
    /// Answer requests whose path ends like this with these bytes, whatever Git would say.
    pub answer: Option<(String, Vec<u8>)>,
    /// Send every request to the same path below this address.
    pub redirect: Option<String>,
}

/// One that vouches for servers and clients.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct GitHttp {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

struct Guard {
    folder: PathBuf,
    settings: Settings,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Authority {
    /// Makes a new one.
    ///
    /// # Errors
    /// The certificate library's.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer })
    }

    /// Its own certificate in PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for 127.0.0.1 and `localhost`, and its key, both in PEM. Servers and clients may use it.
    ///
    /// # Errors
    /// The certificate library's.
    pub fn issue(&self) -> io::Result<(String, String)> {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn server(&self, client_certificate: bool) -> io::Result<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (certificate, key) = self.issue()?;
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(io::Error::other)?];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let config = if client_certificate {
            let mut roots = RootCertStore::empty();
            let own = CertificateDer::from_pem_slice(self.certificate().as_bytes()).map_err(io::Error::other)?;
            roots.add(own).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().map_err(io::Error::other)?)
        } else {
            config.with_no_client_auth()
        };
        config.with_single_cert(chain, key).map_err(io::Error::other)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl GitHttp {
    /// Serves the bare repositories in a folder.
    ///
    /// # Errors
    /// There is no free port, or no certificate.
    pub async fn start(folder: &Path, settings: Settings) -> io::Result<Self> {
        let requests = Arc::default();
        let guard = Guard { folder: folder.to_owned(), settings: settings.clone(), requests: Arc::clone(&requests) };
        let app = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::new(guard));
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut address = plain.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(axum::serve(plain, app).await) });
        let mut scheme = "http";
        if let Some(authority) = &settings.tls {
            let acceptor = TlsAcceptor::from(Arc::new(authority.server(settings.client_certificate)?));
            let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let behind = address;
            address = front.local_addr()?;
            scheme = "https";
            tasks.spawn(async move {
                while let Ok((stream, _)) = front.accept().await {
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        let Ok(mut stream) = acceptor.accept(stream).await else { return };
                        let Ok(mut server) = TcpStream::connect(behind).await else { return };
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                    });
                }
            });
        }
        Ok(Self { url: format!("{scheme}://{address}"), requests, _tasks: tasks })
    }

    /// Scheme, host and port; a repository is `NAME.git` below it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `METHOD path authorization` of each request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Guard {
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match &self.settings.access {
            Access::Open => true,
            Access::Basic(name, password) => {
                shown == format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
            }
            Access::Bearer(token) => shown == format!("Bearer {token}"),
        }
    }
}

async fn answer(
    State(guard): State<Arc<Guard>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("-");
    let request = format!("{method} {} {shown}", uri.path());
    guard.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let refuse = |status, text: &str| {
        let mut response = Response::new(Body::from(text.to_owned()));
        *response.status_mut() = status;
        let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    };
    if guard.settings.stall.as_ref().is_some_and(|end| uri.path().ends_with(end.as_str())) {
        std::future::pending::<()>().await;
    }
    if let Some(target) = &guard.settings.redirect {
        let mut response = refuse(StatusCode::MOVED_PERMANENTLY, "");
        let rest = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        if let Ok(location) = format!("{target}{rest}").parse() {
            response.headers_mut().insert(header::LOCATION, location);
        }
        return response;
    }
    if !guard.lets_in(&headers) {
        return refuse(StatusCode::UNAUTHORIZED, "who are you?\n");
    }
    if let Some((end, bytes)) = &guard.settings.answer
        && uri.path().ends_with(end.as_str())
    {
        let kind = if end == "info/refs" { "advertisement" } else { "result" };
        let mut response = Response::new(Body::from(bytes.clone()));
        if let Ok(kind) = format!("application/x-git-upload-pack-{kind}").parse() {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        return response;
    }
    let answered = smart_http::backend(&guard.folder, &method, &uri, &headers, &body).await;
    answered.unwrap_or_else(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}
