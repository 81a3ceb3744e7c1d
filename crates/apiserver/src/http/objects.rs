//! Requests about objects: options and body to a call of the verb, the result to an answer.

use http::header::CONTENT_TYPE;
use http::{Method, Response};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::access::rbac::Attributes;
use crate::access::reviews;
use crate::api::{Api, Target, split_key};
use crate::failure::Failure;
use crate::http::accept::Form;
use crate::http::answer::{self, Call};
use crate::http::query::{DeleteOptions, WriteOptions};
use crate::http::respond::{self, Body};
use crate::http::route::Objects;
use crate::meta;
use crate::resource::{FieldError, FieldValidation, Operation, Resource};
use crate::store::Durable;
use crate::verbs::decode::{self, Format, Kind};
use crate::verbs::manage::Manager;
use crate::verbs::patch::{Patch, PatchKind};
use crate::verbs::read::{self, List, ListOptions};
use crate::verbs::scale;
use crate::verbs::write::{Author, Make, Written};

/// Bodies of whole objects.
const OBJECT_TYPES: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const SCALE: Kind<'_> = Kind { api_version: "autoscaling/v1", name: "Scale", custom: false };
const TOKEN_REQUEST: Kind<'_> = Kind { api_version: "authentication.k8s.io/v1", name: "TokenRequest", custom: false };

/// Answers a request about objects.
///
/// # Errors
/// Whatever the verb refuses.
pub(crate) async fn answer(
    call: &Call,
    wanted: &Objects,
    verb: &'static str,
    body: Incoming,
) -> Result<Response<Body>, Failure> {
    let Some(target) = target(&call.api, wanted, verb)? else { return Ok(answer::nothing()) };
    let deprecation: Vec<String> = target.resource.deprecation.iter().cloned().collect();
    match answer_for(call, wanted, target, verb, body).await {
        Ok(mut response) => {
            respond::warn(&mut response, &deprecation);
            Ok(response)
        }
        Err(failure) => Err(failure.warned(deprecation)),
    }
}

async fn answer_for(
    call: &Call,
    wanted: &Objects,
    target: Target,
    verb: &'static str,
    body: Incoming,
) -> Result<Response<Body>, Failure> {
    let api = &call.api;
    let resource = target.resource.clone();
    if let Some(below) = &wanted.subresource {
        return subresource(call, &target, below, verb, body).await;
    }
    let unlisted = resource.namespaced && target.namespace.is_empty() && matches!(verb, "create" | "deletecollection");
    let reviews_only = resource.verbs.len() == 1;
    if !resource.verbs.iter().any(|one| one == verb)
        || (unlisted && !reviews_only)
        || (verb == "create" && wanted.name.is_some())
        || (matches!(verb, "update" | "patch") && wanted.name.is_none())
    {
        return Err(Failure::method_not_allowed());
    }
    if reviews_only {
        let body = answer::read_body(&call.headers, body).await?;
        let (review, _) = decode_object(call, &kind_of(&resource, &resource.api_version()), &body)?;
        return reviews::answer(call, &target, &review);
    }
    match verb {
        "get" => {
            let accept = call.accept()?;
            let revision = read::revision(call.query.get("resourceVersion")).map_err(read::as_it_came)?;
            if let Some(revision) = revision {
                api.catch_up(revision).await?;
            }
            let stored = api.get(&target)?;
            Ok(respond::stored(accept, &call.query, &resource, &stored))
        }
        "list" => {
            let accept = call.accept()?;
            if accept.form == Form::Metadata {
                let message = format!(
                    "you requested PartialObjectMetadata, but the requested object is a list ({})",
                    go_type(&resource, &resource.list_kind)
                );
                return Err(Failure::unacceptable(message));
            }
            let options = ListOptions::parse(&resource, &call.query)?;
            let list = api.list(&resource, &target.namespace, &options).await?;
            Ok(respond::list(accept, &call.query, &resource, &list))
        }
        "watch" => {
            let accept = call.accept()?;
            let name = wanted.name.as_deref();
            api.watch(&resource, &target.namespace, name, &call.query, accept, call.stop.clone()).await
        }
        "delete" => {
            call.accept()?;
            let options = delete_options(call, body).await?;
            let deleted = api.delete(&target, &call.user, &options)?;
            lasting(deleted.durable).await?;
            let accept = call.accept()?;
            let mut response = if deleted.gone && !answers_with_object(&resource) {
                let uid = meta::text(&deleted.object, "uid");
                respond::value(200, accept.encoding, &respond::deleted(&resource, &target.name, uid))
            } else {
                respond::object(200, accept, &call.query, &resource, deleted.object)
            };
            respond::warn(&mut response, &deleted.warnings);
            Ok(response)
        }
        "deletecollection" => delete_collection(call, &target, body).await,
        _ => write(call, &target, body).await,
    }
}

