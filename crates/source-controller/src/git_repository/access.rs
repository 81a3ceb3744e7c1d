//! What the Secrets that a GitRepository refers to let us do.

use api::{GitRepository, reason};
use auth::git::{Credentials, CredentialsError};
use auth::{Proxy, SecretData};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use reconcile::Failure;
use url::Url;

use super::failure::chain;

/// A key that only Secrets for GitHub Apps have.
const GITHUB_APP: &str = "githubAppID";

/// Reads the credentials for `url`.
pub(super) async fn credentials(client: &Client, object: &GitRepository, url: &Url) -> Result<Credentials, Failure> {
    let data = match &object.spec.secret_ref {
        None => SecretData::default(),
        Some(reference) => {
            let name = format!("{}/{}", object.namespace(), reference.name);
            let data = secret(client, object, &reference.name).await.map_err(|cause| {
                Failure::new(reason::AUTHENTICATION_FAILED, format!("failed to get secret '{name}': {cause}"))
            })?;
            if data.filled(GITHUB_APP).is_some() {
                let message = format!("secretRef '{name}' has github app data but provider is not set to github");
                return Err(Failure::new(reason::INVALID_PROVIDER_CONFIGURATION, message));
            }
            data
        }
    };
    Credentials::read(url, &data).map_err(|error| match error {
        // Upstream finds out only when it clones.
        CredentialsError::Both => {
            let message = format!("failed to checkout and determine revision: {error}");
            Failure::new(reason::GIT_OPERATION_FAILED, message)
        }
        error => {
            let message = format!("failed to configure authentication options: {}", chain(&error));
            Failure::new(reason::AUTHENTICATION_FAILED, message)
        }
    })
}

/// Reads the proxy, if there is to be one.
pub(super) async fn proxy(client: &Client, object: &GitRepository) -> Result<Option<Proxy>, Failure> {
    let Some(reference) = &object.spec.proxy_secret_ref else { return Ok(None) };
    let name = format!("{}/{}", object.namespace(), reference.name);
    let refused = |cause: String| {
        let message = format!("failed to configure proxy options: secret '{name}': {cause}");
        Failure::new(reason::AUTHENTICATION_FAILED, message)
    };
    let data = secret(client, object, &reference.name).await.map_err(refused)?;
    Proxy::from_secret(&data).map(Some).map_err(|error| refused(error.to_string()))
}

/// The data of a Secret beside the object, or why there is none.
async fn secret(client: &Client, object: &GitRepository, name: &str) -> Result<SecretData, String> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), object.namespace());
    match secrets.get(name).await {
        Ok(secret) => Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect()),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => Err(chain(&error)),
    }
}
