//! Paths of values: `image.tags[0]`.

use std::fmt;

use serde_json::Value;

/// The way from a table of values to one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl Path {
    /// The path of something directly below.
    #[must_use]
    pub fn join(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The same path, seen from tables further up.
    #[must_use]
    pub fn below(&self, tables: &[String]) -> Self {
        Self(tables.iter().cloned().map(Step::Key).chain(self.0.iter().cloned()).collect())
    }

    /// Whether there is nothing to go.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is there.
    pub fn find<'v>(&self, values: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(values, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
