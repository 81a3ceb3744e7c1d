//! Profiles of AppArmor, which annotations named before fields did.

use serde_json::{Value, json};

use super::get::{self, Fields};

const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
const FIELD: &str = "appArmorProfile";

/// Gives the containers of a Pod the profiles that its annotations name, where no field does.
pub(super) fn confine(pod: &mut Fields) {
    let annotations = get::at(pod, &["metadata", "annotations"]).cloned().unwrap_or_default();
    let Some(spec) = get::at_mut(pod, &["spec"]) else { return };
    let whole = get::value(spec, &["securityContext", FIELD]).cloned();
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            let named = profile(get::text(&annotations, &key(container)));
            if named.is_some()
                && named != whole
                && get::value(container, &["securityContext", FIELD]).is_none()
                && let Some(context) = get::map_or_new(container, "securityContext")
            {
                context.extend(named.map(|profile| (FIELD.to_owned(), profile)));
            }
        }
    }
}

/// The annotation of a container that a field had better say, if there is one.
pub(super) fn outdated(pod: &Fields, container: &Fields) -> Option<String> {
    let key = key(container);
    let named = profile(get::value(pod, &["metadata", "annotations", &key])?.as_str().unwrap_or_default());
    let own = get::value(container, &["securityContext", FIELD]);
    let is_said = own.is_some() && own != named.as_ref();
    let is_whole = named.is_some() && named.as_ref() == get::value(pod, &["spec", "securityContext", FIELD]);
    (!is_said && !is_whole).then_some(key)
}

fn key(container: &Fields) -> String {
    format!("{PREFIX}{}", get::text(container, "name"))
}

fn profile(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(json!({ "type": "Unconfined" })),
        "runtime/default" => Some(json!({ "type": "RuntimeDefault" })),
        other => {
            let path = other.strip_prefix("localhost/")?;
            let is_path = !path.is_empty() && path.trim() == path;
            is_path.then(|| json!({ "type": "Localhost", "localhostProfile": path }))
        }
    }
}
