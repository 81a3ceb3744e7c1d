//! Charts: what is in a chart's folder or archive, with the charts below it.

mod ignore;
mod load;
mod metadata;

use std::sync::Arc;

use crate::values::Table;
pub use load::{Limits, LoadError};
pub use metadata::{ApiVersion, Dependency, ImportValues, Kind, Maintainer, Metadata, MetadataError};

/// A chart with its subcharts. Cloning is cheap: the bytes of files are shared.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// `Chart.yaml`, with the dependencies of `requirements.yaml` where that is used.
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock` as written, if there is one.
    pub lock: Option<serde_json::Value>,
    /// `values.yaml`. Numbers are floats, as templates see them.
    pub values: Arc<Table>,
    /// `values.yaml` as written, for the lines of what is wrong in it.
    pub values_text: Arc<[u8]>,
    /// `values.schema.json` as written.
    pub schema: Option<Arc<[u8]>>,
    /// Files below `templates/`.
    pub templates: Vec<File>,
    /// All other files, those below `crds/` included.
    pub files: Vec<File>,
    /// Charts below `charts/`, by the names of their folders or archives.
    pub dependencies: Vec<Chart>,
}

/// A file of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the chart's folder.
    pub name: String,
    /// Its bytes, without a byte order mark.
    pub data: Arc<[u8]>,
}

/// A file below a chart's `crds/`.
#[derive(Debug, Clone)]
pub struct Crd {
    /// Where it is, from the root chart's name on: `parent/charts/child/crds/a.yaml`.
    pub path: String,
    /// The file.
    pub file: File,
}

impl Chart {
    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether only its partials are of use.
    pub fn is_library(&self) -> bool {
        self.metadata.kind == Kind::Library
    }

    /// The dependencies of `Chart.yaml` that are not among the subcharts. `helm install` refuses a chart that has some.
    pub fn missing_dependencies(&self) -> Vec<&str> {
        let wanted = self.metadata.dependencies.iter().flatten().map(|dependency| dependency.name.as_str());
        wanted.filter(|name| !self.dependencies.iter().any(|present| present.name() == *name)).collect()
    }

    /// The files below `crds/` of this chart and then of its subcharts.
    pub fn crds(&self) -> Vec<Crd> {
        let mut crds = Vec::new();
        self.collect_crds(self.name(), &mut crds);
        crds
    }

    fn collect_crds(&self, path: &str, crds: &mut Vec<Crd>) {
        let is_manifest = |name: &str| {
            let extension = name.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, e)| e);
            extension.is_some_and(|e| ["yaml", "yml", "json"].iter().any(|known| e.eq_ignore_ascii_case(known)))
        };
        for file in self.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name)) {
            crds.push(Crd { path: format!("{path}/{}", file.name), file: file.clone() });
        }
        for dependency in &self.dependencies {
            dependency.collect_crds(&format!("{path}/charts/{}", dependency.name()), crds);
        }
    }
}
