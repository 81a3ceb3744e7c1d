//! Makes of what a client wrote what is stored, or says why not: everything in a write that depends on the kind.
//!
//! | step | built-in kinds | custom kinds |
//! |---|---|---|
//! | decode | Go's structs: types, unknown fields, one printed form | the schema: unknown fields |
//! | default | the table of `defaults.txt` | the schema's defaults |
//! | admission | of new objects: what others around them have for them | nothing |
//! | strategy | what the server alone decides: generation, status, addresses, generated names | the same |
//! | validate | names and labels, the rules of the kind, what may not change | names and labels, the schema, its rules |

mod admission;
mod app_armor;
mod decode;
mod defaults;
mod get;
mod immutable;
mod metadata;
mod services;
mod strategy;
mod validate;
mod warn;

use notation::field::FieldErrors;
use object::go_struct;
use serde_json::Value;

use self::get::Fields;
use crate::resource::{Operation, Refusal, Resource, Warnings, Write};

/// Makes of an object what is stored of it.
///
/// # Errors
/// [`Refusal::Decode`] when it is not what the kind's objects look like: one text, as the decoder says it behind
/// `Deployment in version "v1" cannot be handled as a Deployment: `. [`Refusal::Forbidden`] when admission cannot
/// complete it. [`Refusal::Invalid`] when it breaks the kind's rules.
pub fn prepare(resource: &Resource, write: &mut Write<'_>, new: &mut Value) -> Result<Warnings, Refusal> {
    let (mut object, mut warnings) =
        if resource.custom { decode::custom(resource, write, new)? } else { decode::built_in(resource, write, new)? };
    let struct_ = go_struct::of_kind(&resource.api_version(), &resource.kind);
    if let (false, Some(struct_)) = (resource.custom, struct_) {
        defaults::fill(struct_, &mut object);
    }
    write.defaulted = Some(Value::Object(object.clone()));
    let old = write.old.and_then(Value::as_object);
    if old.is_none() {
        admission::complete(resource, &write.around, &mut object)
            .map_err(|why| Refusal::Forbidden(why, warnings.clone()))?;
    }
    let mut errors = FieldErrors::default();
    strategy::apply(&Strategy { resource, struct_, old, given: new }, write, &mut object, &mut errors);
    if resource.custom {
        // What lies in storage is defaulted when it is read: a status that was taken away has its defaults again.
        object = decode::defaulted(resource, object);
    }
    match old {
        None => metadata::validate(resource, &object, &mut errors),
        Some(old) => metadata::validate_update(&object, old, &mut errors),
    }
    if resource.custom {
        validate::custom(resource, write, &object, &mut errors);
    } else if write.subresource == Some("status") {
        validate::status(resource, &object, &mut errors);
    } else if write.subresource.is_none_or(|name| name == "scale") {
        validate::built_in(resource, struct_, &object, old, &mut errors);
        if let (Operation::Update | Operation::Patch | Operation::Apply, Some(old)) = (write.operation, old) {
            immutable::validate(resource, &object, old, &mut errors);
        }
    }
    if !errors.is_empty() {
        *new = Value::Object(object);
        return Err(Refusal::Invalid(errors.into_vec(), warnings));
    }
    if !resource.custom && write.subresource.is_none() {
        warnings.extend(warn::of(resource, &object, old));
    }
    *new = Value::Object(object);
    Ok(warnings)
}

/// What the steps know of a write besides the object.
struct Strategy<'a> {
    resource: &'a Resource,
    struct_: Option<&'static go_struct::Struct>,
    old: Option<&'a Fields>,
    /// The object before its defaults.
    given: &'a Value,
}

#[cfg(test)]
mod tests;