/// The object or resource that a path points to; none where upstream has nothing at all.
fn target(api: &Api, wanted: &Objects, verb: &str) -> Result<Option<Target>, Failure> {
    let Some(resource) = api.resources().get(&wanted.group, &wanted.version, &wanted.plural).cloned() else {
        let is_known = |row: &Resource| row.group == wanted.group && (!row.custom || row.version == wanted.version);
        let known = api.resources().iter().any(|row| is_known(row));
        return if known { Err(Failure::no_resource()) } else { Ok(None) };
    };
    let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
    let namespace = if is_namespace { None } else { wanted.namespace.as_deref() };
    let in_place = if resource.namespaced {
        namespace.is_some()
            || (wanted.name.is_none() && matches!(verb, "list" | "watch" | "create" | "deletecollection"))
    } else {
        namespace.is_none()
    };
    if !in_place && resource.custom {
        return Ok(None);
    }
    if !in_place {
        return Err(Failure::no_resource());
    }
    match wanted.name.as_deref() {
        Some(name) if name.contains('/') => return Err(Failure::no_resource()),
        Some(name @ ("." | "..")) => {
            return Err(Failure::bad_request(format!("Name parameter invalid: {name:?}: may not be '{name}'")));
        }
        Some(name) if name.contains(['%', '\0']) => {
            return Err(Failure::bad_request(format!("Name parameter invalid: {name:?}: may not contain '%'")));
        }
        _ => {}
    }
    let mut target = Target::new(&resource, namespace.unwrap_or_default(), wanted.name.as_deref().unwrap_or_default());
    target.subresource.clone_from(&wanted.subresource);
    Ok(Some(target))
}

/// What upstream's program calls the objects of a kind.
fn go_type(resource: &Resource, kind: &str) -> String {
    if resource.custom {
        return "*unstructured.UnstructuredList".to_owned();
    }
    let package = resource.group.split('.').next().filter(|package| !package.is_empty()).unwrap_or("core");
    format!("*{package}.{kind}")
}

/// Kinds that answer a deletion with the object that was deleted.
fn answers_with_object(resource: &Resource) -> bool {
    match resource.group.as_str() {
        "" => matches!(
            resource.kind.as_str(),
            "Pod"
                | "Service"
                | "ServiceAccount"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "PodTemplate"
                | "ResourceQuota"
        ),
        "storage.k8s.io" => resource.kind != "VolumeAttributesClass",
        _ => false,
    }
}

/// Waits until what was done lasts.
async fn lasting(durable: Durable) -> Result<(), Failure> {
    if durable.wait().await {
        return Ok(());
    }
    Err(Failure::internal("the data folder cannot be written to; see the log, make room and start again"))
}

async fn delete_options(call: &Call, body: Incoming) -> Result<DeleteOptions, Failure> {
    let bytes = answer::read_body(&call.headers, body).await?;
    if bytes.is_empty() {
        return DeleteOptions::parse(&call.query, None);
    }
    let format = format_of(call)?;
    let value = decode::decode(&bytes, format)?.value;
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if !kind.is_empty() && kind != "DeleteOptions" {
        return Err(Failure::bad_request(decode::unregistered(version, kind)));
    }
    DeleteOptions::parse(&call.query, Some(&value))
}

async fn delete_collection(call: &Call, target: &Target, body: Incoming) -> Result<Response<Body>, Failure> {
    let accept = call.accept()?;
    let options = delete_options(call, body).await?;
    let list_options = ListOptions::parse(&target.resource, &call.query)?;
    let list = call.api.list(&target.resource, &target.namespace, &list_options).await?;
    let mut promises = Vec::new();
    let mut items = Vec::new();
    for (key, stored) in list.items {
        let (namespace, name) = split_key(&key);
        match call.api.delete(&Target::new(&target.resource, namespace, name), &call.user, &options) {
            Ok(deleted) => {
                promises.push(deleted.durable);
                items.push((key, stored));
            }
            // Somebody else was faster.
            Err(failure) if failure.code == 404 => {}
            Err(failure) => return Err(failure),
        }
    }
    for durable in promises {
        lasting(durable).await?;
    }
    let list = List { items, ..list };
    Ok(respond::list(accept, &call.query, &target.resource, &list))
}

/// In which form the body is.
fn format_of(call: &Call) -> Result<Format, Failure> {
    let Some(header) = call.header(CONTENT_TYPE) else { return Ok(Format::Json) };
    match header.split(';').next().unwrap_or_default().trim() {
        "application/json" | "" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        "application/vnd.kubernetes.protobuf" => Ok(Format::Protobuf),
        _ => Err(Failure::unsupported_media_type(&OBJECT_TYPES)),
    }
}

