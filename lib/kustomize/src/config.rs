//! Which fields transformers touch: kustomize's defaults, and what `configurations` and `crds` add.

mod crd;
mod field;
mod file;

use std::sync::{Arc, OnceLock};

use crate::error::Fault;
use crate::id::{Gvk, GvkPattern};

pub(crate) use crd::parse as parse_crds;
pub(crate) use field::{Field, FieldPath, Part, merge_all, merge_one};
pub(crate) use file::parse;

/// Fields that hold the names of objects of a type.
#[derive(Debug, Clone)]
pub(crate) struct Referrers {
    pub(crate) target: GvkPattern,
    pub(crate) fields: Vec<Field>,
}

/// All fields, by what is done to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<Field>,
    pub(crate) name_suffix: Vec<Field>,
    pub(crate) namespace: Vec<Field>,
    pub(crate) common_labels: Vec<Field>,
    pub(crate) labels: Vec<Field>,
    pub(crate) template_labels: Vec<Field>,
    pub(crate) common_annotations: Vec<Field>,
    pub(crate) name_reference: Vec<Referrers>,
    pub(crate) var_reference: Vec<Field>,
    pub(crate) images: Vec<Field>,
    pub(crate) replicas: Vec<Field>,
}

impl Config {
    /// What kustomize touches without being told.
    pub(crate) fn defaults() -> Arc<Self> {
        static DEFAULTS: OnceLock<Arc<Config>> = OnceLock::new();
        Arc::clone(DEFAULTS.get_or_init(|| Arc::new(read_table(include_str!("config/defaults.txt")))))
    }

    /// Both together; what is there already stays as it is. Even where nothing is there, a field of some kinds that comes
    /// before the same field of every kind covers it.
    pub(crate) fn merge(old: &Arc<Self>, new: &Arc<Self>) -> Result<Arc<Self>, Fault> {
        if Arc::ptr_eq(old, new) || new.is_empty() {
            return Ok(Arc::clone(old));
        }
        if old.is_empty() && Arc::ptr_eq(new, &Self::defaults()) {
            return Ok(Arc::clone(new));
        }
        let mut merged = Self::clone(old);
        merged.absorb(new)?;
        Ok(Arc::new(merged))
    }

    fn is_empty(&self) -> bool {
        self.lists().iter().all(|list| list.is_empty()) && self.name_reference.is_empty()
    }

    fn lists(&self) -> [&Vec<Field>; 10] {
        [
            &self.name_prefix,
            &self.name_suffix,
            &self.namespace,
            &self.common_labels,
            &self.labels,
            &self.template_labels,
            &self.common_annotations,
            &self.var_reference,
            &self.images,
            &self.replicas,
        ]
    }

    fn lists_mut(&mut self) -> [&mut Vec<Field>; 10] {
        [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ]
    }

    pub(crate) fn absorb(&mut self, new: &Self) -> Result<(), Fault> {
        for (old, new) in self.lists_mut().into_iter().zip(new.lists()) {
            merge_all(old, new)?;
        }
        for referrers in &new.name_reference {
            self.add_referrers(referrers)?;
        }
        self.sort();
        Ok(())
    }

    pub(crate) fn add_referrers(&mut self, new: &Referrers) -> Result<(), Fault> {
        let mut found = false;
        for old in self.name_reference.iter_mut().filter(|old| old.target == new.target) {
            merge_all(&mut old.fields, &new.fields)?;
            found = true;
        }
        if !found {
            self.name_reference.push(new.clone());
        }
        Ok(())
    }

    /// Brings everything into kustomize's order of kinds.
    pub(crate) fn sort(&mut self) {
        for list in self.lists_mut() {
            list.sort_by_cached_key(|field| order(field.gvk.as_gvk()));
        }
        self.name_reference.sort_by_cached_key(|referrers| order(referrers.target.as_gvk()));
    }
}

