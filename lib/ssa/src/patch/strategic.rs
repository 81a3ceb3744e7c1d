//! Strategic merge patches: merge patches that know how lists of built-in kinds merge.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use schema::{Additional, Id, PatchStrategy, Schemas};
use serde_json::{Map, Value};

use super::merge::without_nulls;
use super::{PatchError, Status};
use crate::typed::Type;
use crate::values::{compare, go_type, plain};

/// Says how a map or a list is patched: `replace`, `delete` or `merge`.
const DIRECTIVE: &str = "$patch";
/// Names the only fields that a map may keep.
const RETAIN: &str = "$retainKeys";
/// `$deleteFromPrimitiveList/<field>`: items to remove from a list of scalars.
const DELETE: &str = "$deleteFromPrimitiveList";
/// `$setElementOrder/<field>`: in which order the items of a list are to be.
const ORDER: &str = "$setElementOrder";

/// Applies a strategic merge patch to an object of a built-in type.
///
/// # Errors
/// As upstream answers: [`Status::BadRequest`] for directives that are not well formed, [`Status::Unprocessable`] for
/// lists of lists, and [`Status::Internal`] for everything else, such as an item without its merge key.
pub fn strategic(of: Type<'_>, object: Value, patch: Value) -> Result<Value, PatchError> {
    let map = |value: Value| match value {
        Value::Object(map) => Ok(map),
        _ => Err(PatchError::new(Status::BadRequest, "invalid JSON document")),
    };
    let patcher = Patcher { schemas: of.schemas() };
    Ok(Value::Object(patcher.maps(of.id(), map(object)?, map(patch)?)?))
}

/// How a field is patched.
struct Meta<'a> {
    /// What a map holds, or what the items of a list are.
    below: Id,
    merges: bool,
    replaces: bool,
    key: Option<&'a str>,
}

struct Patcher<'a> {
    schemas: &'a Schemas,
}

impl<'a> Patcher<'a> {
    fn maps(
        &self,
        id: Id,
        mut map: Map<String, Value>,
        mut patch: Map<String, Value>,
    ) -> Result<Map<String, Value>, PatchError> {
        match patch.remove(DIRECTIVE) {
            None => {}
            Some(Value::String(directive)) if directive == "replace" => return Ok(patch),
            Some(Value::String(directive)) if directive == "delete" => return Ok(Map::new()),
            Some(other) => {
                patch.insert(DIRECTIVE.to_owned(), other.clone());
                return Err(bad_directive(&other, patch));
            }
        }
        retain(&mut map, &mut patch)?;
        self.order(id, &mut map, &mut patch)?;
        for (key, value) in patch {
            let deleted = key.strip_prefix(DELETE).map(|rest| field_of(rest, BAD_LIST)).transpose()?;
            let is_deletion = deleted.is_some();
            let key = deleted.map_or_else(|| key.clone(), str::to_owned);
            if value.is_null() {
                map.remove(&key);
                continue;
            }
            let merged = match (map.remove(&key), value) {
                (Some(Value::Object(map)), Value::Object(patch)) => {
                    let meta = self.field(id, &key)?;
                    let merged = if meta.replaces { patch } else { self.maps(meta.below, map, patch)? };
                    Some(Value::Object(merged))
                }
                (Some(Value::Array(items)), Value::Array(patch)) => {
                    let meta = self.list(id, &key)?;
                    Some(Value::Array(self.lists(&meta, items, patch, is_deletion)?))
                }
                (found, _) if is_deletion => found,
                (Some(found), value) if kind(&found) == kind(&value) => without_directives(value),
                (_, value) => without_directives(without_nulls(value)),
            };
            if let Some(merged) = merged {
                map.insert(key, merged);
            }
        }
        Ok(map)
    }

    /// Merges the lists whose order the patch sets, and takes them out of the patch.
    fn order(&self, id: Id, map: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), PatchError> {
        let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
        for directive in directives {
            let Some(order) = patch.remove(&directive) else { continue };
            let order = list_of(order)?;
            let key = field_of(&directive[ORDER.len()..], BAD_ORDER)?;
            let found = map.get(key).cloned().map(list_of).transpose()?;
            let patched = patch.get(key).cloned().map(list_of).transpose()?;
            let meta = self.list(id, key)?;
            check_order(patched.as_deref().unwrap_or_default(), &order, meta.key)?;
            let live = found.clone().unwrap_or_default();
            kind_of_items([live.as_slice(), patched.as_deref().unwrap_or_default()])?;
            let merged = match (found, patched) {
                (None, None) => continue,
                (Some(found), None) => found,
                (None, Some(patched)) => patched.into_iter().filter_map(without_directives).collect(),
                (Some(found), Some(patched)) => self.lists(&meta, found, patched, false)?,
            };
            map.insert(key.to_owned(), Value::Array(ordered(merged, &order, &live, meta.key)?));
            patch.remove(key);
        }
        Ok(())
    }

