//! What templates find at `.`: `.Chart`, `.Release`, `.Capabilities`, `.Files`, `.Values`.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use gotemplate::sprig::encoding::base64;
use gotemplate::sprig::paths;
use gotemplate::{Args, Bytes, Call, Fault, Kind, List, Map, Object, Signature, Str, Type, Value, Volatile};

use super::Release;
use crate::capabilities::{Capabilities, HelmVersion, KubeVersion};
use crate::chart::{Chart, Dependency, ImportValues};
use crate::glob::Glob;
use crate::values;

/// What is the same for all charts of a rendering.
pub(crate) struct Scope {
    release: Value,
    capabilities: Value,
}

impl Scope {
    pub(super) fn new(release: &Release, capabilities: &Capabilities) -> Self {
        let release = Map::from_iter([
            ("Name", Value::from(release.name.as_str())),
            ("Namespace", release.namespace.as_str().into()),
            ("IsUpgrade", release.is_upgrade.into()),
            ("IsInstall", (!release.is_upgrade).into()),
            ("Revision", Value::Int(release.revision)),
            ("Service", "Helm".into()),
        ]);
        Self { release: release.into(), capabilities: Value::object(GoCapabilities(capabilities.clone())) }
    }

    /// What a chart's templates see, but `.Template` and `.Subcharts`.
    pub(super) fn top(&self, chart: &Chart, is_root: bool, values: Map) -> Map {
        Map::from_iter([
            ("Chart", metadata(chart, is_root).into()),
            ("Files", Value::object(GoFiles::of(chart))),
            ("Release", self.release.clone()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", Value::object(GoValues(values))),
        ])
    }

    /// What `.Template` is; asking it is told to `reads`, for the answer is another one in every file.
    pub(super) fn template(name: &str, base_path: &str, reads: &Volatile) -> Value {
        let values = GoValues(Map::from_iter([("Name", name), ("BasePath", base_path)]));
        Value::object(GoTemplate { values, reads: reads.clone() })
    }
}

/// `.Chart`: every field of `Chart.yaml`, empty ones too, and whether the chart is the top one.
fn metadata(chart: &Chart, is_root: bool) -> Map {
    let metadata = &chart.metadata;
    let texts = |texts: &[String]| texts.iter().map(|text| Value::from(text.as_str())).collect::<List>();
    let maintainers = metadata.maintainers.iter().map(|maintainer| {
        let fields = [("Name", &*maintainer.name), ("Email", &*maintainer.email), ("URL", &*maintainer.url)];
        Value::from(Map::from_iter(fields))
    });
    let annotations = match &metadata.annotations {
        None => Map::nil(Type::String),
        Some(annotations) => {
            let entries = annotations.iter().map(|(key, value)| (key.into(), value.as_str().into()));
            Map::with_entries(Type::String, entries.collect())
        }
    };
    let dependencies = metadata.dependencies.iter().flatten().map(dependency);
    Map::from_iter([
        ("Name", Value::from(metadata.name.as_str())),
        ("Home", metadata.home.as_str().into()),
        ("Sources", texts(&metadata.sources).into()),
        ("Version", metadata.version.as_str().into()),
        ("Description", metadata.description.as_str().into()),
        ("Keywords", texts(&metadata.keywords).into()),
        ("Maintainers", maintainers.collect::<List>().into()),
        ("Icon", metadata.icon.as_str().into()),
        ("APIVersion", metadata.api_version.as_str().into()),
        ("Condition", metadata.condition.as_str().into()),
        ("Tags", metadata.tags.as_str().into()),
        ("AppVersion", metadata.app_version.as_str().into()),
        ("Deprecated", metadata.deprecated.into()),
        ("Annotations", annotations.into()),
        ("KubeVersion", metadata.kube_version.as_str().into()),
        ("Dependencies", dependencies.collect::<List>().into()),
        ("Type", metadata.kind_text.as_str().into()),
        ("IsRoot", is_root.into()),
    ])
}

fn dependency(dependency: &Dependency) -> Value {
    let tags = dependency.tags.iter().map(|tag| Value::from(tag.as_str()));
    let imports = dependency.import_values.iter().map(|import| match import {
        ImportValues::Export(name) => Value::from(name.as_str()),
        ImportValues::Paths { child, parent } => {
            let paths = [("child", Value::from(child.as_str())), ("parent", parent.as_str().into())];
            Map::with_entries(Type::String, paths.into_iter().map(|(key, value)| (key.into(), value)).collect()).into()
        }
    });
    Map::from_iter([
        ("Name", Value::from(dependency.name.as_str())),
        ("Version", dependency.version.as_str().into()),
        ("Repository", dependency.repository.as_str().into()),
        ("Condition", dependency.condition.as_str().into()),
        ("Tags", tags.collect::<List>().into()),
        ("Enabled", dependency.enabled.into()),
        ("ImportValues", imports.collect::<List>().into()),
        ("Alias", dependency.alias.as_str().into()),
    ])
    .into()
}

/// `.Values`: a map of a named type, which is why `dig` refuses it.
#[derive(Debug)]
pub(crate) struct GoValues(pub(crate) Map);

impl Object for GoValues {
    fn type_name(&self) -> &'static str {
        "common.Values"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn underlying(&self) -> Option<Value> {
        Some(self.0.clone().into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "AsMap" | "YAML" => Some(Signature::exact(&[])),
            "Table" | "PathValue" => Some(Signature::exact(&[Type::String])),
            _ => None,
        }
    }

