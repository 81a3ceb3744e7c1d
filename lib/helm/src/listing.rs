//! What `helm template` prints of a rendering, and into which files it writes it.

use crate::glob::Pattern;
use crate::manifest::{self, HookEvent};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'r> {
    /// `chart/templates/a.yaml`
    pub path: &'r str,
    /// Its text.
    pub text: &'r str,
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
    pub fn print(&self, out: &mut String) {
        out.extend(["---\n# Source: ", self.path, "\n", self.text, "\n"]);
    }
}

impl Rendered {
    /// The documents in the order in which they are printed; `crds` comes from [`Rendered::crds`].
    pub fn list<'r>(&'r self, crds: &'r [(String, String)], selection: Selection) -> Vec<Listed<'r>> {
        let crds = crds.iter().filter(|_| selection.crds);
        let crds = crds.map(|(path, text)| Listed { path, text, role: Role::Crd });
        let manifests = self.manifests.iter();
        let manifests =
            manifests.map(|manifest| Listed { path: &manifest.path, text: &manifest.content, role: Role::Manifest });
        let hooks = self
            .hooks
            .iter()
            .filter(|hook| selection.hooks && (selection.tests || !hook.events.contains(&HookEvent::Test)));
        let hooks = hooks.map(|hook| Listed { path: &hook.path, text: &hook.manifest, role: Role::Hook });
        crds.chain(manifests).chain(hooks).collect()
    }

    /// What `helm template` prints.
    pub fn template(&self, selection: Selection) -> String {
        let crds = self.crds();
        let listed = self.list(&crds, selection);
        let is_hook = |listed: &&Listed<'_>| listed.role == Role::Hook;
        let mut out = String::new();
        listed.iter().filter(|listed| !is_hook(listed)).for_each(|listed| listed.print(&mut out));
        let end = out.trim_end().len();
        out.truncate(end);
        out.drain(..end - out.trim_start().len());
        out.push('\n');
        listed.iter().filter(is_hook).for_each(|listed| listed.print(&mut out));
        out
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
