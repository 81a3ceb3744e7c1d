//! The transformers of a build file, in kustomize's order.

use std::sync::Arc;

use crate::config::{Config, Field, merge_all, merge_one};
use crate::error::{Fault, Place, Problem, Reason};
use crate::file;
use crate::node::Node;
use crate::origin::{Configured, Origin};
use crate::output::Warning;
use crate::plugin::{self, Setup};
use crate::resource::Resource;
use crate::set::Set;
use crate::transform::{Context, Json6902, Note, Patch, Replacement, Subjects, Transformer};

use super::{Accumulator, Builder, Target, one};

/// A transformer, where it was asked for, and what `transformerAnnotations` say of it.
struct Step {
    transformer: Transformer,
    place: Place,
    field: String,
    origin: Option<Arc<Origin>>,
}

/// What can be read before any object is known.
pub(super) struct Prepared {
    strategic: Vec<Patch>,
    patches: Vec<Patch>,
    json: Vec<Json6902>,
    replacements: Vec<Replacement>,
    transformers: Vec<Step>,
    validators: Vec<Step>,
}

impl Builder<'_> {
    /// Reads all patches, replacements and configurations.
    pub(super) fn prepare(
        &mut self,
        target: &Target<'_>,
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Prepared {
        let file = &target.file;
        let mut patches = Vec::with_capacity(file.patches.len());
        let mut json = Vec::new();
        let mut setup = Setup { loader: &target.loader, schema: &self.schema, keys: &mut self.keys };
        let mut strategic = Vec::new();
        if let Some(first) = file.patches_strategic_merge.first() {
            match plugin::strategic_merge(&file.patches_strategic_merge, "", &target.at(first.line), &mut setup) {
                Ok(patches) => strategic = patches,
                Err(mut fault) => {
                    let inner = fault.field.take().unwrap_or_default();
                    problems.push(*fault.at(&target.at(first.line)).field(|| format!("patchesStrategicMerge{inner}")));
                }
            }
        }
        for (i, patch) in file.patches.iter().enumerate() {
            let place = target.at(patch.line);
            match plugin::patch_of(patch, &place, &mut setup) {
                Ok(patch) => patches.push(patch),
                Err(fault) => problems.push(*below(fault, &place, &format!("patches[{i}]"))),
            }
        }
        for (i, patch) in file.patches_json6902.iter().enumerate() {
            let place = target.at(patch.line);
            let selector = patch.target.clone().unwrap_or_default();
            match plugin::json6902(&selector, &patch.path, &patch.patch, &setup) {
                Ok(patch) => json.push(patch),
                Err(fault) => problems.push(*below(fault, &place, &format!("patchesJson6902[{i}]"))),
            }
        }
        let replacements = plugin::replacements(&file.replacements, &target.at(0), &setup).unwrap_or_else(|faults| {
            problems.extend(faults.into_iter().map(|fault| *fault));
            Vec::new()
        });
        let transformers = self.configured(target, "transformers", &file.transformers, origin, problems);
        let validators = self.configured(target, "validators", &file.validators, origin, problems);
        Prepared { strategic, patches, json, replacements, transformers, validators }
    }

    fn configured(
        &mut self,
        target: &Target<'_>,
        field: &str,
        entries: &[crate::decode::Entry],
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        for config in self.plugins(target, field, entries, origin, problems) {
            let origin = plugin_origin(&config).map(Arc::new);
            let mut setup = Setup { loader: &target.loader, schema: &self.schema, keys: &mut self.keys };
            match plugin::transformers(&config, &mut setup) {
                Ok(transformers) => {
                    let last = transformers.len();
                    steps.extend(transformers.into_iter().enumerate().map(|(i, transformer)| Step {
                        transformer,
                        place: config.place.clone(),
                        field: format!("{} of {field}", config.id()),
                        // What is told of a configuration is told once.
                        origin: origin.clone().filter(|_| i + 1 == last),
                    }));
                }
                Err(fault) => problems.push(*fault.at(&config.place).field(|| format!("{} of {field}", config.id()))),
            }
        }
        steps
    }

    /// Runs everything that changes objects.
    pub(super) fn transform(
        &mut self,
        target: &Target<'_>,
        mut prepared: Prepared,
        into: &mut Accumulator,
        origin: Option<&Origin>,
    ) -> Result<(), Vec<Problem>> {
        let validators = std::mem::take(&mut prepared.validators);
        let steps = steps(target, prepared, &into.config, origin).map_err(one)?;
        let mut problems = Vec::new();
        for step in steps {
            problems.extend(self.step(&step, &mut into.set).err().into_iter().flatten());
            if let Some(origin) = &step.origin {
                annotate(&mut into.set, origin);
            }
            into.set.drop_empty();
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        for validator in validators {
            let before: Vec<Node> = into.set.iter().map(|resource| resource.node.clone()).collect();
            self.step(&validator, &mut into.set)?;
            if !into.set.iter().map(|resource| &resource.node).eq(&before) {
                let fault = Reason::apply("validator shouldn't modify the resource map");
                return Err(one(fault.at(&validator.place).field(|| validator.field.clone())));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, set: &mut Set) -> Result<(), Vec<Problem>> {
        let mut context =
            Context { schema: &self.schema, texts: &mut self.texts, keys: &mut self.keys, notes: Vec::new() };
        let result = step.transformer.run(set, &mut context);
        if matches!(step.transformer, Transformer::Replacements(_) | Transformer::ValueAdd(_)) {
            // Any field may have been written, the kind and the version among them.
            set.all_mut().iter_mut().for_each(|resource| resource.refresh(context.schema));
        }
        for Note { text, at } in context.notes {
            let (place, field) = at.unwrap_or_else(|| (step.place.clone(), step.field.clone()));
            self.warnings.push(Warning::new(Some(place), format!("{field}: {text}")));
        }
        result.map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| *Box::new(problem).at(&step.place).field(|| step.field.clone()))
                .collect()
        })
    }
}

