//! What a build gives.

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::error::{Place, Problem};
use crate::node::Node;

/// The objects of a build, in order.
#[derive(Debug)]
pub struct Build {
    /// The objects.
    pub resources: Vec<Resource>,
    /// What the author should know.
    pub warnings: Vec<Warning>,
}

/// An object of a build.
#[derive(Clone)]
pub struct Resource {
    node: Node,
    place: Place,
    /// It lives outside of namespaces.
    cluster: bool,
}

/// Something that works, but not as its author may think, or not for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line of the build file.
    pub place: Option<Place>,
    /// What it is.
    pub message: String,
}

impl Build {
    /// Prints what `kustomize build` prints.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        for (i, resource) in self.resources.iter().enumerate() {
            if i > 0 {
                text.push_str("---\n");
            }
            text.push_str(&resource.to_yaml());
        }
        text
    }
}

impl Resource {
    pub(crate) fn new(node: Node, place: Place, cluster: bool) -> Self {
        Self { node, place, cluster }
    }

    /// The namespace that it lives in, `default` where it says nothing; none for kinds outside of namespaces.
    pub fn namespace(&self) -> Option<&str> {
        let named = self.node.get("metadata").and_then(|meta| meta.get("namespace")).map_or("", Node::value);
        (!self.cluster).then_some(if named.is_empty() { "default" } else { named })
    }

    /// The object as JSON; null never, as [`build`](crate::build()) has checked it.
    pub fn to_value(&self) -> Value {
        self.node.to_value().unwrap_or_default()
    }

    /// The object.
    ///
    /// # Errors
    /// What it lacks to be one: `apiVersion`, which kustomize does not ask for.
    pub fn to_object(&self) -> Result<object::Object, object::InvalidObject> {
        let origin = object::Origin { file: self.place.file.clone(), line: self.place.line as usize };
        Ok(object::Object::from_value(self.to_value())?.with_origin(Some(origin)))
    }

    /// The object as YAML.
    pub fn to_yaml(&self) -> String {
        yaml::print(&self.node)
    }

    /// Where it was read, or the line that asked for it to be made.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Debug for Resource {
    /// Prints where it is from; the content may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Warning {
    pub(crate) fn new(place: Option<Place>, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

impl From<Problem> for Warning {
    fn from(problem: Problem) -> Self {
        let Problem { place, field, reason, hint, .. } = problem;
        let mut message = field.map_or_else(String::new, |field| format!("{field}: "));
        let _ = write!(message, "{reason} is ignored");
        if let Some(hint) = hint {
            let _ = write!(message, "; {hint}");
        }
        Self { place, message }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}
