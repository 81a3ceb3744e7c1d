//! The credentials in the Secret that a GitRepository refers to.

use api::{GitRepository, reason};
use auth::SecretData;
use auth::git::Credentials;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use reconcile::Failure;
use url::Url;

use super::chain;

/// A key that only Secrets for GitHub Apps have.
const GITHUB_APP: &str = "githubAppID";

/// Reads the credentials for `url`.
pub(super) async fn read(client: &Client, object: &GitRepository, url: &Url) -> Result<Credentials, Failure> {
    let refused = |message: String| Failure::new(reason::AUTHENTICATION_FAILED, message);
    let data = match &object.spec.secret_ref {
        None => SecretData::default(),
        Some(reference) => {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), object.namespace());
            let name = format!("{}/{}", object.namespace(), reference.name);
            let secret = secrets.get(&reference.name).await.map_err(|error| {
                let cause = match &error {
                    kube::Error::Api(status) => status.message.clone(),
                    error => chain(error),
                };
                refused(format!("failed to get secret '{name}': {cause}"))
            })?;
            let data = secret.data.unwrap_or_default();
            if data.contains_key(GITHUB_APP) {
                let message = format!("secretRef '{name}' has github app data but provider is not set to github");
                return Err(Failure::new(reason::INVALID_PROVIDER_CONFIGURATION, message));
            }
            data.into_iter().map(|(key, value)| (key, value.0)).collect()
        }
    };
    Credentials::read(url, &data)
        .map_err(|error| refused(format!("failed to configure authentication options: {}", chain(&error))))
}
