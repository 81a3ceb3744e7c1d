//! Who owns what after a write, and what an apply makes of an object. No object here has `managedFields`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::conflict::{Conflict, Conflicts};
use crate::fields::FieldSet;
use crate::managed::{Managed, Manager, Owned};
use crate::typed::{Comparison, Duplicates, Problems, Type};
use crate::values::same;
use crate::versions::{ConvertError, Versions};

/// Fields that nobody owns by this kind of write, by version: what the write cannot set, such as a status.
pub type Reset = BTreeMap<String, FieldSet>;

/// Whether fields are taken from their owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Conflicts are refused.
    No,
    /// Conflicts are won.
    Yes,
}

/// Why a write has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    #[error(transparent)]
    Conflicts(Conflicts),
    #[error("the version has no type")]
    NoType,
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Typed(#[from] Problems),
}

/// The rules of one resource.
pub(crate) struct Updater<'a> {
    pub(crate) versions: &'a dyn Versions,
    pub(crate) reset: &'a Reset,
}

/// What an apply makes.
pub(crate) struct Applied {
    /// None when the object stays as it is.
    pub(crate) object: Option<Value>,
    pub(crate) owners: Managed,
}

impl<'a> Updater<'a> {
    /// Takes the fields that differ from their owners, and tells which ones the write set.
    pub(crate) fn update(
        &self,
        live: &Value,
        new: &Value,
        version: &str,
        owners: Managed,
    ) -> Result<(Managed, FieldSet), Failure> {
        let owners = self.reconciled(live, owners)?;
        let (owners, compared) = self.take(live, new, version, owners, None, Force::Yes)?;
        Ok((owners, self.settable(version, compared.modified.union(&compared.added))))
    }

    /// Lays what is applied over the live object, removes what the manager applied before and does not any more, and
    /// takes or refuses to take what differs from its owners.
    pub(crate) fn apply(
        &self,
        live: &Value,
        config: &Value,
        version: &str,
        owners: Managed,
        manager: &Manager,
        force: Force,
    ) -> Result<Applied, Failure> {
        let mut owners = self.reconciled(live, owners)?;
        let of = self.type_of(version)?;
        let merged = of.merge(live, config);
        let fields = self.settable(version, of.fields_of(config));
        let last = owners.0.remove(manager);
        let is_kept = last.as_ref().is_none_or(|last| last.version == version && last.fields.is_subset(&fields));
        let time = last.as_ref().and_then(|last| last.time);
        let owned = Owned { fields, version: version.to_owned(), time };
        owners.0.insert(manager.clone(), owned);
        let new = match last {
            // Everything that it applied before is applied again: nothing can go.
            Some(last) if !is_kept => self.prune(merged, &owners, version, &last)?,
            _ => merged,
        };
        let (owners, _) = self.take(live, &new, version, owners, Some(manager), force)?;
        Ok(Applied { object: (!same(live, &new)).then_some(new), owners })
    }

