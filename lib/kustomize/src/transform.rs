//! What a build file does to objects, one step at a time.

mod image;
mod metadata;
mod name;
mod namespace;
mod patch;
mod replacement;
mod replica;
mod sort;
mod value_add;

use std::collections::BTreeMap;

use crate::config::Field;
use crate::error::{Fault, Place, Problem};
use crate::file;
use crate::generate;
use crate::node::Keys;
use crate::resource::Texts;
use crate::schema::Schema;
use crate::set::Set;

pub(crate) use namespace::Subjects;
pub(crate) use patch::{Json6902, Patch};
pub(crate) use replacement::Replacement;
pub(crate) use sort::{Order, sort};
pub(crate) use value_add::{Target, ValueAdd};

/// What every step may use.
pub(crate) struct Context<'c> {
    pub(crate) schema: &'c Schema,
    pub(crate) texts: &'c mut Texts,
    pub(crate) keys: &'c mut Keys,
    /// What the author should know.
    pub(crate) notes: Vec<Note>,
}

/// What is worth a warning.
pub(crate) struct Note {
    pub(crate) text: String,
    /// The line and the field, where these are not those of the step.
    pub(crate) at: Option<(Place, String)>,
}

/// A step, configured and ready.
#[derive(Debug)]
pub(crate) enum Transformer {
    Namespace {
        namespace: String,
        fields: Vec<Field>,
        subjects: Subjects,
        unset_only: bool,
    },
    Prefix {
        prefix: String,
        fields: Vec<Field>,
    },
    Suffix {
        suffix: String,
        fields: Vec<Field>,
    },
    Labels {
        labels: BTreeMap<String, String>,
        fields: Vec<Field>,
    },
    Annotations {
        annotations: BTreeMap<String, String>,
        fields: Vec<Field>,
    },
    Images {
        image: file::Image,
        fields: Vec<Field>,
    },
    Replicas {
        replica: file::Replica,
        fields: Vec<Field>,
    },
    Patch(Patch),
    /// Strategic merge patches in a list of their own; the deprecated way.
    StrategicMerge(Vec<Patch>),
    Json6902(Json6902),
    Replacements(Vec<Replacement>),
    ValueAdd(ValueAdd),
    /// Hashes behind the names of generated objects.
    Hash,
}

impl Transformer {
    /// Changes the objects.
    pub(crate) fn run(&self, set: &mut Set, context: &mut Context<'_>) -> Result<(), Vec<Problem>> {
        let one = |result: Result<(), Fault>| result.map_err(|fault| vec![*fault]);
        match self {
            Self::Namespace { namespace, fields, subjects, unset_only } => {
                one(namespace::run(set, namespace, fields, *subjects, *unset_only, context))
            }
            Self::Prefix { prefix, fields } => one(name::run(set, name::Affix::Prefix(prefix), fields, context)),
            Self::Suffix { suffix, fields } => one(name::run(set, name::Affix::Suffix(suffix), fields, context)),
            Self::Labels { labels, fields } => one(metadata::run(set, labels, fields)),
            Self::Annotations { annotations, fields } => one(metadata::run(set, annotations, fields)),
            Self::Images { image, fields } => one(image::run(set, image, fields)),
            Self::Replicas { replica, fields } => one(replica::run(set, replica, fields)),
            Self::Patch(patch) => one(patch.run(set, context)),
            Self::StrategicMerge(patches) => {
                let mut problems = Vec::new();
                for patch in patches {
                    problems.extend(patch.run_strict(set, context).err().map(|fault| *fault));
                }
                if problems.is_empty() { Ok(()) } else { Err(problems) }
            }
            Self::Json6902(patch) => one(patch.run(set, context)),
            Self::Replacements(replacements) => replacement::run(set, replacements, context),
            Self::ValueAdd(add) => one(add.run(set, context)),
            Self::Hash => one(hash(set, context)),
        }
    }
}

/// Puts hashes behind the names of generated objects.
pub(crate) fn hash(set: &mut Set, context: &mut Context<'_>) -> Result<(), Fault> {
    for resource in set.all_mut().iter_mut().filter(|resource| resource.needs_hash) {
        let hash = generate::hash(&resource.node).map_err(|fault| fault.on(|| resource.subject()))?;
        resource.remember(context.texts);
        let name = format!("{}-{hash}", resource.name());
        resource.set_meta("name", &name);
    }
    Ok(())
}
