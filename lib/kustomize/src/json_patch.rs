//! JSON patches (RFC 6902) with the liberties that kustomize's library takes: negative indices, and no operation that
//! it does not know until it is reached.

use serde_json::Value;

use crate::error::{Fault, Reason};
use crate::node::MAX_DEPTH;

/// Values that all `copy` operations of a patch may add; doubling an object forty times would eat any machine.
const MAX_COPIED: usize = 200_000;
/// Values that all operations may look at to see how deep they are.
const MAX_VISITED: usize = 20_000_000;

/// What a patch has cost so far.
#[derive(Default)]
struct Cost {
    copied: usize,
    visited: usize,
}

/// A list of operations.
#[derive(Debug)]
pub(crate) struct JsonPatch(Vec<Operation>);

#[derive(Debug)]
struct Operation {
    op: String,
    path: Option<String>,
    from: Option<String>,
    value: Value,
}

/// Why a text is no JSON patch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("empty json patch operations")]
    Empty,
    #[error("{0}")]
    Syntax(String),
    #[error("a JSON patch is a list of operations")]
    NotAList,
    #[error("operation {0} of the JSON patch is not a map")]
    NotAMap(usize),
}

impl JsonPatch {
    /// Reads JSON or YAML.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        let value = if text.starts_with('[') {
            serde_json::from_str(text).map_err(|error| ParseError::Syntax(error.to_string()))?
        } else {
            crate::read::json(text).map_err(|error| ParseError::Syntax(error.to_string()))?
        };
        let items = match value {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            _ => return Err(ParseError::NotAList),
        };
        items.into_iter().enumerate().map(|(i, item)| operation(i, item)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies all operations.
    pub(crate) fn apply(&self, mut document: Value) -> Result<Value, Fault> {
        let mut cost = Cost::default();
        for (i, operation) in self.0.iter().enumerate() {
            operation.apply(&mut document, &mut cost).map_err(|mut fault| {
                if let Reason::Apply { message } = &mut fault.reason {
                    let path = operation.path.as_deref().unwrap_or("");
                    *message = format!("operation {i} ({} {path:?}): {message}", operation.op);
                }
                fault
            })?;
        }
        if document.is_object() { Ok(document) } else { Err(Reason::apply("the patch leaves no object")) }
    }
}

fn operation(i: usize, item: Value) -> Result<Operation, ParseError> {
    let Value::Object(mut fields) = item else { return Err(ParseError::NotAMap(i)) };
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (op, path, from) = (text("op").unwrap_or_default(), text("path"), text("from"));
    Ok(Operation { op, path, from, value: fields.remove("value").unwrap_or_default() })
}

impl Operation {
    fn apply(&self, document: &mut Value, cost: &mut Cost) -> Result<(), Fault> {
        match self.op.as_str() {
            "add" => add(document, self.path()?, self.value.clone(), cost),
            "remove" => remove(document, self.path()?).map(drop),
            "replace" => self.replace(document),
            "move" => {
                let value = remove(document, self.from()?)?;
                add(document, self.path()?, value, cost)
            }
            "copy" => {
                let (parent, key) = parent(document, self.from()?)?;
                let value = get(parent, &key)?.map_or(Value::Null, |value| value.clone());
                cost.copied += count(&value);
                if cost.copied > MAX_COPIED {
                    return Err(Reason::Limit { what: "values copied by a JSON patch", limit: MAX_COPIED }.into());
                }
                add(document, self.path()?, value, cost)
            }
            "test" => self.test(document),
            other => Err(Reason::apply(format!("unexpected kind {other:?}"))
                .hint(Some("op is one of add, remove, replace, move, copy, test".to_owned()))),
        }
    }

    fn path(&self) -> Result<&str, Fault> {
        self.path.as_deref().ok_or_else(|| Reason::apply("path is missing"))
    }

    fn from(&self) -> Result<&str, Fault> {
        self.from.as_deref().ok_or_else(|| Reason::apply("from is missing"))
    }

