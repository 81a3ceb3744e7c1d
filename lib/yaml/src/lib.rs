//! Lossless YAML documents, read and printed as Go's YAML libraries do.
//!
//! [`to_value`] and [`to_values`] read JSON values by a [`Schema`]'s rules, [`print()`] prints them as Kubernetes' tools
//! do. [`read()`] keeps what an author wrote (order, comments, styles, places) as [`Document`]s of [`Node`]s.
//! [`node()`] does so without comments, and faster; [`compose()`] hands a document to a [`Build`]er of the caller's own.

mod build;
mod compose;
mod error;
mod limits;
pub mod merge;
mod node;
mod print;
mod problem;
mod quick;
mod reader;
mod repair;
mod schema;
mod value;

pub use compose::{Build, Kind, OpenEvent, Place, ScalarEvent};
pub use error::{Error, ErrorKind, Position};
pub use limits::Limits;
pub use node::{Comments, Content, Document, Layout, Node, Style};
pub use print::{Print, Sequences, View, print, print_documents};
pub use reader::{Duplicates, Located, Reader, Values, compose, node, read, text, to_value, to_values};
pub use schema::Schema;
pub use value::Keep;
