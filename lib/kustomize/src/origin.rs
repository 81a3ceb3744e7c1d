//! Where objects came from and what changed them, for `buildMetadata`.

use std::fmt::Write as _;

use crate::load::Repository;

/// The source of an object, or of a transformer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    pub(crate) configured_by: Configured,
}

/// The configuration object of a generator or transformer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Configured {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// The annotation that tells an object's origin.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation that lists what changed an object.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

impl Origin {
    /// A directory of a repository that was fetched.
    pub(crate) fn of_repository(from: Repository) -> Self {
        Self { path: from.path.as_str().to_owned(), repo: from.repo, reference: from.reference, ..Self::default() }
    }

    /// One of kustomize's own generators or transformers, asked for by a build file.
    pub(crate) fn builtin(&self, build_file: &str, kind: &str) -> Self {
        Self {
            path: String::new(),
            configured_in: join(&self.path, build_file),
            configured_by: Configured { api_version: "builtin".into(), kind: kind.into(), ..Configured::default() },
            ..self.clone()
        }
    }

    /// The same origin, one path further.
    pub(crate) fn append(&self, path: &str) -> Self {
        Self { path: join(&self.path, path), ..self.clone() }
    }

    /// The YAML text of the annotation.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, "", "");
        if text.is_empty() { "{}\n".to_owned() } else { text }
    }

    fn write(&self, out: &mut String, first: &str, indent: &str) {
        let mut lead = first;
        let mut line = |out: &mut String, key: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(out, "{lead}{key}: {}", plain(value));
                lead = indent;
            }
        };
        line(out, "path", &self.path);
        line(out, "repo", &self.repo);
        line(out, "ref", &self.reference);
        line(out, "configuredIn", &self.configured_in);
        let by = &self.configured_by;
        if *by != Configured::default() {
            let _ = writeln!(out, "{lead}configuredBy:");
            for (key, value) in
                [("apiVersion", &by.api_version), ("kind", &by.kind), ("name", &by.name), ("namespace", &by.namespace)]
            {
                if !value.is_empty() {
                    let _ = writeln!(out, "{indent}  {key}: {}", plain(value));
                }
            }
        }
    }
}

/// The YAML text of the list of transformations.
pub(crate) fn transformations(list: &[std::sync::Arc<Origin>]) -> String {
    let mut text = String::new();
    for origin in list {
        let before = text.len();
        origin.write(&mut text, "- ", "  ");
        if text.len() == before {
            text.push_str("- {}\n");
        }
    }
    text
}

/// A scalar as YAML prints it.
fn plain(value: &str) -> String {
    yaml::print(&serde_json::Value::String(value.to_owned())).trim_end().to_owned()
}

/// Joins and cleans a relative path, keeping leading `..` parts.
pub(crate) fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
