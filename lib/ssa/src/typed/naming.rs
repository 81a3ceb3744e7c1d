//! How the items of an associative list are named.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::Type;
use crate::fields::PathElement;
use crate::values::compare;

/// The name of an item. It borrows what it is made of: most names are compared, and few are kept.
#[derive(Clone, Debug)]
pub(super) enum ItemName<'v> {
    /// The item itself.
    Item(&'v Value),
    /// Its only key.
    Key([(&'v Arc<str>, &'v Value); 1]),
    /// Those of its keys that it has, in the order of the schema.
    Keys(Vec<(&'v Arc<str>, &'v Value)>),
}

impl ItemName<'_> {
    /// The name, to be kept.
    pub(super) fn element(&self) -> PathElement {
        match self {
            Self::Item(item) => PathElement::value(item),
            named => PathElement::from_key(
                named.keys().iter().map(|(key, value)| ((*key).clone(), (*value).clone())).collect(),
            ),
        }
    }

    fn keys(&self) -> &[(&Arc<str>, &Value)] {
        match self {
            Self::Item(_) => &[],
            Self::Key(key) => key,
            Self::Keys(keys) => keys,
        }
    }
}

impl fmt::Display for ItemName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.element().fmt(f)
    }
}

impl PartialEq for ItemName<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ItemName<'_> {}

impl PartialOrd for ItemName<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An order of the items of one list.
impl Ord for ItemName<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Item(a), Self::Item(b)) => compare(a, b),
            (a, b) => {
                let (a, b) = (a.keys(), b.keys());
                let pairs = a.iter().zip(b).map(|((ak, av), (bk, bv))| ak.cmp(bk).then_with(|| compare(av, bv)));
                pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
            }
        }
    }
}

impl<'a> Type<'a> {
    /// The name of an item, or why it has none.
    ///
    /// A key that the item lacks is taken from the schema's default, and otherwise left out of the name: two items may
    /// differ in that alone.
    pub(super) fn name_of<'v>(self, item: &'v Value) -> Result<ItemName<'v>, String>
    where
        'a: 'v,
    {
        if !self.schemas.is_associative(self.id) {
            return Err("invalid indexing of non-associative list".to_owned());
        }
        let keys = self.schemas.item_keys(self.id);
        if keys.is_empty() {
            return match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
                _ => Ok(ItemName::Item(item)),
            };
        }
        let map = match item {
            Value::Object(map) => map,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let default = |key: &str| {
            let field = self.schemas.field(self.items().id, key)?;
            self.schemas.default_of(field.node).filter(|default| !default.is_null())
        };
        let named = |key: &'v Arc<str>| Some((key, map.get(&**key).or_else(|| default(key))?));
        let found = match keys {
            [only] => named(only).map(|key| ItemName::Key([key])),
            keys => Some(keys.iter().filter_map(named).collect::<Vec<_>>())
                .filter(|keys| !keys.is_empty())
                .map(ItemName::Keys),
        };
        found.ok_or_else(|| {
            let keys: Vec<_> = keys.iter().map(|key| crate::values::quoted(key)).collect();
            format!(
                "associative list with keys has an element that omits all key fields [{}] \
                 (and doesn't have default values for any key fields)",
                keys.join(" ")
            )
        })
    }
}
