//! The objects of a build in order, and quick ways to find them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use crate::error::{Fault, Reason};
use crate::id::Id;
use crate::resource::Resource;

/// The objects accumulated so far.
///
/// The indices are made when they are first asked for and hold until an identity changes: every mutable access but
/// [`Set::get_mut_same_id`] drops them.
#[derive(Debug, Default)]
pub(crate) struct Set {
    list: Vec<Resource>,
    present: RefCell<Option<Index>>,
    any: RefCell<Option<Index>>,
    /// Identities may have changed since they were last seen to differ.
    unchecked: bool,
    hasher: RandomState,
}

/// Positions by the hash of an identity; several identities may share one, so hits are compared again.
type Index = HashMap<u64, Vec<u32>>;

impl Set {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.list.iter()
    }

    pub(crate) fn get(&self, i: usize) -> Option<&Resource> {
        self.list.get(i)
    }

    /// All objects, to change them and their identities.
    pub(crate) fn all_mut(&mut self) -> &mut Vec<Resource> {
        self.forget();
        &mut self.list
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// One object, for changes that keep its identities.
    pub(crate) fn get_mut_same_id(&mut self, i: usize) -> Option<&mut Resource> {
        self.list.get_mut(i)
    }

    pub(crate) fn forget(&mut self) {
        self.unchecked = true;
        *self.present.get_mut() = None;
        *self.any.get_mut() = None;
    }

    fn hash(&self, id: &Id<'_>) -> u64 {
        self.hasher.hash_one(id)
    }

    /// Adds an object whose present identity must be new.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<(), Fault> {
        if let Some(other) = self.present(&resource.id()).first().and_then(|&i| self.get(i)) {
            let reason = Reason::Duplicate { id: resource.id().to_string() };
            let first = other.subject();
            return Err(Fault::from(reason).on(|| resource.subject()).hint(Some(format!("the other one is {first}"))));
        }
        let i = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let hash = self.hash(&resource.id());
        if let Some(index) = self.present.get_mut() {
            index.entry(hash).or_default().push(i);
        }
        if self.any.get_mut().is_some() {
            let hashes: Vec<u64> = resource.all_ids().map(|id| self.hasher.hash_one(id)).collect();
            if let Some(index) = self.any.get_mut() {
                for hash in hashes {
                    index.entry(hash).or_default().push(i);
                }
            }
        }
        self.list.push(resource);
        Ok(())
    }

    /// Positions of the objects that have this identity now.
    pub(crate) fn present(&self, id: &Id<'_>) -> Vec<usize> {
        let mut index = self.present.borrow_mut();
        let index = index.get_or_insert_with(|| self.index(|resource| vec![self.hash(&resource.id())]));
        self.hits(index, id, |resource| resource.id() == *id)
    }

    /// Positions of the objects that have this identity or had it.
    pub(crate) fn any(&self, id: &Id<'_>) -> Vec<usize> {
        let mut index = self.any.borrow_mut();
        let index =
            index.get_or_insert_with(|| self.index(|resource| resource.all_ids().map(|id| self.hash(&id)).collect()));
        self.hits(index, id, |resource| resource.all_ids().any(|other| other == *id))
    }

    fn index(&self, hashes: impl Fn(&Resource) -> Vec<u64>) -> Index {
        let mut index = Index::with_capacity(self.list.len());
        for (i, resource) in self.list.iter().enumerate() {
            for hash in hashes(resource) {
                index.entry(hash).or_default().push(u32::try_from(i).unwrap_or(u32::MAX));
            }
        }
        index
    }

    fn hits(&self, index: &Index, id: &Id<'_>, fits: impl Fn(&Resource) -> bool) -> Vec<usize> {
        let mut hits: Vec<usize> = index.get(&self.hash(id)).into_iter().flatten().map(|&i| i as usize).collect();
        hits.dedup();
        hits.retain(|&i| self.list.get(i).is_some_and(&fits));
        hits
    }

    /// Drops objects of which nothing is left.
    pub(crate) fn drop_empty(&mut self) {
        if self.list.iter().any(|resource| resource.node.is_empty()) {
            self.forget();
            self.list.retain(|resource| !resource.node.is_empty());
        }
    }

    /// The first two objects that share an identity, if any identity may have changed since this was last asked.
    pub(crate) fn new_duplicate(&mut self) -> Option<(&Resource, &Resource)> {
        if std::mem::take(&mut self.unchecked) { self.duplicate() } else { None }
    }

    /// The first two objects that share an identity.
    pub(crate) fn duplicate(&self) -> Option<(&Resource, &Resource)> {
        self.duplicate_by(Resource::id)
    }

    /// The first two objects that share what `key` takes from them.
    pub(crate) fn duplicate_by<'s, K: Eq + Hash>(
        &'s self,
        key: impl Fn(&'s Resource) -> K,
    ) -> Option<(&'s Resource, &'s Resource)> {
        let mut seen = HashMap::with_capacity(self.list.len());
        self.list.iter().find_map(|resource| seen.insert(key(resource), resource).map(|first| (first, resource)))
    }
}
