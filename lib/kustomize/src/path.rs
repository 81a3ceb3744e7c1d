//! Paths into objects: `spec/template/metadata/labels` of field specifications, and the dotted ones of replacements
//! and vars with `[name=nginx]`, indices and `*`.

use crate::node::{Map, Node, Scalar, Shape, Tag};

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("wrong node kind: expected {expected} at {part:?}, found {found}")]
    Shape { part: String, expected: &'static str, found: &'static str },
    #[error("array index {0} cannot be negative")]
    Negative(i64),
    #[error("index {index} specified but only {count} elements found")]
    Index { index: usize, count: usize },
    #[error("wildcard is not supported here")]
    Wildcard,
    #[error("list path element {0:?} must be [fieldName=fieldValue]")]
    Element(String),
    #[error("{0:?} is not a regular expression")]
    Regex(String),
    #[error("{0:?} is inside a text that is not YAML")]
    Text(String),
}

/// Splits at a delimiter that may be escaped with a backslash; a leading delimiter does not count.
pub(crate) fn split(path: &str, delimiter: char) -> Vec<String> {
    let path = if path.len() > 1 { path.strip_prefix(delimiter).unwrap_or(path) } else { path };
    let mut parts: Vec<String> = Vec::new();
    for part in path.split(delimiter) {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

/// Splits at dots, but not inside brackets. Brackets around a plain name are dropped.
pub(crate) fn split_dotted(path: &str) -> Vec<String> {
    let mut parts = split(path, '.').into_iter();
    let mut result = Vec::new();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut bracketed = part;
        for next in parts.by_ref() {
            let last = next.ends_with(']');
            bracketed.push('.');
            bracketed.push_str(&next);
            if last {
                break;
            }
        }
        result.push(if bracketed.contains('=') { bracketed } else { bracketed.trim_matches(['[', ']']).to_owned() });
    }
    result
}

/// Splits the path of a var: `ports[0]` is a field and an index.
pub(crate) fn split_var(path: &str) -> Vec<String> {
    let mut result = Vec::new();
    for part in split_dotted(path) {
        let index = part.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        match index {
            Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                if !name.is_empty() {
                    result.push(name.to_owned());
                }
                result.push(digits.to_owned());
            }
            _ => result.push(part),
        }
    }
    result
}

/// Whether a part of a path names a field, and no elements of a list.
pub(crate) fn is_field(part: &str) -> bool {
    matches!(Step::parse(part), Ok(Step::Field(_)))
}

/// One step of a path.
enum Step<'p> {
    Index(i64),
    Last,
    Every,
    Element(&'p str, &'p str),
    Field(&'p str),
}

impl<'p> Step<'p> {
    fn parse(part: &'p str) -> Result<Self, PathError> {
        Ok(if let Ok(index) = part.parse() {
            Self::Index(index)
        } else if part == "-" {
            Self::Last
        } else if part == "*" {
            Self::Every
        } else if let Some((field, value)) = element(part)? {
            Self::Element(field, value)
        } else {
            Self::Field(part)
        })
    }
}

fn element(part: &str) -> Result<Option<(&str, &str)>, PathError> {
    match part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        None => Ok(None),
        Some(inside) => inside.split_once('=').map(Some).ok_or_else(|| PathError::Element(part.to_owned())),
    }
}

