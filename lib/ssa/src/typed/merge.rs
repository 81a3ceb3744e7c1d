//! One value laid over another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::{Form, Forms, Type};
use crate::fields::PathElement;

impl Type<'_> {
    /// The old value with all that the new one sets. Nothing is removed. A list keeps the order of the new one where that
    /// says something, and what it says nothing of stays after what it followed.
    pub fn merge(self, old: &Value, new: &Value) -> Value {
        self.merged(Some(old), Some(new)).unwrap_or_default()
    }

    /// None where an associative list or a map comes out empty.
    fn merged(self, old: Option<&Value>, new: Option<&Value>) -> Option<Value> {
        // What nobody touches is taken whole.
        let Some(value) = new else { return old.cloned() };
        // The new value decides where the two have different forms.
        self.merged_as(self.forms().of(Some(value)), old, new)
    }

    fn merged_as(self, forms: Forms, old: Option<&Value>, new: Option<&Value>) -> Option<Value> {
        match forms.first() {
            Form::Map if !self.is_atomic_map() => {
                let (old_map, new_map) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
                if old_map.is_some_and(|map| !map.is_empty()) || new_map.is_some_and(|map| !map.is_empty()) {
                    let merged = self.merged_maps(old_map, new_map);
                    return (!merged.is_empty()).then_some(Value::Object(merged));
                }
            }
            Form::List if !self.is_atomic_list() => {
                let (old_list, new_list) = (items(old), items(new));
                if !old_list.is_empty() || !new_list.is_empty() {
                    let merged = self.merged_lists(old_list, new_list);
                    return (!merged.is_empty()).then_some(Value::Array(merged));
                }
            }
            _ => {}
        }
        new.or(old).cloned()
    }

    fn merged_maps(self, old: Option<&Map<String, Value>>, new: Option<&Map<String, Value>>) -> Map<String, Value> {
        let mut merged = Map::new();
        for (name, old) in old.into_iter().flatten() {
            let new = new.and_then(|new| new.get(name));
            let value = self.field(name).and_then(|(_, field, _)| field.merged(Some(old), new));
            if let Some(value) = value {
                merged.insert(name.clone(), value);
            }
        }
        let is_new = |name: &String| old.is_none_or(|old| !old.contains_key(name));
        for (name, new) in new.into_iter().flatten().filter(|(name, _)| is_new(name)) {
            if let Some(value) = self.field(name).and_then(|(_, field, _)| field.merged(None, Some(new))) {
                merged.insert(name.clone(), value);
            }
        }
        merged
    }

    /// Goes through both lists at once. Where an old item is also new it waits for its turn in the new order; where it
    /// is not, it goes before whatever new item comes next.
    fn merged_lists(self, old: &[Value], new: &[Value]) -> Vec<Value> {
        let (old, new) = (self.named(old), self.named(new));
        let mut counts: BTreeMap<&PathElement, usize> = BTreeMap::new();
        for (name, _) in &old {
            *counts.entry(name).or_default() += 1;
        }
        // Where the old list names an item twice, the new one replaces them all.
        let old_of = |name: &PathElement| match counts.get(name) {
            Some(1) => old.iter().find(|(old, _)| old == name).map(|(_, item)| *item),
            Some(_) => Some(&Value::Null),
            None => None,
        };
        let in_new: BTreeSet<&PathElement> = new.iter().map(|(name, _)| name).collect();
        let mut shared: VecDeque<&PathElement> =
            new.iter().map(|(name, _)| name).filter(|name| counts.contains_key(name)).collect();
        let item = self.items();
        let mut done = BTreeSet::new();
        let mut merged = Vec::with_capacity(old.len().max(new.len()));
        let (mut olds, mut news) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let (next_old, next_new) = (olds.peek().copied(), news.peek().copied());
            if let (Some((old_name, _)), Some((new_name, _))) = (next_old, next_new) {
                let waits = shared.front().is_some_and(|turn| *turn != old_name);
                if old_name != new_name && in_new.contains(old_name) && waits {
                    olds.next();
                    continue;
                }
            }
            let is_pair = matches!((next_old, next_new), (Some((old, _)), Some((new, _))) if old == new);
            if let Some((name, value)) = next_old.filter(|_| !is_pair) {
                if !in_new.contains(name) {
                    merged.extend(item.merged(Some(*value), None));
                    olds.next();
                    continue;
                }
                if done.contains(name) {
                    olds.next();
                }
            }
            let Some((name, value)) = next_new else {
                if olds.peek().is_none() {
                    return merged;
                }
                continue;
            };
            merged.extend(item.merged(old_of(name), Some(*value)));
            done.insert(name);
            news.next();
            if is_pair {
                olds.next();
            }
            if is_pair || shared.front() == Some(&name) {
                shared.pop_front();
            }
        }
    }

    fn named(self, list: &[Value]) -> Vec<(PathElement, &Value)> {
        list.iter().filter_map(|item| Some((self.name_of(item).ok()?, item))).collect()
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
