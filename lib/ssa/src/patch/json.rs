//! JSON patches (RFC 6902), with the habits of the library that kube-apiserver uses.

use object::go_struct::json_type;
use serde_json::{Map, Value};

use super::{PatchError, Status};
use crate::values::{quoted, write_json};

/// As many operations as a patch may have.
const MOST_OPERATIONS: usize = 10_000;
/// As many bytes as all copies of a patch may add.
const MOST_COPIED: usize = 3 << 20;

const MISSING: &str = "missing value";

/// Applies a JSON patch.
///
/// # Errors
/// [`Status::BadRequest`] when it is no list of operations, [`Status::TooLarge`] when there are more than 10,000, and
/// [`Status::Unprocessable`] when one of them does not fit.
///
/// # Deviation
/// Upstream's `test` compares the bytes of scalars, so that `"a<b"` is not what it has stored as `"a\u003cb"`.
///
/// # Source
/// evanphx/json-patch v4: negative indices count from the end, `replace` sets a field that is not there, `copy` of such a
/// one gives null.
pub fn json(object: Value, patch: &Value) -> Result<Value, PatchError> {
    let bad = |found: &Value, due: &str| {
        let message = format!("json: cannot unmarshal {} into Go value of type jsonpatch.{due}", json_type(found));
        PatchError::new(Status::BadRequest, message)
    };
    let operations = match patch {
        Value::Array(operations) => operations.as_slice(),
        Value::Null => &[],
        other => return Err(bad(other, "Patch")),
    };
    if let Some(other) = operations.iter().find(|operation| !operation.is_object() && !operation.is_null()) {
        return Err(bad(other, "Operation"));
    }
    if operations.len() > MOST_OPERATIONS {
        let found = operations.len();
        let message = format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {found}");
        return Err(PatchError::new(Status::TooLarge, message));
    }
    let mut document = Document { root: object, copied: 0 };
    for operation in operations {
        let empty = Map::new();
        let operation = Operation(operation.as_object().unwrap_or(&empty));
        document.apply(operation).map_err(|why| PatchError::new(Status::Unprocessable, why))?;
    }
    Ok(document.root)
}

#[derive(Clone, Copy)]
struct Operation<'a>(&'a Map<String, Value>);

impl<'a> Operation<'a> {
    fn kind(self) -> &'a str {
        self.0.get("op").and_then(Value::as_str).unwrap_or("unknown")
    }

    fn path(self) -> Result<&'a str, String> {
        self.text("path").map_err(|why| why.unwrap_or_else(|| format!("operation missing path field: {MISSING}")))
    }

    fn from(self) -> Result<&'a str, String> {
        self.text("from").map_err(|why| why.unwrap_or_else(|| format!("operation, missing from field: {MISSING}")))
    }

    fn value(self) -> Value {
        self.0.get("value").cloned().unwrap_or_default()
    }

    fn text(self, key: &str) -> Result<&'a str, Option<String>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Err(None),
            Some(Value::String(text)) => Ok(text),
            Some(other) => {
                Err(Some(format!("json: cannot unmarshal {} into Go value of type string", json_type(other))))
            }
        }
    }
}

struct Document {
    root: Value,
    copied: usize,
}

impl Document {
    fn apply(&mut self, operation: Operation<'_>) -> Result<(), String> {
        match operation.kind() {
            "add" => self.add(operation),
            "remove" => self.remove(operation),
            "replace" => self.replace(operation),
            "move" => self.shift(operation),
            "test" => self.test(operation),
            "copy" => self.copy(operation),
            other => Err(format!("Unexpected kind: {other}")),
        }
    }

    fn add(&mut self, operation: Operation<'_>) -> Result<(), String> {
        let path = operation.path().map_err(|_| format!("add operation failed to decode path: {MISSING}"))?;
        let (holder, key) = self
            .find(path)
            .ok_or_else(|| format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}"))?;
        add(holder, &key, operation.value()).map_err(|why| format!("error in add for path: '{path}': {why}"))
    }

    fn remove(&mut self, operation: Operation<'_>) -> Result<(), String> {
        let path = operation.path().map_err(|_| format!("remove operation failed to decode path: {MISSING}"))?;
        let (holder, key) = self
            .find(path)
            .ok_or_else(|| format!("remove operation does not apply: doc is missing path: \"{path}\": {MISSING}"))?;
        remove(holder, &key).map_err(|why| format!("error in remove for path: '{path}': {why}"))?;
        Ok(())
    }

    fn replace(&mut self, operation: Operation<'_>) -> Result<(), String> {
        let path = operation.path().map_err(|why| format!("replace operation failed to decode path: {why}"))?;
        let value = operation.value();
        if path.is_empty() {
            if !value.is_object() && !value.is_array() {
                return Err("replace operation value must be object or array: %!w(<nil>)".to_owned());
            }
            self.root = value;
            return Ok(());
        }
        let (holder, key) = self
            .find(path)
            .ok_or_else(|| format!("replace operation does not apply: doc is missing path: {path}: {MISSING}"))?;
        match holder {
            Value::Array(items) => {
                let index = existing(&key, items.len())
                    .map_err(|_| format!("replace operation does not apply: doc is missing key: {path}: {MISSING}"))?;
                items[index] = value;
            }
            other => add(other, &key, value)?,
        }
        Ok(())
    }