    fn lists(
        &self,
        meta: &Meta<'_>,
        items: Vec<Value>,
        patch: Vec<Value>,
        is_deletion: bool,
    ) -> Result<Vec<Value>, PatchError> {
        if !meta.merges && !is_deletion {
            return Ok(patch);
        }
        let Some(kind) = kind_of_items([&items, &patch])? else { return Ok(items) };
        if kind != Kind::Map {
            let keys: BTreeSet<Key> = patch.iter().cloned().map(Key).collect();
            if is_deletion {
                return Ok(items.into_iter().filter(|item| !keys.contains(&Key(item.clone()))).collect());
            }
            let mut seen = BTreeSet::new();
            let both = items.iter().chain(&patch).filter(|item| seen.insert(Key((*item).clone()))).cloned().collect();
            return ordered(both, &patch, &items, None);
        }
        let Some(key) = meta.key else {
            return Err(internal("cannot merge lists without merge key for struct"));
        };
        let (mut items, patch) = special(items, patch, key)?;
        let live = items.clone();
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        for (place, item) in items.iter().enumerate() {
            if let Some(value) = item.get(key) {
                places.entry(Key(value.clone())).or_insert(place);
            }
        }
        for item in patch.iter().cloned() {
            let Value::Object(patch) = item else { continue };
            let name = patch.get(key).cloned().ok_or_else(|| no_merge_key(&patch, key))?;
            let name = Key(name);
            let Some(place) = places.get(&name) else {
                places.insert(name, items.len());
                items.push(Value::Object(patch));
                continue;
            };
            if let Value::Object(map) = std::mem::take(&mut items[*place]) {
                items[*place] = Value::Object(self.maps(meta.below, map, patch)?);
            }
        }
        ordered(items, &patch, &live, Some(key))
    }

    fn field(&self, id: Id, key: &str) -> Result<Meta<'a>, PatchError> {
        let node = match self.schemas.field(id, key) {
            Some(field) => field.node,
            None => match self.schemas.node(id).additional {
                Additional::Of(of) => return Ok(Meta { below: of, merges: false, replaces: false, key: None }),
                _ => return Err(self.no_field(id, key)),
            },
        };
        let patch = self.schemas.node(node).patch;
        Ok(Meta {
            below: node,
            merges: matches!(patch, PatchStrategy::Merge | PatchStrategy::MergeRetainKeys),
            replaces: patch == PatchStrategy::Replace,
            key: self.schemas.node(node).merge_key.as_deref(),
        })
    }

    fn list(&self, id: Id, key: &str) -> Result<Meta<'a>, PatchError> {
        let meta = self.field(id, key)?;
        Ok(Meta { below: self.schemas.items(meta.below), ..meta })
    }

    fn no_field(&self, id: Id, key: &str) -> PatchError {
        let name = self.schemas.name_of(id).and_then(|name| name.rsplit('.').next()).unwrap_or_default();
        internal(format!("unable to find api field in struct {name} for the json field {key:?}"))
    }
}

/// Removes what `$retainKeys` does not name, which must name what the patch sets.
fn retain(map: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), PatchError> {
    let Some(directive) = patch.remove(RETAIN) else { return Ok(()) };
    let bad = || PatchError::new(Status::BadRequest, "invalid patch format of retainKeys");
    let names = directive.as_array().ok_or_else(bad)?;
    let names: BTreeSet<&str> = names.iter().filter_map(Value::as_str).collect();
    let is_directive = |key: &str| key.starts_with(DELETE) || key.starts_with(ORDER);
    let sets = |(key, value): (&String, &Value)| !value.is_null() && !is_directive(key) && !names.contains(&**key);
    if patch.iter().any(sets) {
        return Err(bad());
    }
    map.retain(|key, _| names.contains(&**key));
    Ok(())
}

/// Obeys the items that are directives, and takes them out of the patch.
fn special(items: Vec<Value>, patch: Vec<Value>, key: &str) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut rest = Vec::with_capacity(patch.len());
    let mut deleted = BTreeSet::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(map) = item else { continue };
        match map.get(DIRECTIVE) {
            None => rest.push(Value::Object(map)),
            Some(Value::String(directive)) if directive == "delete" => {
                let name = map.get(key).cloned().ok_or_else(|| no_merge_key(&map, key))?;
                deleted.insert(Key(name));
            }
            Some(Value::String(directive)) if directive == "replace" => replaces = true,
            Some(Value::String(directive)) if directive == "merge" => {
                return Err(internal("merging lists cannot yet be specified in the patch"));
            }
            Some(other) => return Err(bad_directive(&other.clone(), map)),
        }
    }
    if replaces {
        return Ok((rest, Vec::new()));
    }
    let is_deleted = |item: &Value| item.get(key).is_some_and(|name| deleted.contains(&Key(name.clone())));
    let items = items.into_iter().filter(|item| deleted.is_empty() || !is_deleted(item)).collect();
    Ok((items, rest))
}

