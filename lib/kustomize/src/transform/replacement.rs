//! Values copied from one field to others.

mod structured;

use crate::error::{Fault, Place, Problem, Reason, nearest};
use crate::file;
use crate::id::{GvkPattern, Id};
use crate::node::{Node, Scalar, Shape, Tag};
use crate::path;
use crate::resource::Resource;
use crate::selector::Selector;
use crate::set::Set;

use super::replica::some_of;
use super::{Context, Note};

const DEFAULT_PATH: &str = "metadata.name";

/// A replacement, checked.
#[derive(Debug)]
pub(crate) struct Replacement {
    from: From,
    targets: Vec<Target>,
    place: Place,
}

#[derive(Debug)]
enum From {
    Value(String),
    Field(Box<file::Source>),
}

#[derive(Debug)]
struct Target {
    select: Selector,
    reject: Vec<Selector>,
    paths: Vec<String>,
    options: file::FieldOptions,
    described: String,
}

impl Replacement {
    pub(crate) fn new(replacement: &file::Replacement, place: &Place) -> Result<Self, Fault> {
        let from = match (&replacement.source_value, &replacement.source) {
            (Some(_), Some(_)) => {
                return Err(Reason::invalid("value and resource selectors are mutually exclusive"));
            }
            (Some(value), None) => From::Value(value.clone()),
            (None, Some(source)) => From::Field(Box::new(source.clone())),
            (None, None) => {
                return Err(Reason::invalid("replacements must specify a source and at least one target"));
            }
        };
        if replacement.targets.is_empty() {
            return Err(Reason::invalid("replacements must specify a source and at least one target"));
        }
        let targets = replacement.targets.iter().map(Target::new).collect::<Result<_, _>>()?;
        Ok(Self { from, targets, place: place.clone() })
    }

    fn run(&self, set: &mut Set, note: &mut dyn FnMut(String)) -> Result<(), Fault> {
        let mut value = match &self.from {
            From::Value(text) => Value::fixed(Node::Scalar(Scalar::new(text.as_str(), Tag::Unknown))),
            From::Field(source) => read(set, source)?,
        };
        // What objects were called is looked at, whichever are meant.
        set.iter().try_for_each(Resource::check_history)?;
        self.targets.iter().try_for_each(|target| {
            if !target.write(set, &mut value)? {
                note(format!("the target selects nothing: {}", target.described));
            }
            Ok(())
        })
    }
}

pub(super) fn run(set: &mut Set, replacements: &[Replacement], context: &mut Context<'_>) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for (i, replacement) in replacements.iter().enumerate() {
        let (place, field) = (&replacement.place, || format!("replacements[{i}]"));
        let mut note = |text| context.notes.push(Note { text, at: Some((place.clone(), field())) });
        if let Err(fault) = replacement.run(set, &mut note) {
            problems.push(*fault.at(place).field(field));
        }
    }
    set.forget();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The value to copy. A whole field is read anew for every write, because a target may have changed it.
struct Value {
    node: Node,
    /// The object and the path to read it from.
    live: Option<(usize, Vec<String>)>,
}

impl Value {
    fn fixed(node: Node) -> Self {
        Self { node, live: None }
    }

    fn is_in(&self, i: usize) -> bool {
        self.live.as_ref().is_some_and(|(from, _)| *from == i)
    }

    fn refresh(&mut self, object: &Node) {
        if let Some((_, path)) = &self.live
            && let Ok(Some(found)) = path::lookup(object, path)
        {
            self.node = unshared(found);
        }
    }
}

fn unshared(node: &Node) -> Node {
    let mut node = node.clone();
    node.each_scalar(&mut |scalar| scalar.shared = 0);
    node
}

/// All identities, none of which counts as cluster-scoped here.
fn ids(resource: &Resource) -> impl Iterator<Item = Id<'_>> {
    std::iter::once(Id { cluster: false, ..resource.id() }).chain(resource.former_ids())
}

