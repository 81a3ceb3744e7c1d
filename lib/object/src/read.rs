//! Reads objects from YAML, and remembers where they stand.

use std::sync::Arc;

use serde_json::Value;
use yaml::{Limits, Reader, Schema};

use crate::{InvalidObject, Object, Origin};

/// A file that does not hold Kubernetes objects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The text is not YAML; the source says where and why.
    #[error("{file}")]
    Syntax {
        /// The file, as the caller named it.
        file: String,
        /// The place, and what is wrong there.
        source: yaml::Error,
    },
    /// A document is not an object.
    #[error("{origin}: not a Kubernetes object")]
    NotAnObject {
        /// The file and the document's first line.
        origin: Origin,
        /// What it lacks.
        source: InvalidObject,
    },
}

/// Reads the objects of a file with one or more YAML documents (JSON is YAML too), in the file's order.
///
/// Empty documents are skipped. A `List` stands for its items, which are said to come from its line.
///
/// # Errors
/// The first document that is not YAML, or not an object: nothing is dropped silently.
pub fn read(text: &str, file: &str, limits: &Limits) -> Result<Vec<Object>, ReadError> {
    let name: Arc<str> = file.into();
    let lines: Vec<&str> = text.lines().collect();
    let mut objects = Vec::new();
    for document in Reader::new(Schema::V2).limits(limits.clone()).values(text) {
        let document = document.map_err(|source| ReadError::Syntax { file: file.to_owned(), source })?;
        let line = first_line(&lines, usize::try_from(document.at.line).unwrap_or(usize::MAX));
        expand(document.value, &Origin { file: Arc::clone(&name), line }, &mut objects)?;
    }
    Ok(objects)
}

/// The document's first line that says something: its first token may be the `---` before comments.
fn first_line(lines: &[&str], start: usize) -> usize {
    let says_nothing = |line: &&&str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    };
    let skipped = lines.iter().skip(start.saturating_sub(1)).take_while(says_nothing).count();
    if start.saturating_add(skipped) > lines.len() { start } else { start + skipped }
}

fn expand(value: Value, origin: &Origin, objects: &mut Vec<Object>) -> Result<(), ReadError> {
    match value {
        Value::Null => Ok(()),
        Value::Object(mut list) if is_list(&list) => {
            let Some(Value::Array(items)) = list.remove("items") else { return Ok(()) };
            items.into_iter().try_for_each(|item| expand(item, origin, objects))
        }
        other => {
            let invalid = |source| ReadError::NotAnObject { origin: origin.clone(), source };
            objects.push(Object::from_value(other).map_err(invalid)?.with_origin(Some(origin.clone())));
            Ok(())
        }
    }
}

fn is_list(map: &serde_json::Map<String, Value>) -> bool {
    map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"))
        && map.get("items").is_some_and(Value::is_array)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn objects_know_their_file_and_line() {
        let text = "---\napiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: B, metadata: {name: b}}\n";
        let objects = read(text, "a/b.yaml", &Limits::default()).unwrap();
        let found: Vec<String> =
            objects.iter().map(|object| format!("{} {}", object.id(), object.origin().unwrap())).collect();
        assert_eq!(found, ["A/a a/b.yaml:2", "B/b a/b.yaml:8"]);
    }

    #[test]
    fn what_is_no_object_is_an_error_that_names_the_place() {
        #[track_caller]
        fn check(text: &str, message: &str) {
            let error = read(text, "x.yaml", &Limits::default()).unwrap_err();
            assert_eq!(format!("{error}: {}", error.source().unwrap()), message);
        }
        let start = "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n";
        check(&format!("{start}a: b\n"), "x.yaml:5: not a Kubernetes object: apiVersion is missing");
        check(&format!("{start}- a\n"), "x.yaml:5: not a Kubernetes object: not a map but a list");
        check(
            &format!("{start}apiVersion: v1\nkind: A\n"),
            "x.yaml:5: not a Kubernetes object: metadata.name is missing",
        );
        let error = read("a: [", "x.yaml", &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "x.yaml");
        assert!(error.source().unwrap().to_string().starts_with("line 1"));
    }
}