/// The object of a body, and which of its fields are there twice.
fn decode_object(call: &Call, kind: &Kind<'_>, body: &[u8]) -> Result<(Value, Vec<String>), Failure> {
    let format = format_of(call)?;
    let unread = |failure: Failure| decode::unrecognized(kind.name, &failure.message, body);
    let mut decoded = decode::decode(body, format).map_err(unread)?;
    if kind.custom && decoded.value.is_object() && decoded.value.get("kind").is_none() {
        let why = format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(body));
        return Err(decode::unrecognized(kind.name, &why, body));
    }
    if !decoded.value.is_object() && !decoded.value.is_null() {
        decode::check(kind, &mut decoded.value, |_, _| false).map_err(unread)?;
    }
    let resources = call.api.resources();
    decode::check(kind, &mut decoded.value, |api_version, kind| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        resources.of_kind(group, version, kind).is_some()
    })?;
    Ok((decoded.value, decoded.duplicates))
}

/// The kind of the objects of a resource.
fn kind_of<'a>(resource: &'a Resource, api_version: &'a str) -> Kind<'a> {
    Kind { api_version, name: &resource.kind, custom: resource.custom }
}

/// Refuses or mentions fields that are there twice.
fn repeated(kind: &Kind<'_>, options: &WriteOptions, duplicates: Vec<String>) -> Result<Vec<String>, Failure> {
    match options.field_validation {
        _ if duplicates.is_empty() => Ok(duplicates),
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(duplicates),
        FieldValidation::Strict => {
            let (name, version) = (kind.name, kind.api_version.rsplit('/').next().unwrap_or_default());
            let problems = duplicates.join(", ");
            Err(Failure::bad_request(format!(
                "{name} in version {version:?} cannot be handled as a {name}: strict decoding error: {problems}"
            )))
        }
    }
}

/// POST, PUT and PATCH.
async fn write(call: &Call, target: &Target, body: Incoming) -> Result<Response<Body>, Failure> {
    let accept = call.accept()?;
    let resource = &target.resource;
    let input = input(call, body, &kind_of(resource, &resource.api_version())).await?;
    let written = perform(call, target, &input, &|old| input.make(call, target, old))?;
    respond_written(call, accept, resource, &input, written).await
}

async fn respond_written(
    call: &Call,
    accept: crate::http::accept::Accept,
    resource: &Resource,
    input: &Input,
    written: Written,
) -> Result<Response<Body>, Failure> {
    lasting(written.durable).await?;
    let code = if written.created { 201 } else { 200 };
    let mut response = respond::object(code, accept, &call.query, resource, written.object);
    respond::warn(&mut response, &input.warnings);
    respond::warn(&mut response, &written.warnings);
    Ok(response)
}

/// What a write brings.
#[derive(Debug)]
struct Input {
    options: WriteOptions,
    operation: Operation,
    content: Content,
    warnings: Vec<String>,
}

#[derive(Debug)]
enum Content {
    Object(Value),
    Patch(Patch),
}

impl Input {
    fn make(&self, call: &Call, target: &Target, old: Option<&Value>) -> Result<Value, Failure> {
        match &self.content {
            Content::Object(object) => Ok(object.clone()),
            Content::Patch(patch) => {
                let name = self.options.manager(call.user_agent());
                let subresource = target.subresource.as_deref().unwrap_or_default();
                let manager = Manager { name: &name, subresource, now: call.api.now() };
                patch.apply(&call.api, &target.resource, &target.name, &manager, old)
            }
        }
    }
}

/// Reads the body and options of a POST, PUT or PATCH.
async fn input(call: &Call, body: Incoming, kind: &Kind<'_>) -> Result<Input, Failure> {
    if call.method == Method::PATCH {
        let header = call.header(CONTENT_TYPE).unwrap_or_default();
        let patch_kind = PatchKind::of(header, kind.custom)?;
        let body = answer::read_body(&call.headers, body).await?;
        let options = WriteOptions::parse(&call.query, "PatchOptions")?;
        check_patch_options(&options, patch_kind)?;
        let (patch, duplicates) = Patch::read(patch_kind, &body, options.force.unwrap_or_default())?;
        let warnings = repeated(kind, &options, duplicates)?;
        let operation = if patch_kind == PatchKind::Apply { Operation::Apply } else { Operation::Patch };
        return Ok(Input { options, operation, content: Content::Patch(patch), warnings });
    }
    let (kind_of_options, operation) = match call.method {
        Method::POST => ("CreateOptions", Operation::Create),
        _ => ("UpdateOptions", Operation::Update),
    };
    format_of(call)?;
    let body = answer::read_body(&call.headers, body).await?;
    let options = WriteOptions::parse(&call.query, kind_of_options)?;
    let (object, duplicates) = decode_object(call, kind, &body)?;
    let warnings = repeated(kind, &options, duplicates)?;
    Ok(Input { options, operation, content: Content::Object(object), warnings })
}

