//! JSON as Go's `encoding/json` writes and reads it.

mod read;
mod write;

use super::text::MAX_TEXT;
use crate::funcs::{Fault, Funcs};
use crate::value::{Str, Type};
pub use read::{ReadError, read};
pub use write::{Layout, WriteError, write};

pub(super) fn register(funcs: &mut Funcs) {
    const ANY: &[Type] = &[Type::Any];
    for (name, layout) in [
        ("toJson", Layout { indent: "", escape_html: true }),
        ("toPrettyJson", Layout { indent: "  ", escape_html: true }),
    ] {
        funcs.add(name, ANY, move |_, args| Ok(write(args.get(0), layout, MAX_TEXT).unwrap_or_default().into()));
    }
    for (name, layout) in [
        ("mustToJson", Layout { indent: "", escape_html: true }),
        ("mustToPrettyJson", Layout { indent: "  ", escape_html: true }),
        ("toRawJson", Layout { indent: "", escape_html: false }),
        ("mustToRawJson", Layout { indent: "", escape_html: false }),
    ] {
        funcs.add(name, ANY, move |_, args| {
            let text: Str =
                write(args.get(0), layout, MAX_TEXT).map_err(|error| Fault::message(error.to_string()))?.into();
            Ok(text.into())
        });
    }
    funcs.add("fromJson", &[Type::String], |_, args| Ok(read(args.string(0)?.as_bytes()).unwrap_or_default()));
    funcs.add("mustFromJson", &[Type::String], |_, args| {
        read(args.string(0)?.as_bytes()).map_err(|error| Fault::message(error.to_string()))
    });
}
