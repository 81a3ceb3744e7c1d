//! The build file: what a `kustomization.yaml` may say.

mod scan;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decode::{Decode, Decoder, Entry, Unknown, record};
use crate::error::{Error, Fault, Place, Problem, Reason, nearest};

pub use scan::{ScanError, scan};

/// The names under which a build file is found, in the order in which tools that write one prefer them.
pub const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

pub(crate) const API_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
/// The group of the kind that shares its name with build files.
const FLUX: &str = "kustomize.toolkit.fluxcd.io/";
pub(crate) const COMPONENT_API_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";
pub(crate) const KIND: &str = "Kustomization";
pub(crate) const COMPONENT: &str = "Component";

record! {
    /// A build file.
    pub struct File {
        /// `kustomize.config.k8s.io/v1beta1`; `v1alpha1` for components.
        api_version: String = "apiVersion",
        /// `Kustomization` or `Component`.
        kind: String = "kind",
        /// Says nothing to the build.
        metadata: Option<Metadata> = "metadata",
        /// `path` of an OpenAPI document, or its `version`.
        openapi: BTreeMap<String, String> = "openapi",
        /// Goes before the name of every object.
        name_prefix: String = "namePrefix",
        /// Goes behind the name of every object.
        name_suffix: String = "nameSuffix",
        /// The namespace of every object that lives in one.
        namespace: String = "namespace",
        /// Labels for objects, templates and selectors; deprecated.
        common_labels: BTreeMap<String, String> = "commonLabels",
        /// Labels.
        labels: Vec<Label> = "labels",
        /// Annotations for objects and templates.
        common_annotations: BTreeMap<String, String> = "commonAnnotations",
        /// Strategic merge patches, inline or as files; deprecated.
        patches_strategic_merge: Vec<Entry> = "patchesStrategicMerge",
        /// JSON patches; deprecated.
        patches_json6902: Vec<Patch> = "patchesJson6902",
        /// Patches of both kinds.
        patches: Vec<Patch> = "patches",
        /// Images to rename or retag.
        images: Vec<Image> = "images",
        /// The same under an older name.
        image_tags: Vec<Image> = "imageTags",
        /// Values copied from one field to others.
        replacements: Vec<Replacement> = "replacements",
        /// Replica counts.
        replicas: Vec<Replica> = "replicas",
        /// Variables for `$(NAME)`; deprecated.
        vars: Vec<Var> = "vars",
        /// The order of the output.
        sort_options: Option<SortOptions> = "sortOptions",
        /// Files of objects, and directories with build files.
        resources: Vec<Entry> = "resources",
        /// Directories with components.
        components: Vec<Entry> = "components",
        /// OpenAPI definitions of custom resources.
        crds: Vec<Entry> = "crds",
        /// Directories with build files; deprecated.
        bases: Vec<Entry> = "bases",
        /// ConfigMaps to make.
        config_map_generator: Vec<GeneratorArgs> = "configMapGenerator",
        /// Secrets to make.
        secret_generator: Vec<GeneratorArgs> = "secretGenerator",
        /// Says nothing without charts.
        helm_globals: Option<Anything> = "helmGlobals",
        /// Refused: charts are rendered by other means.
        helm_charts: Vec<Anything> = "helmCharts",
        /// Refused: charts are rendered by other means.
        helm_chart_inflation_generator: Vec<Anything> = "helmChartInflationGenerator",
        /// Options for all generators.
        generator_options: Option<GeneratorOptions> = "generatorOptions",
        /// Files with additional fields for the transformers.
        configurations: Vec<Entry> = "configurations",
        /// Configurations of generators, inline or as files.
        generators: Vec<Entry> = "generators",
        /// Configurations of transformers, inline or as files.
        transformers: Vec<Entry> = "transformers",
        /// Configurations of validators, inline or as files.
        validators: Vec<Entry> = "validators",
        /// `originAnnotations`, `transformerAnnotations`, `managedByLabel`.
        build_metadata: Vec<String> = "buildMetadata",
    }
}

