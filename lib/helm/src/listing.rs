//! What `helm template` prints of a rendering, and into which files it writes it.

use std::borrow::Cow;

use crate::glob::Pattern;
use crate::manifest::{self, Hook, HookEvent};
use crate::render::Rendered;

/// What is printed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection {
    /// `--include-crds`: the files below `crds/`, before all else.
    pub crds: bool,
    /// Without `--no-hooks`: hooks, behind all else.
    pub hooks: bool,
    /// Without `--skip-tests`: hooks that are tests.
    pub tests: bool,
}

/// One document, or a file below `crds/`, with the path that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'r> {
    /// `chart/templates/a.yaml`
    pub path: Cow<'r, str>,
    /// Its text.
    pub text: Cow<'r, str>,
    /// What it is.
    pub role: Role,
}

/// What a document is to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A file below `crds/`.
    Crd,
    /// It belongs to the release.
    Manifest,
    /// It is created at certain moments.
    Hook,
}

/// A pattern of `--show-only` that selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct NoSuchTemplate(pub String);

impl Listed<'_> {
    /// The document as it is printed, below its source.
    pub fn print(&self) -> String {
        ["---\n# Source: ", &self.path, "\n", &self.text, "\n"].concat()
    }
}

impl Rendered {
    /// The documents in the order in which they are printed.
    pub fn list(&self, selection: Selection) -> impl Iterator<Item = Listed<'_>> {
        let crds = if selection.crds { self.chart.crds() } else { Vec::new() };
        let crds = crds.into_iter().map(|crd| Listed {
            path: crd.path.into(),
            text: String::from_utf8_lossy(&crd.file.data).into_owned().into(),
            role: Role::Crd,
        });
        let manifests = self.manifests.iter().map(|manifest| Listed {
            path: manifest.path.as_str().into(),
            text: Cow::Borrowed(&manifest.content),
            role: Role::Manifest,
        });
        let is_listed = move |hook: &&Hook| selection.tests || !hook.events.contains(&HookEvent::Test);
        let hooks = self.hooks.iter().filter(move |hook| selection.hooks && is_listed(hook)).map(|hook| Listed {
            path: hook.path.as_str().into(),
            text: hook.manifest.as_str().into(),
            role: Role::Hook,
        });
        crds.chain(manifests).chain(hooks)
    }

    /// What `helm template` prints, piece by piece. All of it may be as large as the chart.
    pub fn template(&self, selection: Selection) -> impl Iterator<Item = String> {
        let mut listed = self.list(selection).peekable();
        let mut at_hooks = false;
        std::iter::from_fn(move || {
            let next = listed.next_if(|listed| at_hooks || listed.role != Role::Hook);
            if at_hooks {
                return Some(next?.print());
            }
            let mut text = next.map(|listed| listed.print()).unwrap_or_default();
            // What comes before the hooks ends with one line feed, even if it is nothing.
            at_hooks = listed.peek().is_none_or(|listed| listed.role == Role::Hook);
            if at_hooks {
                text.truncate(text.trim_end().len());
                text.push('\n');
            }
            Some(text)
        })
    }
}

/// Keeps of what [`Rendered::template`] printed the documents whose paths below the top chart match a pattern, pattern
/// by pattern.
pub fn show_only(printed: &str, patterns: &[String]) -> Result<String, NoSuchTemplate> {
    let documents = manifest::split(printed);
    let mut out = String::new();
    for pattern in patterns {
        let compiled = Pattern::new(pattern);
        let matching = |document: &&&str| {
            source_of(document).is_some_and(|path| compiled.as_ref().is_some_and(|pattern| pattern.matches(path)))
        };
        let before = out.len();
        documents.iter().filter(matching).for_each(|document| out.extend(["---\n", document, "\n"]));
        if out.len() == before {
            return Err(NoSuchTemplate(pattern.clone()));
        }
    }
    Ok(out)
}

/// What follows the chart's name in a document's `# Source:`.
fn source_of(document: &str) -> Option<&str> {
    let sources = document.lines().filter_map(|line| line.split_once("# Source: "));
    sources.filter_map(|(_, path)| path.split_once('/')).map(|(_, below)| below).find(|below| !below.is_empty())
}