fn read(set: &Set, source: &file::Source) -> Result<Value, Fault> {
    let (i, resource) = find(set, source)?;
    let path = if source.field_path.is_empty() { DEFAULT_PATH } else { &source.field_path };
    let fault = |fault: Fault| fault.on(|| resource.subject());
    let parts = path::split_dotted(path);
    let found = path::lookup(&resource.node, &parts)
        .map_err(|error| fault(Reason::apply(format!("looking up source field {path:?}: {error}"))))?;
    let Some(found) = found.filter(|node| !node.is_empty()) else {
        let missing = Reason::apply(format!("fieldPath `{path}` is missing for the replacement source"));
        return Err(fault(missing.hint(nearest_field(&resource.node, &parts))));
    };
    let Some(options) = source.options.as_ref().filter(|options| !options.delimiter.is_empty()) else {
        return Ok(Value { node: unshared(found), live: Some((i, parts)) });
    };
    let Node::Scalar(scalar) = found else {
        return Err(fault(Reason::apply("delimiter option can only be used with scalar nodes")));
    };
    let mut parts = scalar.text.split(options.delimiter.as_str());
    let part = usize::try_from(options.index).ok().and_then(|index| parts.nth(index)).ok_or_else(|| {
        // The value may be a secret, so it is not told.
        fault(Reason::apply(format!("options.index {} is out of bounds for the value of {path}", options.index)))
    })?;
    Ok(Value::fixed(Node::Scalar(Scalar::quoted(part, scalar.tag, scalar.quote))))
}

/// What the part of a path may have meant that leads nowhere.
fn nearest_field(node: &Node, parts: &[String]) -> Option<String> {
    let mut at = node;
    for part in parts {
        let map = at.map()?;
        match map.get(part) {
            Some(below) => at = below,
            None => {
                return nearest(part, map.iter().map(|(name, _)| name)).map(|near| format!("did you mean {near:?}?"));
            }
        }
    }
    None
}

fn find<'s>(set: &'s Set, source: &file::Source) -> Result<(usize, &'s Resource), Fault> {
    let pattern = GvkPattern::new(source.group.clone(), source.version.clone(), source.kind.clone());
    let wanted = Id { gvk: pattern.as_gvk(), name: &source.name, namespace: &source.namespace, cluster: false };
    let fits = |id: &Id<'_>| {
        (source.name.is_empty() || source.name == id.name)
            && (source.namespace.is_empty() || wanted.same_namespace(id))
            && id.gvk.is_selected(&pattern)
    };
    let mut found = set.iter().enumerate().filter(|(_, resource)| ids(resource).any(|id| fits(&id)));
    let Some(first) = found.next() else {
        let names: Vec<&str> = set
            .iter()
            .filter(|resource| resource.gvk().is_selected(&pattern))
            .map(|resource| resource.original_id().name)
            .collect();
        let hint = nearest(&source.name, names.iter().copied())
            .map(|near| format!("did you mean {near:?}?"))
            .or_else(|| (!names.is_empty()).then(|| format!("there are {}", some_of(&names))));
        return Err(Fault::from(Reason::NoMatch { what: format!("nothing selected by source {wanted}") }).hint(hint));
    };
    let others: Vec<String> = found.map(|(_, resource)| resource.subject().to_string()).collect();
    if others.is_empty() {
        return Ok(first);
    }
    let what = format!("multiple matches for source {wanted}");
    let candidates = std::iter::once(first.1.subject().to_string()).chain(others).collect();
    Err(Reason::Ambiguous { what, candidates }.into())
}

impl Target {
    fn new(target: &file::Target) -> Result<Self, Fault> {
        let select =
            target.select.as_ref().ok_or_else(|| Reason::invalid("target must specify resources to select"))?;
        let paths =
            if target.field_paths.is_empty() { vec![DEFAULT_PATH.to_owned()] } else { target.field_paths.clone() };
        Ok(Self {
            select: Selector::new(select)?,
            reject: target.reject.iter().map(Selector::new).collect::<Result<_, _>>()?,
            paths,
            options: target.options.clone().unwrap_or_default(),
            described: select.to_string(),
        })
    }

