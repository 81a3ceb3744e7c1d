//! Fields of the spec whose behaviour this version does not have. They are never passed over in silence.

use api::{Kustomization, SourceKind};

/// Names every field that is set and cannot be honoured, with what to do instead.
pub(crate) fn fields(object: &Kustomization) -> Vec<String> {
    let spec = &object.spec;
    let mut fields = Vec::new();
    let mut field = |set: bool, name: &str, instead: &str| {
        if set {
            fields.push(format!("spec.{name} is not supported by this version; {instead}"));
        }
    };
    field(
        spec.source_ref.kind != SourceKind::GitRepository,
        &format!("sourceRef.kind {}", spec.source_ref.kind),
        "refer to a GitRepository",
    );
    field(
        spec.decryption.is_some(),
        "decryption",
        "decrypt before the commit, or leave this Kustomization to kustomize-controller",
    );
    field(spec.kube_config.is_some(), "kubeConfig", "run the controllers in that cluster");
    fields
}