    fn invoke(&self, name: &str, _: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        match name {
            "AsMap" => Ok(self.0.clone().into()),
            "YAML" => {
                let text = crate::functions::to_yaml(&self.0.clone().into()).map_err(Fault::message)?;
                Ok(format!("{text}\n").into())
            }
            "Table" => {
                let path = args.text(0)?;
                let table = values::table(&self.0, &path);
                let key = path.rsplit('.').next().unwrap_or_default();
                let found = table.map(|table| Value::object(Self(table)));
                found.ok_or_else(|| Fault::message(format!("{key:?} is not a table")))
            }
            "PathValue" => {
                let path = args.text(0)?;
                let key = path.rsplit('.').next().unwrap_or_default();
                values::value(&self.0, &path).ok_or_else(|| Fault::message(format!("{key:?} is not a value")))
            }
            _ => Err(Fault::message(format!("common.Values has no method {name}"))),
        }
    }
}

/// `.Template`: a map of the same named type as the values.
#[derive(Debug)]
struct GoTemplate {
    values: GoValues,
    reads: Volatile,
}

impl Object for GoTemplate {
    fn type_name(&self) -> &'static str {
        "common.Values"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn underlying(&self) -> Option<Value> {
        self.reads.note();
        self.values.underlying()
    }

    fn method(&self, name: &str) -> Option<Signature> {
        self.values.method(name)
    }

    fn invoke(&self, name: &str, call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        self.reads.note();
        self.values.invoke(name, call, args)
    }
}

/// `.Files`, or those of them that a glob matched.
#[derive(Debug)]
struct GoFiles(Rc<BTreeMap<String, Arc<[u8]>>>);

impl GoFiles {
    fn of(chart: &Chart) -> Self {
        Self(Rc::new(chart.files.iter().map(|file| (file.name.clone(), file.data.clone())).collect()))
    }

    fn encoded(&self, encode: impl Fn(&[u8]) -> Str) -> Result<Value, Fault> {
        if self.0.is_empty() {
            return Ok("{}".into());
        }
        let map = Map::typed(Type::String);
        for (path, data) in &*self.0 {
            map.insert(paths::base(path), encode(data));
        }
        Ok(crate::functions::to_yaml(&map.into()).map_err(Fault::message)?.into())
    }
}

impl Object for GoFiles {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn underlying(&self) -> Option<Value> {
        let entries = self.0.iter().map(|(path, data)| (path.into(), Value::Bytes(Bytes::from(data.clone()))));
        Some(Map::with_entries(Type::BYTES, entries.collect()).into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(Signature::exact(&[Type::String])),
            "AsConfig" | "AsSecrets" => Some(Signature::exact(&[])),
            _ => None,
        }
    }

