//! What a request asks for: verb, resource and name, read from method, path and query.
//!
//! # Source
//! `k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory`.

use http::Method;
use percent_encoding::percent_decode_str;

/// Where a request points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Objects of a resource.
    Objects(Objects),
    /// Anything else: discovery, health, documents.
    Path(String),
}

/// Objects of a resource, or one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Objects {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
    /// Whether the path is of the old form that only watches.
    pub(crate) watch: bool,
}

impl Route {
    /// Reads a path. Percent-encoded slashes stay inside of their segment.
    pub(crate) fn parse(path: &str) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let segments: Option<Vec<String>> = path.trim_matches('/').split('/').map(decode).collect();
        let other = Self::Path(path.to_owned());
        let Some(segments) = segments else { return other };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return other,
        };
        let (watch, rest) = match rest {
            ["watch", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut objects = Objects { group: group.to_owned(), version: version.to_owned(), watch, ..Objects::default() };
        let rest = match rest {
            // A namespace itself, and what is served below it; anything longer is in the namespace.
            ["namespaces"] | ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => rest,
            ["namespaces", namespace, rest @ ..] => {
                objects.namespace = Some((*namespace).to_owned());
                rest
            }
            rest => rest,
        };
        match rest {
            [] => return other,
            [plural] => (*plural).clone_into(&mut objects.plural),
            [plural, name, below @ ..] => {
                (*plural).clone_into(&mut objects.plural);
                objects.name = Some((*name).to_owned());
                objects.subresource = below.first().map(|first| (*first).to_owned());
            }
        }
        if objects.plural == "namespaces" && objects.group.is_empty() {
            objects.namespace.clone_from(&objects.name);
        }
        Self::Objects(objects)
    }
}

/// What is done, as rules name it.
pub(crate) fn verb(method: &Method, route: &Route, watch: bool) -> &'static str {
    let Route::Objects(objects) = route else {
        return match *method {
            Method::GET => "get",
            Method::POST => "post",
            Method::PUT => "put",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            Method::HEAD => "head",
            Method::OPTIONS => "options",
            _ => "",
        };
    };
    let one = objects.name.is_some();
    match *method {
        Method::GET | Method::HEAD if objects.watch => "watch",
        Method::GET | Method::HEAD if one => "get",
        Method::GET | Method::HEAD if watch => "watch",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if one => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let text = match Route::parse(path) {
            Route::Path(path) => format!("path {path}"),
            Route::Objects(o) => format!(
                "{}/{} {} ns={} name={} sub={}",
                o.group,
                o.version,
                o.plural,
                o.namespace.unwrap_or_default(),
                o.name.unwrap_or_default(),
                o.subresource.unwrap_or_default()
            ),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn paths_name_objects_or_something_else() {
        check("/api/v1/pods", "/v1 pods ns= name= sub=");
        check("/api/v1/namespaces/a/pods/b/status", "/v1 pods ns=a name=b sub=status");
        check("/api/v1/namespaces/a", "/v1 namespaces ns=a name=a sub=");
        check("/api/v1/namespaces/a/finalize", "/v1 namespaces ns=a name=a sub=finalize");
        check("/apis/apps/v1/namespaces/a/deployments/b/scale", "apps/v1 deployments ns=a name=b sub=scale");
        check(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:x",
            "rbac.authorization.k8s.io/v1 clusterroles ns= name=system:x sub=",
        );
        check("/api/v1/namespaces/a/configmaps/b%2Fc", "/v1 configmaps ns=a name=b/c sub=");
        check("/apis/apps/v1", "path /apis/apps/v1");
        check("/version", "path /version");
        check("/api/v1/namespaces/a/status", "/v1 namespaces ns=a name=a sub=status");
    }
}
