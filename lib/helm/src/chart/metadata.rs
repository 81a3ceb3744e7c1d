//! `Chart.yaml`.

use serde_json::{Map, Value};
use version::{Constraint, Version};

use crate::values;

/// What `Chart.yaml` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// The chart's name, also that of its templates' path.
    pub name: String,
    /// A page about it.
    pub home: String,
    /// Where its sources are.
    pub sources: Vec<String>,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Who looks after it.
    pub maintainers: Vec<Maintainer>,
    /// The URL of a picture.
    pub icon: String,
    /// `v1` has its dependencies in `requirements.yaml`.
    pub api_version: ApiVersion,
    /// Unused, kept as written.
    pub condition: String,
    /// Unused, kept as written.
    pub tags: String,
    /// The version of what it installs.
    pub app_version: String,
    /// Whether it should not be used any more.
    pub deprecated: bool,
    /// Anything; `None` when absent, which templates can tell from empty.
    pub annotations: Option<Vec<(String, String)>>,
    /// The Kubernetes versions it works on, a constraint.
    pub kube_version: String,
    /// The charts it depends on; `None` when absent.
    pub dependencies: Option<Vec<Dependency>>,
    /// Whether it can be installed.
    pub kind: Kind,
    /// The type as written: absent, `application` or `library`.
    pub kind_text: String,
}

/// The format of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ApiVersion {
    /// Helm 2's.
    V1,
    /// Helm 3's and 4's.
    #[default]
    V2,
    /// Some other, which Helm lets pass.
    Other(String),
}

/// What a chart is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// It can be installed.
    #[default]
    Application,
    /// It has templates for other charts.
    Library,
}

/// Who looks after a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// A name.
    pub name: String,
    /// An address.
    pub email: String,
    /// A page.
    pub url: String,
}

/// A chart that another one depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependency {
    /// The name in its `Chart.yaml`; once dependencies are processed, the alias if it has one.
    pub name: String,
    /// A constraint.
    pub version: String,
    /// Where it is found.
    pub repository: String,
    /// Paths of values, the first of which that is a boolean switches it on or off.
    pub condition: String,
    /// Names that switch groups on or off.
    pub tags: Vec<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Tables of its values that become the parent's.
    pub import_values: Vec<ImportValues>,
    /// The name under which it is used.
    pub alias: String,
}

/// A table of a subchart's values that is merged into the parent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportValues {
    /// `exports.<name>` into the root.
    Export(String),
    /// One path into another.
    Paths {
        /// Below the subchart's values.
        child: String,
        /// Below the parent's values; `.` is the root.
        parent: String,
    },
}

/// What is wrong with `Chart.yaml`. The wording is Helm's where Helm checks it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A field has a value of the wrong type.
    #[error("{field} is {found}, expected {expected}")]
    Type {
        /// Which field.
        field: String,
        /// What is there.
        found: &'static str,
        /// What should be.
        expected: &'static str,
    },
    /// A required field is absent.
    #[error("validation: chart.metadata.{0} is required")]
    Missing(&'static str),
    /// The name is a path.
    #[error("validation: chart.metadata.name {0:?} is invalid")]
    Name(String),
    /// The version is none.
    #[error("validation: chart.metadata.version {0:?} is invalid")]
    Version(String),
    /// The type is unknown.
    #[error("validation: chart.metadata.type must be application or library")]
    Kind,
    /// An entry of a list is empty.
    #[error("validation: {0} must not contain empty or null nodes")]
    EmptyEntry(&'static str),
    /// An alias has other characters than letters, digits, `_` and `-`.
    #[error("validation: dependency {0:?} has disallowed characters in the alias")]
    Alias(String),
    /// Two dependencies would be used under one name.
    #[error("validation: more than one dependency with name or alias {0:?}")]
    Duplicate(String),
}

impl ApiVersion {
    /// As written in `Chart.yaml`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Other(text) => text,
        }
    }
}

impl Metadata {
    /// Reads the fields of `Chart.yaml`.
    pub(crate) fn read(value: &Value) -> Result<Self, MetadataError> {
        let fields = Fields::of(value, "Chart.yaml")?;
        let mut metadata = Self {
            name: fields.text("name")?,
            home: fields.text("home")?,
            sources: fields.texts("sources")?,
            version: fields.text("version")?,
            description: fields.text("description")?,
            keywords: fields.texts("keywords")?,
            maintainers: Vec::new(),
            icon: fields.text("icon")?,
            api_version: match fields.text("apiVersion")?.as_str() {
                "" | "v1" => ApiVersion::V1,
                "v2" => ApiVersion::V2,
                other => ApiVersion::Other(other.to_owned()),
            },
            condition: fields.text("condition")?,
            tags: fields.text("tags")?,
            app_version: fields.text("appVersion")?,
            deprecated: fields.boolean("deprecated")?,
            annotations: fields.annotations()?,
            kube_version: fields.text("kubeVersion")?,
            dependencies: None,
            kind: Kind::Application,
            kind_text: fields.text("type")?,
        };
        if metadata.kind_text.eq_ignore_ascii_case("library") {
            metadata.kind = Kind::Library;
        }
        for maintainer in fields.list("maintainers")?.into_iter().flatten() {
            if maintainer.is_null() {
                return Err(MetadataError::EmptyEntry("maintainers"));
            }
            let fields = Fields::of(maintainer, "maintainers")?;
            metadata.maintainers.push(Maintainer {
                name: clean(&fields.text("name")?),
                email: clean(&fields.text("email")?),
                url: clean(&fields.text("url")?),
            });
        }
        metadata.read_dependencies(value)?;
        Ok(metadata)
    }

