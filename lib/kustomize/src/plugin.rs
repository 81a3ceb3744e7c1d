//! The objects that `generators`, `transformers` and `validators` name: configurations of kustomize's own parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Field;
use crate::decode::{Decode, Decoder, Entry, Unknown, record};
use crate::error::{Fault, Place, Reason, nearest};
use crate::file;
use crate::generate::{self, Made};
use crate::load::Loader;
use crate::node::{Keys, Node};
use crate::read;
use crate::resource::{Resource, annotation};
use crate::schema::Schema;
use crate::transform::{Json6902, Patch, Replacement, Subjects, Target, Transformer, ValueAdd};

/// Kinds of generators, and the fields that each reads.
const GENERATORS: &[(&str, &[&str])] = &[
    ("ConfigMapGenerator", &[]),
    ("SecretGenerator", &[]),
    ("IAMPolicyGenerator", &["cloud", "kubernetesService", "serviceAccount"]),
];
/// Kinds of transformers, and the fields that each reads.
const TRANSFORMERS: &[(&str, &[&str])] = &[
    ("AnnotationsTransformer", &["annotations", "fieldSpecs"]),
    ("HashTransformer", &[]),
    ("ImageTagTransformer", &["imageTag", "fieldSpecs"]),
    ("LabelTransformer", &["labels", "fieldSpecs"]),
    ("NamespaceTransformer", &["metadata", "fieldSpecs", "unsetOnly", "setRoleBindingSubjects"]),
    ("PatchJson6902Transformer", &["target", "path", "jsonOp"]),
    ("PatchStrategicMergeTransformer", &["paths", "patches"]),
    ("PatchTransformer", &["path", "patch", "target", "options"]),
    ("PrefixSuffixTransformer", &["prefix", "suffix", "fieldSpecs"]),
    ("PrefixTransformer", &["prefix", "fieldSpecs"]),
    ("ReplacementTransformer", &["replacements"]),
    ("ReplicaCountTransformer", &["replica", "fieldSpecs"]),
    ("SuffixTransformer", &["suffix", "fieldSpecs"]),
    ("ValueAddTransformer", &["value", "targets", "targetFilePath"]),
];
/// Kinds whose fields are embedded in Go, where the type of a field is not seen.
const EMBEDDED: &[&str] = &["IAMPolicyGenerator", "ReplacementTransformer"];
/// Kinds that are read by another library than the rest.
const EXACT: &[&str] = &["PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer"];

record! {
    /// Everything that a configuration may say; each kind reads its own part.
    pub(crate) struct Settings {
        metadata: file::Metadata = "metadata",
        annotations: BTreeMap<String, String> = "annotations",
        labels: BTreeMap<String, String> = "labels",
        field_specs: Option<Vec<file::FieldEntry>> = "fieldSpecs",
        image_tag: file::Image = "imageTag",
        unset_only: bool = "unsetOnly",
        set_role_binding_subjects: String = "setRoleBindingSubjects",
        target: Option<file::Selector> = "target",
        path: String = "path",
        json_op: String = "jsonOp",
        paths: Vec<Entry> = "paths",
        patches: String = "patches",
        patch: String = "patch",
        options: Option<file::PatchOptions> = "options",
        prefix: String = "prefix",
        suffix: String = "suffix",
        replacements: Vec<file::Replacement> = "replacements",
        replica: file::Replica = "replica",
        value: String = "value",
        targets: Vec<ValueTarget> = "targets",
        target_file_path: String = "targetFilePath",
        cloud: String = "cloud",
        kubernetes_service: file::Metadata = "kubernetesService",
        service_account: CloudAccount = "serviceAccount",
    }
}

record! {
    /// Where a value is added.
    pub(crate) struct ValueTarget {
        selector: Option<file::Selector> = "selector",
        field_path: String = "fieldPath",
        file_path_position: i64 = "filePathPosition",
    }
}

record! {
    /// A file with such places.
    pub(crate) struct ValueTargets {
        targets: Vec<ValueTarget> = "targets",
    }
}

record! {
    /// An account at a cloud provider.
    pub(crate) struct CloudAccount {
        name: String = "name",
        project_id: String = "projectId",
    }
}

/// What a configuration may use.
pub(crate) struct Setup<'s, 'a> {
    pub(crate) loader: &'s Loader<'a>,
    pub(crate) schema: &'s Schema,
    pub(crate) keys: &'s mut Keys,
}

