//! The files that `configurations` names.

use std::sync::Arc;

use super::{Config, Field, Referrers};
use crate::decode::{Decoder, Unknown, record};
use crate::error::Problem;
use crate::file::FieldEntry;
use crate::id::GvkPattern;

record! {
    /// A file with additional fields.
    pub(crate) struct ConfigFile {
        /// Fields that take the name prefix.
        name_prefix: Vec<FieldEntry> = "namePrefix",
        /// Fields that take the name suffix.
        name_suffix: Vec<FieldEntry> = "nameSuffix",
        /// Fields that take the namespace.
        namespace: Vec<FieldEntry> = "namespace",
        /// Fields that take common labels.
        common_labels: Vec<FieldEntry> = "commonLabels",
        /// Fields that take all labels.
        labels: Vec<FieldEntry> = "labels",
        /// Fields that take labels for templates.
        template_labels: Vec<FieldEntry> = "templateLabels",
        /// Fields that take common annotations.
        common_annotations: Vec<FieldEntry> = "commonAnnotations",
        /// Fields that hold names of other objects.
        name_reference: Vec<ReferenceEntry> = "nameReference",
        /// Fields in which variables are replaced.
        var_reference: Vec<FieldEntry> = "varReference",
        /// Fields that hold images.
        images: Vec<FieldEntry> = "images",
        /// Fields that hold replica counts.
        replicas: Vec<FieldEntry> = "replicas",
    }
}

record! {
    /// Fields that hold the names of objects of a type.
    pub(crate) struct ReferenceEntry {
        /// API group; empty for all.
        group: String = "group" in Gvk,
        /// API version; empty for all.
        version: String = "version" in Gvk,
        /// Kind; empty for all.
        kind: String = "kind" in Gvk,
        /// The fields.
        field_specs: Vec<FieldEntry> = "fieldSpecs",
    }
}

impl From<FieldEntry> for Field {
    fn from(entry: FieldEntry) -> Self {
        let gvk = GvkPattern::new(entry.group, entry.version, entry.kind);
        Self { gvk, path: entry.path.into(), create: entry.create }
    }
}

/// Reads such a file.
pub(crate) fn parse(text: &str, path: &Arc<str>) -> Result<Config, Vec<Problem>> {
    let mut decoder = Decoder::coercing(path, Unknown::Refuse);
    let file: ConfigFile = decoder.document(text);
    let (file, _) = decoder.finish(file)?;
    Ok(convert(file))
}

fn convert(file: ConfigFile) -> Config {
    let fields = |entries: Vec<FieldEntry>| entries.into_iter().map(Field::from).collect::<Vec<_>>();
    let mut config = Config {
        name_prefix: fields(file.name_prefix),
        name_suffix: fields(file.name_suffix),
        namespace: fields(file.namespace),
        common_labels: fields(file.common_labels),
        labels: fields(file.labels),
        template_labels: fields(file.template_labels),
        common_annotations: fields(file.common_annotations),
        name_reference: file
            .name_reference
            .into_iter()
            .map(|entry| Referrers {
                target: GvkPattern::new(entry.group, entry.version, entry.kind),
                fields: fields(entry.field_specs),
            })
            .collect(),
        var_reference: fields(file.var_reference),
        images: fields(file.images),
        replicas: fields(file.replicas),
    };
    config.sort();
    config
}
