//! Lists that merge item by item.

use super::schema::{At, Lists, Merging};
use super::{Additions, Directive, From, MergeError, Merged, Mode, Sources, Walker, adorn, directive};
use crate::node::{Content, Node};

/// The field that lists merge by of which nothing else is known.
const NAME: &str = "name";

/// An item's values of the keys; an empty one where it has none.
type Values = Vec<String>;

impl<L: Lists> Walker<'_, L> {
    /// The keys that a list merges by, none for a set of scalars; nothing for a list that is replaced.
    pub(super) fn merging(&self, sources: &Sources<'_>, at: Option<&At<L::At>>) -> Option<Vec<String>> {
        match at {
            Some(at) => match at.merging(self.lists) {
                Merging::Replace => None,
                Merging::ByKeys(keys) => Some(keys),
            },
            None if self.infer => {
                let lists = [sources.dest.as_ref(), sources.origin, sources.update];
                let named =
                    |list: &Node| list.items().is_some_and(|items| !items.is_empty() && items.iter().all(has_name));
                lists.into_iter().flatten().any(named).then(|| vec![NAME.to_owned()])
            }
            None => None,
        }
    }

    pub(super) fn walk_merging_list(
        &mut self,
        sources: Sources<'_>,
        at: Option<&At<L::At>>,
        keys: &[String],
    ) -> Result<Merged, MergeError> {
        let Sources { dest, origin, update } = sources;
        let null = |node: Option<&Node>| node.is_none_or(Node::is_null);
        if self.mode == Mode::ThreeWay {
            if null(update) && !null(origin) {
                return Ok((None, From::Nowhere));
            }
            let (mut list, from) = match dest.filter(|dest| !dest.is_null()) {
                Some(dest) => (dest, From::Dest),
                None => (Node::sequence(Vec::new()), From::Nowhere),
            };
            if let Content::Alias { target, .. } = &list.content {
                list = (**target).clone();
                list.set_anchor(None);
            }
            let (merged, _) = self.merge_items(Sources { dest: Some(list), origin, update }, at, keys)?;
            return Ok((merged, from));
        }
        let directed = origin.map(list_directive).transpose()?.flatten();
        let origin = match &directed {
            Some((Directive::Delete, _)) => return Ok((None, From::Nowhere)),
            Some((Directive::Replace, rest)) => return Ok((Some(rest.clone()), From::Origin)),
            Some((Directive::Merge, rest)) => Some(rest),
            None => origin,
        };
        self.merge_items(Sources { dest, origin, update }, at, keys)
    }

    fn merge_items(
        &mut self,
        sources: Sources<'_>,
        at: Option<&At<L::At>>,
        keys: &[String],
    ) -> Result<Merged, MergeError> {
        let Sources { dest, origin, update } = sources;
        let (mut list, from) = match dest.filter(|dest| !dest.is_null()) {
            Some(_) if self.mode != Mode::ThreeWay && origin.is_some_and(Node::is_null) => {
                return Ok((None, From::Nowhere));
            }
            Some(dest) if self.mode == Mode::ThreeWay => (dest, From::Dest),
            Some(dest) => (adorn(dest, origin), From::Dest),
            None => match origin {
                Some(origin) => (origin.clone(), From::Origin),
                None => return Ok((None, From::Nowhere)),
            },
        };
        if keys.len() == 1 && self.infer && at.is_none() {
            let lists = [Some(&list), origin, update].into_iter().flatten().filter_map(Node::items);
            if lists.filter(|items| !items.is_empty()).any(|items| !items.iter().all(has_name)) {
                return Err(MergeError::NoKey { path: self.path.join(".") });
            }
        }
        // In the order in which the items will stand.
        let order = match self.mode {
            Mode::Patch(Additions::Prepend) => [origin, update, Some(&list)],
            _ => [Some(&list), origin, update],
        };
        let mut all: Vec<Values> = Vec::new();
        for item in order.into_iter().flatten().filter_map(Node::items).flatten() {
            let values = values(item, keys);
            if !all.contains(&values) {
                all.push(values);
            }
        }
        if keys.len() > 1 {
            unite(&mut all);
        }
        let items_at = at.and_then(|at| at.items(self.lists));
        let mut merged: Vec<Node> = Vec::new();
        // Of several keys only those count that any item has.
        let used: Vec<bool> = (0..keys.len().max(1)).map(|i| all.iter().any(|values| !values[i].is_empty())).collect();
        let used = if used.iter().any(|used| *used) { used } else { vec![true; used.len()] };
        let used_keys: Vec<String> =
            keys.iter().zip(&used).filter(|(_, used)| **used).map(|(key, _)| key.clone()).collect();
        for item in &all {
            let wanted: Values =
                item.iter().zip(&used).filter(|(_, used)| **used).map(|(value, _)| value.clone()).collect();
            let item = |list: Option<&Node>| {
                let matches = |item: &&Node| matches_own(item, &used_keys, &wanted);
                list.and_then(Node::items).and_then(|items| items.iter().find(matches)).cloned()
            };
            let (own, origin, update) = (item(Some(&list)), item(origin), item(update));
            let fields = Sources { dest: own, origin: origin.as_ref(), update: update.as_ref() };
            let (value, _) = self.walk(fields, items_at.clone())?;
            let is_empty = |value: &Node| value.is_null() || value.pairs().is_some_and(<[_]>::is_empty);
            let Some(mut value) = value.filter(|value| !is_empty(value)) else {
                if let Some(items) = list.items_mut() {
                    items.retain(|item| !is_empty(item) && !matches(item, &used_keys, &wanted));
                }
                continue;
            };
            for (key, wanted) in used_keys.iter().zip(&wanted) {
                if value.get(key).is_none()
                    && !wanted.is_empty()
                    && let Some(pairs) = value.pairs_mut()
                {
                    pairs.push((Node::plain(key.as_str()), Node::plain(wanted.as_str())));
                }
            }
            set(&mut merged, value, &used_keys, &wanted);
        }
        if all.is_empty() {
            return Ok((Some(list), from));
        }
        if let (Mode::Patch(Additions::Prepend), Some(own)) = (self.mode, list.items_mut()) {
            let rest = std::mem::replace(own, merged);
            place(own, rest, &used_keys);
            // What was merged stands in front in its merged form, not as it was.
            return Ok((Some(list), from));
        }
        if let Some(own) = list.items_mut() {
            place(own, merged, &used_keys);
        }
        Ok((Some(list), from))
    }
}