/// Makes the objects of a configured generator: the object, how it meets others, whether its name gets a hash.
pub(crate) fn generate(config: &Resource, setup: &mut Setup<'_, '_>) -> Result<Resource, Fault> {
    let (kind, fields) = builtin_kind(config, GENERATORS)?;
    let made = match kind {
        "ConfigMapGenerator" => Made::ConfigMap,
        "SecretGenerator" => Made::Secret,
        _ => return service_account(&settings(config, kind, fields)?, config, setup),
    };
    // These arguments are embedded too.
    let mut args: file::GeneratorArgs = decode(config, |_| true, Decoder::new)?;
    if args.name.is_empty() {
        config.name().clone_into(&mut args.name);
    }
    if args.namespace.is_empty() {
        config.namespace().clone_into(&mut args.namespace);
    }
    // Only build files know the deprecated field.
    args.env.clear();
    let node = generate::make(made, &args, setup.loader, setup.keys);
    let node = node.map_err(|mut faults| faults.swap_remove(0))?;
    let mut resource = Resource::new(node, config.place.clone(), setup.schema);
    resource.needs_hash = !args.options.as_ref().is_some_and(|options| options.disable_name_suffix_hash);
    resource.behavior = generate::behavior(&args.behavior);
    Ok(resource)
}

/// Configures a transformer.
pub(crate) fn transformers(config: &Resource, setup: &mut Setup<'_, '_>) -> Result<Vec<Transformer>, Fault> {
    let (kind, known) = builtin_kind(config, TRANSFORMERS)?;
    let settings = settings(config, kind, known)?;
    let place = &config.place;
    let fields = || settings.field_specs.iter().flatten().cloned().map(Field::from).collect::<Vec<_>>();
    let required = || match settings.field_specs {
        Some(_) => Ok(fields()),
        None => Err(Reason::invalid("fieldSpecs is not expected to be nil")),
    };
    Ok(vec![match kind {
        "AnnotationsTransformer" => {
            Transformer::Annotations { annotations: settings.annotations.clone(), fields: fields() }
        }
        "LabelTransformer" => Transformer::Labels { labels: settings.labels.clone(), fields: fields() },
        "ImageTagTransformer" => Transformer::Images { image: settings.image_tag.clone(), fields: fields() },
        "ReplicaCountTransformer" => Transformer::Replicas { replica: settings.replica.clone(), fields: fields() },
        "HashTransformer" => Transformer::Hash,
        "PrefixTransformer" => Transformer::Prefix { prefix: settings.prefix.clone(), fields: required()? },
        "SuffixTransformer" => Transformer::Suffix { suffix: settings.suffix.clone(), fields: required()? },
        "PrefixSuffixTransformer" => {
            return Ok(vec![
                Transformer::Prefix { prefix: settings.prefix.clone(), fields: required()? },
                Transformer::Suffix { suffix: settings.suffix.clone(), fields: required()? },
            ]);
        }
        "NamespaceTransformer" => Transformer::Namespace {
            namespace: settings.metadata.namespace.clone(),
            fields: fields(),
            subjects: subjects(&settings.set_role_binding_subjects)?,
            unset_only: settings.unset_only,
        },
        "PatchTransformer" => {
            let patch = file::Patch {
                path: settings.path.clone(),
                patch: settings.patch.clone(),
                target: settings.target.clone(),
                options: settings.options.clone(),
                line: 0,
            };
            Transformer::Patch(patch_of(&patch, place, setup)?)
        }
        "PatchJson6902Transformer" => {
            let target = settings.target.clone().unwrap_or_default();
            Transformer::Json6902(json6902(&target, &settings.path, &settings.json_op, setup)?)
        }
        "PatchStrategicMergeTransformer" => {
            if settings.paths.is_empty() && settings.patches.is_empty() {
                return Err(Reason::invalid("empty file path and empty patch content"));
            }
            Transformer::StrategicMerge(strategic_merge(&settings.paths, &settings.patches, place, setup)?)
        }
        "ReplacementTransformer" => {
            let read = replacements(&settings.replacements, place, setup);
            Transformer::Replacements(read.map_err(|mut faults| faults.swap_remove(0))?)
        }
        _ => Transformer::ValueAdd(value_add(&settings, setup)?),
    }])
}

/// Reads a patch of either kind.
pub(crate) fn patch_of(patch: &file::Patch, place: &Place, setup: &mut Setup<'_, '_>) -> Result<Patch, Fault> {
    let inline = patch.patch.trim();
    let (text, place) = match (inline.is_empty(), patch.path.is_empty()) {
        (true, true) => return Err(Reason::invalid("must specify one of patch and path")),
        (false, false) => return Err(Reason::invalid("patch and path can't be set at the same time")),
        (false, true) => (inline.to_owned(), place.clone()),
        (true, false) => {
            let (bytes, file) = setup.loader.file(&patch.path).map_err(|fault| fault.field(|| "path".to_owned()))?;
            (read::text(&bytes, &file)?.into_owned(), Place { file, line: 0 })
        }
    };
    Patch::new(&text, &place, patch.target.as_ref(), patch.options.as_ref(), setup.schema, setup.keys)
}