/// Follows a path; nothing where a part is missing.
pub(crate) fn lookup<'n>(node: &'n Node, path: &[String]) -> Result<Option<&'n Node>, PathError> {
    let mut at = node;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let next = match Step::parse(part)? {
            Step::Index(index) => {
                let index = usize::try_from(index).map_err(|_| PathError::Negative(index))?;
                list(at, part)?.get(index)
            }
            Step::Last => list(at, part)?.last(),
            Step::Every => return Err(PathError::Wildcard),
            Step::Element("", value) => list(at, part)?.iter().find(|item| item.text() == value),
            Step::Element(field, value) => {
                list(at, part)?.iter().find(|item| item.get(field).is_some_and(|found| found.text() == value))
            }
            Step::Field(name) => match at {
                Node::Map(map) => map.get(name),
                node if node.is_null() => None,
                node => return Err(mismatch(part, Shape::Map, node)),
            },
        };
        match next {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Follows a path to change what is there; `create` makes what is missing, the last part in that shape.
pub(crate) fn lookup_mut<'n>(
    node: &'n mut Node,
    path: &[String],
    create: Option<Shape>,
) -> Result<Option<&'n mut Node>, PathError> {
    let parts: Vec<&str> = path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    let mut at = node;
    for (i, part) in parts.iter().enumerate() {
        let shape = create.map(|shape| shape_before(parts.get(i + 1).copied(), shape));
        let next = match Step::parse(part)? {
            Step::Index(index) => {
                let index = usize::try_from(index).map_err(|_| PathError::Negative(index))?;
                list_mut(at, part)?.and_then(|items| items.get_mut(index))
            }
            Step::Last => list_mut(at, part)?.and_then(|items| items.last_mut()),
            Step::Every => return Err(PathError::Wildcard),
            Step::Element(field, value) => list_mut(at, part)?.and_then(|items| {
                let fits = |item: &Node| match field {
                    "" => item.text() == value,
                    field => item.get(field).is_some_and(|found| found.text() == value),
                };
                match items.iter().position(fits) {
                    Some(i) => items.get_mut(i),
                    None if create.is_some() => {
                        items.push(new_element(field, value));
                        items.last_mut()
                    }
                    None => None,
                }
            }),
            Step::Field(name) => match at {
                Node::Map(map) => match shape {
                    Some(shape) => Some(map.entry(name, || Node::empty(shape))),
                    None => map.get_mut(name),
                },
                node if node.is_null() => None,
                node => return Err(mismatch(part, Shape::Map, node)),
            },
        };
        match next {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Calls `f` for every place that a path of a replacement target matches; returns how many there are.
///
/// Texts that hold YAML are followed on the way, but only for reading: what `f` writes into them is lost.
pub(crate) fn each_match(
    node: &mut Node,
    path: &[String],
    create: Option<Shape>,
    f: &mut dyn FnMut(&mut Node),
) -> Result<usize, PathError> {
    let Some((part, rest)) = path.split_first() else {
        f(node);
        return Ok(1);
    };
    if let Ok(index) = part.parse::<usize>() {
        let next = create.map(|shape| shape_before(rest.first().map(String::as_str), shape));
        let Some(items) = list_mut(node, part)? else { return Err(PathError::Index { index, count: 0 }) };
        if let Some(shape) = next.filter(|_| items.len() == index) {
            items.push(Node::empty(shape));
        }
        let count = items.len();
        let item = items.get_mut(index).ok_or(PathError::Index { index, count })?;
        return each_match(item, rest, create, f);
    }
    if let Some((field, pattern)) = element(part)? {
        return each_element(node, part, (field, pattern), rest, create, f);
    }
    if part == "*" {
        let mut count = 0;
        for item in list_mut(node, part)?.into_iter().flatten() {
            count += each_match(item, rest, create, f)?;
        }
        return Ok(count);
    }
    let field = match node {
        Node::Map(map) => match create {
            Some(shape) => {
                let shape = shape_before(rest.first().map(String::as_str), shape);
                Some(map.entry(part, || Node::empty(shape)))
            }
            None => map.get_mut(part),
        },
        node if node.is_null() => None,
        node => return Err(mismatch(part, Shape::Map, node)),
    };
    match field {
        None => Ok(0),
        Some(Node::Scalar(scalar)) if !rest.is_empty() => {
            let mut inside = parse_text(&scalar.text).ok_or_else(|| PathError::Text(rest.join(".")))?;
            each_match(&mut inside, rest, create, f)
        }
        Some(field) => each_match(field, rest, create, f),
    }
}

fn each_element(
    node: &mut Node,
    part: &str,
    (field, pattern): (&str, &str),
    rest: &[String],
    create: Option<Shape>,
    f: &mut dyn FnMut(&mut Node),
) -> Result<usize, PathError> {
    let regex = re2::compile(pattern).map_err(|_| PathError::Regex(pattern.to_owned()))?;
    let mut count = 0;
    for attempt in 0..2 {
        let Some(items) = list_mut(node, part)? else { return Ok(0) };
        for item in items.iter_mut() {
            let text = match field {
                "" => item.scalar().map(Scalar::rendered),
                field => item.get(field).and_then(Node::scalar).map(Scalar::rendered),
            };
            if !text.is_some_and(|text| regex.is_match(text.trim())) {
                continue;
            }
            if field.is_empty() {
                f(item);
                count += 1;
            } else {
                count += each_match(item, rest, create, f)?;
            }
        }
        if count > 0 || create.is_none() || attempt > 0 {
            break;
        }
        items.push(new_element(field, pattern));
    }
    Ok(count)
}

/// Reads a text as YAML.
pub(crate) fn parse_text(text: &str) -> Option<Node> {
    crate::read::value(text).ok()
}

/// What a part must be so that the next one can follow.
pub(crate) fn shape_before(next: Option<&str>, last: Shape) -> Shape {
    match next {
        None | Some("") => last,
        Some(next) if next.starts_with('[') && next.ends_with(']') => Shape::List,
        Some(next) if next.parse::<usize>().is_ok() => Shape::List,
        Some(_) => Shape::Map,
    }
}

fn new_element(field: &str, value: &str) -> Node {
    let value = Node::Scalar(Scalar::new(value, Tag::Unknown));
    if field.is_empty() {
        return value;
    }
    Node::Map(Map::from_iter([(field.into(), value)]))
}

fn list<'n>(node: &'n Node, part: &str) -> Result<&'n [Node], PathError> {
    match node {
        Node::List(items) => Ok(items),
        node if node.is_null() => Ok(&[]),
        node => Err(mismatch(part, Shape::List, node)),
    }
}

fn list_mut<'n>(node: &'n mut Node, part: &str) -> Result<Option<&'n mut Vec<Node>>, PathError> {
    match node {
        Node::List(items) => Ok(Some(items)),
        node if node.is_null() => Ok(None),
        node => Err(mismatch(part, Shape::List, node)),
    }
}

fn mismatch(part: &str, expected: Shape, found: &Node) -> PathError {
    PathError::Shape { part: part.to_owned(), expected: shape_name(expected), found: shape_name(found.shape()) }
}

/// A shape in words.
pub(crate) fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Scalar => "a plain value",
        Shape::List => "a list",
        Shape::Map => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::{split, split_dotted, split_var};

    #[test]
    fn paths_are_split_at_free_delimiters() {
        assert_eq!(split("/a/b\\/c/d", '/'), ["a", "b/c", "d"]);
        assert_eq!(split_dotted("spec.[name=a.b].x.[c.d].e\\.f"), ["spec", "[name=a.b]", "x", "c.d", "e.f"]);
        assert_eq!(split_var("spec.ports[0].port"), ["spec", "ports", "0", "port"]);
    }
}