record! {
    /// Metadata of a build file.
    pub struct Metadata {
        /// Name.
        name: String = "name",
        /// Namespace.
        namespace: String = "namespace",
        /// Labels.
        labels: BTreeMap<String, String> = "labels",
        /// Annotations.
        annotations: BTreeMap<String, String> = "annotations",
    }
}

record! {
    /// Labels, and where they go.
    pub struct Label {
        /// The labels.
        pairs: BTreeMap<String, String> = "pairs",
        /// Also into selectors, and so into templates.
        include_selectors: bool = "includeSelectors",
        /// Also into templates.
        include_templates: bool = "includeTemplates",
        /// Also into these fields.
        fields: Vec<FieldEntry> = "fields",
    }
}

record! {
    /// A field of some kinds of objects, as files write it.
    pub struct FieldEntry {
        /// API group; empty for all.
        group: String = "group" in Gvk,
        /// API version; empty for all.
        version: String = "version" in Gvk,
        /// Kind; empty for all.
        kind: String = "kind" in Gvk,
        /// Path with slashes.
        path: String = "path",
        /// Make the field where it is missing.
        create: bool = "create",
    }
}

record! {
    /// A patch of either kind.
    pub struct Patch {
        /// The file that holds it.
        path: String = "path",
        /// The patch itself.
        patch: String = "patch",
        /// The objects that it is for.
        target: Option<Selector> = "target",
        /// What it may change.
        options: Option<PatchOptions> = "options",
    }
}

record! {
    /// What a strategic merge patch may change.
    pub struct PatchOptions {
        /// The name.
        allow_name_change: bool = "allowNameChange",
        /// The kind.
        allow_kind_change: bool = "allowKindChange",
    }
}

record! {
    /// Objects, by anchored regular expressions and label selectors; what is empty fits all.
    pub struct Selector {
        /// API group.
        group: String = "group" in Gvk,
        /// API version.
        version: String = "version" in Gvk,
        /// Kind.
        kind: String = "kind" in Gvk,
        /// Name, original or present.
        name: String = "name" in ResId,
        /// Namespace, original or present.
        namespace: String = "namespace" in ResId,
        /// A label selector for annotations.
        annotation_selector: String = "annotationSelector",
        /// A label selector.
        label_selector: String = "labelSelector",
    }
}

record! {
    /// An image to rename or retag.
    pub struct Image {
        /// The name without tag; part of a regular expression.
        name: String = "name",
        /// The new name.
        new_name: String = "newName",
        /// Goes behind the tag.
        tag_suffix: String = "tagSuffix",
        /// The new tag; drops a digest.
        new_tag: String = "newTag",
        /// The new digest; drops a tag.
        digest: String = "digest",
    }
}

record! {
    /// A replica count.
    pub struct Replica {
        /// The name of the object, original or present.
        name: String = "name",
        /// How many.
        count: i64 = "count",
    }
}

record! {
    /// A value to copy, inline or in a file.
    pub struct Replacement {
        /// The file that holds one or several.
        path: String = "path",
        /// The field to read.
        source: Option<Source> = "source",
        /// The fields to write.
        targets: Vec<Target> = "targets",
        /// The value itself.
        source_value: Option<String> = "sourceValue",
    }
}

record! {
    /// The field that a replacement reads.
    pub struct Source {
        /// API group.
        group: String = "group" in Gvk,
        /// API version.
        version: String = "version" in Gvk,
        /// Kind.
        kind: String = "kind" in Gvk,
        /// Name.
        name: String = "name" in ResId,
        /// Namespace.
        namespace: String = "namespace" in ResId,
        /// Path with dots; `metadata.name` where it is empty.
        field_path: String = "fieldPath",
        /// Which part of the value.
        options: Option<FieldOptions> = "options",
    }
}

