//! One value laid over another.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::naming::ItemName;
use super::{Form, Type};

/// Of so many items each is held against each other.
const SHORT: usize = 16;

/// What becomes of an old value.
enum Merged {
    /// It stays: nothing is copied.
    Same,
    /// It becomes another.
    New(Value),
    /// An associative list or a map comes out empty.
    Gone,
}

impl<'a> Type<'a> {
    /// The old value with all that the new one sets. Nothing is removed. A list keeps the order of the new one where that
    /// says something, and what it says nothing of stays after what it followed.
    pub fn merge<'v>(self, old: &'v Value, new: &Value) -> Cow<'v, Value> {
        match self.merged(Some(old), new) {
            Merged::Same => Cow::Borrowed(old),
            Merged::New(value) => Cow::Owned(value),
            Merged::Gone => Cow::Owned(Value::Null),
        }
    }

    /// Without an old value it is never the same.
    fn merged(self, old: Option<&Value>, new: &Value) -> Merged {
        // The new value decides where the two have different forms.
        match self.form_of(new) {
            Form::Map if !self.is_atomic_map() => {
                let (old_map, new_map) = (old.and_then(Value::as_object), new.as_object());
                match (old_map.filter(|map| !map.is_empty()), new_map.filter(|map| !map.is_empty())) {
                    (None, None) => {}
                    (Some(_), None) => return Merged::Same,
                    (old_map, Some(new)) => return self.merged_maps(old_map, new),
                }
            }
            Form::List if !self.is_atomic_list() => {
                let (old_list, new_list) = (items(old), items(Some(new)));
                if !old_list.is_empty() || !new_list.is_empty() {
                    return self.merged_lists(old_list, new_list);
                }
            }
            _ => {}
        }
        if old == Some(new) { Merged::Same } else { Merged::New(new.clone()) }
    }

    fn merged_maps(self, old: Option<&Map<String, Value>>, new: &Map<String, Value>) -> Merged {
        let mut changes: Vec<(&String, Option<Value>)> = Vec::new();
        for (name, new) in new {
            // What the type does not know is no part of the outcome.
            let Some((_, field, _)) = self.field(name) else { continue };
            match field.merged(old.and_then(|old| old.get(name)), new) {
                Merged::Same => {}
                Merged::New(value) => changes.push((name, Some(value))),
                Merged::Gone => changes.push((name, None)),
            }
        }
        let Some(old) = old else {
            let merged: Map<_, _> =
                changes.into_iter().filter_map(|(name, value)| Some((name.clone(), value?))).collect();
            return if merged.is_empty() { Merged::Gone } else { Merged::New(Value::Object(merged)) };
        };
        if changes.is_empty() {
            return Merged::Same;
        }
        let is_changed = |name: &String| changes.binary_search_by(|(changed, _)| (*changed).cmp(name)).is_ok();
        let kept = old.iter().filter(|(name, _)| !is_changed(name)).map(|(name, value)| (name.clone(), value.clone()));
        let mut merged: Map<_, _> = kept.collect();
        merged.extend(changes.into_iter().filter_map(|(name, value)| Some((name.clone(), value?))));
        if merged.is_empty() { Merged::Gone } else { Merged::New(Value::Object(merged)) }
    }

    fn merged_lists(self, old: &[Value], new: &[Value]) -> Merged {
        let (olds, news) = (self.named(old), self.named(new));
        let item = self.items();
        let mut is_same = olds.len() == old.len();
        let mut merged: Vec<Cow<'_, Value>> = Vec::with_capacity(old.len().max(new.len()));
        for (index, place) in order(&olds, &news).into_iter().enumerate() {
            is_same &= place.old == Some(index);
            let old = place.old.and_then(|index| old.get(index));
            let new = place.new.and_then(|index| new.get(index));
            match (old, new.map(|new| item.merged(if place.is_anew { Some(&Value::Null) } else { old }, new))) {
                (Some(old), None | Some(Merged::Same)) => merged.push(Cow::Borrowed(old)),
                (_, Some(Merged::New(value))) => {
                    is_same = false;
                    merged.push(Cow::Owned(value));
                }
                _ => is_same = false,
            }
        }
        if is_same && merged.len() == old.len() {
            return Merged::Same;
        }
        if merged.is_empty() {
            return Merged::Gone;
        }
        Merged::New(Value::Array(merged.into_iter().map(Cow::into_owned).collect()))
    }

    fn named<'v>(self, list: &'v [Value]) -> Vec<Named<'v>>
    where
        'a: 'v,
    {
        let name = |(index, item)| Some((index, self.name_of(item).ok()?));
        list.iter().enumerate().filter_map(name).collect()
    }
}