/// Puts the field of an entry before what a fault says about it.
fn below(mut fault: Fault, place: &Place, field: &str) -> Fault {
    let inner = fault.field.take().map_or_else(String::new, |inner| format!(".{inner}"));
    fault.at(place).field(|| format!("{field}{inner}"))
}

/// The origin of a configuration object, as what it makes or changes tells it.
pub(super) fn plugin_origin(config: &Resource) -> Option<Origin> {
    let origin = config.origin.as_ref()?;
    let gvk = config.gvk();
    Some(Origin {
        path: String::new(),
        repo: origin.repo.clone(),
        reference: origin.reference.clone(),
        configured_in: origin.path.clone(),
        configured_by: Configured {
            api_version: gvk.api_version(),
            kind: gvk.kind.to_owned(),
            name: config.name().to_owned(),
            namespace: config.namespace().to_owned(),
        },
    })
}

/// Notes that a transformer ran; an object that came from nowhere is taken to be its work.
fn annotate(set: &mut Set, origin: &Arc<Origin>) {
    for i in 0..set.len() {
        let Some(resource) = set.get_mut_same_id(i) else { continue };
        // kustomize writes this down in an annotation, and all annotations anew.
        resource.stringify_meta("annotations", |_| {});
        if resource.origin.is_some() {
            resource.transformations.push(Arc::clone(origin));
        } else {
            resource.origin = Some(Arc::clone(origin));
        }
    }
}

