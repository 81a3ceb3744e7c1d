//! The kinds that are written: random CRDs, and some of Kubernetes' own.

use std::collections::BTreeMap;

use fastrand::Rng;
use http::Method;
use kube::Client;
use schema::{Id, Schemas};
use serde_json::{Value, json};
use ssa::Reset;
use ssa::fields::{FieldSet, PathElement};
use ssa::typed::Type;
use ssa::versions::Alike;

use crate::{random, server};

/// What is special about a kind.
#[derive(Clone, Debug)]
pub enum Nature {
    /// Made by us, with a schema of `spec`.
    Custom(Value),
    /// Kubernetes'.
    ConfigMap,
    /// Kubernetes'.
    Service,
    /// Kubernetes'.
    Deployment,
}

/// A kind.
#[derive(Debug)]
pub struct Kind {
    /// What `apiVersion` its objects may have.
    pub api_versions: Vec<String>,
    /// `kind` of its objects.
    pub kind: String,
    /// Where its objects are, with `VERSION` for one of them and `NS` for the namespace.
    pub path: String,
    /// What is special about it.
    pub nature: Nature,
    /// Whether its status is written apart.
    pub has_status: bool,
    /// Its types.
    pub schemas: Schemas,
    /// Its type.
    pub root: Id,
    /// What an object of it is before anybody sets anything, but for its version.
    pub empty: Value,
}

impl Kind {
    /// Its versions, which differ in nothing else.
    pub fn versions(&self) -> Alike<'_> {
        let of = Type::new(&self.schemas, self.root);
        Alike(self.api_versions.iter().map(|version| (version.clone(), of)).collect())
    }

    /// What a write to the object, or to its status, cannot set.
    pub fn reset(&self, version: &str, subresource: &str) -> Reset {
        let mut set = FieldSet::default();
        let fields: &[&str] = match (subresource, self.has_status) {
            ("status", _) => &["apiVersion", "kind", "metadata", "spec"],
            (_, true) => &["status"],
            (_, false) => &[],
        };
        for field in fields {
            set.insert(&[PathElement::field(field)]);
        }
        BTreeMap::from([(version.to_owned(), set)])
    }

    /// An object by chance, complete enough to be created most of the time.
    pub fn object(&self, rng: &mut Rng, version: &str, name: &str) -> Value {
        let mut object = json!({"apiVersion": version, "kind": self.kind, "metadata": random::metadata(rng, name)});
        match &self.nature {
            Nature::Custom(schema) => object["spec"] = random::value(rng, schema),
            Nature::ConfigMap => object["data"] = texts(rng),
            Nature::Service => object["spec"] = service(rng),
            Nature::Deployment => object["spec"] = deployment(rng),
        }
        object
    }
}

/// Makes so many CRDs, and reads the schemas of all kinds.
///
/// # Errors
/// When the API server refuses one, or does not serve it.
pub async fn all(client: &Client, rng: &mut Rng, group: &str, customs: usize) -> Result<Vec<Kind>, String> {
    let mut kinds = Vec::new();
    for index in 0..customs {
        kinds.push(custom(client, rng, group, index).await?);
    }
    for (version, kind, plural, nature) in [
        ("v1", "ConfigMap", "configmaps", Nature::ConfigMap),
        ("v1", "Service", "services", Nature::Service),
        ("apps/v1", "Deployment", "deployments", Nature::Deployment),
    ] {
        kinds.push(builtin(client, version, kind, plural, nature).await?);
    }
    Ok(kinds)
}

