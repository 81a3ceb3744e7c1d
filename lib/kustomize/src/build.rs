//! The build: from a directory to objects.

mod accumulate;
mod finish;
mod steps;

use std::sync::Arc;

use tree::{Files, TreePath};

use crate::config::Config;
use crate::decode::Unknown;
use crate::error::{Error, Fault, Place, Problem, Reason};
use crate::file::{self, File};
use crate::load::{Budget, LoadRestrictions, Loader, Remote};
use crate::node::Keys;
use crate::origin::Origin;
use crate::output::{Build, Warning};
use crate::read;
use crate::resource::Texts;
use crate::schema::{self, Schema};
use crate::set::Set;
use crate::vars::Vars;

/// What a build may do, and how.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// Where files may lie.
    pub load_restrictions: LoadRestrictions,
    /// The order of the output, unless the build file has `sortOptions`.
    pub reorder: Reorder,
    /// Fields of build files that nobody knows.
    pub unknown_fields: UnknownFields,
    /// The network; without it remote bases are an error.
    pub remote: Option<&'a dyn Remote>,
    /// The build file of the directory itself, where it is not the one in the tree: made by [`scan`](crate::scan), or
    /// read by [`find`] and changed.
    pub root: Option<File>,
    /// How much may be read.
    pub limits: Limits,
}

/// The order of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reorder {
    /// As the command line does without a flag: by kind.
    #[default]
    Unspecified,
    /// As read and made.
    None,
    /// By kind.
    Legacy,
}

/// What happens with fields of build files that nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// The build fails.
    #[default]
    Refuse,
    /// They are left out and reported as warnings.
    DropAndReport,
}

/// How much a build may read: bases can be built many times, so that small trees make large builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Build files, each as often as it is built.
    pub build_files: usize,
    /// Objects, each as often as it is read or made.
    pub objects: usize,
    /// Bytes, those of every file as often as it is read.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { build_files: 10_000, objects: 200_000, bytes: 512 << 20 }
    }
}

/// Build files that build each other in a row; each takes some stack.
const MAX_CHAIN: usize = 64;

/// Builds a directory of a tree, as `kustomize build` does.
///
/// *Guarantees*: a pure function; equal trees and options give equal output. Nothing outside of the tree is read, no
/// program is run, and no address is asked for but by [`Options::remote`].
///
/// # Errors
/// Everything that is wrong, as far as one problem does not hide the others.
///
/// # Source
/// kustomize v5.8.1 (api v0.21.1); the tests `corpus` and `cases` compare its output byte for byte.
pub fn build(files: &dyn Files, path: &TreePath, options: &Options<'_>) -> Result<Build, Error> {
    let budget = Budget::new(options.limits.bytes);
    let loader = Loader::new(files, path, options.load_restrictions, budget)?;
    let mut builder = Builder {
        options,
        schema: Schema::default(),
        keys: Keys::default(),
        texts: Texts::default(),
        warnings: Vec::new(),
        build_files: 0,
        objects: 0,
        tracked: false,
        build_metadata: Vec::new(),
    };
    builder.root(loader).map_err(Error::new)
}

/// Reads the build file of a directory, if there is one, to change it before [`build`].
///
/// # Errors
/// What is wrong with it, or that there are several.
pub fn find(files: &dyn Files, path: &TreePath, unknown: UnknownFields) -> Result<Option<(File, Vec<Warning>)>, Error> {
    let loader = Loader::new(files, path, LoadRestrictions::None, Budget::new(Limits::default().bytes))?;
    if !loader.has_build_file()? {
        return Ok(None);
    }
    let (name, bytes) = loader.build_file()?;
    let place = loader.display(&loader.root().join(name).unwrap_or_default());
    let text = read::text(&bytes, &place)?;
    let (file, dropped) = File::read(&text, &place, unknown.into()).map_err(Error::new)?;
    Ok(Some((file, dropped.into_iter().map(Warning::from).collect())))
}

impl From<UnknownFields> for Unknown {
    fn from(unknown: UnknownFields) -> Self {
        match unknown {
            UnknownFields::Refuse => Self::Refuse,
            UnknownFields::DropAndReport => Self::Report,
        }
    }
}

/// What a build knows besides the objects.
struct Builder<'o> {
    options: &'o Options<'o>,
    schema: Schema,
    keys: Keys,
    texts: Texts,
    warnings: Vec<Warning>,
    /// Build files and objects so far.
    build_files: usize,
    objects: usize,
    /// The root asks for metadata about the build.
    tracked: bool,
    build_metadata: Vec<String>,
}

/// A directory to build.
struct Target<'a> {
    loader: Loader<'a>,
    file: File,
    /// The build file as messages name it.
    place: Arc<str>,
    name: &'static str,
}

