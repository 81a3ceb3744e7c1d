//! The variables of post-build substitution: of Secrets and ConfigMaps, and of the spec itself.

use api::{Kustomization, SubstituteKind, SubstituteReference, SubstituteStrategy};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use render::Variables;

/// Loads the variables of `object`; nothing where it asks for no substitution.
///
/// They are read with the controller's own rights, as upstream does: an account that may only apply need not read Secrets.
pub(crate) async fn load(client: &Client, object: &Kustomization, strict: bool) -> Result<Option<Variables>, String> {
    let Some(post_build) = &object.spec.post_build else { return Ok(None) };
    let always = post_build.substitute_strategy.unwrap_or_default() == SubstituteStrategy::Always;
    let mut variables = Variables::new(strict, always);
    for reference in &post_build.substitute_from {
        load_from(client, object.namespace(), reference, &mut variables).await?;
    }
    for (name, value) in &post_build.substitute {
        variables.set(name, value);
    }
    Ok(Some(variables))
}

async fn load_from(
    client: &Client,
    namespace: &str,
    reference: &SubstituteReference,
    variables: &mut Variables,
) -> Result<(), String> {
    let SubstituteReference { kind, name, optional } = reference;
    let result = match kind {
        SubstituteKind::ConfigMap => {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
            api.get(name).await.map(|config| {
                for (name, value) in config.data.unwrap_or_default() {
                    variables.set(name, &value);
                }
            })
        }
        SubstituteKind::Secret => {
            let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
            api.get(name).await.map(|secret| {
                for (name, value) in secret.data.unwrap_or_default() {
                    variables.set(name, &String::from_utf8_lossy(&value.0));
                }
            })
        }
    };
    let kind = match kind {
        SubstituteKind::ConfigMap => "ConfigMap",
        SubstituteKind::Secret => "Secret",
    };
    match result {
        Ok(()) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 && *optional => Ok(()),
        Err(kube::Error::Api(status)) => Err(format!("substitute from '{kind}/{name}' error: {}", status.message)),
        Err(error) => Err(format!("substitute from '{kind}/{name}' error: {error}")),
    }
}