    fn shift(&mut self, operation: Operation<'_>) -> Result<(), String> {
        let from = operation.from().map_err(|why| format!("move operation failed to decode from: {why}"))?;
        let (holder, key) = self
            .find(from)
            .ok_or_else(|| format!("move operation does not apply: doc is missing from path: {from}: {MISSING}"))?;
        let value = remove(holder, &key).map_err(|why| format!("error in move for path: '{key}': {why}"))?;
        let path = operation.path().map_err(|why| format!("move operation failed to decode path: {why}"))?;
        let (holder, key) = self.find(path).ok_or_else(|| {
            format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}")
        })?;
        add(holder, &key, value).map_err(|why| format!("error in move for path: '{path}': {why}"))
    }

    fn test(&mut self, operation: Operation<'_>) -> Result<(), String> {
        let path = operation.path().map_err(|why| format!("test operation failed to decode path: {why}"))?;
        let expected = operation.0.get("value").unwrap_or(&Value::Null);
        let found = if path.is_empty() {
            &self.root
        } else {
            let (holder, key) = self
                .find(path)
                .ok_or_else(|| format!("test operation does not apply: is missing path: {path}: {MISSING}"))?;
            get(holder, &key).map_err(|why| format!("error in test for path: '{path}': {why}"))?
        };
        if found == expected { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
    }

    fn copy(&mut self, operation: Operation<'_>) -> Result<(), String> {
        let from = operation.from().map_err(|why| format!("copy operation failed to decode from: {why}"))?;
        let (holder, key) = self
            .find(from)
            .ok_or_else(|| format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}"))?;
        let found = get(holder, &key).map_err(|why| format!("error in copy for from: '{from}': {why}"))?;
        let mut text = String::new();
        write_json(&mut text, found);
        let copied = self.copied + text.len();
        // Not copied before it is known to be allowed.
        if copied > MOST_COPIED {
            return Err(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {copied}, \
                 exceeding the limit {MOST_COPIED}"
            ));
        }
        let (holder, key) = self.find(from).ok_or(MISSING)?;
        let value = get(holder, &key)?.clone();
        self.copied = copied;
        let path = operation.path().map_err(|_| format!("copy operation failed to decode path: {MISSING}"))?;
        let (holder, key) = self.find(path).ok_or_else(|| {
            format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}")
        })?;
        add(holder, &key, value).map_err(|why| format!("error while adding value during copy: {why}"))
    }

    /// The map or list that holds what a path leads to, and its key there. What is before the first slash is ignored.
    fn find(&mut self, path: &str) -> Option<(&mut Value, String)> {
        let (_, path) = path.split_once('/')?;
        let (steps, last) = path.rsplit_once('/').map_or((None, path), |(steps, last)| (Some(steps), last));
        let mut holder = &mut self.root;
        for step in steps.into_iter().flat_map(|steps| steps.split('/')) {
            let key = decoded(step);
            holder = match holder {
                Value::Object(map) => map.get_mut(&key)?,
                Value::Array(items) => {
                    let index = existing(&key, items.len()).ok()?;
                    items.get_mut(index)?
                }
                _ => return None,
            };
        }
        (holder.is_object() || holder.is_array()).then(|| (holder, decoded(last)))
    }
}

/// What is there: null where a map has nothing.
fn get<'v>(holder: &'v Value, key: &str) -> Result<&'v Value, String> {
    match holder {
        Value::Array(items) => existing(key, items.len()).map(|index| &items[index]),
        other => Ok(other.get(key).unwrap_or(&Value::Null)),
    }
}

fn add(holder: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match holder {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let index = number(key).map_err(|why| format!("value was not a proper array index: '{key}': {why}"))?;
            // Where it goes, of one place more than there are.
            items.insert(place(index, items.len() + 1)?, value);
        }
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => {}
    }
    Ok(())
}

fn remove(holder: &mut Value, key: &str) -> Result<Value, String> {
    match holder {
        Value::Array(items) => {
            let index = existing(key, items.len())?;
            Ok(items.remove(index))
        }
        Value::Object(map) => {
            map.remove(key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}: {MISSING}"))
        }
        _ => Err(MISSING.to_owned()),
    }
}

fn existing(key: &str, length: usize) -> Result<usize, String> {
    place(number(key)?, length)
}

/// A place in a list, counted from the end if it is negative.
fn place(index: i64, length: usize) -> Result<usize, String> {
    let length_i = i64::try_from(length).unwrap_or(i64::MAX);
    let from_start = if index < 0 { index + length_i } else { index };
    let found = usize::try_from(from_start).ok().filter(|place| *place < length);
    found.ok_or_else(|| format!("Unable to access invalid index: {index}: invalid index referenced"))
}

/// A number as Go's `strconv.Atoi` reads it.
fn number(key: &str) -> Result<i64, String> {
    let digits = key.strip_prefix(['+', '-']).unwrap_or(key);
    let failed = |why: &str| format!("strconv.Atoi: parsing {}: {why}", quoted(key));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    key.parse().map_err(|_| failed("value out of range"))
}

fn decoded(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
