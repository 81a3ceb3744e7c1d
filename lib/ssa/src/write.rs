//! Writes to an object, as the API server sees them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::conflict::Conflicts;
use crate::fields::Fields;
use crate::last_applied;
use crate::managed::{DecodeError, Managed, Manager, Owned, Time};
use crate::managers::Operation;
use crate::typed::{Duplicates, Problems};
use crate::updater::{Applied, Failure, Force, NEVER_OWNED, Reset, Updater};
use crate::values::is_same_object;
use crate::versions::{ConvertError, Versions};

/// Who owns what was there before the first apply, on an object whose owners were not known.
const BEFORE: &str = "before-first-apply";
/// Who writes without a name.
const UNKNOWN: &str = "unknown";

/// A write: what is written, by whom and when.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// The versions of the kind.
    pub versions: &'a dyn Versions,
    /// What nobody owns by this kind of write.
    pub reset: &'a Reset,
    /// An object of the kind before anybody sets anything, in the version of the write: with `apiVersion` and `kind`,
    /// and for built-in kinds what Go's zero value has besides ([`schema::Schemas::zero`]).
    pub empty: &'a Value,
    /// Which subresource is written, empty for the object itself.
    pub subresource: &'a str,
    /// Who writes.
    pub manager: &'a str,
    /// When.
    pub now: Time,
}

/// An object cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// What is applied is of another kind or version than what it is applied to: a bad request.
    #[error("invalid object type: {kind}")]
    Kind {
        /// For example `apps/v1, Kind=Deployment`.
        kind: String,
    },
    /// What is applied says who owns it: a bad request.
    #[error("metadata.managedFields must be nil")]
    ManagedFields,
    /// What is applied does not fit the schema.
    #[error("failed to create typed patch object ({object}): {problems}")]
    Patch {
        /// For example `default/web; apps/v1, Kind=Deployment`.
        object: String,
        /// What is wrong.
        problems: Problems,
    },
    /// The live object does not fit the schema.
    #[error("failed to create typed live object ({object}): {problems}")]
    Live {
        /// As above.
        object: String,
        /// What is wrong.
        problems: Problems,
    },
    /// Who owns the live object cannot be read.
    #[error("failed to decode owners fields: {0}")]
    Decode(DecodeError),
    /// The version has no type.
    #[error("no corresponding type for {kind}")]
    NoType {
        /// For example `apps/v1, Kind=Deployment`.
        kind: String,
    },
    /// An object cannot be converted.
    #[error(transparent)]
    Convert(ConvertError),
    /// Fields are others', and the write is not forced.
    #[error(transparent)]
    Conflicts(Conflicts),
}

