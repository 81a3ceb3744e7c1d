//! From a request to its answer: who asks, what for, whether they may, and then the work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use crate::access::rbac::Attributes;
use crate::access::user::User;
use crate::allocate;
use crate::api::Api;
use crate::failure::Failure;
use crate::http::accept::{Accept, Encoding};
use crate::http::audit::Note;
use crate::http::metrics::Labels;
use crate::http::query::Query;
use crate::http::respond::{self, Body};
use crate::http::route::{self, Route};
use crate::http::{discovery, health, objects, openapi};

/// The largest body, as etcd would take it.
pub(crate) const BODY_LIMIT: usize = 3 << 20;
/// What is passed over of one that is larger, so that its sender hears why.
const DRAIN_LIMIT: usize = 32 << 20;
/// Until a body has come.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// A request, once it is known whose it is.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) user: User,
    pub(crate) method: Method,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) stop: CancellationToken,
}

impl Call {
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn user_agent(&self) -> &str {
        self.header(USER_AGENT).unwrap_or_default()
    }

    /// In which form the client wants its answer.
    ///
    /// # Errors
    /// 406.
    pub(crate) fn accept(&self) -> Result<Accept, Failure> {
        Accept::negotiate(self.header(ACCEPT))
    }
}

/// Answers a request, whatever comes.
pub(crate) async fn answer(api: Arc<Api>, request: Request<Incoming>, stop: CancellationToken) -> Response<Body> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let encoding = parts
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .and_then(|header| Accept::negotiate(Some(header)).ok())
        .map_or(Encoding::Json, |accept| accept.encoding);
    let query = Query::parse(parts.uri.query());
    let route = Route::parse(parts.uri.path());
    let verb = route::verb(&parts.method, &route, query.flag("watch"));
    let note = api.audit.as_ref().map(|_| Note::of(&parts, &route, verb));
    let user = api.authenticate(&parts.headers);
    let name = user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
    let result = match user {
        Ok(user) => call(&api, user, parts, Asked { query, route: &route, verb }, body, stop).await,
        Err(failure) => Err(failure),
    };
    let mut response = result.unwrap_or_else(|failure| respond::failure(encoding, &failure));
    let labels = match &route {
        Route::Objects(objects) if response.status() != 404 => Labels {
            verb,
            group: &objects.group,
            resource: &objects.plural,
            subresource: objects.subresource.as_deref().unwrap_or_default(),
        },
        // What anybody may type is not counted under names of its own.
        _ => Labels { verb, ..Labels::default() },
    };
    api.metrics.count(labels, response.status().as_u16(), started.elapsed());
    if let (Some(audit), Some(note)) = (&api.audit, note) {
        audit.write(note, &name, response.status().as_u16());
    }
    if let Ok(id) = HeaderValue::from_str(&allocate::uid()) {
        response.headers_mut().insert("audit-id", id);
    }
    response
}

/// What a request is about.
struct Asked<'a> {
    query: Query,
    route: &'a Route,
    verb: &'static str,
}

async fn call(
    api: &Arc<Api>,
    user: User,
    parts: Parts,
    Asked { query, route, verb }: Asked<'_>,
    body: Incoming,
    stop: CancellationToken,
) -> Result<Response<Body>, Failure> {
    let user = api.impersonate(user, &parts.headers)?;
    let asked = attributes(route, verb);
    let Ok(_seat) = api.fairness.seat(&api.store, &user, &asked).await else { return Ok(respond::too_many_requests()) };
    api.authorize(&user, &asked)?;
    let call = Call { api: api.clone(), user, method: parts.method, query, headers: parts.headers, stop };
    match route {
        Route::Objects(wanted) => objects::answer(&call, wanted, verb, body).await,
        Route::Path(path) => other(&call, path),
    }
}