/// Objects and what belongs to them.
#[derive(Default)]
struct Accumulator {
    set: Set,
    config: Arc<Config>,
    vars: Vars,
}

impl Target<'_> {
    fn at(&self, line: u32) -> Place {
        Place { file: Arc::clone(&self.place), line }
    }
}

impl Builder<'_> {
    /// Reads the build file of a directory.
    fn target<'a>(&mut self, loader: Loader<'a>, given: Option<File>) -> Result<Target<'a>, Vec<Problem>> {
        self.spend(1, 0).map_err(one)?;
        if loader.depth() >= MAX_CHAIN {
            return Err(one(Reason::Limit { what: "build files in a row", limit: MAX_CHAIN }.into()));
        }
        let (name, mut file, place, is_empty) = if let Some(file) = given {
            let place = loader.root().join(file::NAMES[0]).unwrap_or_default();
            let is_empty = file.is_empty();
            (file::NAMES[0], file, loader.display(&place), is_empty)
        } else {
            let (name, bytes) = loader.build_file().map_err(one)?;
            let place = loader.display(&loader.root().join(name).unwrap_or_default());
            let text = read::text(&bytes, &place).map_err(one)?;
            let (file, dropped) = File::read(&text, &place, self.options.unknown_fields.into())?;
            self.warnings.extend(dropped.into_iter().map(Warning::from));
            let is_empty = file.is_empty() && !file::has_empty_list(&text);
            (name, file, place, is_empty)
        };
        let start = Place { file: Arc::clone(&place), line: 0 };
        for message in file.modernise() {
            self.warnings.push(Warning::new(Some(start.clone()), message));
        }
        if is_empty {
            let hint = Some("name what it builds under resources".to_owned());
            return Err(one(Reason::invalid(format!("{name} is empty")).hint(hint).at(&start)));
        }
        let wrong = file.check_type();
        if !wrong.is_empty() {
            let place = Place { line: file.line, ..start };
            return Err(wrong.into_iter().map(|fault| *fault.at(&place)).collect());
        }
        Ok(Target { loader, file, place, name })
    }

    /// Counts what is read.
    fn spend(&mut self, build_files: usize, objects: usize) -> Result<(), Fault> {
        let limits = &self.options.limits;
        for (spent, more, limit, what) in [
            (&mut self.build_files, build_files, limits.build_files, "build files"),
            (&mut self.objects, objects, limits.objects, "objects"),
        ] {
            *spent = spent.saturating_add(more);
            if *spent > limit {
                return Err(Reason::Limit { what, limit }.into());
            }
        }
        Ok(())
    }

    /// Takes the OpenAPI document that a build file names.
    fn choose_schema(&mut self, target: &Target<'_>) -> Result<(), Fault> {
        let openapi = &target.file.openapi;
        if self.schema.is_chosen() {
            return Ok(());
        }
        let at = |fault: Fault| fault.at(&target.at(0)).field(|| "openapi".to_owned());
        let version = openapi.get("version").filter(|version| !version.is_empty());
        if let Some(path) = openapi.get("path") {
            let (bytes, file) = target.loader.file(path).map_err(at)?;
            if openapi.contains_key("version") {
                return Err(at(Reason::invalid("builtin version and custom schema provided, cannot use both")));
            }
            let text = read::text(&bytes, &file).map_err(at)?;
            let value = read::json(&text).map_err(|error| at(read::malformed(&error, &file, 0)))?;
            let hint = "the file must be an OpenAPI (version 2) document, as kustomize openapi fetch writes one";
            let wrong = |message| at(Reason::invalid(message).hint(Some(hint.to_owned())).at(&Place { file, line: 0 }));
            self.schema.choose(schema::parse(&value).map_err(wrong)?);
        } else if let Some(version) = version {
            if version != schema::BUILTIN_VERSION {
                return Err(at(Reason::invalid("the specified OpenAPI version is not built in")
                    .hint(Some(format!("the one that is: {}", schema::BUILTIN_VERSION)))));
            }
            self.schema.choose_builtin();
        }
        Ok(())
    }

    fn root(&mut self, loader: Loader<'_>) -> Result<Build, Vec<Problem>> {
        let mut target = self.target(loader, self.options.root.clone())?;
        self.build_metadata.clone_from(&target.file.build_metadata);
        self.tracked = !self.build_metadata.is_empty();
        let origin = self.tracked.then(Origin::default);
        let accumulated = self.accumulate(&mut target, Accumulator::default(), origin.as_ref())?;
        self.finish(&target, accumulated)
    }
}

#[expect(clippy::boxed_local, reason = "a fault is boxed wherever it comes from")]
fn one(fault: Fault) -> Vec<Problem> {
    vec![*fault]
}
