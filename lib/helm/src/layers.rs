//! The values that a user gives, in layers: files, then `--set` lines. Each layer is remembered, so that an error can
//! say who set a value.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::strvals::SetError;
use crate::values::{self, Path, ReadError, Step, Table};

/// Values in layers, later ones over earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    values: Table,
    layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
struct Layer {
    name: String,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// A file's text, read again for its lines when something is wrong.
    File(Arc<[u8]>),
    /// What the layer alone says.
    Table(Value),
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file that the user named, and the line, from 1.
    File {
        /// As the user wrote it.
        name: String,
        /// Of the value's key.
        line: u32,
    },
    /// Something else that the user gave: `--set`.
    Layer(String),
    /// The values of the chart, or of one around it.
    Default {
        /// `shop/charts/cache/values.yaml`
        file: String,
        /// Of the value's key.
        line: u32,
    },
    /// A chart, without a line that says it: `import-values` brought it from elsewhere.
    Chart,
    /// Nobody set it.
    Nobody,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(f, "from {name}:{line}"),
            Self::Layer(name) => write!(f, "from {name}"),
            Self::Default { file, line } => write!(f, "chart default, {file}:{line}"),
            Self::Chart => f.write_str("chart default"),
            Self::Nobody => f.write_str("not set"),
        }
    }
}

impl Layers {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// All layers merged.
    pub fn values(&self) -> &Table {
        &self.values
    }

    /// Adds a values file.
    pub fn file(&mut self, name: impl Into<String>, text: &[u8]) -> Result<(), ReadError> {
        values::merge(&mut self.values, values::read(text)?);
        self.layers.push(Layer { name: name.into(), content: Content::File(text.into()) });
        Ok(())
    }

    /// Adds a table from elsewhere.
    pub fn table(&mut self, name: impl Into<String>, table: Table) {
        self.layers.push(Layer { name: name.into(), content: Content::Table(Value::Object(table.clone())) });
        values::merge(&mut self.values, table);
    }

    /// Adds a line of the `--set` family; `apply` is one of [`crate::strvals`].
    pub fn line(
        &mut self,
        flag: impl Into<String>,
        mut apply: impl FnMut(&mut Table) -> Result<(), SetError>,
    ) -> Result<(), SetError> {
        apply(&mut self.values)?;
        // What a line means may depend on the layers below it, and fail without them; then it is not told of.
        let mut alone = Table::new();
        if apply(&mut alone).is_ok() {
            self.layers.push(Layer { name: flag.into(), content: Content::Table(Value::Object(alone)) });
        }
        Ok(())
    }

    /// Finds the last layer that sets a path.
    pub fn origin(&self, path: &Path) -> Option<Origin> {
        self.layers.iter().rev().find_map(|layer| match &layer.content {
            // A line that sets one element of a list pads it with nulls.
            Content::Table(table) => {
                path.find(table).filter(|value| !value.is_null()).map(|_| Origin::Layer(layer.name.clone()))
            }
            Content::File(text) => Some(Origin::File { name: layer.name.clone(), line: line(text, path)? }),
        })
    }
}

/// The line of a values file that sets a path last.
pub(crate) fn line(text: &[u8], path: &Path) -> Option<u32> {
    let documents = yaml::read(yaml::text(text).ok()?, &yaml::Limits::default()).ok()?;
    documents.iter().rev().find_map(|document| line_of(&document.root, path))
}

/// The line of a path's last key.
fn line_of(root: &yaml::Node, path: &Path) -> Option<u32> {
    let start = (root, root.at().line);
    let found = path.0.iter().try_fold(start, |(node, _), step| match step {
        Step::Key(key) => {
            // Of a key that is written twice the last one holds.
            let pair = node.pairs()?.iter().rfind(|(name, _)| name.text() == Some(key));
            let merged = || {
                let base = node.get("<<")?;
                let bases = base.items().unwrap_or(std::slice::from_ref(base));
                bases.iter().find_map(|base| base.get_pair(key))
            };
            pair.map(|(name, value)| (name, value)).or_else(merged).map(|(name, value)| (value, name.at().line))
        }
        Step::Index(index) => node.items()?.get(*index).map(|item| (item, item.at().line)),
    });
    found.map(|(_, line)| line)
}
