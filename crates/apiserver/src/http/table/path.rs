//! The JSONPath of printer columns: fields, indices, wildcards, and filters by equality.
//!
//! # Source
//! `k8s.io/client-go/util/jsonpath`, of which definitions may use what is here.

use serde_json::Value;

/// The values at a path, in order; none where it leads nowhere or cannot be read.
pub(super) fn find<'o>(object: &'o Value, path: &str) -> Vec<&'o Value> {
    let Some(steps) = parse(path) else { return Vec::new() };
    steps.iter().fold(vec![object], |values, step| values.into_iter().flat_map(|value| step.take(value)).collect())
}

/// Values as `kubectl` prints them, one after the other.
pub(super) fn print(values: &[&Value]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Null => "<nil>".to_owned(),
            other => other.to_string(),
        })
        .collect();
    texts.join(" ")
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    All,
    /// Counted from the end when it is negative.
    Index(i64),
    /// Items whose value at a path is, or is not, this one.
    Filter {
        path: Vec<Step>,
        equal: bool,
        value: Value,
    },
}

impl Step {
    fn take<'o>(&self, value: &'o Value) -> Vec<&'o Value> {
        match (self, value) {
            (Self::Field(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Self::All, Value::Object(map)) => map.values().collect(),
            (Self::All, Value::Array(items)) => items.iter().collect(),
            (Self::Index(index), Value::Array(items)) => {
                let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                let index = if *index < 0 { items.len().checked_sub(from_end) } else { Some(from_end) };
                index.and_then(|index| items.get(index)).into_iter().collect()
            }
            (Self::Filter { path, equal, value }, Value::Array(items)) => items
                .iter()
                .filter(|item| {
                    let found = path.iter().fold(vec![*item], |values, step| {
                        values.into_iter().flat_map(|value| step.take(value)).collect()
                    });
                    found.first().is_some_and(|found| (*found == value) == *equal)
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = bracket(after)?;
            steps.push(subscript(inside)?);
            rest = after;
        } else {
            let after = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = field(after);
            match name.as_str() {
                "" if after.is_empty() || after.starts_with('[') => {}
                "" => return None,
                "*" => steps.push(Step::All),
                _ => steps.push(Step::Field(name)),
            }
            rest = after;
        }
    }
    Some(steps)
}

/// A name up to the next dot or bracket; a backslash keeps a dot.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
            '.' | '[' => return (name, &text[at..]),
            _ => name.push(letter),
        }
    }
    (name, "")
}

/// What is in brackets, and what follows them.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => depth += 1,
            (None, ']') if depth > 0 => depth -= 1,
            (None, ']') => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn subscript(text: &str) -> Option<Step> {
    let text = text.trim();
    if text == "*" {
        return Some(Step::All);
    }
    if let Some(name) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Some(Step::Field(name.to_owned()));
    }
    if let Some(condition) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        let (equal, at) = match (condition.find("=="), condition.find("!=")) {
            (Some(at), _) => (true, at),
            (None, Some(at)) => (false, at),
            (None, None) => return None,
        };
        let (path, value) = (condition[..at].trim().strip_prefix('@')?, condition[at + 2..].trim());
        let unquoted = value.trim_matches(['"', '\'']);
        let value = if unquoted.len() == value.len() {
            serde_json::from_str(value).ok()?
        } else {
            Value::String(unquoted.to_owned())
        };
        return Some(Step::Filter { path: parse(path)?, equal, value });
    }
    text.parse().ok().map(Step::Index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let object = json!({
            "spec": { "replicas": 3, "names": ["a", "b"], "dotted.key": "d" },
            "status": { "conditions": [
                { "type": "Ready", "status": "True", "n": 1 },
                { "type": "Other", "status": "False", "n": 2 },
            ] },
        });
        assert_eq!(print(&find(&object, path)), expected, "{path}");
    }

    #[test]
    fn paths_lead_to_values() {
        check(".spec.replicas", "3");
        check("{.spec.replicas}", "3");
        check(".spec.names[1]", "b");
        check(".spec.names[-1]", "b");
        check(".spec.names[*]", "a b");
        check(".spec['dotted.key']", "d");
        check(r".spec.dotted\.key", "d");
        check(r#".status.conditions[?(@.type=="Ready")].status"#, "True");
        check(".status.conditions[?(@.type == 'Other')].status", "False");
        check(".status.conditions[?(@.n!=1)].type", "Other");
        check(".none.deep", "");
        check(".spec.names[", "");
        check("[[[", "");
        check(".status.conditions[?(@.type=~/x/)]", "");
    }
}