async fn custom(client: &Client, rng: &mut Rng, group: &str, index: usize) -> Result<Kind, String> {
    let spec = random::spec_schema(rng);
    let has_status = index.is_multiple_of(2);
    let mut schema = json!({"type": "object", "properties": {"spec": spec}});
    let mut version = json!({"name": "v1", "served": true, "storage": true});
    if has_status {
        schema["properties"]["status"] = random::status_schema();
        version["subresources"] = json!({"status": {}});
    }
    version["schema"] = json!({"openAPIV3Schema": schema});
    let mut versions = vec![version.clone()];
    if index.is_multiple_of(3) {
        version["name"] = "v2".into();
        version["storage"] = false.into();
        versions.push(version);
    }
    let api_versions: Vec<String> =
        versions.iter().filter_map(|version| Some(format!("{group}/{}", version["name"].as_str()?))).collect();
    let (kind, plural) = (format!("Kind{index}"), format!("kind{index}s"));
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": format!("kind{index}"), "listKind": format!("{kind}List")},
            "scope": "Namespaced",
            "versions": versions,
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let answer = server::send(client, Method::POST, path, "application/json", &crd).await?;
    if !answer.is_ok() {
        return Err(format!("the CRD is refused: {}\n{crd:#}", answer.message()));
    }
    let path = format!("/apis/VERSION/namespaces/NS/{plural}");
    for version in &api_versions {
        for attempt in 0.. {
            match server::get(client, &path.replace("VERSION", version).replace("NS", "default")).await {
                Ok(_) => break,
                Err(why) if attempt > 500 => return Err(why),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    }
    let mut schemas = Schemas::new();
    let name = schema::Kind { group: group.to_owned(), version: "v1".to_owned(), kind: kind.clone() };
    let root = schemas.add_crd(name, &schema).map_err(|error| error.to_string())?;
    let empty = json!({"kind": kind});
    Ok(Kind { api_versions, kind, path, nature: Nature::Custom(spec), has_status, schemas, root, empty })
}

async fn builtin(client: &Client, version: &str, kind: &str, plural: &str, nature: Nature) -> Result<Kind, String> {
    let root = if version.contains('/') { "apis" } else { "api" };
    let document = server::get(client, &format!("/openapi/v3/{root}/{version}")).await?;
    let mut schemas = Schemas::new();
    schemas.add_openapi(&document).map_err(|error| error.to_string())?;
    let (group, short) = version.split_once('/').unwrap_or(("", version));
    let name = schema::Kind { group: group.to_owned(), version: short.to_owned(), kind: kind.to_owned() };
    let id = schemas.kind(&name).ok_or_else(|| format!("the document has no {kind}"))?;
    let mut empty = schemas.zero(id);
    empty["kind"] = kind.into();
    Ok(Kind {
        api_versions: vec![version.to_owned()],
        kind: kind.to_owned(),
        path: format!("/{root}/VERSION/namespaces/NS/{plural}"),
        has_status: !matches!(nature, Nature::ConfigMap),
        nature,
        schemas,
        root: id,
        empty,
    })
}

/// A map of words to words, as labels and the data of a ConfigMap may be.
fn texts(rng: &mut Rng) -> Value {
    (0..rng.usize(0..4)).map(|_| (rng.choice(["a", "b", "c"]).unwrap_or("a"), json!(rng.choice(["x", "y"])))).collect()
}

fn service(rng: &mut Rng) -> Value {
    let mut ports = Vec::new();
    for (name, port) in [("a", 80), ("b", 81), ("c", 82)] {
        if rng.bool() {
            let mut entry = json!({"name": name, "port": port});
            if rng.bool() {
                entry["targetPort"] = if rng.bool() { json!(8080) } else { json!("http") };
            }
            if rng.u8(0..3) == 0 {
                entry["protocol"] = rng.choice(["TCP", "UDP"]).into();
            }
            ports.push(entry);
        }
    }
    rng.shuffle(&mut ports);
    if ports.is_empty() {
        ports.push(json!({"port": 80}));
    }
    let mut spec = json!({"ports": ports});
    if rng.bool() {
        spec["selector"] = texts(rng);
    }
    if rng.u8(0..3) == 0 {
        spec["sessionAffinity"] = rng.choice(["None", "ClientIP"]).into();
    }
    if rng.u8(0..3) == 0 {
        spec["publishNotReadyAddresses"] = rng.bool().into();
    }
    spec
}

fn deployment(rng: &mut Rng) -> Value {
    let mut containers = Vec::new();
    for name in ["web", "side", "log"] {
        if name == "web" || rng.u8(0..3) == 0 {
            containers.push(container(rng, name));
        }
    }
    rng.shuffle(&mut containers);
    let labels = json!({"app": "web"});
    let mut pod = json!({"containers": containers});
    if rng.u8(0..3) == 0 {
        pod["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
    }
    if rng.u8(0..3) == 0 {
        pod["nodeSelector"] = json!({"a": rng.choice(["1", "2"])});
    }
    if rng.u8(0..3) == 0 {
        pod["tolerations"] = json!([{"key": "k", "operator": "Exists"}]);
    }
    let mut spec =
        json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}});
    if rng.bool() {
        spec["replicas"] = rng.u8(0..3).into();
    }
    match rng.u8(0..4) {
        0 => spec["strategy"] = json!({"type": "Recreate"}),
        1 => spec["strategy"] = json!({"rollingUpdate": {"maxSurge": rng.choice(["10%", "20%"])}}),
        _ => {}
    }
    spec
}

fn container(rng: &mut Rng, name: &str) -> Value {
    let mut container = json!({"name": name, "image": rng.choice(["i:1", "i:2"])});
    if rng.bool() {
        let mut env = Vec::new();
        for name in ["A", "B", "C"] {
            if rng.bool() {
                env.push(json!({"name": name, "value": rng.choice(["1", "2"])}));
            }
        }
        rng.shuffle(&mut env);
        // Kubernetes takes them twice, and merging must live with it.
        if let (0, Some(first)) = (rng.u8(0..4), env.first().cloned()) {
            env.push(json!({"name": first["name"], "value": "3"}));
        }
        container["env"] = json!(env);
    }
    if rng.bool() {
        let mut ports = Vec::new();
        for (port, protocol) in [(80, "TCP"), (81, "UDP"), (80, "UDP")] {
            match (rng.u8(0..4), protocol) {
                (0 | 1, _) => ports.push(json!({"containerPort": port, "protocol": protocol})),
                (2, "TCP") => ports.push(json!({"containerPort": port})),
                _ => {}
            }
        }
        container["ports"] = json!(ports);
    }
    if rng.u8(0..3) == 0 {
        container["resources"] = json!({"limits": {"cpu": rng.choice(["100m", "0.2"])}, "requests": {"memory": "1Gi"}});
    }
    if rng.u8(0..3) == 0 {
        container["args"] = json!([random::word(rng)]);
    }
    container
}
