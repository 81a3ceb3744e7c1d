//! `kustomize build` over a file tree: no disk, no network, no clock.
//!
//! [`build()`] gives the objects of a directory as kustomize v5.8.1 does. [`File`] is the build file, which [`find`]
//! reads, [`scan`] makes, and [`Overrides`] change before it is built.

mod apply;
mod build;
mod config;
mod decode;
mod error;
mod file;
mod generate;
mod go;
mod id;
mod json_patch;
mod load;
mod merge;
mod names;
mod node;
mod origin;
mod output;
mod overrides;
mod path;
mod plugin;
mod read;
mod resource;
mod schema;
mod selector;
mod set;
mod transform;
mod vars;

pub use build::{Limits, Options, Reorder, UnknownFields, build, find};
pub use decode::Entry;
pub use error::{Error, Place, Problem, Reason, Subject};
pub use file::{
    Anything, FieldEntry, FieldOptions, FieldReference, File, GeneratorArgs, GeneratorOptions, Image, Label,
    LegacySortOptions, Metadata, NAMES, ObjectReference, Patch, PatchOptions, Replacement, Replica, ScanError,
    Selector, SortOptions, Source, Target, Var, scan,
};
pub use load::{Fetched, LoadRestrictions, Remote};
pub use output::{Build, Resource, Warning};
pub use overrides::Overrides;