pub(crate) fn json6902(
    target: &file::Selector,
    path: &str,
    inline: &str,
    setup: &Setup<'_, '_>,
) -> Result<Json6902, Fault> {
    match (path.is_empty(), inline.is_empty()) {
        (true, true) => Err(Reason::invalid("empty file path and empty jsonOp")),
        (false, false) => Err(Reason::invalid("must specify a file path or jsonOp, not both")),
        (true, false) => Json6902::new(inline, target),
        (false, true) => {
            let (bytes, file) = setup.loader.file(path).map_err(|fault| fault.field(|| "path".to_owned()))?;
            Json6902::new(&read::text(&bytes, &file)?, target)
        }
    }
}

/// Reads strategic merge patches, each inline or a file.
pub(crate) fn strategic_merge(
    entries: &[Entry],
    inline: &str,
    place: &Place,
    setup: &mut Setup<'_, '_>,
) -> Result<Vec<Patch>, Fault> {
    let mut patches = Vec::with_capacity(entries.len());
    let mut any = false;
    for (i, entry) in entries.iter().enumerate() {
        let at = |fault: Fault| fault.at(&Place { line: entry.line, ..place.clone() }).field(|| format!("[{i}]"));
        let own = Place { line: entry.line, ..place.clone() };
        let resources = match objects(&entry.text, &own, setup) {
            Ok(resources) => resources,
            Err(fault) if entry.text.contains('\n') => return Err(at(fault)),
            Err(_) => {
                let (bytes, file) = setup.loader.file(&entry.text).map_err(at)?;
                let text = read::text(&bytes, &file).map_err(at)?;
                objects(&text, &Place { file: file.clone(), line: 0 }, setup).map_err(at)?
            }
        };
        any |= !resources.is_empty();
        patches.push(Patch::merge_only(resources));
    }
    if !inline.is_empty() {
        let resources = objects(inline, place, setup)?;
        any |= !resources.is_empty();
        patches.push(Patch::merge_only(resources));
    }
    if !any {
        return Err(Reason::invalid("there is no patch: what is named is empty, or has nothing but comments"));
    }
    Ok(patches)
}

fn objects(text: &str, place: &Place, setup: &mut Setup<'_, '_>) -> Result<Vec<Resource>, Fault> {
    let found = read::objects(text, &place.file, setup.keys).map_err(first)?;
    let line = |line| if place.line == 0 { line } else { place.line + line };
    Ok(found
        .into_iter()
        .map(|(node, at)| Resource::new(node, Place { line: line(at), ..place.clone() }, setup.schema))
        .collect())
}

fn first(mut problems: Vec<crate::error::Problem>) -> Fault {
    if problems.is_empty() { Reason::invalid("unknown problem") } else { Box::new(problems.swap_remove(0)) }
}

/// Reads replacements, each inline or a file with one or several.
pub(crate) fn replacements(
    entries: &[file::Replacement],
    place: &Place,
    setup: &Setup<'_, '_>,
) -> Result<Vec<Replacement>, Vec<Fault>> {
    let mut result = Vec::with_capacity(entries.len());
    let mut faults = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let place = Place { line: entry.line, ..place.clone() };
        match replacement(entry, &place, setup) {
            Ok(read) => result.extend(read),
            Err(mut fault) => {
                let inner = fault.field.take().map_or_else(String::new, |inner| format!(".{inner}"));
                faults.push(fault.at(&place).field(|| format!("replacements[{i}]{inner}")));
            }
        }
    }
    if faults.is_empty() { Ok(result) } else { Err(faults) }
}

fn replacement(entry: &file::Replacement, place: &Place, setup: &Setup<'_, '_>) -> Result<Vec<Replacement>, Fault> {
    if entry.path.is_empty() {
        return Ok(vec![Replacement::new(entry, place)?]);
    }
    if entry.source.is_some() || !entry.targets.is_empty() {
        return Err(Reason::invalid("cannot specify both path and inline replacement"));
    }
    let (bytes, file) = setup.loader.file(&entry.path).map_err(|fault| fault.field(|| "path".to_owned()))?;
    let text = read::text(&bytes, &file)?;
    let mut decoder = Decoder::coercing(&file, Unknown::Ignore);
    let list = yaml::node(&text, &read::limits(&text)).is_ok_and(|root| root.is_some_and(|r| r.items().is_some()));
    let read: Vec<file::Replacement> = if list { decoder.document(&text) } else { vec![decoder.document(&text)] };
    let (read, _) = decoder.finish(read).map_err(first)?;
    let each = read.iter().map(|one| {
        let place = Place { file: file.clone(), line: one.line };
        Replacement::new(one, &place).map_err(|fault| fault.at(&place))
    });
    each.collect()
}