    fn replace(&self, document: &mut Value) -> Result<(), Fault> {
        let path = self.path()?;
        if path.is_empty() {
            if !self.value.is_object() && !self.value.is_array() {
                return Err(Reason::apply("replacing everything takes a map or a list"));
            }
            *document = self.value.clone();
            return Ok(());
        }
        let (parent, key) = parent(document, path)?;
        get(parent, &key)?;
        match parent {
            Value::Object(map) => {
                map.insert(key, self.value.clone());
            }
            Value::Array(items) => {
                let i = index(&key, items.len(), items.len())?;
                items[i] = self.value.clone();
            }
            _ => {}
        }
        Ok(())
    }

    fn test(&self, document: &mut Value) -> Result<(), Fault> {
        let path = self.path()?;
        let found = if path.is_empty() {
            &*document
        } else {
            let (parent, key) = parent(document, path)?;
            get(parent, &key)?.map_or(&Value::Null, |value| &*value)
        };
        if *found == self.value {
            return Ok(());
        }
        // The value may be a secret, so it is not told.
        Err(Reason::apply("testing value failed"))
    }
}

/// The container that a pointer leads into, and the last part of the pointer.
fn parent<'v>(document: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), Fault> {
    let mut parts = path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let missing = || Reason::apply(format!("doc is missing path: {path:?}"));
    let mut key = parts.next().ok_or_else(missing)?;
    let mut at = document;
    for next in parts {
        if !matches!(get(at, &key), Ok(Some(_))) {
            return Err(missing().hint(describe(at, &key)));
        }
        at = get(at, &key).ok().flatten().ok_or_else(missing)?;
        if !at.is_object() && !at.is_array() {
            return Err(missing());
        }
        key = next;
    }
    Ok((at, key))
}

/// What there is in place of a part that is missing.
fn describe(container: &Value, missing: &str) -> Option<String> {
    match container {
        Value::Object(map) => {
            let near = crate::error::nearest(missing, map.keys().map(String::as_str));
            let instead = near.map_or_else(String::new, |near| format!(", did you mean {near:?}?"));
            Some(format!("there is no {missing:?}{instead}"))
        }
        Value::Array(items) => Some(format!("{missing:?} is no index of a list of {}", items.len())),
        _ => None,
    }
}

/// What a container holds; a map that lacks the key is no mistake yet, a list that lacks the index is.
fn get<'v>(container: &'v mut Value, key: &str) -> Result<Option<&'v mut Value>, Fault> {
    match container {
        Value::Object(map) => Ok(map.get_mut(key)),
        Value::Array(items) => {
            let i = index(key, items.len(), items.len())?;
            Ok(items.get_mut(i))
        }
        _ => Ok(None),
    }
}