    fn invoke(&self, name: &str, call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        let file = || Ok::<_, Fault>(self.0.get(&*args.text(0)?));
        match name {
            "Get" => Ok(file()?.map_or(Str::EMPTY, |data| Str::from(&data[..])).into()),
            "GetBytes" => Ok(Value::Bytes(file()?.cloned().unwrap_or_default().into())),
            "Glob" => {
                call.spend_steps(self.0.len())?;
                let Some(glob) = Glob::new(&args.text(0)?) else { return Ok(Value::object(Self(Rc::default()))) };
                let matched = self.0.iter().filter(|(path, _)| glob.matches(path));
                Ok(Value::object(Self(Rc::new(matched.map(|(path, data)| (path.clone(), data.clone())).collect()))))
            }
            "Lines" => {
                let Some(data) = file()?.filter(|data| !data.is_empty()) else {
                    return Ok(List::strings(Vec::<Str>::new()).into());
                };
                let data = data.strip_suffix(b"\n").unwrap_or(data);
                Ok(List::strings(data.split(|b| *b == b'\n').map(Str::from)).into())
            }
            "AsConfig" => self.encoded(|data| data.into()),
            "AsSecrets" => self.encoded(|data| base64(data).into()),
            _ => Err(Fault::message(format!("engine.files has no method {name}"))),
        }
    }
}

/// `.Capabilities`
#[derive(Debug)]
struct GoCapabilities(Capabilities);

impl Object for GoCapabilities {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(Value::object(GoKubeVersion(self.0.kube_version.clone()))),
            "APIVersions" => Some(Value::object(GoVersionSet(self.0.api_versions.iter().map(Into::into).collect()))),
            "HelmVersion" => Some(Value::object(GoHelmVersion(self.0.helm_version.clone()))),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&str, Value)> {
        ["KubeVersion", "APIVersions", "HelmVersion"].into_iter().filter_map(|n| Some((n, self.field(n)?))).collect()
    }
}

/// `.Capabilities.KubeVersion`
#[derive(Debug)]
struct GoKubeVersion(KubeVersion);

impl Object for GoKubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(self.0.version.as_str().into()),
            "Major" => Some(self.0.major.as_str().into()),
            "Minor" => Some(self.0.minor.as_str().into()),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&str, Value)> {
        ["Version", "Major", "Minor"].into_iter().filter_map(|name| Some((name, self.field(name)?))).collect()
    }

    fn method(&self, name: &str) -> Option<Signature> {
        matches!(name, "String" | "GitVersion").then_some(Signature::exact(&[]))
    }

    fn invoke(&self, name: &str, _: &mut Call<'_>, _: Args<'_>) -> Result<Value, Fault> {
        Ok(if name == "String" { self.0.normalized.as_str() } else { self.0.version.as_str() }.into())
    }

    fn text(&self) -> Option<Str> {
        Some(self.0.normalized.as_str().into())
    }
}

/// `.Capabilities.APIVersions`
#[derive(Debug)]
struct GoVersionSet(Vec<Str>);

impl Object for GoVersionSet {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn underlying(&self) -> Option<Value> {
        Some(List::strings(self.0.iter().cloned()).into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then_some(Signature::exact(&[Type::String]))
    }

    fn invoke(&self, _: &str, call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        call.spend_steps(self.0.len())?;
        Ok(self.0.contains(args.string(0)?).into())
    }
}

/// `.Capabilities.HelmVersion`
#[derive(Debug)]
struct GoHelmVersion(HelmVersion);

impl Object for GoHelmVersion {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        let text = match name {
            "Version" => &self.0.version,
            "GitCommit" => &self.0.git_commit,
            "GitTreeState" => &self.0.git_tree_state,
            "GoVersion" => &self.0.go_version,
            "KubeClientVersion" => &self.0.kube_client_version,
            _ => return None,
        };
        Some(text.as_str().into())
    }

    fn fields(&self) -> Vec<(&str, Value)> {
        let names = ["Version", "GitCommit", "GitTreeState", "GoVersion", "KubeClientVersion"];
        names.into_iter().filter_map(|name| Some((name, self.field(name)?))).collect()
    }
}
