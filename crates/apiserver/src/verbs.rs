//! What can be done with objects, as functions from values to values: the wire is in `http`.

pub(crate) mod admit;
pub(crate) mod convert;
pub(crate) mod decode;
pub(crate) mod delete;
pub(crate) mod limits;
pub(crate) mod manage;
pub(crate) mod patch;
pub(crate) mod policies;
pub(crate) mod protobuf;
pub(crate) mod quota;
pub(crate) mod read;
pub(crate) mod scale;
pub(crate) mod select;
pub(crate) mod standards;
pub(crate) mod write;
