//! Replacement targets inside texts that hold JSON or YAML: the text is read, changed and written back.

use crate::go;
use crate::node::{Node, Shape};
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
    let Some(text) = rewrite(&scalar.text, inside, value, create) else { return false };
    scalar.text = text.into();
    true
}

fn rewrite(text: &str, inside: &[String], value: &Node, create: Create) -> Option<String> {
    let mut document = path::parse_text(text)?;
    if document.shape() == Shape::Scalar {
        return None;
    }
    let count = path::each_match(&mut document, inside, create, &mut |field| set_value(field, value)).ok()?;
    if count == 0 {
        return None;
    }
    if !text.trim_start().starts_with(['{', '[']) {
        return Some(yaml::print(&document.to_value().ok()?).trim().to_owned());
    }
    let value = document.to_value().ok()?;
    let pretty = text.contains('\n') && text.contains("  ");
    Some(if pretty { go::json_indented(&value) } else { go::json(&value) })
}
