//! A namespace for one test.

use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A namespace that no other test of this control plane uses.
///
/// It is left behind: the control plane is thrown away with the test binary, and deleting takes longer than creating.
#[derive(Clone)]
pub struct Namespace {
    name: String,
    client: Client,
}

impl Namespace {
    /// Creates `prefix-NUMBER`.
    ///
    /// # Errors
    /// The API server's.
    pub async fn new(client: &Client, prefix: &str) -> Result<Self, kube::Error> {
        Self::named(client, &format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))).await
    }

    /// Creates one with exactly this name.
    ///
    /// # Errors
    /// The API server's; also when it is there already.
    pub async fn named(client: &Client, name: &str) -> Result<Self, kube::Error> {
        let object = KubeNamespace {
            metadata: kube::api::ObjectMeta { name: Some(name.to_owned()), ..Default::default() },
            ..Default::default()
        };
        Api::<KubeNamespace>::all(client.clone()).create(&PostParams::default(), &object).await?;
        Ok(Self { name: name.to_owned(), client: client.clone() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client with which it was made.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Starts to delete it and does not wait.
    ///
    /// # Errors
    /// The API server's.
    pub async fn delete(&self) -> Result<(), kube::Error> {
        Api::<KubeNamespace>::all(self.client.clone()).delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }
}
