//! Fields of some kinds of objects, as kustomize's field specifications name them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::error::{Fault, Reason};
use crate::id::GvkPattern;
use crate::path;

/// A field of some kinds of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The kinds that have it.
    pub(crate) gvk: GvkPattern,
    pub(crate) path: FieldPath,
    /// Make the field where it is missing.
    pub(crate) create: bool,
}

/// `spec/template/metadata/labels`; a list on the way stands for all of its elements.
#[derive(Debug, Clone)]
pub(crate) struct FieldPath(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    text: Cow<'static, str>,
    /// Taken apart when it is first followed: most paths are of kinds that are not there.
    parts: OnceLock<Box<[Part]>>,
}

/// A part of a field's path.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Written with `[]`: a list, never created.
    pub(crate) list: bool,
    /// Names a field, and no elements of a list.
    pub(crate) is_field: bool,
}

impl Field {
    /// A field of every kind.
    pub(crate) fn everywhere(path: &'static str, create: bool) -> Self {
        Self { gvk: GvkPattern::default(), path: path.into(), create }
    }
}

impl FieldPath {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn parts(&self) -> &[Part] {
        self.0.parts.get_or_init(|| path::split(&self.0.text, '/').iter().map(|part| Part::new(part)).collect())
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for FieldPath {
    fn from(text: T) -> Self {
        Self(Arc::new(Inner { text: text.into(), parts: OnceLock::new() }))
    }
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for FieldPath {}

impl Part {
    fn new(part: &str) -> Self {
        let (name, list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let name = name.trim().to_owned();
        Self { list, is_field: path::is_field(&name), name }
    }
}

/// Adds a field unless one that covers it is there.
pub(crate) fn merge_one(fields: &mut Vec<Field>, new: Field) -> Result<(), Fault> {
    let covering = fields.iter().find(|old| old.path == new.path && old.gvk.as_gvk().is_selected(&new.gvk));
    match covering {
        None => fields.push(new),
        Some(old) if old.create == new.create => {}
        Some(_) => {
            return Err(Reason::invalid(format!(
                "conflicting fieldspecs: {:?} is configured with and without create",
                new.path.as_str()
            )));
        }
    }
    Ok(())
}

pub(crate) fn merge_all(fields: &mut Vec<Field>, new: &[Field]) -> Result<(), Fault> {
    new.iter().try_for_each(|field| merge_one(fields, field.clone()))
}