fn add(document: &mut Value, path: &str, value: Value, cost: &mut Cost) -> Result<(), Fault> {
    let depth = path.split('/').count();
    if depth > MAX_DEPTH || deeper_than(&value, MAX_DEPTH - depth, &mut cost.visited) {
        return Err(Reason::Limit { what: "values inside each other", limit: MAX_DEPTH }.into());
    }
    if cost.visited > MAX_VISITED {
        return Err(Reason::Limit { what: "values moved by a JSON patch", limit: MAX_VISITED }.into());
    }
    let (parent, key) = parent(document, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let i = index(&key, items.len() + 1, items.len() + 1)?;
            items.insert(i, value);
        }
        _ => return Err(Reason::apply("the path leads into neither map nor list")),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Fault> {
    let (parent, key) = parent(document, path)?;
    match parent {
        Value::Object(map) => {
            if let Some(removed) = map.remove(&key) {
                return Ok(removed);
            }
            let near = crate::error::nearest(&key, map.keys().map(String::as_str));
            let hint = near.map(|near| format!("did you mean {near:?}?"));
            Err(Reason::apply(format!("unable to remove nonexistent key: {key:?}")).hint(hint))
        }
        Value::Array(items) => {
            let i = index(&key, items.len(), items.len())?;
            Ok(items.remove(i))
        }
        _ => Ok(Value::Null),
    }
}

/// A position below `limit`; negative ones count from the end.
fn index(key: &str, limit: usize, count: usize) -> Result<usize, Fault> {
    let number: i64 = key.parse().map_err(|_| Reason::apply(format!("value was not a proper array index: {key:?}")))?;
    let position = match usize::try_from(number) {
        Ok(position) => Some(position),
        Err(_) => usize::try_from(number.unsigned_abs()).ok().and_then(|back| count.checked_sub(back)),
    };
    position
        .filter(|position| *position < limit)
        .ok_or_else(|| Reason::apply(format!("unable to access invalid index: {number}, there are {limit}")))
}

fn deeper_than(value: &Value, limit: usize, visited: &mut usize) -> bool {
    *visited += 1;
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|item| deeper_than(item, limit - 1, visited)),
        Value::Object(map) => limit == 0 || map.values().any(|item| deeper_than(item, limit - 1, visited)),
        _ => false,
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::JsonPatch;
    use serde_json::{Value, json};

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the cases read better")]
    fn check(patch: &str, expected: Option<Value>) {
        let document = json!({"a": {"b": [1, 2, 3], "c/d": "x"}, "n": null});
        assert_eq!(JsonPatch::parse(patch).unwrap().apply(document).ok(), expected, "{patch}");
    }

    #[test]
    fn operations_do_what_kustomize_does() {
        let with = |b: Value| Some(json!({"a": {"b": b, "c/d": "x"}, "n": null}));
        check(r#"[{"op":"add","path":"/a/b/-","value":4}]"#, with(json!([1, 2, 3, 4])));
        check("- op: add\n  path: /a/b/1\n  value: 9\n", with(json!([1, 9, 2, 3])));
        check(r#"[{"op":"add","path":"/a/b/-1","value":9}]"#, with(json!([1, 2, 3, 9])));
        check(r#"[{"op":"remove","path":"/a/b/-1"}]"#, with(json!([1, 2])));
        check(r#"[{"op":"replace","path":"/a/b","value":{}}]"#, with(json!({})));
        check(r#"[{"op":"move","from":"/a/c~1d","path":"/n"}]"#, Some(json!({"a": {"b": [1, 2, 3]}, "n": "x"})));
        check(r#"[{"op":"copy","from":"/a/b/0","path":"/a/b/0"}]"#, with(json!([1, 1, 2, 3])));
        check(r#"[{"op":"test","path":"/a/b/0","value":1}]"#, with(json!([1, 2, 3])));
        check(r#"[{"op":"replace","path":"/a/c","value":1},{"op":"remove","path":"/a/c"}]"#, with(json!([1, 2, 3])));
        check(r#"[{"op":"test","path":"/missing","value":null}]"#, with(json!([1, 2, 3])));
        for failing in [
            r#"[{"op":"test","path":"/a/b/0","value":2}]"#,
            r#"[{"op":"add","path":"/x/y","value":1}]"#,
            r#"[{"op":"add","path":"/a/b/9","value":1}]"#,
            r#"[{"op":"remove","path":"/a/x"}]"#,
            r#"[{"op":"move","from":"/x","path":"/y"}]"#,
            r#"[{"op":"frobnicate","path":"/a"}]"#,
        ] {
            check(failing, None);
        }
    }

    #[test]
    fn an_object_that_doubles_forty_times_is_refused() {
        let double = r#"{"op":"copy","from":"/a","path":"/b/-"},{"op":"copy","from":"/b","path":"/a/-"}"#;
        let text = format!("[{}]", [double; 40].join(","));
        let error = JsonPatch::parse(&text).unwrap().apply(json!({"a": [1], "b": [1]})).unwrap_err();
        assert_eq!(error.reason.to_string(), "more than 200000 values copied by a JSON patch");
    }
}
