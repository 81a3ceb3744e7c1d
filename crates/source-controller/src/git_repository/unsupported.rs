//! Fields of the spec whose behaviour this version does not have. They are never passed over in silence.

use std::time::Duration;

use api::{GitProvider, GitRepository, reason};
use reconcile::events::{Event, Severity};
use reconcile::{Failure, Store};

use super::neighbour;

/// The reason of objects that ask for too much.
const REASON: &str = "UnsupportedField";

/// Waits for GitRepositories that are to be included, as long as they are not there or have nothing.
pub(super) fn includes(object: &GitRepository, objects: &Store<GitRepository>, wait: Duration) -> Result<(), Failure> {
    for include in &object.spec.include {
        let name = &include.repository.name;
        let key = neighbour(object, name);
        let missing = |reason, message: String| {
            let event = Event::new(Severity::Trace, reason, message.clone());
            let failure = Failure::waiting(reason, message, wait).tell(Some(event));
            Err(failure.waits_for(vec![key.clone()]))
        };
        let Some(included) = objects.get(&key) else {
            let group = GitRepository::kind().group;
            let text =
                format!("could not get resource for include '{name}': GitRepository.{group} \"{name}\" not found");
            return missing(reason::NOT_FOUND, text);
        };
        if included.status.as_ref().is_none_or(|status| status.artifact.is_none()) {
            return missing(reason::NO_ARTIFACT, format!("no artifact available for include '{name}'"));
        }
    }
    Ok(())
}

/// Refuses an object that asks for what this version does not do, naming every such field and what to do instead.
pub(super) fn fields(object: &GitRepository) -> Result<(), Failure> {
    let spec = &object.spec;
    let mut problems = Vec::new();
    let mut field = |set: bool, name: &str, instead: &str| {
        if set {
            problems.push(format!("spec.{name} is not supported by this version; {instead}"));
        }
    };
    field(!spec.include.is_empty(), "include", "make the included repository a source of its own");
    field(spec.verify.is_some(), "verify", "leave this GitRepository to Flux's source-controller");
    field(spec.recurse_submodules, "recurseSubmodules", "make each submodule a source of its own");
    field(!spec.sparse_checkout.is_empty(), "sparseCheckout", "use spec.ignore to leave files out");
    let ssh = spec.url.starts_with("ssh://");
    field(
        ssh && spec.proxy_secret_ref.is_some(),
        "proxySecretRef",
        "for SSH URLs set the proxy where the network has it",
    );
    field(
        !matches!(spec.provider, None | Some(GitProvider::Generic)),
        "provider",
        "use generic, with a token in the Secret of spec.secretRef",
    );
    if problems.is_empty() { Ok(()) } else { Err(Failure::stalled(REASON, problems.join("; "))) }
}

#[cfg(test)]
mod tests {
    use api::GitRepository;

    use super::fields;

    #[test]
    fn every_field_that_is_not_supported_is_named() {
        let object = |more: serde_json::Value| -> GitRepository {
            let mut object = serde_json::json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "GitRepository",
                "metadata": { "name": "repo", "namespace": "apps" },
                "spec": { "url": "https://example.com/r", "interval": "1m", "proxySecretRef": { "name": "p" } },
            });
            object["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value(object).unwrap()
        };
        assert_eq!(fields(&object(serde_json::json!({ "provider": "generic" }))), Ok(()));
        let all = object(serde_json::json!({
            "url": "ssh://git@example.com/r",
            "include": [{ "repository": { "name": "other" } }],
            "verify": { "mode": "HEAD", "secretRef": { "name": "keys" } },
            "recurseSubmodules": true,
            "sparseCheckout": ["a"],
            "provider": "azure",
        }));
        let message = fields(&all).unwrap_err().message;
        for name in ["include", "verify", "recurseSubmodules", "sparseCheckout", "proxySecretRef", "provider"] {
            assert!(message.contains(&format!("spec.{name} is not supported by this version; ")), "{name}: {message}");
        }
    }
}
