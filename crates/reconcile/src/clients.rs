//! Clients of API servers: counted, with a deadline on every request, and in the name of a service account.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderValue, Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::{BoxError, Layer, Service};

use crate::metrics::Metrics;

/// How long the API server may take to begin its answer, watches included.
const DEADLINE: Duration = Duration::from_mins(1);
const IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");

/// Makes the controllers' own client.
///
/// # Errors
/// When the configuration has certificates, keys or a proxy that cannot be used.
pub fn client(mut config: Config, metrics: Metrics) -> Result<Client, kube::Error> {
    config.connect_timeout.get_or_insert(Duration::from_secs(10));
    let host = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
    let counted = CountedLayer { metrics, host };
    Ok(ClientBuilder::try_from(config)?.with_layer(&counted).build())
}

/// Makes a client that acts as a service account, on the connections of `client`. The API server itself adds the
/// groups of service accounts.
///
/// # Errors
/// When a name cannot stand in a header; names that the API server has accepted always can.
pub fn as_service_account(client: &Client, namespace: &str, name: &str) -> Result<Client, http::Error> {
    let user = HeaderValue::try_from(format!("system:serviceaccount:{namespace}:{name}"))?;
    let client = client.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        request.headers_mut().insert(IMPERSONATE_USER, user.clone());
        let client = client.clone();
        async move { client.send(request).await }
    });
    Ok(Client::new(service, namespace))
}

/// Counts requests, and ends those that the server does not begin to answer.
#[derive(Clone)]
struct CountedLayer {
    metrics: Metrics,
    host: String,
}

impl<S> Layer<S> for CountedLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, metrics: self.metrics.clone(), host: self.host.clone() }
    }
}

#[derive(Clone)]
struct Counted<S> {
    inner: S,
    metrics: Metrics,
    host: String,
}

type Answer<B> = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Answer<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Answer<B> {
        let (metrics, host, method) = (self.metrics.clone(), self.host.clone(), request.method().clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = match tokio::time::timeout(DEADLINE, answer).await {
                Ok(answer) => answer.map_err(Into::into),
                Err(_) => Err(format!("the API server did not answer within {} s", DEADLINE.as_secs()).into()),
            };
            match &answer {
                Ok(answer) => metrics.request(method.as_str(), &host, answer.status().as_str()),
                Err(_) => metrics.request(method.as_str(), &host, "<error>"),
            }
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the user that the request came as.
    fn echo() -> Client {
        let service = tower::service_fn(|request: Request<Body>| async move {
            let user = request.headers().get(IMPERSONATE_USER).cloned();
            let user = user.and_then(|user| user.to_str().ok().map(str::to_owned)).unwrap_or_default();
            Ok::<_, BoxError>(Response::new(Body::from(format!("{user:?}").into_bytes())))
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn an_impersonated_client_never_acts_as_the_controller() {
        let request = || Request::get("/").body(Vec::new()).unwrap();
        let client = as_service_account(&echo(), "team", "deployer").unwrap();
        assert_eq!(client.request_text(request()).await.unwrap(), r#""system:serviceaccount:team:deployer""#);
        assert_eq!(echo().request_text(request()).await.unwrap(), r#""""#);
    }

    #[tokio::test]
    async fn a2_a_name_that_no_header_can_carry_is_refused() {
        assert!(as_service_account(&echo(), "team", "a\nb").is_err());
    }
}