impl Write<'_> {
    /// The live object with all that is applied, in the version of the write, with `managedFields`. Defaults are still to
    /// be set: nobody owns them. A map or a list that lost all it had may be null, which upstream drops from built-in kinds
    /// and refuses in custom ones.
    ///
    /// Without a live object, `live` is none. `kubectl` may take what its annotation shows it to have applied from the
    /// client, and that annotation is brought up to date.
    ///
    /// # Errors
    /// [`ApplyError`].
    pub fn apply(&self, live: Option<&Value>, config: &Value, force: Force) -> Result<Value, ApplyError> {
        let changed = self.change(live, config, force)?;
        changed.map_or_else(|| Ok(self.versioned(live.unwrap_or(self.empty))?.into_owned()), Ok)
    }

    /// As [`Self::apply`], but none where the object stays as it is, with all that is known of its owners.
    ///
    /// # Errors
    /// [`ApplyError`].
    pub fn change(&self, live: Option<&Value>, config: &Value, force: Force) -> Result<Option<Value>, ApplyError> {
        if kind_of(config) != kind_of(self.empty) {
            return Err(ApplyError::Kind { kind: kind_of(config) });
        }
        if config.get("metadata").and_then(|meta| meta.get("managedFields")).is_some_and(|owners| !owners.is_null()) {
            return Err(ApplyError::ManagedFields);
        }
        let stored = live.unwrap_or(self.empty);
        let owners = || Managed::decode(managed_fields(stored)).map_err(ApplyError::Decode);
        let live = self.versioned(stored)?;
        let applied = match self.merged(&live, config, owners()?, force) {
            Err(ApplyError::Conflicts(conflicts)) if self.manager == last_applied::CLIENT => {
                let allowed = self.updater().type_of(self.version()).ok();
                match allowed.and_then(|of| last_applied::owned(of, &live, self.version())) {
                    None => return Err(ApplyError::Conflicts(conflicts)),
                    Some(allowed) => {
                        let left = conflicts.0.into_iter().filter(|conflict| !allowed.contains(&conflict.path));
                        let left: Vec<_> = left.collect();
                        if !left.is_empty() {
                            return Err(ApplyError::Conflicts(Conflicts(left)));
                        }
                        self.merged(&live, config, owners()?, Force::Yes)?
                    }
                }
            }
            result => result?,
        };
        if applied.is_nothing() && self.manager != last_applied::CLIENT {
            return Ok(None);
        }
        let mut object = applied.object.unwrap_or_else(|| without_managed_fields(&live));
        if self.manager == last_applied::CLIENT {
            last_applied::refresh(&mut object, config);
        }
        set_managed_fields(&mut object, &applied.owners);
        Ok(Some(object))
    }

    /// The new object with `managedFields` after a write that is not an apply. The new object has its defaults already.
    ///
    /// The writer may change who owns what by what the new object says of it, unless it writes a subresource. Where the
    /// objects do not fit their schema, nobody owns anything, as upstream has it.
    pub fn update(&self, live: Option<&Value>, new: Value) -> Value {
        self.try_update(live, new.clone()).unwrap_or_else(|_| {
            let mut new = new;
            set_managed_fields(&mut new, &Managed::default());
            new
        })
    }

    /// As [`Self::update`].
    ///
    /// # Errors
    /// Why the owners cannot be told.
    pub fn try_update(&self, live: Option<&Value>, mut new: Value) -> Result<Value, ApplyError> {
        let said = new.get_mut("metadata").and_then(Value::as_object_mut).and_then(|meta| meta.remove("managedFields"));
        let owners = self.managed_before(live, said.as_ref());
        if owners.0.is_empty() && live.is_some() {
            return Ok(new);
        }
        let live = live.unwrap_or(self.empty);
        let (live, versioned) = (self.versioned(live)?, self.versioned(&new)?);
        let owners = self.owners(&live, &versioned, owners, self.manager)?;
        set_managed_fields(&mut new, &owners);
        Ok(new)
    }

    fn updater(&self) -> Updater<'_> {
        Updater { versions: self.versions, reset: self.reset }
    }

    fn version(&self) -> &str {
        text(self.empty, "apiVersion")
    }

    fn versioned<'o>(&self, object: &'o Value) -> Result<Cow<'o, Value>, ApplyError> {
        if text(object, "apiVersion") == self.version() {
            return Ok(Cow::Borrowed(object));
        }
        if self.versions.type_of(self.version()).is_none() {
            return Err(ApplyError::NoType { kind: kind_of(self.empty) });
        }
        self.versions.convert(object, self.version()).map_err(ApplyError::Convert)
    }

    fn manager(&self, name: &str, operation: Operation) -> Manager {
        let version = if operation == Operation::Update { self.version() } else { "" };
        Manager {
            name: if name.is_empty() { UNKNOWN } else { name }.to_owned(),
            operation,
            version: version.to_owned(),
            subresource: self.subresource.to_owned(),
        }
    }

    /// Who owned what before an update: what the writer says, or what is known where it says nothing.
    fn managed_before<'w>(&self, live: Option<&'w Value>, said: Option<&'w Value>) -> Managed<'w> {
        let known = || Managed::decode(live.and_then(managed_fields)).unwrap_or_default();
        if !self.subresource.is_empty() {
            return known();
        }
        if is_reset(said) {
            return Managed::default();
        }
        match Managed::decode(said) {
            Ok(said) if !said.0.is_empty() => said,
            _ => known(),
        }
    }

    /// Who owns what after an update.
    fn owners<'w>(
        &self,
        live: &Value,
        new: &Value,
        owners: Managed<'w>,
        manager: &str,
    ) -> Result<Managed<'w>, ApplyError> {
        let of = self.updater().type_of(self.version()).map_err(|failure| self.refused(failure))?;
        let check = |object: &Value| {
            of.check(object, Duplicates::Allowed)
                .map_err(|problems| ApplyError::Live { object: describe(object), problems })
        };
        check(new)?;
        check(live)?;
        let updated = self.updater().update(live, new, self.version(), owners);
        let (mut owners, mut fields) = updated.map_err(|failure| self.refused(failure))?;
        fields.subtract(&NEVER_OWNED);
        if !fields.is_empty() {
            let owned = owners.0.entry(self.manager(manager, Operation::Update));
            let owned = owned.or_insert_with(|| Owned {
                fields: Fields::default(),
                version: self.version().to_owned(),
                time: None,
            });
            owned.fields.read(Some(of)).add(fields);
            owned.time = Some(self.now);
        }
        owners.cap();
        Ok(owners)
    }

    fn merged<'w>(
        &self,
        live: &Value,
        config: &Value,
        owners: Managed<'w>,
        force: Force,
    ) -> Result<Applied<'w>, ApplyError> {
        let owners = if owners.0.is_empty() { self.owners(self.empty, live, owners, BEFORE)? } else { owners };
        let of = self.updater().type_of(self.version()).map_err(|failure| self.refused(failure))?;
        of.check(config, Duplicates::Refused)
            .map_err(|problems| ApplyError::Patch { object: describe(config), problems })?;
        of.check(live, Duplicates::Allowed)
            .map_err(|problems| ApplyError::Live { object: describe(live), problems })?;
        let manager = self.manager(self.manager, Operation::Apply);
        let applied = self.updater().apply(live, config, self.version(), owners, &manager, force);
        let mut applied = applied.map_err(|failure| self.refused(failure))?;
        if let (Some(owned), true) = (applied.owners.0.get_mut(&manager), applied.object.is_some()) {
            owned.time = Some(self.now);
        }
        Ok(applied)
    }

    fn refused(&self, failure: Failure) -> ApplyError {
        match failure {
            Failure::Conflicts(conflicts) => ApplyError::Conflicts(conflicts),
            Failure::NoType => ApplyError::NoType { kind: kind_of(self.empty) },
            Failure::Convert(error) => ApplyError::Convert(error),
            Failure::Typed(problems) => ApplyError::Live { object: kind_of(self.empty), problems },
        }
    }
}

