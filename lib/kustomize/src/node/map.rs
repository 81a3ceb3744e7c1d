//! Maps with few allocations: one sorted vector, keys shared between all objects of a build.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Node, Scalar, Tag};

/// A field name, shared by all maps that have it.
pub(crate) type Key = Arc<str>;

/// The field names seen so far, so that ten thousand `metadata` are one.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashSet<Key>);

/// Names longer than this are data (labels, file names), hardly ever repeated.
const LONGEST_SHARED: usize = 48;
/// More different names than this are data as well.
const MOST_SHARED: usize = 4096;

impl Keys {
    pub(crate) fn intern(&mut self, name: &str) -> Key {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let key: Key = name.into();
        if name.len() <= LONGEST_SHARED && self.0.len() < MOST_SHARED {
            self.0.insert(Arc::clone(&key));
        }
        key
    }
}

/// The fields of a map, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Map(Vec<(Key, Node)>);

impl Map {
    /// Takes fields in any order; the name of a field that comes twice is the error.
    pub(crate) fn from_fields(mut fields: Vec<(Key, Node)>) -> Result<Self, Key> {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Arc::clone(&pair[0].0));
        }
        fields.shrink_to_fit();
        Ok(Self(fields))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(key, _)| key.as_ref().cmp(name))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.find(name).ok().map(|i| &self.0[i].1)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.find(name).ok().map(|i| &mut self.0[i].1)
    }

    /// Puts a value in place of whatever the field held.
    pub(crate) fn insert(&mut self, name: Key, value: Node) -> &mut Node {
        let i = match self.find(&name) {
            Ok(i) => {
                self.0[i].1 = value;
                i
            }
            Err(i) => {
                self.0.insert(i, (name, value));
                i
            }
        };
        &mut self.0[i].1
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Node> {
        self.find(name).ok().map(|i| self.0.remove(i).1)
    }

    /// The field, made by `make` where it is missing.
    pub(crate) fn entry(&mut self, name: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let i = self.find(name).unwrap_or_else(|i| {
            self.0.insert(i, (name.into(), make()));
            i
        });
        &mut self.0[i].1
    }

    /// Writes a string into a field that may be one of several that share it.
    pub(crate) fn set_shared(&mut self, name: &str, text: &str, shared: u16) {
        match self.find(name) {
            Ok(i) => self.0[i].1.write(text, Tag::Str),
            Err(i) => {
                let value = Scalar { shared, ..Scalar::str(text) };
                self.0.insert(i, (name.into(), Node::Scalar(value)));
            }
        }
    }

    /// Writes a string into a field, which keeps the quotes it had.
    pub(crate) fn set_str(&mut self, name: &str, text: impl Into<Box<str>>) {
        self.set(name, text, Tag::Str);
    }

    /// Writes a scalar into a field. A field that is there keeps its quotes and so possibly stays a string; a new one
    /// of unknown type is a string.
    pub(crate) fn set(&mut self, name: &str, text: impl Into<Box<str>>, tag: Tag) {
        match self.find(name) {
            Ok(i) => self.0[i].1.write(text, tag),
            Err(i) => {
                let tag = if tag == Tag::Unknown { Tag::Str } else { tag };
                self.0.insert(i, (name.into(), Node::Scalar(Scalar::new(text, tag))));
            }
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Node)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The fields with their shared names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn fields_mut(&mut self) -> impl Iterator<Item = (&str, &mut Node)> {
        self.0.iter_mut().map(|field| (&*field.0, &mut field.1))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub(crate) fn into_fields(self) -> Vec<(Key, Node)> {
        self.0
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&mut (Key, Node)) -> bool) {
        self.0.retain_mut(keep);
    }
}

impl FromIterator<(Key, Node)> for Map {
    /// Of fields with one name the last one stays.
    fn from_iter<I: IntoIterator<Item = (Key, Node)>>(fields: I) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        if !fields.is_sorted_by(|a, b| a.0 < b.0) {
            fields.reverse();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            fields.dedup_by(|b, a| a.0 == b.0);
        }
        fields.shrink_to_fit();
        Self(fields)
    }
}
