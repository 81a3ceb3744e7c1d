//! The cluster as commands see it: objects of the kinds of the table, read and changed.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{AuthInfo, KubeConfigOptions},
    core::DynamicObject,
};
use serde_json::Value;

use crate::cli::{
    failure::{Failure, chain},
    kinds::Row,
    settings::{Connection, Settings, read_file},
};

/// The field manager of what people change by hand with this program.
const FIELD_MANAGER: &str = "flux";

/// Which objects of a kind are meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection<'a> {
    /// Their namespace; nothing for all.
    pub(crate) namespace: Option<&'a str>,
    /// Their name; nothing for all.
    pub(crate) name: Option<&'a str>,
    /// A label selector.
    pub(crate) labels: Option<&'a str>,
}

/// A cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
}

impl Cluster {
    /// Makes ready to talk to the cluster that the settings mean. Nothing is sent yet.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let config = config(&settings.connection).await?;
        let client = Client::try_from(config)?;
        Ok(Self { client })
    }

    /// The client, for kinds that are not in the table.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The objects of a kind in one namespace or in all.
    pub(crate) fn api(&self, row: &Row, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client(), namespace, &row.resource()),
            None => Api::all_with(self.client(), &row.resource()),
        }
    }

    /// Reads the objects that are meant, in the API server's order. Nothing means that the kind is not installed.
    pub(crate) async fn list_if_installed(
        &self,
        row: &Row,
        selection: &Selection<'_>,
    ) -> Result<Option<Vec<DynamicObject>>, Failure> {
        let mut params = ListParams::default().limit(500);
        if let Some(name) = selection.name {
            params = params.fields(&format!("metadata.name={name}"));
        }
        if let Some(labels) = selection.labels {
            params = params.labels(labels);
        }
        let api = self.api(row, selection.namespace);
        let mut objects = Vec::new();
        loop {
            match api.list(&params).await {
                Ok(list) => {
                    objects.extend(list.items);
                    match list.metadata.continue_.filter(|token| !token.is_empty()) {
                        Some(token) => params = params.continue_token(&token),
                        None => return Ok(Some(objects)),
                    }
                }
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads the objects that are meant, in the API server's order.
    pub(crate) async fn list(&self, row: &Row, selection: &Selection<'_>) -> Result<Vec<DynamicObject>, Failure> {
        self.list_if_installed(row, selection).await?.ok_or_else(|| not_installed(row))
    }

    /// Reads an object that has to be there.
    pub(crate) async fn get(&self, row: &Row, namespace: &str, name: &str) -> Result<DynamicObject, Failure> {
        self.api(row, Some(namespace)).get(name).await.map_err(|error| explain(error, row))
    }

    /// Reads an object that may be there.
    pub(crate) async fn find(&self, row: &Row, namespace: &str, name: &str) -> Result<Option<DynamicObject>, Failure> {
        match self.api(row, Some(namespace)).get(name).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 && names_an_object(&status) => Ok(None),
            Err(error) => Err(explain(error, row)),
        }
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn merge(
        &self,
        row: &Row,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<DynamicObject, Failure> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let api = self.api(row, Some(namespace));
        api.patch(name, &params, &Patch::Merge(patch)).await.map_err(|error| explain(error, row))
    }

    /// Creates an object.
    pub(crate) async fn create(&self, row: &Row, object: &DynamicObject) -> Result<DynamicObject, Failure> {
        let api = self.api(row, object.metadata.namespace.as_deref());
        api.create(&posted(), object).await.map_err(|error| explain(error, row))
    }

    /// Writes an object that was read before, and is refused if somebody else has written it since.
    pub(crate) async fn replace(&self, row: &Row, object: &DynamicObject) -> Result<DynamicObject, Failure> {
        let api = self.api(row, object.metadata.namespace.as_deref());
        let name = object.metadata.name.as_deref().unwrap_or_default();
        api.replace(name, &posted(), object).await.map_err(|error| explain(error, row))
    }

    /// Asks for an object to be deleted.
    pub(crate) async fn delete(&self, row: &Row, namespace: &str, name: &str) -> Result<(), Failure> {
        let api = self.api(row, Some(namespace));
        api.delete(name, &DeleteParams::default()).await.map(|_| ()).map_err(|error| explain(error, row))
    }
}

/// How this program writes whole objects.
pub(crate) fn posted() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

fn not_installed(row: &Row) -> Failure {
    Failure::new(format!("no matches for kind {:?} in version {:?}", row.api.kind, row.api.api_version()))
        .hint("Flux is not installed in this cluster: flux install --export | kubectl apply --server-side -f -")
}

/// Whether a "not found" speaks of an object, rather than of a kind that the API server does not know.
fn names_an_object(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

fn explain(error: kube::Error, row: &Row) -> Failure {
    match &error {
        kube::Error::Api(status) if status.code == 404 && !names_an_object(status) => not_installed(row),
        _ => error.into(),
    }
}

/// The kubeconfig with the flags laid over it; inside a cluster, and without a kubeconfig, the pod's own access.
pub(crate) async fn config(connection: &Connection) -> Result<Config, Failure> {
    let options = KubeConfigOptions {
        context: connection.context.clone(),
        cluster: connection.cluster.clone(),
        user: connection.user.clone(),
    };
    let mut config = match connection.read() {
        Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| Failure::new(format!("the kubeconfig cannot be used: {}", chain(&error))))?,
        Err(error) => match (&connection.server, Config::incluster()) {
            (Some(server), _) if connection.kubeconfig.is_none() => Config::new(address(server)?),
            (None, Ok(config)) if connection.kubeconfig.is_none() => config,
            _ => {
                return Err(Failure::new(format!("the kubeconfig cannot be read: {}", chain(&error)))
                    .hint("name one with --kubeconfig or $KUBECONFIG"));
            }
        },
    };
    config.connect_timeout = Some(Duration::from_secs(10));
    lay_over(&mut config, connection)?;
    Ok(config)
}

fn lay_over(config: &mut Config, connection: &Connection) -> Result<(), Failure> {
    if let Some(server) = &connection.server {
        config.cluster_url = address(server)?;
    }
    if let Some(path) = &connection.certificate_authority {
        config.root_cert = Some(certificates(&read_file(path)?));
        config.root_cert_file = None;
    }
    if let Some(name) = &connection.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    config.accept_invalid_certs |= connection.insecure_skip_tls_verify;
    config.disable_compression |= connection.disable_compression;
    let auth = &mut config.auth_info;
    if let Some(token) = &connection.token {
        *auth = AuthInfo { token: Some(token.expose_text().into_owned().into()), ..AuthInfo::default() };
    }
    if let (Some(certificate), Some(key)) = (&connection.client_certificate, &connection.client_key) {
        auth.client_certificate = Some(certificate.display().to_string());
        auth.client_key = Some(key.display().to_string());
        auth.client_certificate_data = None;
        auth.client_key_data = None;
    }
    if let Some(user) = &connection.impersonate {
        auth.impersonate = Some(user.clone());
    }
    if !connection.impersonate_groups.is_empty() {
        auth.impersonate_groups = Some(connection.impersonate_groups.clone());
    }
    let mut extra = Vec::new();
    if let Some(uid) = &connection.impersonate_uid {
        extra.push(("impersonate-uid".to_owned(), uid.as_str()));
    }
    for pair in &connection.impersonate_extra {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| Failure::new(format!("--as-user-extra {pair:?} is not key=value")))?;
        extra.push((format!("impersonate-extra-{key}"), value));
    }
    for (name, value) in extra {
        let header = HeaderName::try_from(&name).ok().zip(HeaderValue::from_str(value).ok());
        config.headers.push(header.ok_or_else(|| Failure::new(format!("{name} cannot be {value:?}")))?);
    }
    Ok(())
}

fn address(server: &str) -> Result<Uri, Failure> {
    server.parse().map_err(|error| Failure::new(format!("--server {server:?} is no address: {error}")))
}

/// The certificates of a PEM file, in DER.
fn certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).map(|certificate| certificate.to_vec()).collect()
}
