//! Replacement targets inside texts that hold JSON or YAML: the text is read, changed and written back.

use yaml::{Content, Document, Style};

use crate::go;
use crate::node::{Node, Quote, Shape, Tag};
use crate::path;

use super::{Create, set_value};

/// Writes into a text on the way of the path; false where no text is on it, or nothing in the text matches.
pub(super) fn write(node: &mut Node, value: &Node, parts: &[String], create: Create) -> bool {
    let Some(length) = (1..parts.len()).find(|length| {
        let found = path::lookup(node, &parts[..*length]);
        matches!(found, Ok(Some(Node::Scalar(scalar))) if path::parse_text(&scalar.text).is_some())
    }) else {
        return false;
    };
    let (outside, inside) = parts.split_at(length);
    let Ok(Some(Node::Scalar(scalar))) = path::lookup_mut(node, outside, None) else { return false };
    let rewritten = if scalar.text.trim_start().starts_with(['{', '[']) {
        json(&scalar.text, inside, value, create)
    } else {
        yaml(&scalar.text, inside, value, create)
    };
    match rewritten {
        Some(text) => {
            scalar.text = text.into();
            true
        }
        None => false,
    }
}

/// JSON comes back sorted, and over several lines if it had several.
fn json(text: &str, inside: &[String], value: &Node, create: Create) -> Option<String> {
    let mut document = path::parse_text(text)?;
    let count = path::each_match(&mut document, inside, create, &mut |field| set_value(field, value)).ok()?;
    let pretty = text.contains('\n') && text.contains("  ");
    let value = document.to_value().ok().filter(|_| count > 0)?;
    Some(if pretty { go::json_indented(&value) } else { go::json(&value) })
}

/// YAML comes back with its order and comments, indented as kustomize indents.
fn yaml(text: &str, inside: &[String], value: &Node, create: Create) -> Option<String> {
    let mut documents = yaml::read(text, &crate::read::limits(text)).ok()?;
    documents.truncate(1);
    let document: &mut Document = documents.first_mut()?;
    let count = each_match(&mut document.root, inside, create, &mut |field| set(field, value))?;
    (count > 0).then(|| yaml::print_documents(&documents, yaml::Sequences::Compact).trim().to_owned())
}

/// Calls `f` for every match of a path; nothing where the path does not fit, or makes no sense.
fn each_match(
    node: &mut yaml::Node,
    path: &[String],
    create: Create,
    f: &mut dyn FnMut(&mut yaml::Node),
) -> Option<usize> {
    let Some((part, rest)) = path.split_first() else {
        f(node);
        return Some(1);
    };
    let made = || create.map(|shape| empty(path::shape_before(rest.first().map(String::as_str), shape)));
    if let Ok(index) = part.parse::<usize>() {
        let items = node.items_mut()?;
        if items.len() == index {
            items.extend(made());
        }
        return each_match(items.get_mut(index)?, rest, create, f);
    }
    if part == "*" {
        let items = node.items_mut()?;
        return items.iter_mut().try_fold(0, |count, item| Some(count + each_match(item, rest, create, f)?));
    }
    if let Some((field, pattern)) = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')?.split_once('=')) {
        return each_element(node, (field, pattern), rest, create, f);
    }
    if node.is_null() {
        return Some(0);
    }
    let pairs = node.pairs_mut()?;
    let found = pairs.iter().position(|(key, _)| key.text() == Some(part));
    let found = match (found, made()) {
        (Some(i), _) => i,
        (None, Some(value)) => {
            pairs.push((yaml::Node::plain(part.as_str()), value));
            pairs.len() - 1
        }
        (None, None) => return Some(0),
    };
    each_match(&mut pairs.get_mut(found)?.1, rest, create, f)
}

fn each_element(
    node: &mut yaml::Node,
    (field, pattern): (&str, &str),
    rest: &[String],
    create: Create,
    f: &mut dyn FnMut(&mut yaml::Node),
) -> Option<usize> {
    let regex = re2::compile(pattern).ok()?;
    let items = node.items_mut()?;
    let fits = |item: &yaml::Node| {
        let found = if field.is_empty() { Some(item) } else { item.get(field) };
        found.and_then(yaml::Node::text).is_some_and(|text| regex.is_match(text))
    };
    if create.is_some() && !items.iter().any(fits) {
        let value = yaml::Node::plain(pattern);
        items.push(if field.is_empty() { value } else { yaml::Node::mapping(vec![(yaml::Node::plain(field), value)]) });
    }
    items
        .iter_mut()
        .filter(|item| fits(item))
        .try_fold(0, |count, item| Some(count + each_match(item, rest, create, f)?))
}

fn empty(shape: Shape) -> yaml::Node {
    match shape {
        Shape::Scalar => yaml::Node::plain(""),
        Shape::List => yaml::Node::sequence(Vec::new()),
        Shape::Map => yaml::Node::mapping(Vec::new()),
    }
}

/// A plain value takes over the text only; where that is of another type now, the old type is spelled out.
fn set(field: &mut yaml::Node, value: &Node) {
    let made = field.at().line == 0;
    let explicit = field.tag().is_some();
    let Content::Scalar { text, style } = &mut field.content else {
        *field = to_yaml(value);
        return;
    };
    let before = if *style == Style::Plain { Tag::of_plain(text) } else { Tag::Str };
    *text = value.text().into();
    let after = Tag::of_plain(text);
    if made || explicit || before == after || *style != Style::Plain {
        return;
    }
    if before == Tag::Str {
        *style = Style::DoubleQuoted;
    } else {
        field.set_tag(before.short());
    }
}

fn to_yaml(node: &Node) -> yaml::Node {
    match node {
        Node::Scalar(scalar) => {
            let style = match scalar.quote {
                Quote::Plain if scalar.tag == Tag::Str && Tag::of_plain(&scalar.text) != Tag::Str => {
                    Style::DoubleQuoted
                }
                Quote::Plain => Style::Plain,
                Quote::Single => Style::SingleQuoted,
                Quote::Double => Style::DoubleQuoted,
                Quote::Block => Style::Literal,
                Quote::Folded => Style::Folded,
            };
            yaml::Node::styled(&*scalar.text, style)
        }
        Node::List(items) => yaml::Node::sequence(items.iter().map(to_yaml).collect()),
        Node::Map(map) => {
            yaml::Node::mapping(map.iter().map(|(key, value)| (yaml::Node::plain(key), to_yaml(value))).collect())
        }
    }
}
