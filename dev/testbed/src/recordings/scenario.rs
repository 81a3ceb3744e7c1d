//! A scenario: commits, steps, and what was recorded after them.

use std::path::{Path, PathBuf};

use crate::repository::Files;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One folder of the corpus.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name of the folder.
    pub name: String,
    pub(super) script: Script,
    pub(super) recorded: Value,
}

/// The content of `scenario.json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Script {
    pub(super) commits: Vec<Files>,
    pub(super) steps: Vec<Value>,
}

/// What is done, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Push(usize),
    Tag { commit: usize, name: String },
    Apply(Vec<Value>),
    KubectlCreate(Vec<Value>),
    Request(Target),
    Patch { target: Target, patch: Value },
    Annotate { target: Target, annotations: Value },
    Delete(Target),
    Gone(Target),
    Wait { target: Target, status: String, reason: Option<String> },
    Revision { target: Target, commit: usize },
    Sleep(f64),
}

/// An object of the scenario's namespace.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) kind: String,
    pub(super) name: String,
}

impl Scenario {
    /// All of a corpus, by name.
    ///
    /// # Errors
    /// A folder holds something else.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, String> {
        let entries = std::fs::read_dir(folder).map_err(|e| format!("list {}: {e}", folder.display()))?;
        let mut folders: Vec<_> = entries.flatten().map(|e| e.path()).collect();
        folders.retain(|f| f.join("scenario.json").is_file());
        folders.sort();
        let read = |folder: &PathBuf| {
            Ok(Self {
                name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                script: json(&folder.join("scenario.json"))?,
                recorded: json(&folder.join("recorded.json"))?,
            })
        };
        folders.iter().map(read).collect()
    }

    /// The namespace in which it was recorded. Ours has to be the same, for commits hold it.
    pub(super) fn namespace(&self) -> String {
        format!("s-{}", self.name)
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))
}

impl Step {
    /// Reads `["verb", argument, …]`.
    pub(super) fn parse(step: &Value) -> Result<Self, String> {
        let parts: Vec<&Value> = step.as_array().into_iter().flatten().collect();
        let number = |i: usize| parts.get(i).and_then(|v| v.as_u64()).and_then(|n| usize::try_from(n).ok());
        let text = |i: usize| parts.get(i).and_then(|v| v.as_str()).map(str::to_owned);
        let objects = || parts.get(1).and_then(|v| v.as_array()).cloned();
        let target = || Some(Target { kind: text(1)?, name: text(2)? });
        let value = |i: usize| parts.get(i).copied().cloned();
        let read = || {
            Some(match text(0)?.as_str() {
                "push" => Self::Push(number(1)?),
                "tag" => Self::Tag { commit: number(1)?, name: text(2)? },
                "apply" => Self::Apply(objects()?),
                "kubectl-create" => Self::KubectlCreate(objects()?),
                "request" => Self::Request(target()?),
                "patch" => Self::Patch { target: target()?, patch: value(3)? },
                "annotate" => Self::Annotate { target: target()?, annotations: value(3)? },
                "delete" => Self::Delete(target()?),
                "gone" => Self::Gone(target()?),
                "wait" => Self::Wait { target: target()?, status: text(3)?, reason: text(4) },
                "revision" => Self::Revision { target: target()?, commit: number(3)? },
                "sleep" => Self::Sleep(parts.get(1)?.as_f64()?),
                _ => return None,
            })
        };
        read().ok_or_else(|| format!("a step that the player does not know: {step}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Step, Target};

    #[test]
    fn steps_are_read() {
        let target = Target { kind: "Kustomization".into(), name: "app".into() };
        let step = Step::parse(&json!(["wait", "Kustomization", "app", "True", null]));
        assert_eq!(step, Ok(Step::Wait { target: target.clone(), status: "True".into(), reason: None }));
        let step = Step::parse(&json!(["revision", "Kustomization", "app", 2]));
        assert_eq!(step, Ok(Step::Revision { target, commit: 2 }));
        assert!(Step::parse(&json!(["helm-install", "a"])).is_err());
    }
}