fn check_patch_options(options: &WriteOptions, kind: PatchKind) -> Result<(), Failure> {
    let mut errors = Vec::new();
    let mut error = |field: &str, reason, message: &str| {
        errors.push(FieldError { field: field.to_owned(), reason, message: message.to_owned() });
    };
    if kind == PatchKind::Apply {
        if options.field_manager.is_none() {
            error("fieldManager", "FieldValueRequired", "Required value: is required for apply patch");
        }
    } else if options.force.is_some() {
        error("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch");
    }
    if errors.is_empty() { Ok(()) } else { Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", &errors)) }
}

/// Carries a write out.
fn perform(call: &Call, target: &Target, input: &Input, make: &Make<'_>) -> Result<Written, Failure> {
    try_to(call, target, input, make).map_err(|failure| failure.warned(input.warnings.clone()))
}

fn try_to(call: &Call, target: &Target, input: &Input, make: &Make<'_>) -> Result<Written, Failure> {
    let api: &Api = &call.api;
    let manager = input.options.manager(call.user_agent());
    let author = Author { user: &call.user, manager: &manager, options: &input.options, operation: input.operation };
    if input.operation == Operation::Create && target.subresource.is_none() {
        return api.create(target, author, make);
    }
    if matches!(input.operation, Operation::Apply | Operation::Update)
        && target.subresource.is_none()
        && api.store.get(&target.shelf(), &target.key()).is_none()
    {
        // Whoever makes something new must be allowed to, however it is said.
        let asked = Attributes {
            verb: "create".to_owned(),
            group: target.resource.group.clone(),
            version: target.resource.version.clone(),
            resource: target.resource.plural.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            ..Attributes::default()
        };
        if input.operation == Operation::Apply {
            api.authorize(&call.user, &asked)?;
        }
    }
    api.update(target, author, make)
}

/// What is below an object.
async fn subresource(
    call: &Call,
    target: &Target,
    below: &str,
    verb: &'static str,
    body: Incoming,
) -> Result<Response<Body>, Failure> {
    let resource = &target.resource;
    let Some(row) = resource.subresource(below) else { return Err(Failure::no_resource()) };
    if !row.verbs.iter().any(|one| one == verb) {
        return Err(Failure::method_not_allowed());
    }
    let accept = call.accept()?;
    match (below, verb) {
        ("scale", _) => {
            let Some(paths) = &row.scale else { return Err(Failure::no_resource()) };
            if verb == "get" {
                let object = resource.complete(&call.api.get(target)?);
                let scale = scale::of(paths, &object);
                return Ok(respond::value(200, accept.encoding, &scale));
            }
            let input = input(call, body, &SCALE).await?;
            let written = perform(call, target, &input, &|old| {
                let old = old.cloned().unwrap_or_default();
                let scale = input.make(call, target, Some(&scale::of(paths, &old)))?;
                scale::set(resource, paths, old, &scale)
            })?;
            lasting(written.durable).await?;
            Ok(respond::value(200, accept.encoding, &scale::of(paths, &written.object)))
        }
        ("token", "create") => {
            let body = answer::read_body(&call.headers, body).await?;
            let (request, _) = decode_object(call, &TOKEN_REQUEST, &body)?;
            let answer = call.api.request_token(&target.namespace, &target.name, request)?;
            Ok(respond::value(201, accept.encoding, &answer))
        }
        ("finalize", "update") => {
            let input = input(call, body, &kind_of(resource, &resource.api_version())).await?;
            let written = perform(call, target, &input, &|old| {
                let mut new = input.make(call, target, old)?;
                if let Some(old) = old {
                    new["status"] = old.get("status").cloned().unwrap_or_else(|| json!({}));
                }
                Ok(new)
            })?;
            respond_written(call, accept, resource, &input, written).await
        }
        (_, "get") => {
            let stored = call.api.get(target)?;
            Ok(respond::stored(accept, &call.query, resource, &stored))
        }
        _ => {
            let input = input(call, body, &kind_of(resource, &resource.api_version())).await?;
            let written = perform(call, target, &input, &|old| input.make(call, target, old))?;
            respond_written(call, accept, resource, &input, written).await
        }
    }
}
