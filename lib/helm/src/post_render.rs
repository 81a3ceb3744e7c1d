//! Post-rendering: what somebody else does to the manifests between templates and release.
//!
//! The documents are handed over as one stream, each with an annotation that says which template it came from; what
//! comes back is sorted by that annotation again, which is taken away.
//!
//! # Source
//! Helm 4.2.4, `pkg/action/action.go`, and `kio` of kyaml, whose printer the documents pass through twice.

mod anchors;

use std::collections::BTreeMap;

use yaml::{Document, Limits, Node, Schema, Sequences, Style};

use crate::manifest::{self, ManifestError, Seen};

/// Changes manifests.
pub trait PostRender {
    /// Returns what is to be installed instead of `documents`, a stream of YAML documents.
    ///
    /// # Errors
    /// Says why not.
    fn post_render(&mut self, documents: String) -> Result<String, String>;
}

/// Which documents a [`PostRender`] sees together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Hooks and all others in one stream.
    #[default]
    Combined,
    /// Hooks in one stream, all others in another.
    Separate,
    /// Hooks are left alone.
    NoHooks,
}

/// Why post-rendering failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostRenderError {
    /// What the templates made, or what came back, is not YAML.
    #[error("parse {what}")]
    Yaml {
        /// The template, or the output of post-rendering.
        what: String,
        /// Where and why.
        source: yaml::Error,
    },
    /// A document has no place for an annotation.
    #[error("annotate {what}: {field} is no mapping")]
    Shape {
        /// The template, or the output of post-rendering.
        what: String,
        /// Of the document.
        field: &'static str,
    },
    /// Hooks cannot be told from manifests.
    #[error("read what the templates rendered")]
    Manifest(#[source] ManifestError),
    /// The post-renderer says why.
    #[error("run the post-renderer: {0}")]
    Failed(String),
}

/// The annotation that tells where a document came from.
const FILE: &str = "postrenderer.helm.sh/postrender-filename";

/// What errors call what comes back.
const OUTPUT: &str = "the output of post-rendering";

type Files = BTreeMap<String, String>;

/// Sends rendered files, by path, through a post-renderer.
pub(crate) fn run(
    files: manifest::Files,
    strategy: Strategy,
    post_renderer: &mut dyn PostRender,
) -> Result<manifest::Files, PostRenderError> {
    let files = match strategy {
        Strategy::Combined => {
            let files = files.into_iter().map(|(path, text)| (path, text.to_string())).collect();
            stream(&files, "", post_renderer)?
        }
        Strategy::Separate | Strategy::NoHooks => {
            let (hooks, manifests) = manifest::sort(files, &mut Seen::default()).map_err(PostRenderError::Manifest)?;
            let hooks = join(hooks.into_iter().map(|hook| (hook.path, hook.manifest)), Files::new());
            let manifests =
                join(manifests.into_iter().map(|manifest| (manifest.path, manifest.content.to_string())), Files::new());
            let hooks = match strategy {
                Strategy::Separate if !hooks.is_empty() => stream(&hooks, "hooks-", post_renderer)?,
                _ => hooks,
            };
            let manifests =
                if manifests.is_empty() { manifests } else { stream(&manifests, "manifests-", post_renderer)? };
            join(manifests, hooks)
        }
    };
    Ok(files.into_iter().map(|(path, text)| (path, text.into())).collect())
}

/// Puts the documents of one path together.
fn join(documents: impl IntoIterator<Item = (String, String)>, mut files: Files) -> Files {
    for (path, text) in documents {
        match files.get_mut(&path) {
            Some(before) => before.extend(["\n---\n", &text]),
            None => {
                files.insert(path, text);
            }
        }
    }
    files
}

fn stream(files: &Files, prefix: &str, post_renderer: &mut dyn PostRender) -> Result<Files, PostRenderError> {
    let mut documents = Vec::new();
    for (path, text) in files {
        if path.rsplit('/').next().is_some_and(|name| name.starts_with('_')) {
            continue;
        }
        for text in manifest::split(text) {
            for mut document in parse(text, path)? {
                annotate(&mut document.root, path)?;
                documents.push(document);
            }
        }
    }
    let rendered = post_renderer.post_render(print(&documents)).map_err(PostRenderError::Failed)?;

    let mut by_path: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    for (i, mut document) in parse(&rendered, OUTPUT)?.into_iter().enumerate() {
        let path = take_annotation(&mut document.root).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| format!("generated-by-postrender-{prefix}{i}.yaml"));
        by_path.entry(path).or_default().push(document);
    }
    Ok(by_path.into_iter().map(|(path, documents)| (path, print(&documents))).collect())
}

/// Reads documents as kyaml does: empty ones are dropped, aliases become what they stand for.
fn parse(text: &str, what: &str) -> Result<Vec<Document>, PostRenderError> {
    let error = |source| PostRenderError::Yaml { what: what.to_owned(), source };
    let mut documents = yaml::read(&text.replace("\r\n", "\n"), &Limits::default()).map_err(error)?;
    for document in &mut documents {
        anchors::expand(&mut document.root);
    }
    documents.retain(|document| !is_null(&document.root));
    Ok(documents)
}

fn is_null(node: &Node) -> bool {
    matches!(node.to_value(Schema::V2), Ok(serde_json::Value::Null))
}

fn print(documents: &[Document]) -> String {
    yaml::print_documents(documents, Sequences::Compact)
}

fn annotate(root: &mut Node, path: &str) -> Result<(), PostRenderError> {
    let shape = |field| PostRenderError::Shape { what: path.to_owned(), field };
    clear_empty(root);
    let metadata = table(root, "metadata").ok_or_else(|| shape("the document"))?;
    let annotations = table(metadata, "annotations").ok_or_else(|| shape("metadata"))?;
    let pairs = annotations.pairs_mut().ok_or_else(|| shape("metadata.annotations"))?;
    let value = Node::styled(path, Style::SingleQuoted);
    match pairs.iter_mut().find(|(key, _)| key.text() == Some(FILE)) {
        Some((_, old)) => *old = value,
        None => pairs.push((Node::plain(FILE), value)),
    }
    Ok(())
}

fn take_annotation(root: &mut Node) -> Option<String> {
    let taken = root.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")?.remove(FILE));
    clear_empty(root);
    taken?.1.text().map(str::to_owned)
}

/// Takes away annotations and metadata that have nothing in them.
fn clear_empty(root: &mut Node) {
    let is_empty = |node: &Node| node.pairs().is_none_or(<[_]>::is_empty) && node.items().is_none_or(<[_]>::is_empty);
    if let Some(metadata) = root.get_mut("metadata")
        && metadata.get("annotations").is_some_and(is_empty)
    {
        metadata.remove("annotations");
    }
    if root.get("metadata").is_some_and(is_empty) {
        root.remove("metadata");
    }
}

/// The value of a key, made if it is not there.
fn table<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let pairs = node.pairs_mut()?;
    let found = pairs.iter().position(|(name, _)| name.text() == Some(key));
    let at = found.unwrap_or_else(|| {
        pairs.push((Node::plain(key), Node::mapping(Vec::new())));
        pairs.len() - 1
    });
    pairs.get_mut(at).map(|(_, value)| value)
}
