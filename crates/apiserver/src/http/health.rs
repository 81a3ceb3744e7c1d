//! `/version`, `/healthz`, `/livez`, `/readyz`.

use http::Response;
use serde_json::{Value, json};

use crate::api::Api;
use crate::http::query::Query;
use crate::http::respond::{self, Body};

/// The Kubernetes whose API is served.
pub(crate) const VERSION: (&str, &str, &str) = ("1", "35", "v1.35.4");

/// What clients look at to know what they may ask for.
pub(crate) fn version() -> Value {
    let (major, minor, git) = VERSION;
    json!({
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": "34",
        "gitVersion": git,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": concat!("linux/", "amd64"),
    })
}

/// Answers a question of health; none for other paths.
pub(crate) fn answer(api: &Api, path: &str, query: &Query) -> Option<Response<Body>> {
    let (endpoint, only) = match path.trim_start_matches('/').split_once('/') {
        Some((endpoint, check)) => (endpoint, Some(check)),
        None => (path.trim_matches('/'), None),
    };
    if !matches!(endpoint, "healthz" | "livez" | "readyz") {
        return None;
    }
    let mut checks: Vec<(&str, Option<String>)> = vec![("ping", None), ("storage", api.store.failed())];
    if let Some(only) = only {
        checks.retain(|(name, _)| *name == only);
        if checks.is_empty() {
            return Some(respond::text(404, "404 page not found\n"));
        }
    }
    let excluded: Vec<&str> = query.all("exclude").collect();
    checks.retain(|(name, _)| !excluded.contains(name));
    let failed = checks.iter().any(|(_, problem)| problem.is_some());
    let verbose = query.all("verbose").next().is_some();
    if !failed && !verbose {
        return Some(respond::text(200, "ok"));
    }
    let mut text = String::new();
    for (name, problem) in &checks {
        match problem {
            None => text.extend(["[+]", *name, " ok\n"]),
            Some(problem) => text.extend(["[-]", *name, " failed: ", problem.as_str(), "\n"]),
        }
    }
    text.extend([endpoint, " check ", if failed { "failed\n" } else { "passed\n" }]);
    Some(respond::text(if failed { 500 } else { 200 }, text))
}
