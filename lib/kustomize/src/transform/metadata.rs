//! Labels and annotations.

use std::collections::BTreeMap;

use crate::apply;
use crate::config::Field;
use crate::error::{Fault, Reason};
use crate::node::{Node, Shape};
use crate::path::shape_name;
use crate::set::Set;

/// Sets all pairs in all fields.
pub(super) fn run(set: &mut Set, pairs: &BTreeMap<String, String>, fields: &[Field]) -> Result<(), Fault> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in set.all_mut() {
        apply::fields(&mut resource.node, fields, Some(Shape::Map), &mut |node| match node {
            Node::Map(map) => {
                pairs.iter().for_each(|(key, value)| map.set_str(key, value.as_str()));
                Ok(())
            }
            node if node.is_null() => Ok(()),
            node => Err(Reason::apply(format!("wrong node kind: expected a map, found {}", shape_name(node.shape())))),
        })
        .map_err(|fault| fault.on(|| resource.subject()))?;
    }
    Ok(())
}
