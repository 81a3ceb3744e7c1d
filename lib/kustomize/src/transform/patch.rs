//! Patches: strategic merge and JSON 6902.

use crate::error::{Fault, Place, Reason, nearest};
use crate::file;
use crate::id::Id;
use crate::json_patch::{JsonPatch, ParseError};
use crate::merge;
use crate::node::{Keys, Node};
use crate::read;
use crate::resource::{Resource, meta_text};
use crate::schema::Schema;
use crate::selector::Selector;
use crate::set::Set;

use super::replica::some_of;
use super::{Context, Note};

/// A patch that says itself what kind it is.
#[derive(Debug)]
pub(crate) struct Patch {
    body: Body,
    target: Option<(file::Selector, Selector)>,
    options: file::PatchOptions,
}

#[derive(Debug)]
enum Body {
    /// Strategic merge patches.
    Merge(Vec<Resource>),
    Json(JsonPatch),
}

/// A JSON patch of the deprecated field.
#[derive(Debug)]
pub(crate) struct Json6902 {
    patch: JsonPatch,
    target: (file::Selector, Selector),
}

impl Patch {
    /// Reads a patch; `place` is where its text stands.
    pub(crate) fn new(
        text: &str,
        place: &Place,
        target: Option<&file::Selector>,
        options: Option<&file::PatchOptions>,
        schema: &Schema,
        keys: &mut Keys,
    ) -> Result<Self, Fault> {
        let mut body = parse(text, place, schema, keys)?;
        if let (Body::Merge(patches), Some(options)) = (&mut body, options)
            && (options.allow_name_change || options.allow_kind_change)
        {
            // kustomize notes the options in the patch's annotations, which makes strings of all of them.
            for patch in patches {
                patch.stringify_meta("annotations", |_| {});
            }
        }
        let target = match target {
            Some(target) => Some((target.clone(), Selector::new(target)?)),
            None => None,
        };
        match &body {
            Body::Merge(patches) if target.is_some() && patches.len() > 1 => {
                return Err(Reason::invalid("several strategic merge patches in one entry cannot have a target")
                    .hint(Some("give each its own entry, or leave the target out".to_owned())));
            }
            Body::Json(patch) if target.is_none() && !patch.is_empty() => {
                return Err(Reason::invalid("must specify a target for a JSON patch"));
            }
            _ => {}
        }
        Ok(Self { body, target, options: options.cloned().unwrap_or_default() })
    }

    /// A strategic merge patch of the deprecated list, which never has a target.
    pub(crate) fn merge_only(resources: Vec<Resource>) -> Self {
        Self { body: Body::Merge(resources), target: None, options: file::PatchOptions::default() }
    }

    pub(super) fn run(&self, set: &mut Set, context: &mut Context<'_>) -> Result<(), Fault> {
        match (&self.body, &self.target) {
            (Body::Merge(patches), None) => patches.iter().try_for_each(|patch| {
                let i = find(set, patch)?;
                self.merge_into(set, i, patch, context)
            }),
            (Body::Merge(patches), Some(target)) => {
                patches.iter().try_for_each(|patch| self.merge_all(set, &select(set, target, context), patch, context))
            }
            (Body::Json(_), None) => Ok(()),
            (Body::Json(patch), Some(target)) => {
                select(set, target, context).into_iter().try_for_each(|i| apply_json(patch, set, i, true, context))
            }
        }
    }

    /// As the deprecated list applies its patches: on a copy that takes the object's API version.
    pub(super) fn run_strict(&self, set: &mut Set, context: &mut Context<'_>) -> Result<(), Fault> {
        let Body::Merge(patches) = &self.body else { return Ok(()) };
        patches.iter().try_for_each(|patch| {
            let i = find(set, patch)?;
            self.merge_all(set, &[i], patch, context)
        })
    }