fn has_name(item: &Node) -> bool {
    item.get(NAME).is_some()
}

/// An item's values of the keys; of a scalar, itself.
fn values(item: &Node, keys: &[String]) -> Values {
    if keys.is_empty() {
        return vec![item.text().unwrap_or_default().to_owned()];
    }
    keys.iter().map(|key| item.get(key).and_then(Node::text).unwrap_or_default().to_owned()).collect()
}

/// Whether an item has these values of the keys.
fn matches(item: &Node, keys: &[String], wanted: &[String]) -> bool {
    values(item, keys) == wanted
}

/// The same, but a key without a value does not count.
fn matches_own(item: &Node, keys: &[String], wanted: &[String]) -> bool {
    let found = values(item, keys);
    wanted.iter().any(|wanted| !wanted.is_empty())
        && found.iter().zip(wanted).all(|(found, wanted)| wanted.is_empty() || found == wanted)
}

/// Puts an item in the place of those with the same values, or at the end.
fn set(items: &mut Vec<Node>, item: Node, keys: &[String], wanted: &[String]) {
    match items.iter_mut().find(|other| matches(other, keys, wanted)) {
        Some(other) => *other = item,
        None => items.push(item),
    }
}

/// Puts items in their places. Where several keys identify them, they move to the end.
fn place(items: &mut Vec<Node>, additions: Vec<Node>, keys: &[String]) {
    for item in additions {
        let wanted = values(&item, keys);
        if keys.len() > 1 {
            items.retain(|other| !matches(other, keys, &wanted));
        }
        set(items, item, keys, &wanted);
    }
}

/// Unites values of which one has the keys that the other lacks, if they agree in at least one.
fn unite(all: &mut [Values]) {
    for i in 0..all.len() {
        for j in 0..all.len() {
            let agree = all[i].iter().zip(&all[j]).all(|(a, b)| a == b || a.is_empty() || b.is_empty());
            let share = all[i].iter().zip(&all[j]).any(|(a, b)| a == b);
            if agree && share {
                let united: Values =
                    all[i].iter().zip(&all[j]).map(|(a, b)| if a.is_empty() { b.clone() } else { a.clone() }).collect();
                all[i].clone_from(&united);
                all[j] = united;
            }
        }
    }
}

/// What an item `- $patch: …` of a patch's list says, and the list without it; nothing without such an item.
fn list_directive(patch: &Node) -> Result<Option<(Directive, Node)>, MergeError> {
    let alone = |item: &Node| item.pairs().is_some_and(|pairs| pairs.len() == 1) && item.get("$patch").is_some();
    let Some(at) = patch.items().and_then(|items| items.iter().position(alone)) else {
        return Ok(None);
    };
    let mut rest = patch.resolved().clone();
    let found = rest.items_mut().map(|items| items.remove(at));
    let found = found.as_ref().and_then(|item| item.get("$patch")).map(directive).transpose()?;
    Ok(found.map(|found| (found, rest)))
}
