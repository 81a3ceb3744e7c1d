//! Strategic merge patches, as kustomize applies them.
//!
//! Only lists whose type says so merge; the other directives of kubectl's patches (`$setElementOrder`,
//! `$deleteFromPrimitiveList`, `$retainKeys`) are fields like any other here, as they are in kustomize.

mod list;

use crate::error::{Fault, Reason};
use crate::id::Gvk;
use crate::node::{Key, Map, Node, Shape};
use crate::schema::{FieldType, Schema, TypeRef};

const DIRECTIVE: &str = "$patch";

/// What `$patch` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// What is known of a place.
#[derive(Debug, Clone, Copy)]
enum Known<'a> {
    Nothing,
    Field(FieldType<'a>),
    Type(TypeRef<'a>),
}

/// Merges `patch` into `target`; nothing is left when the patch deletes it.
pub(crate) fn merge(patch: &Node, target: Node, schema: &Schema) -> Result<Option<Node>, Fault> {
    let mut merger = Merger { schema, path: Vec::new() };
    if let (Some(map), Node::Map(_)) = (patch.map(), &target)
        && merger.directive(map)? == Directive::Replace
    {
        // kustomize makes the replacement of a whole object in a copy that it then drops.
        return Ok(Some(target));
    }
    merger.walk(Some(target), Some(patch), Known::Nothing)
}

struct Merger<'a> {
    schema: &'a Schema,
    /// The fields from the root to here, for messages.
    path: Vec<Key>,
}

impl<'a> Merger<'a> {
    /// Merges at one place; nothing means that the field goes.
    fn walk(&mut self, target: Option<Node>, patch: Option<&Node>, known: Known<'a>) -> Result<Option<Node>, Fault> {
        let shape = [target.as_ref(), patch].into_iter().flatten().find(|node| !node.is_null()).map(Node::shape);
        let Some(shape) = shape else { return Ok(nulls(target, patch)) };
        for node in [target.as_ref(), patch].into_iter().flatten() {
            if !node.is_null() && node.shape() != shape {
                return Err(self.mismatch(shape, node.shape()));
            }
        }
        let known = self.look_up(known, target.as_ref(), patch);
        match shape {
            Shape::Map => {
                let ty = match known {
                    Known::Type(ty) => Some(ty),
                    Known::Field(field) => field.map(),
                    Known::Nothing => None,
                };
                self.map(target, patch, ty)
            }
            Shape::List => {
                let merges = if let Known::Field(field) = known { field.list() } else { None };
                match merges {
                    Some((keys, element)) => self.list(target, patch, keys, element),
                    None => Ok(patch.cloned().or(target).filter(|node| !node.is_null())),
                }
            }
            Shape::Scalar => Ok(patch.cloned().or(target).filter(|node| !node.is_null())),
        }
    }

