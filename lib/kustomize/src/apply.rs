//! Doing something to every field that a specification names.

use crate::config::{Field, Part};
use crate::error::{Fault, Reason};
use crate::id::Gvk;
use crate::node::{Node, Shape};
use crate::path::shape_name;

/// What `set` does to a field.
pub(crate) type Set<'s> = &'s mut dyn FnMut(&mut Node) -> Result<(), Fault>;

/// Calls `set` for the field, if the object is of a kind that has it. Where the specification says so, a missing field
/// is made in the shape that `create` names.
pub(crate) fn field(node: &mut Node, field: &Field, create: Option<Shape>, set: Set<'_>) -> Result<(), Fault> {
    if !Gvk::of(node).is_selected(&field.gvk) {
        return Ok(());
    }
    of_any_kind(node, field, create, set)
}

/// The same, whatever kind the object is of.
pub(crate) fn of_any_kind(node: &mut Node, field: &Field, create: Option<Shape>, set: Set<'_>) -> Result<(), Fault> {
    walk(node, field.path.parts(), create.filter(|_| field.create), set).map_err(|mut fault| {
        if let Reason::Apply { message } = &mut fault.reason {
            *message = format!("considering field {:?}: {message}", field.path.as_str());
        }
        fault
    })
}

/// Calls [`field`] for all of them.
pub(crate) fn fields(node: &mut Node, fields: &[Field], create: Option<Shape>, set: Set<'_>) -> Result<(), Fault> {
    let gvk = Gvk::of(node);
    let own: Vec<&Field> = fields.iter().filter(|field| gvk.is_selected(&field.gvk)).collect();
    own.into_iter().try_for_each(|field| of_any_kind(node, field, create, set))
}

fn walk(node: &mut Node, path: &[Part], create: Option<Shape>, set: Set<'_>) -> Result<(), Fault> {
    let Some((part, rest)) = path.split_first() else { return set(node) };
    match node {
        node if node.is_null() => Ok(()),
        Node::List(items) => items.iter_mut().try_for_each(|item| walk(item, path, create, set)),
        Node::Scalar(_) => {
            Err(Reason::apply(format!("expected sequence or mapping node, found {}", shape_name(Shape::Scalar))))
        }
        Node::Map(map) => {
            if part.name.is_empty() {
                return Err(Reason::apply("cannot set or create an empty field name"));
            }
            if !part.is_field {
                return Err(Reason::apply(format!(
                    "{:?} stands for elements of a list, found a map; write NAME[] for a list, whose elements need no part of the path",
                    part.name
                )));
            }
            let make = match create {
                Some(_) if part.list => None,
                Some(shape) if rest.is_empty() => Some(shape),
                Some(_) => Some(Shape::Map),
                None => None,
            };
            let found = match make {
                Some(shape) => Some(map.entry(&part.name, || Node::empty(shape))),
                None => map.get_mut(&part.name),
            };
            let Some(found) = found else { return Ok(()) };
            // A null takes the shape that is wanted there, even when nothing is put into it.
            if let Some(shape) = make.or(part.list.then_some(Shape::List)).filter(|_| found.is_null()) {
                *found = Node::empty(shape);
            }
            walk(found, rest, create, set)
        }
    }
}

/// Writes a scalar over a scalar or null.
pub(crate) fn write(node: &mut Node, text: &str, tag: crate::node::Tag) -> Result<(), Fault> {
    if !matches!(node, Node::Scalar(_)) {
        return Err(Reason::apply(format!(
            "wrong node kind: expected a plain value, found {}",
            shape_name(node.shape())
        )));
    }
    node.write(text, tag);
    Ok(())
}
