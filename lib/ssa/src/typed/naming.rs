//! How the items of an associative list are named.

use serde_json::Value;

use super::Type;
use crate::fields::PathElement;

impl Type<'_> {
    /// The name of an item, or why it has none.
    ///
    /// A key that the item lacks is taken from the schema's default, and otherwise left out of the name: two items may
    /// differ in that alone.
    pub(super) fn name_of(self, item: &Value) -> Result<PathElement, String> {
        if !self.schemas.is_associative(self.id) {
            return Err("invalid indexing of non-associative list".to_owned());
        }
        let keys = self.schemas.item_keys(self.id);
        if keys.is_empty() {
            return match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
                _ => Ok(PathElement::value(item)),
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
        let value = |key: &str| map.get(key).or_else(|| default(key));
        let fields: Vec<_> = keys.iter().filter_map(|key| Some((key.clone(), value(key)?.clone()))).collect();
        if fields.is_empty() {
            let keys: Vec<_> = keys.iter().map(|key| crate::values::quoted(key)).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] \
                 (and doesn't have default values for any key fields)",
                keys.join(" ")
            ));
        }
        Ok(PathElement::from_key(fields))
    }
}
