//! A Pod as the checks read it, and how they name what they found there.

use serde_json::{Map, Value};

/// A Pod, or a template of Pods. What is not there reads as null.
pub(super) struct Pod<'p> {
    /// Those of the metadata.
    pub(super) annotations: Option<&'p Map<String, Value>>,
    pub(super) spec: &'p Value,
}

impl<'p> Pod<'p> {
    pub(super) fn read(pod: &'p Value) -> Self {
        Self { annotations: pod["metadata"]["annotations"].as_object(), spec: &pod["spec"] }
    }

    /// All containers: first those that run first, last those that came last.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'p Value> + use<'p> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| items(&spec[list]))
    }

    /// The names of the containers of which something is true.
    pub(super) fn containers_that(&self, mut is: impl FnMut(&'p Value) -> bool) -> Vec<&'p str> {
        self.containers().filter(|container| is(container)).map(|container| text(&container["name"])).collect()
    }

    /// Whose security context something is true of: the Pod's own, the containers'.
    pub(super) fn contexts_that(&self, mut is: impl FnMut(&'p Value) -> bool) -> Setters<'p> {
        let pod = is(&self.spec["securityContext"]);
        Setters { pod, containers: self.containers_that(|container| is(&container["securityContext"])) }
    }

    pub(super) fn is_windows(&self) -> bool {
        self.spec["os"]["name"] == "windows"
    }

    /// Whether root in the Pod is nobody outside.
    pub(super) fn has_own_users(&self) -> bool {
        self.spec["hostUsers"] == false
    }
}

/// Who set something in a Pod.
pub(super) struct Setters<'p> {
    pod: bool,
    containers: Vec<&'p str>,
}

impl Setters<'_> {
    /// `pod and containers "a", "b"`; none when nobody did.
    pub(super) fn names(&self) -> Option<String> {
        let containers = (!self.containers.is_empty()).then(|| containers(&self.containers));
        match (self.pod, containers) {
            (true, Some(containers)) => Some(format!("pod and {containers}")),
            (true, None) => Some("pod".to_owned()),
            (false, containers) => containers,
        }
    }
}

/// `containers "a", "b"`.
pub(super) fn containers(names: &[&str]) -> String {
    format!("{} {}", plural("container", names.len()), quoted(names))
}

pub(super) fn plural(noun: &str, count: usize) -> String {
    format!("{noun}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn uses(count: usize) -> &'static str {
    if count == 1 { "uses" } else { "use" }
}

/// `"a", "b"`, as they are.
pub(super) fn quoted<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|text| format!("\"{}\"", text.as_ref())).collect();
    quoted.join(", ")
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
