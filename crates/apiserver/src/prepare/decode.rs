//! What the decoder makes of an object: one form, without what nobody knows.

use object::go_struct;
use serde_json::Value;

use super::get::{self, Fields};
use crate::resource::{FieldValidation, Operation, Refusal, Resource, Warnings, Write};

/// Reads an object of a built-in kind into its struct and prints it again.
pub(super) fn built_in(resource: &Resource, write: &Write<'_>, new: &Value) -> Result<(Fields, Warnings), Refusal> {
    let api_version = resource.api_version();
    let Some(struct_) = go_struct::of_kind(&api_version, &resource.kind) else {
        // Reviews and the like, which nobody stores.
        return Ok((new.as_object().cloned().unwrap_or_default(), Vec::new()));
    };
    let read = struct_.round_trip(new).map_err(|mismatch| Refusal::Decode(vec![mismatch.to_string()]))?;
    let warnings = unknown(write.field_validation, read.unknown)?;
    let mut object = read.content;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), resource.kind.clone().into());
    if resource.kind == "Secret" && resource.group.is_empty() {
        fold_string_data(&mut object);
    }
    Ok((object, warnings))
}

/// Prunes and defaults an object of a custom kind by its schema; its metadata is read as that of any object.
pub(super) fn custom(resource: &Resource, write: &Write<'_>, new: &Value) -> Result<(Fields, Warnings), Refusal> {
    let mut object = new.as_object().cloned().unwrap_or_default();
    let mut pruned = Vec::new();
    if let Some(metadata) = object.get_mut("metadata") {
        pruned.extend(read_metadata(metadata)?);
    }
    let mut value = Value::Object(object);
    // What an apply leaves behind is not read again.
    if write.operation != Operation::Apply {
        schema::prune::nulls(&resource.schemas, resource.schema, &mut value);
    }
    schema::default::fill(&resource.schemas, resource.schema, &mut value);
    pruned.extend(schema::prune::prune(&resource.schemas, resource.schema, &mut value));
    schema::prune::embedded(&resource.schemas, resource.schema, &mut value, &mut |metadata, at| {
        pruned.extend(read_metadata(metadata)?.into_iter().map(|path| format!("{at}.{path}")));
        Ok::<(), Refusal>(())
    })?;
    let warnings = unknown(write.field_validation, pruned)?;
    let Value::Object(mut object) = value else { return Ok((Fields::new(), warnings)) };
    object.insert("apiVersion".to_owned(), resource.api_version().into());
    object.insert("kind".to_owned(), resource.kind.clone().into());
    Ok((object, warnings))
}

/// Reads metadata as Go does; returns the paths of what nobody knows in it.
fn read_metadata(metadata: &mut Value) -> Result<Vec<String>, Refusal> {
    // Any struct with nothing but metadata and texts will do.
    let Some(struct_) = go_struct::of_kind("v1", "ConfigMap") else { return Ok(Vec::new()) };
    let read = struct_.round_trip(&serde_json::json!({ "metadata": metadata }));
    let mut read = read.map_err(|mismatch| Refusal::Decode(vec![mismatch.to_string()]))?;
    *metadata = read.content.remove("metadata").unwrap_or_default();
    Ok(read.unknown)
}

/// An object of a custom kind with the defaults of its schema.
pub(super) fn defaulted(resource: &Resource, object: Fields) -> Fields {
    let mut value = Value::Object(object);
    schema::default::fill(&resource.schemas, resource.schema, &mut value);
    if let Value::Object(object) = value { object } else { Fields::new() }
}

fn unknown(validation: FieldValidation, paths: Vec<String>) -> Result<Warnings, Refusal> {
    let texts = paths.into_iter().map(|path| format!("unknown field {path:?}"));
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(texts.collect()),
        FieldValidation::Strict => match texts.collect::<Vec<_>>() {
            texts if texts.is_empty() => Ok(Vec::new()),
            texts => Err(Refusal::Decode(vec![format!("strict decoding error: {}", texts.join(", "))])),
        },
    }
}

/// What is written as text is stored as bytes, which it replaces.
fn fold_string_data(secret: &mut Fields) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    let Some(Value::Object(texts)) = secret.remove("stringData") else { return };
    let Some(data) = get::map_or_new(secret, "data") else { return };
    for (key, text) in texts {
        data.insert(key, BASE64.encode(text.as_str().unwrap_or_default()).into());
    }
}
