//! `ValueAddTransformer`: one value into fields of many objects, possibly as a part of a file path.

use crate::error::{Fault, Reason};
use crate::file;
use crate::node::{Node, Shape, Tag};
use crate::path;
use crate::selector::Selector;
use crate::set::Set;

use super::{Context, Subjects, namespace};

/// The value and where it goes.
#[derive(Debug)]
pub(crate) struct ValueAdd {
    pub(crate) value: String,
    pub(crate) targets: Vec<Target>,
}

/// A field of some objects.
#[derive(Debug)]
pub(crate) struct Target {
    selector: Option<Selector>,
    path: String,
    position: i64,
}

impl Target {
    pub(crate) fn new(selector: Option<&file::Selector>, path: &str, position: i64) -> Result<Self, Fault> {
        if path.is_empty() {
            return Err(Reason::invalid("fieldPath cannot be empty"));
        }
        if position < 0 {
            return Err(Reason::invalid(format!("value of FilePathPosition ({position}) cannot be negative")));
        }
        Ok(Self { selector: selector.map(Selector::new).transpose()?, path: path.to_owned(), position })
    }
}

impl ValueAdd {
    pub(super) fn run(&self, set: &mut Set, context: &mut Context<'_>) -> Result<(), Fault> {
        for target in &self.targets {
            for resource in set.all_mut() {
                if target.selector.as_ref().is_some_and(|selector| !selector.fits(resource)) {
                    continue;
                }
                let result = if target.path == "metadata/namespace" {
                    namespace::set_one(resource, &self.value, Subjects::Default)
                } else {
                    self.add(&mut resource.node, target)
                };
                result.map_err(|fault| fault.on(|| resource.subject()))?;
                resource.refresh(context.schema);
            }
        }
        Ok(())
    }

    fn add(&self, node: &mut Node, target: &Target) -> Result<(), Fault> {
        let parts = path::split(&target.path, '/');
        let field = path::lookup_mut(node, &parts, Some(Shape::Scalar))
            .map_err(|error| Reason::apply(format!("field {:?}: {error}", target.path)))?;
        let Some(field) = field else { return Ok(()) };
        let text = match usize::try_from(target.position) {
            Ok(position) if position > 0 => insert_part(field.text(), position - 1, &self.value),
            _ => self.value.clone(),
        };
        crate::apply::write(field, &text, Tag::Unknown)
    }
}

/// Inserts a part into a file path; behind the end it is appended, and an absolute path stays absolute.
fn insert_part(path: &str, position: usize, part: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}
