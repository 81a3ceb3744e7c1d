//! Name prefixes and suffixes.

use crate::apply;
use crate::config::Field;
use crate::error::Fault;
use crate::id::Gvk;
use crate::node::{Shape, Tag};
use crate::set::Set;

use super::Context;

#[derive(Clone, Copy)]
pub(super) enum Affix<'a> {
    Prefix(&'a str),
    Suffix(&'a str),
}

/// Names that mean something outside of the object stay.
fn is_fixed(gvk: Gvk<'_>) -> bool {
    match gvk.kind {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}

pub(super) fn run(set: &mut Set, affix: Affix<'_>, fields: &[Field], context: &mut Context<'_>) -> Result<(), Fault> {
    let (Affix::Prefix(text) | Affix::Suffix(text)) = affix;
    for resource in set.all_mut() {
        if is_fixed(resource.original_id().gvk) {
            continue;
        }
        for field in fields {
            if !resource.original_id().gvk.is_selected(&field.gvk) {
                continue;
            }
            if field.path.as_str() == "metadata/name" && !text.is_empty() {
                let shared = context.texts.share(text);
                match affix {
                    Affix::Prefix(_) => resource.prefixes.push(shared),
                    Affix::Suffix(_) => resource.suffixes.push(shared),
                }
                resource.remember(context.texts);
            }
            apply::field(&mut resource.node, field, Some(Shape::Scalar), &mut |node| {
                let name = match affix {
                    Affix::Prefix(prefix) => format!("{prefix}{}", node.text()),
                    Affix::Suffix(suffix) => format!("{}{suffix}", node.text()),
                };
                apply::write(node, &name, Tag::Unknown)
            })
            .map_err(|fault| fault.on(|| resource.subject()))?;
        }
    }
    Ok(())
}