fn value_add(settings: &Settings, setup: &Setup<'_, '_>) -> Result<ValueAdd, Fault> {
    let value = match settings.value.trim() {
        "" => setup.loader.root().name().unwrap_or("").to_owned(),
        value => value.to_owned(),
    };
    let mut entries = settings.targets.clone();
    if !settings.target_file_path.is_empty() {
        let (bytes, file) = setup.loader.file(&settings.target_file_path)?;
        let mut decoder = Decoder::coercing(&file, Unknown::Ignore);
        let more: ValueTargets = decoder.document(&read::text(&bytes, &file)?);
        entries.extend(decoder.finish(more).map_err(first)?.0.targets);
    }
    if entries.is_empty() {
        return Err(Reason::invalid("must specify at least one target"));
    }
    let targets = entries
        .iter()
        .map(|entry| Target::new(entry.selector.as_ref(), &entry.field_path, entry.file_path_position))
        .collect::<Result<_, _>>()?;
    Ok(ValueAdd { value, targets })
}

fn service_account(settings: &Settings, config: &Resource, setup: &mut Setup<'_, '_>) -> Result<Resource, Fault> {
    if settings.cloud != "gke" {
        return Err(Reason::invalid(format!("cloud provider {} not supported yet", settings.cloud)));
    }
    let account = &settings.service_account;
    let service = &settings.kubernetes_service;
    let email = format!("{}@{}.iam.gserviceaccount.com", account.name, account.project_id);
    let mut metadata = serde_json::json!({
        "annotations": {"iam.gke.io/gcp-service-account": email},
        "name": service.name,
    });
    if !service.namespace.is_empty() {
        metadata["namespace"] = service.namespace.as_str().into();
    }
    let value = serde_json::json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
    Ok(Resource::new(Node::from_json(value, setup.keys), config.place.clone(), setup.schema))
}

fn subjects(text: &str) -> Result<Subjects, Fault> {
    match text {
        "" | "defaultOnly" => Ok(Subjects::Default),
        "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
        "none" => Ok(Subjects::None),
        other => Err(Reason::invalid(format!(
            "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
        ))),
    }
}

/// The kind of one of kustomize's own parts; anything that would have to be run is refused.
fn builtin_kind(
    config: &Resource,
    known: &'static [(&'static str, &'static [&'static str])],
) -> Result<(&'static str, &'static [&'static str]), Fault> {
    let gvk = config.gvk();
    let function = ["config.kubernetes.io/function", "config.k8s.io/function"]
        .iter()
        .any(|name| annotation(&config.node, name).is_some());
    if gvk.group.is_empty() && gvk.version == "builtin" && gvk.kind == "HelmChartInflationGenerator" {
        return Err(refused("helm charts (HelmChartInflationGenerator)", HELM));
    }
    if !gvk.group.is_empty() || gvk.version != "builtin" {
        let what = if function { "KRM functions" } else { "external plugins" };
        return Err(refused(&format!("{what} ({})", gvk.kind), PLUGINS));
    }
    if let Some(found) = known.iter().find(|(kind, _)| *kind == gvk.kind) {
        return Ok(*found);
    }
    let near = nearest(gvk.kind, known.iter().map(|(kind, _)| *kind));
    Err(Reason::invalid(format!("unable to load builtin {gvk}"))
        .hint(near.map(|near| format!("did you mean {near:?}?"))))
}

const PLUGINS: &str = "are refused: a build runs no programs and containers; only apiVersion builtin is known";
/// Why charts are not rendered here.
pub(crate) const HELM: &str = "are refused: a build runs no programs; install the chart by a HelmRelease instead";

pub(crate) fn refused(what: &str, why: &'static str) -> Fault {
    Reason::Refused { what: what.to_owned(), why }.into()
}

/// Reads what a kind knows of an object; all else is left out.
fn settings(config: &Resource, kind: &str, known: &[&str]) -> Result<Settings, Fault> {
    let is_read = |field: &str| known.iter().any(|name| name.eq_ignore_ascii_case(field));
    let reader = match kind {
        kind if EMBEDDED.contains(&kind) => Decoder::new,
        kind if EXACT.contains(&kind) => Decoder::exact,
        _ => Decoder::coercing,
    };
    decode(config, is_read, reader)
}

fn decode<T: Decode>(
    config: &Resource,
    is_read: impl Fn(&str) -> bool,
    reader: impl Fn(&Arc<str>, Unknown) -> Decoder,
) -> Result<T, Fault> {
    let mut value = config.node.to_value().map_err(|error| Reason::apply(error.to_string()))?;
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|field, _| is_read(field));
    }
    let text = yaml::print(&value);
    let mut decoder = reader(&config.place.file, Unknown::Ignore);
    let value = decoder.document(&text);
    decoder.finish(value).map(|(value, _)| value).map_err(|problems| {
        let mut fault = first(problems);
        // The line is one of the printed object; the object's own says more.
        fault.place = Some(config.place.clone());
        fault
    })
}
