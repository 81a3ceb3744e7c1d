//! Which objects an instruction is for.

mod labels;
mod plain;

use re2::Regex;

use crate::error::{Fault, Reason};
use crate::file;
use crate::id::Gvk;
use crate::resource::Resource;

pub(crate) use labels::LabelSelector;
pub(crate) use plain::Plain;

/// A pattern for a whole text.
#[derive(Debug)]
enum Pattern {
    Any,
    Plain(Plain),
    Regex(Box<Regex>),
}

/// A [`file::Selector`] that is ready to be used.
#[derive(Debug)]
pub(crate) struct Selector {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: LabelSelector,
    annotations: LabelSelector,
    /// Neither group, version, kind, name nor namespace is asked for.
    pub(crate) any_id: bool,
    /// Neither labels nor annotations are asked for.
    pub(crate) any_labels: bool,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        if let Some(plain) = Plain::new(text) {
            return Ok(Self::Plain(plain));
        }
        regex(&format!("^(?:{text})$")).map(|regex| Self::Regex(Box::new(regex)))
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Plain(plain) => plain.strip(text) == Some(""),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Compiles a foreign pattern.
pub(crate) fn regex(pattern: &str) -> Result<Regex, Fault> {
    re2::compile(pattern).map_err(|error| Reason::invalid(format!("{pattern:?} is not a regular expression: {error}")))
}

impl Selector {
    pub(crate) fn new(selector: &file::Selector) -> Result<Self, Fault> {
        let s = selector;
        let any_id = [&s.group, &s.version, &s.kind, &s.name, &s.namespace].iter().all(|text| text.is_empty());
        Ok(Self {
            group: Pattern::new(&s.group)?,
            version: Pattern::new(&s.version)?,
            kind: Pattern::new(&s.kind)?,
            name: Pattern::new(&s.name)?,
            namespace: Pattern::new(&s.namespace)?,
            labels: LabelSelector::parse(&s.label_selector)?,
            annotations: LabelSelector::parse(&s.annotation_selector)?,
            any_id,
            any_labels: s.label_selector.is_empty() && s.annotation_selector.is_empty(),
        })
    }

    pub(crate) fn fits_gvk(&self, gvk: Gvk<'_>) -> bool {
        self.kind.fits(gvk.kind) && self.group.fits(gvk.group) && self.version.fits(gvk.version)
    }

    pub(crate) fn fits_name(&self, name: &str) -> bool {
        self.name.fits(name)
    }

    pub(crate) fn fits_namespace(&self, namespace: &str) -> bool {
        self.namespace.fits(namespace)
    }

    pub(crate) fn fits_labels(&self, resource: &Resource) -> bool {
        self.labels.fits(resource.labels()) && self.annotations.fits(resource.annotations())
    }

    /// Whether an object is selected: by its original or present name and namespace, its type and its labels.
    pub(crate) fn fits(&self, resource: &Resource) -> bool {
        let (present, original) = (resource.id(), resource.original_id());
        (self.fits_namespace(original.effective_namespace()) || self.fits_namespace(present.effective_namespace()))
            && (self.fits_name(original.name) || self.fits_name(present.name))
            && self.fits_gvk(resource.gvk())
            && self.fits_labels(resource)
    }
}

impl std::fmt::Display for file::Selector {
    /// What is asked for, in words of the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("labelSelector", &self.label_selector),
            ("annotationSelector", &self.annotation_selector),
        ];
        let mut first = true;
        for (name, value) in parts {
            if !value.is_empty() {
                write!(f, "{}{name}={value}", if first { "" } else { ", " })?;
                first = false;
            }
        }
        if first { f.write_str("(anything)") } else { Ok(()) }
    }
}