/// All steps in order.
fn steps(
    target: &Target<'_>,
    prepared: Prepared,
    config: &Config,
    origin: Option<&Origin>,
) -> Result<Vec<Step>, Fault> {
    let file = &target.file;
    let mut steps = Vec::new();
    let mut add = |kind: &str, field: String, line: u32, transformer: Transformer| {
        let origin = origin.map(|origin| Arc::new(origin.builtin(target.name, kind)));
        steps.push(Step { transformer, place: target.at(line), field, origin });
    };
    if !file.patches_strategic_merge.is_empty() {
        let line = file.patches_strategic_merge.first().map_or(0, |first| first.line);
        let transformer = Transformer::StrategicMerge(prepared.strategic);
        add("PatchStrategicMergeTransformer", "patchesStrategicMerge".into(), line, transformer);
    }
    for (i, (patch, entry)) in prepared.patches.into_iter().zip(&file.patches).enumerate() {
        add("PatchTransformer", format!("patches[{i}]"), entry.line, Transformer::Patch(patch));
    }
    if !file.namespace.is_empty() {
        let transformer = Transformer::Namespace {
            namespace: file.namespace.clone(),
            fields: config.namespace.clone(),
            subjects: Subjects::Default,
            unset_only: false,
        };
        add("NamespaceTransformer", "namespace".into(), file.line, transformer);
    }
    if !file.name_prefix.is_empty() {
        let transformer = Transformer::Prefix { prefix: file.name_prefix.clone(), fields: config.name_prefix.clone() };
        add("PrefixTransformer", "namePrefix".into(), file.line, transformer);
    }
    if !file.name_suffix.is_empty() {
        let transformer = Transformer::Suffix { suffix: file.name_suffix.clone(), fields: config.name_suffix.clone() };
        add("SuffixTransformer", "nameSuffix".into(), file.line, transformer);
    }
    if !file.labels.is_empty() || !file.common_labels.is_empty() {
        for (i, label) in file.labels.iter().enumerate() {
            let fields = label_fields(label, config)
                .map_err(|fault| fault.at(&target.at(label.line)).field(|| format!("labels[{i}]")))?;
            let transformer = Transformer::Labels { labels: label.pairs.clone(), fields };
            add("LabelTransformer", format!("labels[{i}]"), label.line, transformer);
        }
        let fields = config.common_labels.clone();
        let transformer = Transformer::Labels { labels: file.common_labels.clone(), fields };
        add("LabelTransformer", "commonLabels".into(), file.line, transformer);
    }
    if !file.common_annotations.is_empty() {
        let annotations = file.common_annotations.clone();
        let transformer = Transformer::Annotations { annotations, fields: config.common_annotations.clone() };
        add("AnnotationsTransformer", "commonAnnotations".into(), file.line, transformer);
    }
    for (i, (patch, entry)) in prepared.json.into_iter().zip(&file.patches_json6902).enumerate() {
        add("PatchJson6902Transformer", format!("patchesJson6902[{i}]"), entry.line, Transformer::Json6902(patch));
    }
    for (i, replica) in file.replicas.iter().enumerate() {
        let transformer = Transformer::Replicas { replica: replica.clone(), fields: config.replicas.clone() };
        add("ReplicaCountTransformer", format!("replicas[{i}]"), replica.line, transformer);
    }
    for (i, image) in file.images.iter().enumerate() {
        let transformer = Transformer::Images { image: image.clone(), fields: config.images.clone() };
        add("ImageTagTransformer", format!("images[{i}]"), image.line, transformer);
    }
    if !file.replacements.is_empty() {
        let line = file.replacements.first().map_or(0, |first| first.line);
        let transformer = Transformer::Replacements(prepared.replacements);
        add("ReplacementTransformer", "replacements".into(), line, transformer);
    }
    steps.extend(prepared.transformers);
    Ok(steps)
}

fn label_fields(label: &file::Label, config: &Config) -> Result<Vec<Field>, Fault> {
    let mut fields: Vec<Field> = label.fields.iter().cloned().map(Field::from).collect();
    merge_all(&mut fields, &config.labels)?;
    if label.include_selectors {
        merge_all(&mut fields, &config.common_labels)?;
    } else {
        if label.include_templates {
            merge_all(&mut fields, &config.template_labels)?;
        }
        merge_one(&mut fields, Field::everywhere("metadata/labels", true))?;
    }
    Ok(fields)
}