    fn selects(&self, resource: &Resource) -> bool {
        if !self.select.fits_labels(resource) {
            return false;
        }
        for reject in &self.reject {
            if !reject.any_labels && reject.fits_labels(resource) {
                return false;
            }
            if !reject.any_id && ids(resource).any(|id| fits(reject, &id)) {
                return false;
            }
        }
        ids(resource).any(|id| fits(&self.select, &id))
    }

    /// Writes into all that is selected, if anything is.
    fn write(&self, set: &mut Set, value: &mut Value) -> Result<bool, Fault> {
        let mut any = false;
        for i in 0..set.len() {
            let Some(resource) = set.get_mut_same_id(i).filter(|resource| self.selects(resource)) else { continue };
            let own = value.is_in(i);
            any = true;
            for path in &self.paths {
                let subject = resource.subject();
                self.copy(&mut resource.node, value, own, path).map_err(|fault| {
                    fault.on(|| subject).hint(Some(format!("the target selects {}", self.described)))
                })?;
                resource.spread();
                if own {
                    value.refresh(&resource.node);
                }
            }
        }
        Ok(any)
    }

    fn copy(&self, node: &mut Node, value: &mut Value, own: bool, path: &str) -> Result<(), Fault> {
        let create = self.options.create.then(|| value.node.shape());
        let parts = path::split_dotted(path);
        if structured::write(node, &value.node, &parts, create) {
            return Ok(());
        }
        let missing = |why: &str| {
            let find = if create.is_some() { "find or create" } else { "find" };
            Reason::apply(format!("unable to {find} field {path:?} in replacement target{why}"))
        };
        if own && create.is_some() {
            // What is made for the target may be part of the source.
            path::each_match(node, &parts, create, &mut |_| {}).map_err(|error| missing(&format!(": {error}")))?;
            value.refresh(node);
        }
        let value = &value.node;
        let mut failed = None;
        let count = path::each_match(node, &parts, create, &mut |field| {
            failed = failed.take().or(self.set(field, value).err());
        })
        .map_err(|error| missing(&format!(": {error}")))?;
        if count == 0 {
            return Err(missing("").hint(nearest_field(node, &parts)));
        }
        failed.map_or(Ok(()), Err)
    }

    /// Writes into a field. A plain value keeps the type that the field has; anything else is replaced.
    fn set(&self, field: &mut Node, value: &Node) -> Result<(), Fault> {
        let delimiter = self.options.delimiter.as_str();
        let mut value = value.clone();
        if !delimiter.is_empty() {
            let Node::Scalar(scalar) = &*field else {
                return Err(Reason::apply("delimiter option can only be used with scalar nodes"));
            };
            let mut parts: Vec<&str> = scalar.text.split(delimiter).collect();
            let new = value.value().to_owned();
            match usize::try_from(self.options.index) {
                Err(_) => parts.insert(0, &new),
                Ok(index) => match parts.get_mut(index) {
                    Some(part) => *part = &new,
                    None => parts.push(&new),
                },
            }
            let joined = parts.join(delimiter);
            value = match value {
                Node::Scalar(scalar) => Node::Scalar(Scalar::quoted(joined, scalar.tag, scalar.quote)),
                _ => Node::Scalar(Scalar::new(joined, Tag::Unknown)),
            };
        }
        set_value(field, &value);
        Ok(())
    }
}

/// A plain value takes over the text only.
fn set_value(field: &mut Node, value: &Node) {
    match field {
        Node::Scalar(scalar) => {
            let tag = scalar.tag;
            scalar.become_value(value.text().into(), tag);
        }
        field => *field = value.clone(),
    }
}

fn fits(selector: &Selector, id: &Id<'_>) -> bool {
    selector.fits_gvk(id.gvk) && selector.fits_name(id.name) && selector.fits_namespace(id.namespace)
}

/// The shape in which a missing field is made.
type Create = Option<Shape>;
