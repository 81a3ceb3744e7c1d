//! Replica counts.

use std::fmt::Write as _;

use crate::apply;
use crate::config::Field;
use crate::error::{Fault, Reason};
use crate::file::Replica;
use crate::node::{Shape, Tag};
use crate::set::Set;

pub(super) fn run(set: &mut Set, replica: &Replica, fields: &[Field]) -> Result<(), Fault> {
    let count = replica.count.to_string();
    let mut found = false;
    for field in fields {
        for i in 0..set.len() {
            let Some(resource) = set.get_mut_same_id(i) else { continue };
            if !resource.all_ids().any(|id| id.name == replica.name && id.gvk.is_selected(&field.gvk)) {
                continue;
            }
            found = true;
            apply::field(&mut resource.node, field, Some(Shape::Scalar), &mut |node| {
                apply::write(node, &count, Tag::Int)
            })
            .map_err(|fault| fault.on(|| resource.subject()))?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds: Vec<&str> = fields.iter().map(|field| &*field.gvk.kind).collect();
    let what = format!("no object of the kinds {} has the name {:?}", kinds.join(", "), replica.name);
    let names: Vec<&str> = set
        .iter()
        .filter(|resource| fields.iter().any(|field| resource.gvk().is_selected(&field.gvk)))
        .map(|resource| resource.original_id().name)
        .collect();
    let hint = crate::error::nearest(&replica.name, names.iter().copied())
        .map(|near| format!("did you mean {near:?}?"))
        .or_else(|| (!names.is_empty()).then(|| format!("there are {}", some_of(&names))));
    Err(Fault::from(Reason::NoMatch { what }).hint(hint))
}

/// The first few of many names.
pub(super) fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    const FEW: usize = 8;
    let mut text = names.iter().take(FEW).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > FEW {
        let _ = write!(text, " and {} more", names.len() - FEW);
    }
    text
}
