//! Lists that merge by key.
//!
//! kustomize's algorithm has corners that nobody would design: elements without the merge key wipe others out, an
//! element that a patch wants to replace stays as it was. They are part of what people's trees render to, so
//! [`Elements`] follows them step by step; lists without such corners take the short way in [`Merger::plain`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{DIRECTIVE, Directive, Known, Merger};
use crate::error::{Fault, Reason};
use crate::node::{Node, Scalar, Shape, Tag};
use crate::schema::TypeRef;

/// A list in which merge keys repeat or are missing takes quadratic time; longer ones are refused.
const MAX_IRREGULAR: usize = 4000;

impl<'a> Merger<'a> {
    pub(super) fn list(
        &mut self,
        target: Option<Node>,
        patch: Option<&Node>,
        keys: &'a [Cow<'static, str>],
        element: Option<TypeRef<'a>>,
    ) -> Result<Option<Node>, Fault> {
        let target = match target {
            Some(Node::List(items)) => Some(items),
            _ => None,
        };
        let own: Vec<Node>;
        let (base, over): (Vec<Node>, &[Node]) = match (target, patch) {
            (None, Some(Node::List(added))) => (added.clone(), added),
            (Some(target), None) => (target, &[]),
            (Some(target), Some(Node::List(over))) => {
                let directive = self.list_directive(over)?;
                own = match directive {
                    Some(_) => without_directive(over),
                    None => Vec::new(),
                };
                match directive {
                    Some(Directive::Delete) => return Ok(None),
                    Some(Directive::Replace) => (own.clone(), &own),
                    Some(Directive::Merge) => (target, &own),
                    None => (target, over),
                }
            }
            (_, _) => return Ok(None),
        };
        let known = element.map_or(Known::Nothing, Known::Type);
        if is_plain(&base, keys) && is_plain(over, keys) {
            return self.plain(base, over, keys, known).map(|items| Some(Node::List(items)));
        }
        if base.len().max(over.len()) > MAX_IRREGULAR {
            return Err(Reason::Limit {
                what: "list elements with missing or repeated merge keys",
                limit: MAX_IRREGULAR,
            }
            .into());
        }
        self.irregular(base, over, keys, known).map(|items| Some(Node::List(items)))
    }

    /// A directive for a list is an element that holds nothing else.
    fn list_directive(&self, patch: &[Node]) -> Result<Option<Directive>, Fault> {
        let first = patch.iter().filter_map(Node::map).find(|map| map.get(DIRECTIVE).is_some());
        match first {
            Some(map) if map.len() == 1 => self.directive(map).map(Some),
            _ => Ok(None),
        }
    }

    /// Merges lists in which every element has the one merge key, and no two the same.
    fn plain(
        &mut self,
        base: Vec<Node>,
        over: &[Node],
        keys: &[Cow<'static, str>],
        known: Known<'a>,
    ) -> Result<Vec<Node>, Fault> {
        let key = keys.first().map(|key| &**key);
        let text = |node: &Node| key.map_or_else(|| node.text(), |key| node.get(key).map_or("", Node::text)).to_owned();
        let mut order: Vec<String> = over.iter().map(text).collect();
        let patches: HashMap<&str, &Node> = order.iter().map(String::as_str).zip(over).collect();
        let rest: Vec<String> = base.iter().map(text).filter(|text| !patches.contains_key(text.as_str())).collect();
        drop(patches);
        let mut targets: HashMap<String, Node> = base.into_iter().map(|node| (text(&node), node)).collect();
        let from_patch = order.len();
        order.extend(rest);

        let mut merged = Vec::with_capacity(order.len());
        for (i, name) in order.iter().enumerate() {
            let patch = over.get(i).filter(|_| i < from_patch);
            let target = targets.remove(name);
            let value = match (target, patch) {
                (Some(target), Some(_)) if key.is_none() => Some(target),
                (Some(target), Some(patch)) if self.keeps_target(&target, patch)? => Some(target),
                (target, patch) => self.walk(target, patch, known)?.map(|value| untyped(value, key.is_none())),
            };
            merged.extend(value.filter(|value| !value.is_null_or_empty_map()));
        }
        Ok(merged)
    }

    /// kustomize replaces a list's element in a copy that it then drops, unless the patch brought the element itself.
    fn keeps_target(&self, target: &Node, patch: &Node) -> Result<bool, Fault> {
        let Some(map) = patch.map() else { return Ok(false) };
        Ok(self.directive(map)? == Directive::Replace && target != patch)
    }

    fn irregular(
        &mut self,
        base: Vec<Node>,
        over: &[Node],
        keys: &[Cow<'static, str>],
        known: Known<'a>,
    ) -> Result<Vec<Node>, Fault> {
        let primitive = [Cow::default()];
        let by_key = !keys.is_empty();
        let keys = if by_key { keys } else { &primitive };
        let mut identities = identities(&base, over, keys, by_key);
        if keys.len() > 1 {
            unify(&mut identities);
        }
        let count = base.len();
        let mut elements = Elements { slots: base };
        let mut target: Vec<usize> = (0..count).collect();
        let mut added: Vec<usize> = Vec::new();
        let mut used: (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
        for identity in &identities {
            used = valid(&identities, identity, keys);
            let (keys, values) = &used;
            let own = valid_of(keys, values);
            let found = elements.find(&target, &own.0, &own.1);
            let patch = over.iter().find(|node| matches(node, &own.0, &own.1));
            let before = found.map(|slot| elements.slots[slot].clone());
            let slot = match (&before, patch) {
                (Some(target), Some(patch)) if self.keeps_target(target, patch)? => None,
                _ => found,
            };
            let value = self.walk(before, patch, known)?;
            let Some(mut value) = value.filter(|value| !value.is_null_or_empty_map()) else {
                elements.set(&mut target, None, keys, values)?;
                continue;
            };
            if by_key {
                for (key, text) in keys.iter().zip(values) {
                    if let Some(map) = value.map_mut().filter(|map| map.get(key).is_none() && !text.is_empty()) {
                        map.insert((*key).into(), Node::Scalar(Scalar::new(text.as_str(), Tag::Unknown)));
                    }
                }
            } else {
                value = untyped(value, true);
            }
            let slot = if let Some(slot) = slot {
                elements.slots[slot] = value;
                slot
            } else {
                elements.slots.push(value);
                elements.slots.len() - 1
            };
            elements.set(&mut added, Some(slot), keys, values)?;
        }
        let result = if identities.is_empty() { target } else { elements.append(added, &target, &used.0)? };
        Ok(result.into_iter().map(|slot| elements.slots[slot].clone()).collect())
    }
}

/// The elements of both lists, named by number, so that one of them can stand in several lists.
struct Elements {
    slots: Vec<Node>,
}

impl Elements {
    fn find(&self, list: &[usize], keys: &[&str], values: &[&str]) -> Option<usize> {
        list.iter().copied().find(|&slot| matches(&self.slots[slot], keys, values))
    }

    /// Replaces all elements with these keys, or removes them; an element that nothing matched is appended. Nulls and
    /// empty maps go on the way.
    fn set(
        &self,
        list: &mut Vec<usize>,
        element: Option<usize>,
        keys: &[&str],
        values: &[String],
    ) -> Result<(), Fault> {
        let by_key = !keys.first().is_none_or(|key| key.is_empty()) && !values.first().is_none_or(String::is_empty);
        let mut kept = Vec::with_capacity(list.len() + 1);
        let mut found = false;
        for &slot in list.iter() {
            let node = &self.slots[slot];
            if node.is_null_or_empty_map() {
                continue;
            }
            if node.shape() != Shape::Map && by_key {
                kept.push(slot);
                continue;
            }
            if Self::has(node, keys, values)? {
                found = true;
                kept.extend(element);
            } else if !values.is_empty() {
                kept.push(slot);
            }
        }
        if !found {
            kept.extend(element);
        }
        *list = kept;
        Ok(())
    }

    /// Whether an element has all of the keys with these values; an empty value stands for any.
    fn has(node: &Node, keys: &[&str], values: &[String]) -> Result<bool, Fault> {
        let mut last = false;
        for (i, key) in keys.iter().enumerate() {
            if let Some(value) = values.get(i) {
                last = if key.is_empty() {
                    if node.shape() != Shape::Scalar {
                        return Err(Reason::apply("wrong node kind: a list of plain values holds a map or a list"));
                    }
                    node.text() == value
                } else {
                    match node {
                        Node::Map(map) => map.get(key).is_some_and(|field| value.is_empty() || field.text() == value),
                        Node::Scalar(_) | Node::List(_) => {
                            return Err(Reason::apply(format!(
                                "wrong node kind: a list that merges by {key:?} holds something else than maps"
                            )));
                        }
                    }
                };
            }
            if !last {
                return Ok(false);
            }
        }
        Ok(last)
    }

    /// Sets every element of `rest` into `list`.
    fn append(&self, mut list: Vec<usize>, rest: &[usize], keys: &[&str]) -> Result<Vec<usize>, Fault> {
        for &slot in rest {
            let node = &self.slots[slot];
            if keys.first().is_none_or(|key| key.is_empty()) {
                self.set(&mut list, Some(slot), &[""], &[node.text().to_owned()])?;
                continue;
            }
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                match node {
                    Node::Map(map) => match map.get(key) {
                        Some(value) => values.push(value.text().to_owned()),
                        None => list.push(slot),
                    },
                    node if node.is_null() => list.push(slot),
                    _ => {
                        return Err(Reason::apply(format!(
                            "wrong node kind: a list that merges by {key:?} holds something else than maps"
                        )));
                    }
                }
            }
            if keys.len() > 1 {
                self.set(&mut list, None, keys, &values)?;
            }
            self.set(&mut list, Some(slot), keys, &values)?;
        }
        Ok(list)
    }
}

/// Whether the list can take the short way: plain values or maps with one key, none missing, none twice.
fn is_plain(list: &[Node], keys: &[Cow<'static, str>]) -> bool {
    let mut seen = HashSet::with_capacity(list.len());
    keys.len() < 2
        && list.iter().all(|node| {
            let text = match keys.first() {
                None if node.is_null() => return false,
                None => node.scalar().map(|scalar| &*scalar.text),
                Some(key) => node.get(key).filter(|value| value.shape() == Shape::Scalar).map(Node::value),
            };
            text.is_some_and(|text| !text.is_empty() && seen.insert(text))
        })
}

/// A plain value in a merged list loses its type, and keeps its quotes.
fn untyped(mut value: Node, primitive: bool) -> Node {
    if let Node::Scalar(scalar) = &mut value
        && primitive
        && !scalar.text.is_empty()
    {
        scalar.tag = Tag::Unknown;
    }
    value
}

fn without_directive(list: &[Node]) -> Vec<Node> {
    list.iter()
        .filter(|node| !node.is_null_or_empty_map())
        .filter(|node| node.get(DIRECTIVE).is_none())
        .cloned()
        .collect()
}

/// The values of the merge keys of all elements, those of the patch first, each combination once.
fn identities(base: &[Node], over: &[Node], keys: &[Cow<'static, str>], by_key: bool) -> Vec<Vec<String>> {
    let mut seen = HashSet::new();
    let text = |node: &Node, key: &str| {
        if by_key {
            node.get(key).filter(|value| !value.is_empty()).map_or("", Node::text).to_owned()
        } else {
            node.text().to_owned()
        }
    };
    over.iter()
        .chain(base)
        .map(|node| keys.iter().map(|key| text(node, key)).collect::<Vec<_>>())
        .filter(|identity| seen.insert(identity.clone()))
        .collect()
}

/// Elements that differ only where one of them has no value are the same element.
fn unify(identities: &mut [Vec<String>]) {
    for i in 0..identities.len() {
        let one = identities[i].clone();
        for j in 0..identities.len() {
            if let Some(union) = union(&one, &identities[j]) {
                identities[i].clone_from(&union);
                identities[j] = union;
            }
        }
    }
}

fn union(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut union = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b) {
        common |= a == b;
        if a != b && !a.is_empty() && !b.is_empty() {
            return None;
        }
        union.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    common.then_some(union)
}

/// The keys that any element has a value for, and this element's values of them.
fn valid<'k>(all: &[Vec<String>], identity: &[String], keys: &'k [Cow<'static, str>]) -> (Vec<&'k str>, Vec<String>) {
    let used: Vec<bool> = (0..keys.len()).map(|i| all.iter().any(|values| !values[i].is_empty())).collect();
    let every = !used.contains(&true);
    keys.iter()
        .zip(identity)
        .zip(used)
        .filter(|(_, used)| every || *used)
        .map(|((key, value), _)| (&**key, value.clone()))
        .unzip()
}

/// The keys that this element has a value for; all of them if it has none.
fn valid_of<'k, 'v>(keys: &[&'k str], values: &'v [String]) -> (Vec<&'k str>, Vec<&'v str>) {
    let every = values.iter().all(String::is_empty);
    keys.iter()
        .zip(values)
        .filter(|(_, value)| every || !value.is_empty())
        .map(|(key, value)| (*key, value.as_str()))
        .unzip()
}

/// Whether an element has exactly these values; an element that is no map never does, unless plain values are sought.
fn matches(node: &Node, keys: &[&str], values: &[&str]) -> bool {
    match keys.first() {
        Some(key) if !key.is_empty() => node.map().is_some_and(|map| {
            keys.iter().zip(values).all(|(key, value)| map.get(key).is_some_and(|field| field.text() == *value))
        }),
        _ => node.text() == values.first().copied().unwrap_or(""),
    }
}