fn attributes(route: &Route, verb: &str) -> Attributes {
    let verb = verb.to_owned();
    match route {
        Route::Path(path) => Attributes { verb, path: Some(path.clone()), ..Attributes::default() },
        Route::Objects(objects) => Attributes {
            verb,
            group: objects.group.clone(),
            version: objects.version.clone(),
            resource: objects.plural.clone(),
            subresource: objects.subresource.clone().unwrap_or_default(),
            namespace: objects.namespace.clone().unwrap_or_default(),
            name: objects.name.clone().unwrap_or_default(),
            path: None,
        },
    }
}

/// What is not about objects.
fn other(call: &Call, path: &str) -> Result<Response<Body>, Failure> {
    if call.method != Method::GET && call.method != Method::HEAD {
        return Err(Failure::method_not_allowed());
    }
    if let Some(response) = health::answer(&call.api, path, &call.query) {
        return Ok(response);
    }
    if let Some(response) = openapi::answer(call, path) {
        return Ok(response);
    }
    let resources = call.api.resources();
    let json = |value| Ok(respond::value(200, Encoding::Json, &value));
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let aggregated = discovery::aggregated(call.header(ACCEPT));
    let all = |core: bool| {
        let text = discovery::all(&resources, core).to_string();
        Ok(respond::bytes(200, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", text))
    };
    match segments.as_slice() {
        ["version"] => json(health::version()),
        ["metrics"] => Ok(respond::text(200, call.api.metrics.print(&call.api.store))),
        ["api"] if aggregated.is_some() => all(true),
        ["apis"] if aggregated.is_some() => all(false),
        ["api"] => json(discovery::versions(call.header(http::header::HOST).unwrap_or_default())),
        ["apis"] => json(discovery::group_list(&resources)),
        ["apis", group] => discovery::group(&resources, group).map_or_else(|| Ok(nothing()), json),
        ["api", version] => {
            discovery::resource_list(&resources, "", version).map_or_else(|| Err(Failure::no_resource()), json)
        }
        ["apis", group, version] => match discovery::resource_list(&resources, group, version) {
            Some(list) => json(list),
            None if resources.iter().any(|row| row.group == *group) => Err(Failure::no_resource()),
            None => Ok(nothing()),
        },
        [""] => {
            let mut paths: Vec<String> = [
                "/api",
                "/api/v1",
                "/apis",
                "/healthz",
                "/livez",
                "/metrics",
                "/openapi/v2",
                "/openapi/v3",
                "/readyz",
                "/version",
            ]
            .map(String::from)
            .to_vec();
            for row in resources.iter().filter(|row| !row.group.is_empty()) {
                paths.push(format!("/apis/{}", row.group));
                paths.push(format!("/apis/{}/{}", row.group, row.version));
            }
            paths.sort();
            paths.dedup();
            json(serde_json::json!({ "paths": paths }))
        }
        _ => Ok(nothing()),
    }
}

/// What upstream says of paths that nothing is under.
pub(crate) fn nothing() -> Response<Body> {
    respond::text(404, "404 page not found\n")
}

/// Passes over a body, up to a point.
async fn drain(mut body: Incoming) {
    let mut passed = 0;
    while let Some(Ok(frame)) = body.frame().await {
        passed += frame.data_ref().map_or(0, bytes::Bytes::len);
        if passed > DRAIN_LIMIT {
            return;
        }
    }
}

/// Reads a body within bounds.
///
/// # Errors
/// 413 for one that is too large, 400 for one that breaks off or does not come.
pub(crate) async fn read_body(headers: &HeaderMap, body: Incoming) -> Result<bytes::Bytes, Failure> {
    let length = headers.get(http::header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_LIMIT) {
        // Who still sends does not listen: the answer would be lost with the connection.
        let _ = tokio::time::timeout(BODY_WITHIN, drain(body)).await;
        return Err(Failure::too_large(BODY_LIMIT));
    }
    let read = Limited::new(body, BODY_LIMIT).collect();
    match tokio::time::timeout(BODY_WITHIN, read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::too_large(BODY_LIMIT)),
        Ok(Err(_)) => Err(Failure::bad_request("the body of the request broke off")),
        Err(_) => Err(Failure::timeout(format!("the body did not come within {} s", BODY_WITHIN.as_secs()))),
    }
}
