//! The versions that a kind has.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::typed::Type;

/// The versions of a kind, and how objects of one become objects of another.
pub trait Versions {
    /// The type of objects of a version, such as `apps/v1`; none when the version is not served any more.
    fn type_of(&self, version: &str) -> Option<Type<'_>>;

    /// The object in another version, which is one that has a type.
    ///
    /// # Errors
    /// When it cannot be converted.
    fn convert<'o>(&self, object: &'o Value, version: &str) -> Result<Cow<'o, Value>, ConvertError>;
}

/// An object cannot be converted to another version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("convert to {version}: {problem}")]
pub struct ConvertError {
    /// The version that was asked for.
    pub version: String,
    /// Why not.
    pub problem: String,
}

/// Versions that differ in nothing but their name and their types, as those of a CRD without a conversion webhook.
#[derive(Clone, Debug, Default)]
pub struct Alike<'a>(pub BTreeMap<String, Type<'a>>);

impl Versions for Alike<'_> {
    fn type_of(&self, version: &str) -> Option<Type<'_>> {
        self.0.get(version).copied()
    }

    fn convert<'o>(&self, object: &'o Value, version: &str) -> Result<Cow<'o, Value>, ConvertError> {
        if object.get("apiVersion").and_then(Value::as_str) == Some(version) {
            return Ok(Cow::Borrowed(object));
        }
        let mut object = object.clone();
        if let Value::Object(fields) = &mut object {
            fields.insert("apiVersion".to_owned(), version.into());
        }
        Ok(Cow::Owned(object))
    }
}
