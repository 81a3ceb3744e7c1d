//! Stages: what others need is applied, and waited for, first.

use std::fmt;

use object::{Object, order};

use crate::Settings;

/// One stage of an apply, its objects in order.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Which one.
    pub name: StageName,
    /// What belongs to it, in the order of apply.
    pub objects: Vec<Object>,
}

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageName {
    /// Custom resource definitions, namespaces, cluster roles.
    Definitions,
    /// Kinds whose name ends in `Class`.
    Classes,
    /// Kinds that the administrator named.
    Custom,
    /// All others.
    Rest,
}

impl StageName {
    /// Whether the objects are waited for before the next stage.
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Definitions => "definitions",
            Self::Classes => "classes",
            Self::Custom => "custom",
            Self::Rest => "rest",
        })
    }
}

/// Sorts objects into stages; stages without objects are left out.
///
/// # Source
/// Flux's `ssa.ApplyAllStaged`. The class stage goes by the kind's last letters alone, whatever the group.
pub fn stages(mut objects: Vec<Object>, settings: &Settings) -> Vec<Stage> {
    order::sort(&mut objects);
    let names = [StageName::Definitions, StageName::Classes, StageName::Custom, StageName::Rest];
    let mut stages = names.map(|name| Stage { name, objects: Vec::new() });
    for object in objects {
        let index = names.iter().position(|name| *name == stage_of(&object, settings)).unwrap_or_default();
        stages[index].objects.push(object);
    }
    stages.into_iter().filter(|stage| !stage.objects.is_empty()).collect()
}

fn stage_of(object: &Object, settings: &Settings) -> StageName {
    match (object.group(), object.kind()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("", "Namespace")
        | ("rbac.authorization.k8s.io", "ClusterRole") => StageName::Definitions,
        (_, kind) if kind.ends_with("Class") => StageName::Classes,
        _ if settings.custom_stage_kinds.contains(&object.gvk().group_kind()) => StageName::Custom,
        _ => StageName::Rest,
    }
}