record! {
    /// The fields that a replacement writes.
    pub struct Target {
        /// The objects that have them.
        select: Option<Selector> = "select",
        /// Of these, the objects to leave alone.
        reject: Vec<Selector> = "reject",
        /// Paths with dots; `metadata.name` where there are none.
        field_paths: Vec<String> = "fieldPaths",
        /// Which part of the value.
        options: Option<FieldOptions> = "options",
    }
}

record! {
    /// A part of a value.
    pub struct FieldOptions {
        /// What separates the parts.
        delimiter: String = "delimiter",
        /// The number of the part, from zero.
        index: i64 = "index",
        /// Says nothing, in kustomize either.
        encoding: String = "encoding",
        /// Make the field where it is missing.
        create: bool = "create",
    }
}

record! {
    /// A variable.
    pub struct Var {
        /// What stands in `$(…)`.
        name: String = "name",
        /// The object to read.
        objref: ObjectReference = "objref",
        /// The field to read.
        fieldref: FieldReference = "fieldref",
    }
}

record! {
    /// The object that a variable reads.
    pub struct ObjectReference {
        /// API version; fills group and version.
        api_version: String = "apiVersion",
        /// API group.
        group: String = "group",
        /// API version without the group.
        version: String = "version",
        /// Kind.
        kind: String = "kind",
        /// Name.
        name: String = "name",
        /// Namespace.
        namespace: String = "namespace",
    }
}

record! {
    /// The field that a variable reads.
    pub struct FieldReference {
        /// Path with dots; `metadata.name` where it is empty.
        field_path: String = "fieldPath",
    }
}

record! {
    /// The order of the output.
    pub struct SortOptions {
        /// `fifo` or `legacy`.
        order: String = "order",
        /// The kinds that come first and last.
        legacy_sort_options: Option<LegacySortOptions> = "legacySortOptions",
    }
}

record! {
    /// Kinds that come first and last.
    pub struct LegacySortOptions {
        /// In this order, before all others.
        order_first: Vec<String> = "orderFirst",
        /// In this order, after all others.
        order_last: Vec<String> = "orderLast",
    }
}

record! {
    /// A ConfigMap or Secret to make.
    pub struct GeneratorArgs {
        /// Namespace.
        namespace: String = "namespace",
        /// Name without the hash.
        name: String = "name",
        /// `create`, `replace` or `merge`.
        behavior: String = "behavior",
        /// `KEY=VALUE`.
        literals: Vec<String> = "literals",
        /// `FILE` or `KEY=FILE`.
        files: Vec<String> = "files",
        /// Files with lines `KEY=VALUE`.
        envs: Vec<String> = "envs",
        /// One more such file; deprecated.
        env: String = "env",
        /// Options for this one.
        options: Option<GeneratorOptions> = "options",
        /// The type of a Secret.
        secret_type: String = "type",
    }
}

record! {
    /// Options for generated objects.
    pub struct GeneratorOptions {
        /// Labels.
        labels: BTreeMap<String, String> = "labels",
        /// Annotations.
        annotations: BTreeMap<String, String> = "annotations",
        /// The name stays as it is.
        disable_name_suffix_hash: bool = "disableNameSuffixHash",
        /// The object says that it never changes.
        immutable: bool = "immutable",
    }
}

/// A value that is not looked into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anything {
    /// The line that it stands in.
    pub line: u32,
}

impl Decode for Anything {
    fn decode(node: &yaml::Node, _: &mut Decoder) -> Self {
        Self { line: node.at().line }
    }

    fn encode(&self) -> Option<serde_json::Value> {
        None
    }
}

/// Whether a build file has a list or a map, though maybe an empty one: then it is not empty itself.
pub(crate) fn has_empty_list(text: &str) -> bool {
    // What stands there is moved elsewhere, and of nothing is nothing left.
    const MOVED: [&str; 2] = ["bases", "imageTags"];
    let root = yaml::node(text, &crate::read::limits(text)).ok().flatten();
    root.as_ref().and_then(yaml::Node::pairs).into_iter().flatten().any(|(key, value)| {
        let is_list = value.items().is_some() || value.pairs().is_some();
        is_list && !MOVED.iter().any(|moved| key.text().is_some_and(|key| key.eq_ignore_ascii_case(moved)))
    })
}

