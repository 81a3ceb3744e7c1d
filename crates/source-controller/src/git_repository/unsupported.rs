//! Fields of the spec whose behaviour this version does not have. They are never passed over in silence.

use std::time::Duration;

use api::{GitProvider, GitRepository, reason};
use reconcile::events::{Event, Severity};
use reconcile::{Failure, Store};

use super::neighbour;

/// Refuses an object that asks for what this version does not do, naming every such field and what to do instead.
pub(super) fn fields(object: &GitRepository, objects: &Store<GitRepository>, wait: Duration) -> Result<(), Failure> {
    let spec = &object.spec;
    for include in &spec.include {
        let name = &include.repository.name;
        if objects.get(&neighbour(object, name)).is_none() {
            let message = format!(
                "could not get resource for include '{name}': GitRepository.{} \"{name}\" not found",
                GitRepository::kind().group,
            );
            let event = Event::new(Severity::Trace, reason::NOT_FOUND, message.clone());
            return Err(Failure::waiting(reason::NOT_FOUND, message, wait).tell(Some(event)));
        }
    }
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
    field(spec.proxy_secret_ref.is_some(), "proxySecretRef", "set the proxy where the network has it");
    field(
        !matches!(spec.provider, None | Some(GitProvider::Generic)),
        "provider",
        "use generic, with a token in the Secret of spec.secretRef",
    );
    if problems.is_empty() { Ok(()) } else { Err(Failure::stalled("UnsupportedField", problems.join("; "))) }
}