/// Sorts what `order` names as it says, and puts the others before what follows them in the live list.
fn ordered(items: Vec<Value>, order: &[Value], live: &[Value], key: Option<&str>) -> Result<Vec<Value>, PatchError> {
    let places = |list: &[Value]| -> Result<BTreeMap<Key, usize>, PatchError> {
        let mut places = BTreeMap::new();
        for (place, item) in list.iter().enumerate() {
            places.entry(name_of(item, key)?).or_insert(place);
        }
        Ok(places)
    };
    let (order, live) = (places(order)?, places(live)?);
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for item in items {
        let name = name_of(&item, key)?;
        let place = live.get(&name).copied();
        match order.get(&name) {
            Some(rank) => named.push((*rank, place, item)),
            None => others.push((place.unwrap_or(usize::MAX), place, item)),
        }
    }
    named.sort_by_key(|(rank, ..)| *rank);
    others.sort_by_key(|(rank, ..)| *rank);
    let mut result = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let goes_first = match (others.peek(), named.peek()) {
            (None, None) => return Ok(result),
            (Some((_, Some(other), _)), Some((_, Some(named), _))) => other < named,
            (other, named) => other.is_some() && named.is_none(),
        };
        let next = if goes_first { others.next() } else { named.next() };
        result.extend(next.map(|(.., item)| item));
    }
}

/// Whether what a patch sets is named by `$setElementOrder`, in the same order.
fn check_order(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let is_directive = |item: &&Value| key.is_some() && item.get(DIRECTIVE).is_some();
    if let Some(other) = patch.iter().find(|item| key.is_some() && !item.is_object()) {
        return Err(internal(format!("expected a map[string]interface {{}}, but received a {}", go_type(other))));
    }
    let mut set = patch.iter().filter(|item| !is_directive(item)).peekable();
    for item in order {
        let Some(next) = set.peek() else { return Ok(()) };
        if name_of(next, key)? == name_of(item, key)? {
            set.next();
        }
    }
    if set.peek().is_none() {
        return Ok(());
    }
    let list = |items: &[Value]| plain(&Value::Array(items.to_vec()));
    Err(internal(format!("The order in patch list:\n{}\n doesn't match {ORDER} list:\n{}\n", list(patch), list(order))))
}

/// A value by which items are told apart.
#[derive(Clone, Debug)]
struct Key(Value);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

fn name_of(item: &Value, key: Option<&str>) -> Result<Key, PatchError> {
    let Some(key) = key else { return Ok(Key(item.clone())) };
    let map = item
        .as_object()
        .ok_or_else(|| internal(format!("expected a map[string]interface {{}}, but received a {}", go_type(item))))?;
    map.get(key).cloned().map(Key).ok_or_else(|| no_merge_key(map, key))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Bool,
    Number,
    String,
    List,
    Map,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Bool,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::List,
        Value::Object(_) => Kind::Map,
    }
}

/// What all items of both lists are; none when there are none.
fn kind_of_items(lists: [&[Value]; 2]) -> Result<Option<Kind>, PatchError> {
    let mut kinds = lists.into_iter().flatten().map(kind);
    let Some(first) = kinds.next() else { return Ok(None) };
    if first == Kind::List {
        return Err(PatchError::new(Status::Unprocessable, "lists of lists are not supported"));
    }
    if first == Kind::Null || kinds.any(|kind| kind != first) {
        let lists: Vec<String> = lists.iter().map(|list| plain(&Value::Array(list.to_vec()))).collect();
        return Err(internal(format!("list element types are not identical: [{}]", lists.join(" "))));
    }
    Ok(Some(first))
}

const BAD_LIST: &str = "invalid patch format of primitive list";
const BAD_ORDER: &str = "invalid patch format of setElementOrder list";

/// The field that a directive is about: what follows its slash.
fn field_of<'k>(rest: &'k str, bad: &str) -> Result<&'k str, PatchError> {
    rest.strip_prefix('/').ok_or_else(|| PatchError::new(Status::BadRequest, bad))
}

fn list_of(value: Value) -> Result<Vec<Value>, PatchError> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(internal(format!("expected a []interface {{}}, but received a {}", go_type(&other)))),
    }
}

/// The value without the directives in it; none when it is one.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            let fields = map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(fields.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

fn bad_directive(directive: &Value, map: Map<String, Value>) -> PatchError {
    internal(format!("unknown patch type: {} in map: {}", plain(directive), plain(&Value::Object(map))))
}

fn no_merge_key(map: &Map<String, Value>, key: &str) -> PatchError {
    let map = plain(&Value::Object(map.clone()));
    internal(format!("map: {map} does not contain declared merge key: {key}"))
}

fn internal(message: impl Into<String>) -> PatchError {
    PatchError::new(Status::Internal, message)
}