/// The place and the name of an item.
type Named<'v> = (usize, ItemName<'v>);

/// Where an item of a merged list comes from.
struct Place {
    old: Option<usize>,
    new: Option<usize>,
    /// The old list names it twice: the new one replaces them all.
    is_anew: bool,
}

/// Goes through both lists at once. Where an old item is also new it waits for its turn in the new order; where it is
/// not, it goes before whatever new item comes next.
fn order(olds: &[Named<'_>], news: &[Named<'_>]) -> Vec<Place> {
    if are_pairs(olds, news) {
        let place =
            |((old, _), (new, _)): (&Named<'_>, &Named<'_>)| Place { old: Some(*old), new: Some(*new), is_anew: false };
        return olds.iter().zip(news).map(place).collect();
    }
    let mut known: BTreeMap<&ItemName<'_>, Known> = BTreeMap::new();
    for (index, name) in olds {
        let known = known.entry(name).or_default();
        known.count += 1;
        known.old = Some(*index);
    }
    for (_, name) in news {
        known.entry(name).or_default().is_new = true;
    }
    let of = |name: &ItemName<'_>| known.get(name).copied().unwrap_or_default();
    let mut shared: VecDeque<&ItemName<'_>> =
        news.iter().map(|(_, name)| name).filter(|name| of(name).count > 0).collect();
    let mut done: BTreeSet<&ItemName<'_>> = BTreeSet::new();
    let mut places = Vec::with_capacity(olds.len().max(news.len()));
    let (mut old, mut new) = (olds.iter().peekable(), news.iter().peekable());
    loop {
        let (next_old, next_new) = (old.peek().copied(), new.peek().copied());
        if let (Some((_, old_name)), Some((_, new_name))) = (next_old, next_new) {
            let waits = shared.front().is_some_and(|turn| *turn != old_name);
            if old_name != new_name && of(old_name).is_new && waits {
                old.next();
                continue;
            }
        }
        let is_pair = matches!((next_old, next_new), (Some((_, old)), Some((_, new))) if old == new);
        if let Some((index, name)) = next_old.filter(|_| !is_pair) {
            if !of(name).is_new {
                places.push(Place { old: Some(*index), new: None, is_anew: false });
                old.next();
                continue;
            }
            if done.contains(name) {
                old.next();
            }
        }
        let Some((index, name)) = next_new else {
            if old.peek().is_none() {
                return places;
            }
            continue;
        };
        let known = of(name);
        places.push(Place { old: known.old.filter(|_| known.count == 1), new: Some(*index), is_anew: known.count > 1 });
        done.insert(name);
        new.next();
        if is_pair {
            old.next();
        }
        if is_pair || shared.front() == Some(&name) {
            shared.pop_front();
        }
    }
}

/// Whether both lists name the same items in the same order, and none of them twice. Of long lists it does not say.
fn are_pairs(olds: &[Named<'_>], news: &[Named<'_>]) -> bool {
    let is_new = |index: usize| news.iter().take(index).all(|(_, before)| *before != news[index].1);
    olds.len() == news.len()
        && news.len() <= SHORT
        && olds.iter().zip(news).all(|((_, old), (_, new))| old == new)
        && (0..news.len()).all(is_new)
}

/// What is known of a name.
#[derive(Clone, Copy, Default)]
struct Known {
    /// How often the old list has it, and where.
    count: usize,
    old: Option<usize>,
    is_new: bool,
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