/// Kinds in the order in which a cluster wants them; the rest in the middle.
pub(crate) const FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
pub(crate) const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// What a type is sorted by: its kind's place, then [`sort_text`].
fn order(gvk: Gvk<'_>) -> ((u8, usize), String) {
    let place = match FIRST.iter().position(|kind| *kind == gvk.kind) {
        Some(i) => (0, i),
        None => LAST.iter().position(|kind| *kind == gvk.kind).map_or((1, 0), |i| (2, i)),
    };
    (place, sort_text(gvk))
}

/// The text by which kustomize sorts types of equal rank.
pub(crate) fn sort_text(gvk: Gvk<'_>) -> String {
    let or = |text, otherwise| if str::is_empty(text) { otherwise } else { text };
    [or(gvk.group, "~G"), or(gvk.version, "~V"), or(gvk.kind, "~K")].join("_")
}

/// Reads our own table; a line that does not fit is left out, and a test says that there is none.
fn read_table(table: &'static str) -> Config {
    let mut config = Config::default();
    let mut section = "";
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let Some(entry) = line.strip_prefix("  ") else {
            section = line;
            if let Some(target) = line.strip_prefix("nameReference ") {
                config.name_reference.push(Referrers { target: pattern(target), fields: Vec::new() });
            }
            continue;
        };
        let Some(list) = config.section(section) else { continue };
        let (path, kinds) = entry.split_once(':').unwrap_or((entry, ""));
        let path = path.trim_end();
        let (path, create) = path.strip_suffix(" +").map_or((path, false), |path| (path, true));
        let path = FieldPath::from(path);
        let field = |gvk| Field { gvk, path: path.clone(), create };
        if kinds.is_empty() {
            list.push(field(GvkPattern::default()));
        } else {
            list.extend(kinds.split_ascii_whitespace().map(pattern).map(field));
        }
    }
    config.sort();
    config
}

impl Config {
    fn section(&mut self, name: &str) -> Option<&mut Vec<Field>> {
        Some(match name {
            "namePrefix" => &mut self.name_prefix,
            "nameSuffix" => &mut self.name_suffix,
            "namespace" => &mut self.namespace,
            "commonLabels" => &mut self.common_labels,
            "labels" => &mut self.labels,
            "templateLabels" => &mut self.template_labels,
            "commonAnnotations" => &mut self.common_annotations,
            "varReference" => &mut self.var_reference,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            name if name.starts_with("nameReference ") => &mut self.name_reference.last_mut()?.fields,
            _ => return None,
        })
    }
}

/// Reads `Kind[@version][,group]`; `*` is any kind.
fn pattern(text: &'static str) -> GvkPattern {
    let (rest, group) = text.split_once(',').unwrap_or((text, ""));
    let (kind, version) = rest.split_once('@').unwrap_or((rest, ""));
    GvkPattern::new(group, version, if kind == "*" { "" } else { kind })
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn none_of_the_defaults_covers_another() {
        let mut merged = Config::default();
        merged.absorb(&Config::defaults()).unwrap_or_default();
        for (merged, defaults) in merged.lists().into_iter().zip(Config::defaults().lists()) {
            assert_eq!(merged, defaults);
        }
        for (merged, defaults) in merged.name_reference.iter().zip(&Config::defaults().name_reference) {
            assert_eq!((&merged.target, &merged.fields), (&defaults.target, &defaults.fields));
        }
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let config = Config::defaults();
        let fields = config.lists().iter().map(|list| list.len()).sum::<usize>()
            + config.name_reference.iter().map(|referrers| referrers.fields.len()).sum::<usize>();
        let table = include_str!("config/defaults.txt");
        let expected: usize = table
            .lines()
            .filter(|line| line.starts_with("  "))
            .map(|line| line.split_once(" : ").map_or(1, |(_, kinds)| kinds.split(' ').count()))
            .sum();
        let sections = table.lines().filter(|line| !line.starts_with([' ', '#']) && !line.is_empty()).count();
        assert_eq!((fields, sections), (expected, 9 + config.name_reference.len()));
    }
}
