//! Secrets with credentials, as sources read them.

use std::{collections::BTreeMap, path::Path};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, core::ObjectMeta};
use serde_json::{Value, json};

use crate::cli::{
    cluster::{Cluster, posted},
    failure::Failure,
    settings::Settings,
};

/// What goes into a Secret with credentials for a Git server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct GitSecret {
    entries: BTreeMap<&'static str, auth::Secret>,
}

impl GitSecret {
    pub(super) fn set(&mut self, key: &'static str, value: auth::Secret) {
        self.entries.insert(key, value);
    }

    /// Takes over the text of a file.
    pub(super) fn set_file(&mut self, key: &'static str, path: &Path, content: Vec<u8>) -> Result<(), Failure> {
        let text = String::from_utf8(content).map_err(|_| Failure::new(format!("{} is no text", path.display())))?;
        self.set(key, auth::Secret::new(text));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in clear, as the API takes them.
    fn text(&self) -> BTreeMap<String, String> {
        self.entries.iter().map(|(key, value)| ((*key).to_owned(), value.expose_text().into_owned())).collect()
    }

    /// The manifest, for `--export`: the credentials are in clear.
    pub(super) fn manifest(&self, name: &str, labels: &BTreeMap<String, String>, settings: &Settings) -> Value {
        let mut metadata = json!({ "name": name, "namespace": settings.namespace });
        if !labels.is_empty() {
            metadata["labels"] = json!(labels);
        }
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": self.text() })
    }

    /// Creates the Secret, or adds to the one that is there. What it holds under other keys stays.
    pub(super) async fn apply(
        &self,
        cluster: &Cluster,
        name: &str,
        labels: &BTreeMap<String, String>,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let api: Api<Secret> = Api::namespaced(cluster.client(), &settings.namespace);
        match api.get_opt(name).await? {
            None => {
                let secret = Secret {
                    metadata: ObjectMeta {
                        name: Some(name.to_owned()),
                        namespace: Some(settings.namespace.clone()),
                        labels: (!labels.is_empty()).then(|| labels.clone()),
                        ..ObjectMeta::default()
                    },
                    string_data: Some(self.text()),
                    ..Secret::default()
                };
                api.create(&posted(), &secret).await?;
            }
            Some(mut secret) => {
                secret.string_data = Some(self.text());
                secret.metadata.labels.get_or_insert_default().extend(labels.clone());
                api.replace(name, &posted(), &secret).await?;
            }
        }
        Ok(())
    }
}
