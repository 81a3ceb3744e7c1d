//! Who owns which fields of an object: the entries of `metadata.managedFields`.

use object::Object;
use serde_json::{Map, Value};

use crate::fields::{FieldSet, ParseFieldsError};

/// How a manager came to own its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One entry. What is not read here is kept as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// The manager's name.
    pub fn manager(&self) -> &str {
        self.text("manager")
    }

    /// How it came to own its fields; none when the entry does not say.
    pub fn operation(&self) -> Option<Operation> {
        [Operation::Apply, Operation::Update].into_iter().find(|operation| operation.as_str() == self.text("operation"))
    }

    /// The subresource that was written, empty for the object itself.
    pub fn subresource(&self) -> &str {
        self.text("subresource")
    }

    /// The fields that it owns, none if the entry has none.
    ///
    /// # Errors
    /// [`ParseFieldsError`] when they are not a set.
    pub fn fields(&self) -> Result<FieldSet, ParseFieldsError> {
        self.0
            .get("fieldsV1")
            .filter(|fields| !fields.is_null())
            .map_or_else(|| Ok(FieldSet::default()), FieldSet::parse)
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The entries of an object as the API server returned it.
pub fn entries(object: &Object) -> Vec<Entry> {
    let list = object.field(&["metadata", "managedFields"]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|entry| entry.as_object().cloned().map(Entry)).collect()
}

/// Prints entries as `metadata.managedFields`.
pub fn to_value(entries: Vec<Entry>) -> Value {
    Value::Array(entries.into_iter().map(|entry| Value::Object(entry.0)).collect())
}

/// Names the managers whose fields are taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managers {
    /// What their names begin with.
    pub prefix: String,
    /// How they came to own their fields.
    pub operation: Operation,
}

impl Managers {
    /// Whether the entry is of one of these managers, for the object itself.
    pub fn matches(&self, entry: &Entry) -> bool {
        entry.operation() == Some(self.operation)
            && entry.subresource().is_empty()
            && entry.manager().starts_with(&self.prefix)
    }
}

/// Makes `owner` own, by apply, what the named managers own besides; none when they own nothing.
///
/// A field that they set and `owner` then does not apply is thereby removed from the object.
///
/// # Errors
/// [`ParseFieldsError`] when the fields of an entry that would be merged are not a set.
///
/// # Source
/// Flux's `ssa.PatchReplaceFieldsManagers`: without an entry of the owner's own, the first one found is renamed.
pub fn take_over(
    entries: &[Entry],
    managers: &[Managers],
    owner: &str,
) -> Result<Option<Vec<Entry>>, ParseFieldsError> {
    let is_own = |entry: &&Entry| entry.manager() == owner && entry.operation() == Some(Operation::Apply);
    // The last of them, should subresources have entries too, as upstream.
    let position = entries.iter().rposition(|entry| is_own(&entry));
    let mut own = position.map(|position| entries[position].clone());
    let mut kept = Vec::with_capacity(entries.len());
    let mut changed = false;
    for (index, entry) in entries.iter().enumerate() {
        if Some(index) == position {
            continue;
        }
        if !managers.iter().any(|managers| managers.matches(entry)) {
            kept.push(entry.clone());
            continue;
        }
        changed = true;
        match &mut own {
            None => {
                let mut renamed = entry.clone();
                renamed.0.insert("manager".to_owned(), owner.into());
                renamed.0.insert("operation".to_owned(), Operation::Apply.as_str().into());
                own = Some(renamed);
            }
            Some(own) => {
                let fields = own.fields()?.union(&entry.fields()?);
                own.0.insert("fieldsV1".to_owned(), fields.to_value());
            }
        }
    }
    kept.extend(own);
    Ok(changed.then_some(kept))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, operation: &str, subresource: &str, fields: &Value) -> Entry {
        let entry = json!({"manager": manager, "operation": operation, "subresource": subresource, "time": "t", "fieldsV1": fields});
        Entry(entry.as_object().unwrap().clone())
    }

    fn managers() -> Vec<Managers> {
        [Operation::Apply, Operation::Update]
            .map(|operation| Managers { prefix: "kubectl".to_owned(), operation })
            .into()
    }

    #[test]
    fn the_first_one_is_renamed_and_the_others_are_merged() {
        let before = [
            entry("kubectl-client-side-apply", "Update", "", &json!({"f:a": {}})),
            entry("editor", "Update", "", &json!({"f:e": {}})),
            entry("kubectl-edit", "Update", "", &json!({"f:b": {}})),
            entry("kubectl", "Update", "status", &json!({"f:status": {}})),
        ];
        let after = take_over(&before, &managers(), "flux").unwrap().unwrap();
        let expected =
            [before[1].clone(), before[3].clone(), entry("flux", "Apply", "", &json!({"f:a": {}, "f:b": {}}))];
        assert_eq!(after, expected);
    }

    #[test]
    fn an_entry_of_the_owner_takes_up_the_others() {
        let before = [
            entry("flux", "Apply", "", &json!({"f:a": {}})),
            entry("kubectl", "Apply", "", &json!({"f:a": {"f:x": {}}})),
        ];
        let after = take_over(&before, &managers(), "flux").unwrap().unwrap();
        assert_eq!(after, [entry("flux", "Apply", "", &json!({"f:a": {".": {}, "f:x": {}}}))]);
    }

    #[test]
    fn nothing_is_done_where_nothing_is_found() {
        let before = [entry("flux", "Apply", "", &json!({})), entry("my-kubectl", "Update", "", &json!({}))];
        assert_eq!(take_over(&before, &managers(), "flux").unwrap(), None);
    }
}