impl File {
    /// Reads a build file. `path` is for messages.
    ///
    /// # Errors
    /// All that is wrong with its syntax, fields and types.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        Self::read(text, &path.into(), Unknown::Refuse).map(|(file, _)| file).map_err(Error::new)
    }

    /// Reads a build file and says which fields were left out.
    pub(crate) fn read(text: &str, path: &Arc<str>, unknown: Unknown) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut decoder = Decoder::new(path, unknown);
        let mut file: Self = decoder.document(text);
        if file.api_version.starts_with(FLUX) {
            let message = "this is an object of Flux, which says what to build, and no build file";
            let hint = "give the object's file another name, and list that under resources of a build file";
            let place = Place { file: Arc::clone(path), line: file.line };
            let fault = Reason::invalid(message).at(&place).field(|| "apiVersion".to_owned());
            return Err(vec![*fault.hint(Some(hint.to_owned()))]);
        }
        for (i, args) in file.config_map_generator.iter_mut().enumerate() {
            if !std::mem::take(&mut args.secret_type).is_empty() {
                decoder.unknown_at(args.line, format!("configMapGenerator[{i}]"), "type");
            }
        }
        decoder.finish(file)
    }

    /// The file as YAML, fields sorted.
    pub fn to_yaml(&self) -> String {
        yaml::print(&self.encode().unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new())))
    }

    /// True when it says nothing about what to build.
    pub(crate) fn is_empty(&self) -> bool {
        let nothing =
            Self { api_version: self.api_version.clone(), kind: self.kind.clone(), line: self.line, ..Self::default() };
        *self == nothing
    }

    /// Moves what stands in deprecated fields to where it belongs, and returns what was found there.
    pub(crate) fn modernise(&mut self) -> Vec<&'static str> {
        let mut deprecated = Vec::new();
        let mut warn = |found: bool, message| {
            if found {
                deprecated.push(message);
            }
        };
        warn(!self.bases.is_empty(), "'bases' is deprecated. Please use 'resources' instead.");
        warn(!self.common_labels.is_empty(), "'commonLabels' is deprecated. Please use 'labels' instead.");
        warn(!self.image_tags.is_empty(), "'imageTags' is deprecated. Please use 'images' instead.");
        warn(!self.patches_json6902.is_empty(), "'patchesJson6902' is deprecated. Please use 'patches' instead.");
        warn(
            !self.patches_strategic_merge.is_empty(),
            "'patchesStrategicMerge' is deprecated. Please use 'patches' instead.",
        );
        warn(!self.vars.is_empty(), "'vars' is deprecated. Please use 'replacements' instead.");
        if self.kind.is_empty() {
            KIND.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.kind == COMPONENT { COMPONENT_API_VERSION } else { API_VERSION };
            version.clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for args in self.config_map_generator.iter_mut().chain(&mut self.secret_generator) {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        deprecated
    }

    /// What its type says that it cannot be.
    pub(crate) fn check_type(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.kind != KIND && self.kind != COMPONENT {
            let near = nearest(&self.kind, [KIND, COMPONENT]).map(|near| format!("did you mean {near:?}?"));
            let fault = Reason::invalid(format!("kind should be {KIND} or {COMPONENT}, not {:?}", self.kind));
            faults.push(fault.hint(near).field(|| "kind".to_owned()));
        }
        let version = if self.kind == COMPONENT { COMPONENT_API_VERSION } else { API_VERSION };
        if self.api_version != version {
            let message = format!("apiVersion for {} should be {version}, not {:?}", self.kind, self.api_version);
            faults.push(Reason::invalid(message).field(|| "apiVersion".to_owned()));
        }
        faults
    }
}