    /// Where the schema says nothing, an object inside the object may say what it is.
    fn look_up(&self, known: Known<'a>, target: Option<&Node>, patch: Option<&Node>) -> Known<'a> {
        if !matches!(known, Known::Nothing) {
            return known;
        }
        let type_of = |node: &Node| {
            node.map()?;
            let named = |field| !node.get(field).map_or("", Node::value).is_empty();
            (named("kind") && named("apiVersion")).then(|| self.schema.of(Gvk::of(node)))?
        };
        [target, patch].into_iter().flatten().find_map(type_of).map_or(Known::Nothing, Known::Type)
    }

    fn map(
        &mut self,
        target: Option<Node>,
        patch: Option<&Node>,
        ty: Option<TypeRef<'a>>,
    ) -> Result<Option<Node>, Fault> {
        let target = match target {
            Some(Node::Map(map)) => Some(map),
            _ => None,
        };
        let patch_map = patch.and_then(Node::map);
        let mut strip = patch_map.is_some_and(|map| map.get(DIRECTIVE).is_some());
        let (mut base, over) = match (target, patch_map) {
            (Some(_), None) if patch.is_some() => return Ok(None),
            (Some(target), None) => (target, None),
            (None, None) => return Ok(None),
            // What the patch adds is walked as if it were merged into itself: directives and nulls inside take effect.
            (None, Some(added)) => {
                match self.directive(added) {
                    Ok(Directive::Delete) => return Ok(None),
                    Ok(_) => {}
                    Err(_) => strip = false,
                }
                (added.clone(), Some(added))
            }
            (Some(target), Some(over)) => match self.directive(over)? {
                Directive::Delete => return Ok(None),
                Directive::Replace => (over.clone(), Some(over)),
                Directive::Merge => (target, Some(over)),
            },
        };
        if strip {
            base.remove(DIRECTIVE);
        }
        self.fields(base, over, strip, ty).map(|map| Some(Node::Map(map)))
    }

    fn fields(&mut self, base: Map, over: Option<&Map>, strip: bool, ty: Option<TypeRef<'a>>) -> Result<Map, Fault> {
        let mut merged: Vec<(Key, Node)> = Vec::with_capacity(base.len());
        let mut over =
            over.into_iter().flat_map(Map::fields).filter(|(key, _)| !strip || key.as_ref() != DIRECTIVE).peekable();
        let mut base = base.into_fields().into_iter().peekable();
        loop {
            let order = match (base.peek(), over.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let target = if order.is_le() { base.next() } else { None };
            let patch = if order.is_ge() { over.next() } else { None };
            let Some(key) = target.as_ref().map(|(key, _)| key).or(patch.map(|(key, _)| key)).cloned() else { break };
            let place = target.as_ref().and_then(|(_, node)| node.scalar()).map(|s| (s.quote, s.shared, s.written));
            let overwritten = patch.is_some();
            let known = ty.and_then(|ty| ty.field(&key)).map_or(Known::Nothing, Known::Field);
            self.path.push(key.clone());
            let value = self.walk(target.map(|(_, node)| node), patch.map(|(_, node)| node), known)?;
            self.path.pop();
            if let Some(mut value) = value {
                if let Node::Scalar(scalar) = &mut value {
                    scalar.quote_what_is_no_text();
                }
                // A value written over another one keeps the quotes of that one, and what it is shared with.
                if let (Some((quote, shared, written)), Node::Scalar(scalar)) =
                    (place.filter(|_| overwritten), &mut value)
                {
                    scalar.quote = quote;
                    scalar.shared = shared;
                    scalar.written = written.saturating_add(1);
                }
                merged.push((key, value));
            }
        }
        Ok(merged.into_iter().collect())
    }

    fn directive(&self, patch: &Map) -> Result<Directive, Fault> {
        patch.get(DIRECTIVE).map_or(Ok(Directive::Merge), |value| self.parse_directive(value.text()))
    }

    fn parse_directive(&self, text: &str) -> Result<Directive, Fault> {
        match text {
            "merge" => Ok(Directive::Merge),
            "replace" => Ok(Directive::Replace),
            "delete" => Ok(Directive::Delete),
            other => {
                let fault = Reason::apply(format!("unknown patch strategy {other:?}{}", self.at()));
                Err(fault.hint(Some("$patch takes merge, replace or delete".into())))
            }
        }
    }

    fn mismatch(&self, expected: Shape, found: Shape) -> Fault {
        let name = |shape| match shape {
            Shape::Scalar => "a plain value",
            Shape::List => "a list",
            Shape::Map => "a map",
        };
        Reason::apply(format!(
            "wrong node kind: the object has {}, the patch {}{}",
            name(expected),
            name(found),
            self.at()
        ))
    }

    /// Where in the object, for the end of a message.
    fn at(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" at {:?}", self.path.join(".")) }
    }
}

/// A null that only the target has stays when it was spelled out, and goes when the value was left empty.
fn nulls(target: Option<Node>, patch: Option<&Node>) -> Option<Node> {
    target.filter(|target| patch.is_none() && !target.text().is_empty())
}
