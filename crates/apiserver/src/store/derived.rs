//! What follows from some shelves: made again only after something on them has changed.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Store, Stored};

/// A value that follows from the objects of `N` shelves.
#[derive(Debug)]
pub(crate) struct Derived<T, const N: usize>(Mutex<Option<([u64; N], Arc<T>)>>);

impl<T, const N: usize> Default for Derived<T, N> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T, const N: usize> Derived<T, N> {
    /// The value as it is now; `make` gets the objects of each shelf with their keys.
    pub(crate) fn get(
        &self,
        store: &Store,
        shelves: [&str; N],
        make: impl FnOnce([Vec<(Arc<str>, Stored)>; N]) -> T,
    ) -> Arc<T> {
        let now = shelves.map(|shelf| store.revision_of(shelf));
        let mut derived = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*derived {
            Some((at, value)) if *at == now => value.clone(),
            _ => {
                // What is current is never gone.
                let objects = |shelf| store.list(shelf, "", "", None).map(|list| list.items).unwrap_or_default();
                let value = Arc::new(make(shelves.map(objects)));
                *derived = Some((now, value.clone()));
                value
            }
        }
    }
}
