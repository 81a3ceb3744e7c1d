//! Reads the structural schema of a CRD's version.

use serde_json::Value;

use crate::node::{Id, Node, Range, Type};
use crate::read::{Place, ReadError, Reader};
use crate::schemas::{Kind, Schemas};

impl Schemas {
    /// Reads `openAPIV3Schema` of a version as the type of a kind, with the fields that every object has. A schema that
    /// was read for the kind before is no longer found by it.
    ///
    /// # Errors
    /// When it is no schema, or refers to others, which structural schemas do not.
    ///
    /// # Source
    /// The document that apiextensions-apiserver makes of a CRD, from which it merges: `metadata` is Kubernetes' own,
    /// whatever the CRD says of it.
    pub fn add_crd(&mut self, kind: Kind, schema: &Value) -> Result<Id, ReadError> {
        let meta = self.object_meta();
        let mut reader = Reader::new(self, false);
        let read = reader.read(schema, false, &Place::root("openAPIV3Schema"))?;
        let mut node = reader.schemas.node(read).clone();
        let declared = node.fields.of(&reader.schemas.fields).to_vec();
        let text = reader.read(&serde_json::json!({"type": "string"}), false, &Place::root(""))?;
        node.fields = reader.with_fields(declared, &[("apiVersion", text), ("kind", text), ("metadata", meta)])?;
        reader.schemas.nodes.push(node);
        let id = Id(u32::try_from(reader.schemas.nodes.len() - 1).unwrap_or(0));
        reader.schemas.kinds.insert(kind, id);
        reader.keep()?;
        Ok(id)
    }

    /// The type of a kind without a schema: anything, merged field by field.
    pub fn add_untyped(&mut self, kind: Kind) -> Id {
        let node = Node { kind: Type::Object, fields: Range::default(), ..self.node(Id::DEDUCED).clone() };
        self.nodes.push(node);
        let id = Id(u32::try_from(self.nodes.len() - 1).unwrap_or(0));
        self.kinds.insert(kind, id);
        id
    }
}