    /// Merges into the selected objects, then sees that no two are the same.
    fn merge_all(
        &self,
        set: &mut Set,
        selected: &[usize],
        patch: &Resource,
        context: &mut Context<'_>,
    ) -> Result<(), Fault> {
        let mut copy = patch.clone();
        copy.stringify_meta("labels", |_| {});
        copy.stringify_meta("annotations", |_| {});
        for &i in selected {
            let Some(resource) = set.get(i) else { continue };
            let api_version = resource.gvk().api_version();
            copy.set_api_version(&api_version);
            self.merge_into(set, i, &copy, context)?;
        }
        set.drop_empty();
        // kustomize puts all objects together anew, also when none was selected.
        if let Some((first, second)) = set.new_duplicate() {
            let reason = Reason::Duplicate { id: second.id().to_string() };
            let hint = format!("the other one is {}", first.subject());
            return Err(Fault::from(reason).on(|| second.subject()).hint(Some(hint)));
        }
        Ok(())
    }

    fn merge_into(&self, set: &mut Set, i: usize, patch: &Resource, context: &mut Context<'_>) -> Result<(), Fault> {
        let Some(resource) = set.get_mut_same_id(i) else { return Ok(()) };
        let (name_may, kind_may) = (self.options.allow_name_change, self.options.allow_kind_change);
        let kind = resource.gvk().kind.to_owned();
        let name = resource.name().to_owned();
        let namespace = resource.namespace().to_owned();
        let subject = resource.subject();
        if name_may || kind_may {
            resource.remember(context.texts);
        }
        resource.expose(false);
        let node = std::mem::replace(&mut resource.node, Node::null());
        let merged = merge::merge(&patch.node, node, context.schema)
            .map_err(|fault| fault.on(|| subject).hint(Some(format!("the patch is {}", patch.place))))?;
        let Some(merged) = merged.filter(|node| !node.is_empty()) else {
            set.forget();
            return Ok(());
        };
        resource.node = merged;
        resource.conceal(false);
        resource.spread();
        if !kind_may {
            resource.set_kind(&kind);
        }
        if !name_may {
            resource.set_meta("name", &name);
        }
        resource.set_namespace(&namespace);
        if resource.node.deeper_than(crate::node::MAX_DEPTH) {
            return Err(Reason::Limit { what: "values inside each other", limit: crate::node::MAX_DEPTH }.into());
        }
        if name_may || kind_may {
            resource.refresh(context.schema);
            set.forget();
        }
        Ok(())
    }
}

impl Json6902 {
    pub(crate) fn new(text: &str, target: &file::Selector) -> Result<Self, Fault> {
        if target.name.is_empty() {
            return Err(Reason::invalid("must specify the target name"));
        }
        let patch = JsonPatch::parse(text).map_err(|error| Reason::invalid(error.to_string()))?;
        if patch.is_empty() {
            return Err(Reason::invalid("the patch appears to be empty"));
        }
        Ok(Self { patch, target: (target.clone(), Selector::new(target)?) })
    }

    pub(super) fn run(&self, set: &mut Set, context: &mut Context<'_>) -> Result<(), Fault> {
        select(set, &self.target, context).into_iter().try_for_each(|i| apply_json(&self.patch, set, i, false, context))
    }
}

/// What distinguishes an object from others, kept while it changes.
#[derive(PartialEq, Eq)]
struct OwnedId(String, String);

impl OwnedId {
    fn of(id: &Id<'_>) -> Self {
        Self(id.to_string(), id.effective_namespace().to_owned())
    }
}

fn parse(text: &str, place: &Place, schema: &Schema, keys: &mut Keys) -> Result<Body, Fault> {
    let merge = read::objects(text, &place.file, keys);
    let json = JsonPatch::parse(text);
    match (merge, json) {
        (Ok(objects), Ok(patch)) if !objects.is_empty() && !patch.is_empty() => {
            Err(Reason::invalid("illegally qualifies as both an SM and JSON patch"))
        }
        (Ok(objects), _) => {
            let patches = objects
                .into_iter()
                .map(|(node, line)| {
                    // An inline patch starts where its text does in the build file.
                    let line = if place.line == 0 { line } else { place.line + line };
                    Resource::new(node, Place { line, ..place.clone() }, schema)
                })
                .collect();
            Ok(Body::Merge(patches))
        }
        (Err(_), Ok(patch)) => Ok(Body::Json(patch)),
        (Err(merge), Err(json)) => {
            let list = text.trim_start().starts_with(['[', '-']);
            let why = match (&json, merge.into_iter().next()) {
                (ParseError::NotAList, Some(problem)) if !list => problem.reason.to_string(),
                (json, _) => json.to_string(),
            };
            Err(Reason::invalid(format!("unable to parse SM or JSON patch: {why}")))
        }
    }
}