/// Puts the old times back where nothing but times of `managedFields` differs, so that nothing has to be stored.
pub fn keep_times(old: &Value, new: &mut Value) {
    let (Some(Value::Array(before)), Some(Value::Array(after))) = (managed_fields(old), managed_fields(new)) else {
        return;
    };
    let is_alike = |(a, b): (&Value, &Value)| {
        let [a, b] = [a, b].map(|entry| entry.as_object().into_iter().flatten().filter(|(key, _)| *key != "time"));
        a.eq(b)
    };
    let are_alike = before.len() == after.len() && before.iter().zip(after).all(is_alike);
    if are_alike && before != after && is_same_object(old, new) {
        let before = before.clone();
        if let Some(owners) = new.get_mut("metadata").and_then(|meta| meta.get_mut("managedFields")) {
            *owners = Value::Array(before);
        }
    }
}

/// A copy of an object without `metadata.managedFields`.
fn without_managed_fields(object: &Value) -> Value {
    let Value::Object(fields) = object else { return object.clone() };
    let copy = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Object(meta) if name == "metadata" => {
                let rest = meta.iter().filter(|(name, _)| *name != "managedFields");
                Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            other => other.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(fields.iter().map(copy).collect())
}

fn managed_fields(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// Whether a writer wants the owners forgotten: by an empty list, or by one empty entry.
fn is_reset(owners: Option<&Value>) -> bool {
    match owners.and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}

fn set_managed_fields(object: &mut Value, owners: &Managed<'_>) {
    let Value::Object(object) = object else { return };
    let entries = owners.encode();
    if let Some(Value::Object(meta)) = object.get_mut("metadata") {
        match entries {
            Some(entries) => meta.insert("managedFields".to_owned(), entries),
            None => meta.remove("managedFields"),
        };
    } else if let Some(entries) = entries {
        let meta = Map::from_iter([("managedFields".to_owned(), entries)]);
        object.insert("metadata".to_owned(), Value::Object(meta));
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A kind as messages write it: `apps/v1, Kind=Deployment`.
fn kind_of(object: &Value) -> String {
    let version = text(object, "apiVersion");
    let slash = if version.contains('/') { "" } else { "/" };
    format!("{slash}{version}, Kind={}", text(object, "kind"))
}

/// An object as messages write it: `default/web; apps/v1, Kind=Deployment`.
fn describe(object: &Value) -> String {
    let of = |key: &str| object.get("metadata").map(|meta| text(meta, key)).unwrap_or_default();
    format!("{}/{}; {}", of("namespace"), of("name"), kind_of(object))
}

#[cfg(test)]
mod tests;
