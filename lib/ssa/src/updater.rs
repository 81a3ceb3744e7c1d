//! Who owns what after a write, and what an apply makes of an object. No object here has `managedFields`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use crate::conflict::{Conflict, Conflicts};
use crate::fields::{FieldSet, Fields, PathElement};
use crate::managed::{Managed, Manager, Owned};
use crate::typed::{Comparison, Duplicates, Problems, Type};
use crate::values::is_same_object;
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
pub(crate) struct Applied<'w> {
    /// None when the object stays as it is.
    pub(crate) object: Option<Value>,
    pub(crate) owners: Managed<'w>,
    /// How many owners there were.
    pub(crate) before: usize,
}

impl Applied<'_> {
    /// Whether everything stays as it is.
    pub(crate) fn is_nothing(&self) -> bool {
        self.object.is_none()
            && self.owners.0.len() == self.before
            && self.owners.0.values().all(|owned| owned.fields.is_untouched())
    }
}

/// What a write did in one version, without what it cannot set.
struct Changes {
    set: FieldSet,
    removed: FieldSet,
}

impl<'a> Updater<'a> {
    /// Takes the fields that differ from their owners, and tells which ones the write set.
    pub(crate) fn update<'w>(
        &self,
        live: &Value,
        new: &Value,
        version: &str,
        owners: Managed<'w>,
    ) -> Result<(Managed<'w>, FieldSet), Failure> {
        let mut owners = self.reconciled(live, owners)?;
        let changes = self.take(live, new, version, &mut owners, None, Force::Yes)?;
        Ok((owners, changes.set))
    }

    /// Lays what is applied over the live object, removes what the manager applied before and does not any more, and
    /// takes or refuses to take what differs from its owners.
    pub(crate) fn apply<'w>(
        &self,
        live: &Value,
        config: &Value,
        version: &str,
        owners: Managed<'w>,
        manager: &Manager,
        force: Force,
    ) -> Result<Applied<'w>, Failure> {
        let before = owners.0.len();
        let mut owners = self.reconciled(live, owners)?;
        let of = self.type_of(version)?;
        let merged = of.merge(live, config);
        let mut fields = of.fields_of(config);
        self.keep_settable(version, &mut fields);
        let nobodys = fields.intersection(&NEVER_OWNED);
        fields.subtract(&NEVER_OWNED);
        let last = owners.0.remove(manager);
        let time = last.as_ref().and_then(|last| last.time);
        let owned = |fields: Fields<'w>| Owned { fields, version: version.to_owned(), time };
        let new = match last {
            Some(last) if last.version == version && last.fields.is(&fields) => {
                owners.0.insert(manager.clone(), last);
                merged
            }
            Some(last) if last.version != version || !last.fields.is_subset(&fields, of) => {
                let all = fields.union(&nobodys);
                owners.0.insert(manager.clone(), owned(all.into()));
                let pruned = self.prune(merged.into_owned(), &owners, version, last)?;
                owners.0.insert(manager.clone(), owned(fields.into()));
                Cow::Owned(pruned)
            }
            // Everything that it applied before is applied again: nothing can go.
            _ => {
                owners.0.insert(manager.clone(), owned(fields.into()));
                merged
            }
        };
        let Cow::Owned(new) = new else {
            // As nothing differs, nobody loses anything but who owned nothing already.
            owners.0.retain(|_, owned| !owned.fields.is_empty());
            return Ok(Applied { object: None, owners, before });
        };
        let changes = self.take(live, &new, version, &mut owners, Some(manager), force)?;
        // What sets nothing may still have brought a list in another order.
        let is_another = !changes.set.is_empty() || !changes.removed.is_empty() || !is_same_object(live, &new);
        Ok(Applied { object: is_another.then_some(new), owners, before })
    }

    pub(crate) fn type_of(&self, version: &str) -> Result<Type<'a>, Failure> {
        self.versions.type_of(version).ok_or(Failure::NoType)
    }

    /// The sets as they would be written with the schemas of today.
    fn reconciled<'w>(&self, live: &Value, mut owners: Managed<'w>) -> Result<Managed<'w>, Failure> {
        let mut checked: Vec<&str> = Vec::new();
        for owned in owners.0.values() {
            if !checked.contains(&owned.version.as_str()) {
                self.converted(live, &owned.version)?;
                checked.push(&owned.version);
            }
        }
        owners.0.retain(|_, owned| {
            let of = self.versions.type_of(&owned.version);
            of.inspect(|of| owned.fields.reconcile(*of)).is_some()
        });
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

    /// Takes what differs from its owners, all but `writer`, and forgets whoever owns nothing then. What changed in the
    /// version of the write.
    fn take(
        &self,
        live: &Value,
        new: &Value,
        version: &str,
        owners: &mut Managed<'_>,
        writer: Option<&Manager>,
        force: Force,
    ) -> Result<Changes, Failure> {
        let compared = self.type_of(version)?.compare(live, new);
        let changes = self.changes(version, compared);
        let mut elsewhere: BTreeMap<String, Changes> = BTreeMap::new();
        let mut conflicts = Vec::new();
        for (manager, owned) in owners.0.iter_mut().filter(|(manager, _)| Some(*manager) != writer) {
            let changes = if owned.version == version {
                &changes
            } else {
                if !elsewhere.contains_key(&owned.version) {
                    let live = self.converted(live, &owned.version)?;
                    let new = self.converted(new, &owned.version)?;
                    let (Some((of, live)), Some((_, new))) = (live, new) else { continue };
                    let changes = self.changes(&owned.version, of.compare(&live, &new));
                    elsewhere.insert(owned.version.clone(), changes);
                }
                let Some(changes) = elsewhere.get(&owned.version) else { continue };
                changes
            };
            let of = self.versions.type_of(&owned.version);
            if force == Force::No && owned.fields.has_any(&changes.set) {
                let taken = owned.fields.read(of).intersection(&changes.set).paths().into_iter();
                conflicts.extend(taken.map(|path| Conflict { manager: manager.clone(), path }));
            }
            owned.fields.subtract(&changes.set, of);
            owned.fields.subtract(&changes.removed, of);
        }
        if !conflicts.is_empty() {
            return Err(Failure::Conflicts(Conflicts(conflicts)));
        }
        owners.0.retain(|_, owned| !owned.fields.is_empty());
        Ok(changes)
    }

    fn changes(&self, version: &str, compared: Comparison) -> Changes {
        let Comparison { modified: mut set, added, mut removed } = compared;
        set.add(added);
        self.keep_settable(version, &mut set);
        self.keep_settable(version, &mut removed);
        removed.subtract(&NEVER_OWNED);
        Changes { set, removed }
    }

    fn keep_settable(&self, version: &str, fields: &mut FieldSet) {
        if let Some(reset) = self.reset.get(version) {
            fields.exclude(reset);
        }
    }

    /// Removes what was applied last and is owned by nobody now.
    fn prune(&self, mut merged: Value, owners: &Managed<'_>, version: &str, last: Owned<'_>) -> Result<Value, Failure> {
        // It is copied some times, and its owners will be written anew.
        if let Some(Value::Object(meta)) = merged.get_mut("metadata") {
            meta.remove("managedFields");
        }
        let Some((of, merged_then)) = self.converted(&merged, &last.version)? else { return Ok(merged) };
        let last_fields = declared(of, last.fields.into_set(Some(of)));
        let mut pruned = merged_then.clone().into_owned();
        of.remove(&mut pruned, &last_fields);
        let pruned = self.with_owned(&merged_then, pruned, owners, &last.version)?;
        // What went along with it and had never been applied comes back.
        let Some((_, pruned)) = self.converted(&pruned, &last.version)? else { return Ok(merged) };
        let mut gone = declared(of, of.fields_of(&merged_then));
        gone.subtract(&declared(of, of.fields_of(&pruned)));
        let mut result = merged_then.into_owned();
        of.remove(&mut result, &gone.intersection(&last_fields));
        let result = self.converted(&result, version)?.map(|(_, result)| result.into_owned());
        result.ok_or(Failure::NoType)
    }

    /// The pruned object with all that somebody owns, in the versions in which they own it, the given one first: what is
    /// missing there might be needed to convert.
    fn with_owned(&self, merged: &Value, pruned: Value, owners: &Managed<'_>, first: &str) -> Result<Value, Failure> {
        let others: BTreeSet<&str> = owners.0.values().map(|owned| owned.version.as_str()).collect();
        let versions = others.get(first).into_iter().chain(others.iter().filter(|version| **version != first));
        let mut pruned = pruned;
        for version in versions {
            let (Some((of, merged)), Some((_, now))) =
                (self.converted(merged, version)?, self.converted(&pruned, version)?)
            else {
                continue;
            };
            let mut gone = declared(of, of.fields_of(&merged));
            gone.subtract(&declared(of, of.fields_of(&now)));
            for owned in owners.0.values().filter(|owned| owned.version == **version) {
                gone.subtract(&declared(of, owned.fields.clone().into_set(Some(of))));
            }
            let mut next = merged.into_owned();
            of.remove(&mut next, &gone);
            pruned = next;
        }
        Ok(pruned)
    }
}

fn declared(of: Type<'_>, mut fields: FieldSet) -> FieldSet {
    of.declare(&mut fields);
    fields
}

/// What is never anybody's: what names the object, and what the API server sets.
pub(crate) static NEVER_OWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    let field = PathElement::field;
    let mut set = FieldSet::default();
    for name in ["apiVersion", "kind", "metadata"] {
        set.insert(&[field(name)]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        set.insert(&[field("metadata"), field(name)]);
    }
    set
});