/// The objects that a target selects; none is worth a note.
fn select(set: &Set, (wanted, selector): &(file::Selector, Selector), context: &mut Context<'_>) -> Vec<usize> {
    let selected: Vec<usize> =
        set.iter().enumerate().filter(|(_, resource)| selector.fits(resource)).map(|(i, _)| i).collect();
    if selected.is_empty() {
        let same_kind = set.iter().filter(|resource| selector.fits_gvk(resource.gvk()));
        let names: Vec<&str> = same_kind.map(|resource| resource.original_id().name).collect();
        let hint = match nearest(&wanted.name, names.iter().copied()) {
            Some(near) if !wanted.name.is_empty() => format!("; did you mean {near:?}?"),
            _ if names.is_empty() => format!("; there is no {}", or_anything(&wanted.kind)),
            _ => format!("; there are {}", some_of(&names)),
        };
        context.notes.push(Note { text: format!("the target selects nothing: {wanted}{hint}"), at: None });
    }
    selected
}

fn or_anything(kind: &str) -> &str {
    if kind.is_empty() { "such object" } else { kind }
}

/// The one object that a patch names by its own identity.
fn find(set: &Set, patch: &Resource) -> Result<usize, Fault> {
    let id = patch.id();
    let found = set.any(&id);
    match found.as_slice() {
        [i] => Ok(*i),
        [] => {
            let what = format!("no resource matches strategic merge patch {id} ({})", patch.place);
            Err(Fault::from(Reason::NoMatch { what }).hint(Some(could_have_matched(set, &id))))
        }
        many => {
            let what = format!("multiple matches for Id {id}; failed to find unique target for patch {id}");
            let candidates = many.iter().filter_map(|&i| set.get(i)).map(|r| r.subject().to_string()).collect();
            Err(Reason::Ambiguous { what, candidates }.into())
        }
    }
}

/// What a patch that matched nothing may have meant.
fn could_have_matched(set: &Set, id: &Id<'_>) -> String {
    let same_name = set.iter().find_map(|resource| {
        let ids = [resource.original_id(), resource.id()];
        let found = ids.into_iter().find(|other| other.name == id.name && other.gvk.kind == id.gvk.kind)?;
        Some((resource, found))
    });
    if let Some((resource, other)) = same_name {
        let (what, theirs, ours) = if other.gvk == id.gvk {
            ("namespace", other.effective_namespace().to_owned(), id.effective_namespace().to_owned())
        } else {
            ("apiVersion", other.gvk.api_version(), id.gvk.api_version())
        };
        return format!("{} has {what} {theirs:?}, the patch {ours:?}", resource.subject());
    }
    let names: Vec<&str> = set
        .iter()
        .filter(|resource| resource.gvk().kind == id.gvk.kind)
        .map(|resource| meta_text(&resource.node, "name"))
        .collect();
    if names.is_empty() {
        return format!("there is no {} at all", id.gvk.kind);
    }
    match nearest(id.name, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("{} exists as {}", id.gvk.kind, some_of(&names)),
    }
}

fn apply_json(
    patch: &JsonPatch,
    set: &mut Set,
    i: usize,
    remember: bool,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    let Some(resource) = set.get_mut_same_id(i) else { return Ok(()) };
    let before = OwnedId::of(&resource.id());
    let subject = resource.subject();
    if remember {
        resource.remember(context.texts);
    }
    resource.expose(remember);
    let value = resource.node.to_value().map_err(|error| Reason::apply(error.to_string()).on(|| subject.clone()))?;
    let patched = patch.apply(value).map_err(|fault| fault.on(|| subject))?;
    resource.node = Node::from_json(patched, context.keys);
    resource.shared = 0;
    resource.conceal(true);
    resource.stringify_meta("annotations", |_| {});
    resource.refresh(context.schema);
    if resource.node.deeper_than(crate::node::MAX_DEPTH) {
        return Err(Reason::Limit { what: "values inside each other", limit: crate::node::MAX_DEPTH }.into());
    }
    if OwnedId::of(&resource.id()) != before {
        set.forget();
    }
    Ok(())
}