    pub(crate) fn type_of(&self, version: &str) -> Result<Type<'a>, Failure> {
        self.versions.type_of(version).ok_or(Failure::NoType)
    }

    /// The sets as they would be written with the schemas of today.
    fn reconciled(&self, live: &Value, mut owners: Managed) -> Result<Managed, Failure> {
        let mut checked: Vec<&str> = Vec::new();
        let versions: Vec<String> = owners.0.values().map(|owned| owned.version.clone()).collect();
        for version in &versions {
            if !checked.contains(&version.as_str()) {
                self.converted(live, version)?;
                checked.push(version);
            }
        }
        owners.0.retain(|_, owned| self.versions.type_of(&owned.version).is_some());
        for owned in owners.0.values_mut() {
            let reconciled = self.versions.type_of(&owned.version).and_then(|of| of.reconcile(&owned.fields));
            owned.fields = reconciled.unwrap_or_else(|| std::mem::take(&mut owned.fields));
        }
        Ok(owners)
    }

    /// The object in a version, checked if it had to be converted; none if the version is not served any more.
    fn converted<'o>(&self, object: &'o Value, version: &str) -> Result<Option<(Type<'a>, Cow<'o, Value>)>, Failure> {
        let Some(of) = self.versions.type_of(version) else { return Ok(None) };
        if object.get("apiVersion").and_then(Value::as_str) == Some(version) {
            return Ok(Some((of, Cow::Borrowed(object))));
        }
        let converted = self.versions.convert(object, version)?;
        of.check(&converted, Duplicates::Refused)?;
        Ok(Some((of, converted)))
    }

    /// Takes what differs from its owners, all but `writer`, and forgets whoever owns nothing then.
    fn take(
        &self,
        live: &Value,
        new: &Value,
        version: &str,
        mut owners: Managed,
        writer: Option<&Manager>,
        force: Force,
    ) -> Result<(Managed, Comparison), Failure> {
        let compared = self.type_of(version)?.compare(live, new);
        let mut changes = BTreeMap::from([(version.to_owned(), self.changes(version, &compared))]);
        let mut conflicts = Vec::new();
        let mut left = BTreeMap::new();
        for (manager, owned) in owners.0.iter().filter(|(manager, _)| Some(*manager) != writer) {
            if !changes.contains_key(&owned.version) {
                let live = self.converted(live, &owned.version)?;
                let new = self.converted(new, &owned.version)?;
                let (Some((of, live)), Some((_, new))) = (live, new) else { continue };
                let compared = of.compare(&live, &new);
                changes.insert(owned.version.clone(), self.changes(&owned.version, &compared));
            }
            let Some((set, removed)) = changes.get(&owned.version) else { continue };
            let taken = owned.fields.intersection(set);
            let fields = owned.fields.difference(&taken).difference(removed);
            let paths = taken.paths().into_iter();
            conflicts.extend(paths.map(|path| Conflict { manager: manager.clone(), path }));
            left.insert(manager.clone(), fields);
        }
        if force == Force::No && !conflicts.is_empty() {
            return Err(Failure::Conflicts(Conflicts(conflicts)));
        }
        owners.0.retain(|manager, owned| {
            if let Some(fields) = left.remove(manager) {
                owned.fields = fields;
            }
            !owned.fields.is_empty()
        });
        Ok((owners, compared))
    }

    /// What the write set, and what it removed.
    fn changes(&self, version: &str, compared: &Comparison) -> (FieldSet, FieldSet) {
        let set = self.settable(version, compared.modified.union(&compared.added));
        (set, self.settable(version, compared.removed.clone()))
    }

    fn settable(&self, version: &str, fields: FieldSet) -> FieldSet {
        match self.reset.get(version) {
            Some(reset) => fields.recursive_difference(reset),
            None => fields,
        }
    }

    /// Removes what was applied last and is owned by nobody now.
    fn prune(&self, merged: Value, owners: &Managed, version: &str, last: &Owned) -> Result<Value, Failure> {
        let Some((of, merged_then)) = self.converted(&merged, &last.version)? else { return Ok(merged) };
        let last_fields = of.with_declared(&last.fields);
        let mut pruned = merged_then.clone().into_owned();
        of.remove(&mut pruned, &last_fields);
        let pruned = self.with_owned(&merged_then, pruned, owners, &last.version)?;
        // What went along with it and had never been applied comes back.
        let Some((_, pruned)) = self.converted(&pruned, &last.version)? else { return Ok(merged) };
        let gone = of.with_declared(&of.fields_of(&merged_then));
        let gone = gone.difference(&of.with_declared(&of.fields_of(&pruned)));
        let mut result = merged_then.clone().into_owned();
        of.remove(&mut result, &gone.intersection(&last_fields));
        let result = self.converted(&result, version)?.map(|(_, result)| result.into_owned());
        result.ok_or(Failure::NoType)
    }

    /// The pruned object with all that somebody owns, in the versions in which they own it, the given one first: what is
    /// missing there might be needed to convert.
    fn with_owned(&self, merged: &Value, pruned: Value, owners: &Managed, first: &str) -> Result<Value, Failure> {
        let mut by_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for owned in owners.0.values() {
            let fields = by_version.entry(&owned.version).or_default();
            *fields = fields.union(&owned.fields);
        }
        let of_first = by_version.remove(first).map(|fields| (first, fields));
        let mut pruned = pruned;
        for (version, owned) in of_first.into_iter().chain(by_version) {
            let (Some((of, merged)), Some((_, now))) =
                (self.converted(merged, version)?, self.converted(&pruned, version)?)
            else {
                continue;
            };
            let kept = of.with_declared(&of.fields_of(&now)).union(&of.with_declared(&owned));
            let gone = of.with_declared(&of.fields_of(&merged)).difference(&kept);
            let mut next = merged.into_owned();
            of.remove(&mut next, &gone);
            pruned = next;
        }
        Ok(pruned)
    }
}
