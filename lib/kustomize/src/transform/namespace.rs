//! The namespace of everything that lives in one, and of what refers to it.

use std::collections::HashMap;

use crate::apply;
use crate::config::Field;
use crate::error::{Fault, Reason};
use crate::id::{Gvk, Id};
use crate::node::{Map, Node, Shape, Tag};
use crate::path::shape_name;
use crate::resource::{HELM_GENERATED, Resource, annotation};
use crate::set::Set;

use super::Context;

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    Default,
    /// All service accounts.
    ServiceAccounts,
    None,
}

/// Sets the namespace of one object, by no other field than its own and its subjects'.
pub(super) fn set_one(resource: &mut Resource, namespace: &str, subjects: Subjects) -> Result<(), Fault> {
    let everywhere = Field::everywhere("metadata/namespace", true);
    one(resource, &[], &everywhere, subjects, &mut |node| apply::write(node, namespace, Tag::Str))
}

/// An identity that outlives the object.
type OwnedId = (String, String, String, String, String);

pub(super) fn run(
    set: &mut Set,
    namespace: &str,
    fields: &[Field],
    subjects: Subjects,
    unset_only: bool,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    if namespace.is_empty() {
        return Ok(());
    }
    let everywhere = Field::everywhere("metadata/namespace", true);
    // How many objects have an identity at each moment: a conflict may be with one that is still to be moved.
    let mut counts: HashMap<OwnedId, usize> = HashMap::new();
    for resource in set.iter() {
        *counts.entry(owned(&resource.id())).or_default() += 1;
    }
    for resource in set.all_mut() {
        if annotation(&resource.node, HELM_GENERATED) == Some("true") {
            continue;
        }
        let before = owned(&resource.id());
        resource.remember(context.texts);
        let mut write = |node: &mut Node| {
            if unset_only && !node.value().is_empty() { Ok(()) } else { apply::write(node, namespace, Tag::Str) }
        };
        one(resource, fields, &everywhere, subjects, &mut write).map_err(|fault| fault.on(|| resource.subject()))?;
        let after = owned(&resource.id());
        if before != after {
            if let Some(count) = counts.get_mut(&before) {
                *count -= 1;
            }
            *counts.entry(after.clone()).or_default() += 1;
        }
        if counts.get(&after).is_none_or(|count| *count != 1) {
            let message = format!("namespace transformation produces ID conflict: {}", resource.id());
            return Err(Reason::apply(message).on(|| resource.subject()));
        }
    }
    Ok(())
}

fn owned(id: &Id<'_>) -> OwnedId {
    let Gvk { group, version, kind } = id.gvk;
    (group.into(), version.into(), kind.into(), id.name.into(), id.effective_namespace().into())
}

fn one(
    resource: &mut Resource,
    fields: &[Field],
    everywhere: &Field,
    subjects: Subjects,
    write: apply::Set<'_>,
) -> Result<(), Fault> {
    let core = resource.node.get("apiVersion").map_or("", Node::text) == "v1";
    let kind = resource.gvk().kind;
    let binding = matches!(kind, "RoleBinding" | "ClusterRoleBinding");
    if !resource.cluster {
        apply::field(&mut resource.node, everywhere, Some(Shape::Scalar), write)?;
    }
    if binding {
        bind(&mut resource.node, subjects, write)?;
    }
    for field in fields {
        let special = match field.path.as_str() {
            "metadata/namespace" => true,
            "metadata/name" => !core,
            "subjects/namespace" => binding && matches!(&*field.gvk.kind, "RoleBinding" | "ClusterRoleBinding"),
            _ => false,
        };
        if !special {
            apply::field(&mut resource.node, field, Some(Shape::Scalar), write)?;
        }
    }
    Ok(())
}

fn bind(node: &mut Node, subjects: Subjects, write: apply::Set<'_>) -> Result<(), Fault> {
    let (field, value) = match subjects {
        Subjects::None => return Ok(()),
        Subjects::Default => ("name", "default"),
        Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
    };
    let Some(list) = node.map_mut().and_then(|root| root.get_mut("subjects")) else { return Ok(()) };
    let items = match list {
        Node::List(items) => items,
        list if list.is_null() => return Ok(()),
        list => return Err(Reason::apply(format!("subjects must be a list, found {}", shape_name(list.shape())))),
    };
    for item in items {
        let subject: &mut Map = match item {
            Node::Map(map) => map,
            item if item.is_null() => continue,
            item => return Err(Reason::apply(format!("a subject must be a map, found {}", shape_name(item.shape())))),
        };
        if subject.get(field).is_some_and(|found| found.value() == value) {
            write(subject.entry("namespace", || Node::empty(Shape::Scalar)))?;
        }
    }
    Ok(())
}
