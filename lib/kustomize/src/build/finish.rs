//! What happens once, after everything has been gathered: hashes, references, variables, order and metadata.

use std::collections::HashSet;

use crate::config::Field;
use crate::error::{Fault, Place, Problem, Reason};
use crate::id::Id;
use crate::names;
use crate::node::{Node, Tag};
use crate::origin::{self, ORIGIN, TRANSFORMATIONS};
use crate::output::{Build, Resource as Output, Warning};
use crate::resource::{BUILD_ANNOTATIONS, Resource, annotation, meta_text};
use crate::transform::{self, Context, Order};
use crate::vars;

use super::{Accumulator, Builder, Reorder, Target, one};

/// Objects with this annotation are for tools that read the files, not for the cluster.
const LOCAL: &str = "config.kubernetes.io/local-config";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const VERSION: &str = "kustomize-v5.8.1";

impl Builder<'_> {
    pub(super) fn finish(&mut self, target: &Target<'_>, accumulated: Accumulator) -> Result<Build, Vec<Problem>> {
        let Accumulator { mut set, config, vars } = accumulated;
        let place = target.at(target.file.line);
        for resource in set.all_mut() {
            resource.refresh(&self.schema);
        }
        let mut context =
            Context { schema: &self.schema, texts: &mut self.texts, keys: &mut self.keys, notes: Vec::new() };
        transform::hash(&mut set, &mut context).map_err(|fault| one(fault.at(&place)))?;
        names::update(&mut set, &config)?;
        let unused = vars::resolve(&mut set, &vars, &config.var_reference)?;
        for name in unused {
            self.warnings.push(Warning::new(Some(place.clone()), format!("var {name:?} was never replaced")));
        }
        check(set.iter()).map_err(one)?;
        let order = self.order(target, &place).map_err(one)?;
        // Only sorting minds that one that is left out is the same as one that stays.
        let apart = |resource| order == Order::Fifo && is_local(resource);
        if let Some((first, second)) = set.duplicate_by(|resource| (resource.id(), apart(resource))) {
            let reason = Reason::Duplicate { id: second.id().to_string() };
            let hint = format!("the other one is {}", first.subject());
            return Err(one(Fault::from(reason).on(|| second.subject()).hint(Some(hint))));
        }
        // kustomize tells those that stay by their identities, so the same one stays then too.
        let stays: HashSet<Id<'_>> = set.iter().filter(|resource| !is_local(resource)).map(Resource::id).collect();
        let stays: Vec<bool> = set.iter().map(|resource| stays.contains(&resource.id())).collect();
        let mut stays = stays.into_iter();
        let mut list = set.into_list();
        list.retain(|_| stays.next().unwrap_or_default());
        transform::sort(&mut list, &order);
        let mut resources = Vec::with_capacity(list.len());
        let mut problems = Vec::new();
        for mut resource in list {
            self.label(&mut resource);
            self.annotate(&mut resource);
            match resource.node.check() {
                Ok(()) => resources.push(Output::new(resource.node, resource.place, resource.cluster)),
                Err(mut error) => {
                    if resource.gvk().kind == "Secret" {
                        error.text = None;
                    }
                    problems.push(*Reason::apply(error.to_string()).on(|| resource.subject()));
                }
            }
        }
        if problems.is_empty() {
            Ok(Build { resources, warnings: std::mem::take(&mut self.warnings) })
        } else {
            Err(problems)
        }
    }

    fn order(&mut self, target: &Target<'_>, place: &Place) -> Result<Order, Fault> {
        match (&target.file.sort_options, self.options.reorder) {
            (Some(options), reorder) => {
                if reorder != Reorder::Unspecified {
                    let message = "the order is set in 'sortOptions' and by an option; 'sortOptions' counts";
                    self.warnings.push(Warning::new(Some(place.clone()), message));
                }
                Order::new(options).map_err(|fault| {
                    fault.at(&Place { line: options.line, ..place.clone() }).field(|| "sortOptions".to_owned())
                })
            }
            (None, Reorder::None) => Ok(Order::Fifo),
            (None, Reorder::Legacy | Reorder::Unspecified) => Ok(Order::legacy()),
        }
    }

    fn asks(&self, option: &str) -> bool {
        self.build_metadata.iter().any(|asked| asked == option)
    }

    fn label(&self, resource: &mut Resource) {
        if self.asks("managedByLabel") {
            let field = Field::everywhere("metadata/labels", true);
            let _ = crate::apply::field(&mut resource.node, &field, Some(crate::node::Shape::Map), &mut |labels| {
                if let Node::Map(labels) = labels {
                    labels.set(MANAGED_BY, VERSION, Tag::Str);
                }
                Ok(())
            });
        }
    }

    /// Drops what kustomize's parts wrote for each other, and adds what the build file asks for.
    fn annotate(&self, resource: &mut Resource) {
        let origin = self.asks("originAnnotations");
        let transformations = self.asks("transformerAnnotations");
        let from = resource.origin.take().filter(|_| origin).map(|origin| origin.to_text());
        let changed = std::mem::take(&mut resource.transformations);
        resource.stringify_meta("annotations", |annotations| {
            annotations.retain(|(key, _)| {
                !BUILD_ANNOTATIONS.contains(&key.as_ref())
                    && (origin || key.as_ref() != ORIGIN)
                    && (transformations || key.as_ref() != TRANSFORMATIONS)
            });
            if let Some(from) = from {
                annotations.set_str(ORIGIN, from);
            }
            if transformations && !changed.is_empty() {
                annotations.set_str(TRANSFORMATIONS, origin::transformations(&changed));
            }
        });
    }
}

fn is_local(resource: &Resource) -> bool {
    !matches!(annotation(&resource.node, LOCAL), None | Some("false"))
}

/// Patches may have taken what makes an object.
fn check<'r>(mut list: impl Iterator<Item = &'r Resource>) -> Result<(), Fault> {
    list.try_for_each(|resource| {
        let (kind, name) = (resource.gvk().kind, meta_text(&resource.node, "name"));
        if kind.is_empty() {
            return Err(Reason::apply("missing kind after all patches").on(|| resource.subject()));
        }
        if name.is_empty() && !kind.ends_with("List") {
            return Err(Reason::apply("missing metadata.name after all patches").on(|| resource.subject()));
        }
        resource.check_history()
    })
}
