//! The kinds that are written: random CRDs, and some of Kubernetes' own.

mod builtin;

use fastrand::Rng;
use http::Method;
use kube::Client;
use object::go_struct;
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
    /// Kubernetes', with what makes the fields of an object by chance.
    BuiltIn(fn(&mut Rng) -> Value),
    /// Kubernetes', of which much is allocated.
    Service,
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

    /// What a write to the object, or to its status, cannot set: in all versions of the latter.
    pub fn reset(&self, version: &str, subresource: &str) -> Reset {
        let field = match (subresource, self.has_status) {
            ("status", _) => Some("spec"),
            (_, true) => Some("status"),
            (_, false) => None,
        };
        let mut set = FieldSet::default();
        set.insert(&field.map(PathElement::field).into_iter().collect::<Vec<_>>());
        let versions = self.api_versions.iter().filter(|other| subresource == "status" || *other == version);
        versions.map(|version| (version.clone(), set.clone())).collect()
    }

    /// An object by chance, complete enough to be created most of the time.
    pub fn object(&self, rng: &mut Rng, version: &str, name: &str) -> Value {
        let mut object = json!({"apiVersion": version, "kind": self.kind, "metadata": random::metadata(rng, name)});
        match &self.nature {
            Nature::Custom(schema) => object["spec"] = random::value(rng, schema),
            Nature::Service => object["spec"] = builtin::service(rng),
            Nature::BuiltIn(make) => {
                if let (Value::Object(object), Value::Object(fields)) = (&mut object, make(rng)) {
                    object.extend(fields);
                }
            }
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
    for (version, kind, plural, nature) in builtin::all() {
        kinds.push(read(client, version, kind, plural, nature).await?);
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

async fn read(client: &Client, version: &str, kind: &str, plural: &str, nature: Nature) -> Result<Kind, String> {
    let root = if version.contains('/') { "apis" } else { "api" };
    let document = server::get(client, &format!("/openapi/v3/{root}/{version}")).await?;
    let mut schemas = Schemas::new();
    schemas.add_openapi(&document).map_err(|error| error.to_string())?;
    let (group, short) = version.split_once('/').unwrap_or(("", version));
    let name = schema::Kind { group: group.to_owned(), version: short.to_owned(), kind: kind.to_owned() };
    let id = schemas.kind(&name).ok_or_else(|| format!("the document has no {kind}"))?;
    let zero = go_struct::of_kind(version, kind).and_then(|zero| zero.round_trip(&json!({})).ok());
    let mut empty = Value::Object(zero.ok_or_else(|| format!("no struct is known of {kind}"))?.content);
    empty["kind"] = kind.into();
    Ok(Kind {
        api_versions: vec![version.to_owned()],
        kind: kind.to_owned(),
        path: format!("/{root}/VERSION/namespaces/NS/{plural}"),
        has_status: schemas.field(id, "status").is_some(),
        nature,
        schemas,
        root: id,
        empty,
    })
}