    /// Takes the dependencies of `Chart.yaml` or `requirements.yaml`, if it has any.
    pub(super) fn read_dependencies(&mut self, value: &Value) -> Result<(), MetadataError> {
        let fields = Fields::of(value, "Chart.yaml")?;
        if let Some(entries) = fields.list("dependencies")? {
            self.dependencies = Some(entries.iter().map(Dependency::read).collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    /// Checks what Helm checks, and cleans texts of what cannot be printed.
    pub(super) fn validate(&mut self) -> Result<(), MetadataError> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = clean(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(|text| *text = clean(text));
        if self.name.is_empty() {
            return Err(MetadataError::Missing("name"));
        }
        if self.name == "." || self.name == ".." || self.name.contains('/') {
            return Err(MetadataError::Name(self.name.clone()));
        }
        if self.version.is_empty() {
            return Err(MetadataError::Missing("version"));
        }
        if Version::parse(&self.version).is_err() {
            return Err(MetadataError::Version(self.version.clone()));
        }
        if !matches!(self.kind_text.as_str(), "" | "application" | "library") {
            return Err(MetadataError::Kind);
        }
        let mut names: Vec<&str> = Vec::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            dependency.validate()?;
            let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if names.contains(&name.as_str()) {
                return Err(MetadataError::Duplicate(name.clone()));
            }
            names.push(name);
        }
        Ok(())
    }
}

impl Dependency {
    fn read(value: &Value) -> Result<Self, MetadataError> {
        if value.is_null() {
            return Err(MetadataError::EmptyEntry("dependencies"));
        }
        let fields = Fields::of(value, "dependencies")?;
        let mut import_values = Vec::new();
        for entry in fields.list("import-values")?.into_iter().flatten() {
            match entry {
                Value::String(name) => import_values.push(ImportValues::Export(name.clone())),
                Value::Object(paths) => {
                    let path = |key: &str| match paths.get(key) {
                        Some(Value::String(path)) => path.clone(),
                        Some(other) => other.to_string(),
                        None => "<nil>".to_owned(),
                    };
                    import_values.push(ImportValues::Paths { child: path("child"), parent: path("parent") });
                }
                // Helm leaves out what is neither.
                _ => {}
            }
        }
        Ok(Self {
            name: fields.text("name")?,
            version: fields.text("version")?,
            repository: fields.text("repository")?,
            condition: fields.text("condition")?,
            tags: fields.texts("tags")?,
            enabled: fields.boolean("enabled")?,
            import_values,
            alias: fields.text("alias")?,
        })
    }

    fn validate(&mut self) -> Result<(), MetadataError> {
        for text in [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition] {
            *text = clean(text);
        }
        self.tags.iter_mut().for_each(|tag| *tag = clean(tag));
        if !self.alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(MetadataError::Alias(self.name.clone()));
        }
        Ok(())
    }

    /// Whether a chart is the one that is meant: its name, and a version that fits.
    pub(crate) fn matches(&self, metadata: &Metadata) -> bool {
        let fits = || {
            let constraint = Constraint::parse(&self.version).ok()?;
            Some(constraint.check(&Version::parse(&metadata.version).ok()?))
        };
        self.name == metadata.name && fits().unwrap_or(false)
    }
}

/// Makes every kind of space a space, and drops what cannot be printed.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| gotemplate::strconv::is_print(*c))
        .collect()
}

/// The fields of an object, found as Go's decoder does: by their exact name, else by any case.
struct Fields<'v> {
    fields: &'v Map<String, Value>,
    of: &'static str,
}

impl<'v> Fields<'v> {
    fn of(value: &'v Value, of: &'static str) -> Result<Self, MetadataError> {
        let fields = value.as_object().ok_or_else(|| wrong(of.to_owned(), value, "a mapping"))?;
        Ok(Self { fields, of })
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        let found = self.fields.get(name);
        let found =
            found.or_else(|| self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        found.filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, value: &Value, expected: &'static str) -> MetadataError {
        let field = if self.of == "Chart.yaml" { name.to_owned() } else { format!("{}.{name}", self.of) };
        wrong(field, value, expected)
    }

    fn text(&self, name: &str) -> Result<String, MetadataError> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(value) => values::to_text(value).ok_or_else(|| self.wrong(name, value, "text")),
        }
    }

    fn boolean(&self, name: &str) -> Result<bool, MetadataError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.wrong(name, other, "true or false")),
        }
    }

    fn list(&self, name: &str) -> Result<Option<&'v Vec<Value>>, MetadataError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(self.wrong(name, other, "a list")),
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, MetadataError> {
        let items = self.list(name)?.into_iter().flatten();
        items.map(|item| values::to_text(item).ok_or_else(|| self.wrong(name, item, "a list of texts"))).collect()
    }

    fn annotations(&self) -> Result<Option<Vec<(String, String)>>, MetadataError> {
        let Some(value) = self.get("annotations") else { return Ok(None) };
        let map = value.as_object().ok_or_else(|| self.wrong("annotations", value, "a mapping"))?;
        let mut annotations = map
            .iter()
            .map(|(key, value)| {
                let text = values::to_text(value);
                let text = text.ok_or_else(|| self.wrong(&format!("annotations.{key}"), value, "text"))?;
                Ok((key.clone(), text))
            })
            .collect::<Result<Vec<_>, _>>()?;
        annotations.sort();
        Ok(Some(annotations))
    }
}

fn wrong(field: String, value: &Value, expected: &'static str) -> MetadataError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    MetadataError::Type { field, found, expected }
}
