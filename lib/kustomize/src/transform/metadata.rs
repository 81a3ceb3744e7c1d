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
        let stale = resource.shared > 0;
        // A label that is new in several fields is one value in all of them.
        let shared: Vec<u16> = pairs.iter().map(|_| resource.share()).collect();
        apply::fields(&mut resource.node, fields, Some(Shape::Map), &mut |node| match node {
            Node::Map(map) => {
                for ((key, value), shared) in pairs.iter().zip(&shared) {
                    map.set_shared(key, value, *shared);
                }
                Ok(())
            }
            node if node.is_null() => Ok(()),
            node => Err(Reason::apply(format!("wrong node kind: expected a map, found {}", shape_name(node.shape())))),
        })
        .map_err(|fault| fault.on(|| resource.subject()))?;
        if stale {
            resource.spread();
        }
    }
    Ok(())
}
