//! Templates: parsed once, shared between threads, executed over values.

mod ast;
mod builtin;
mod compare;
mod error;
mod escape;
mod eval;
mod exec;
mod lex;
mod number;
mod parse;
mod print;

use std::sync::Arc;

pub(crate) use ast::Tree;
pub use error::{ExecError, Failure, Reason};
use foldhash::HashMap;
pub use parse::{Nesting, ParseError};

use crate::funcs::Funcs;
use crate::session::Session;
use crate::value::{Str, Value};

/// What a field of a map that has no such key gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value, which prints as `<no value>` and whose fields are no values either.
    #[default]
    Invalid,
    /// The zero value of the map's elements. For `map[string]interface{}` it is nil, whose fields are an error. Helm's
    /// choice.
    Zero,
    /// An error. Helm's `--strict`.
    Error,
}

/// The templates of one text.
#[derive(Debug)]
pub struct Parsed(Vec<(Str, Tree)>);

/// Templates that may call each other, and the functions they call.
///
/// A clone shares what is parsed, so it is cheap, and may be given other functions of the same names: those of one
/// rendering.
///
/// ```
/// use gotemplate::{Funcs, Limits, Map, Moment, Session, Templates};
///
/// let mut templates = Templates::new(Funcs::new());
/// templates.parse("greeting", "{{ .hello }}, {{ .who | printf \"%q\" }}!")?;
/// let data: Map = [("hello", "Good morning"), ("who", "Flux")].into_iter().collect();
/// let mut session = Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(0), Limits::default());
/// let text = templates.execute("greeting", data.into(), &mut session)?;
/// assert_eq!(text.as_str(), Some("Good morning, \"Flux\"!"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Templates {
    /// Shared with clones and overlays.
    base: Arc<HashMap<Str, Arc<Tree>>>,
    /// What was parsed since, few in an overlay. They hide those of the base.
    over: HashMap<Str, Arc<Tree>>,
    funcs: Funcs,
    missing_key: MissingKey,
    nesting: Nesting,
}

impl Templates {
    /// No templates yet, and the functions that they may call besides the built-in ones.
    pub fn new(funcs: Funcs) -> Self {
        Self { funcs, ..Self::default() }
    }

    /// Says what a missing key gives.
    #[must_use]
    pub fn missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// Says how deeply texts may nest that are parsed from now on.
    #[must_use]
    pub fn nesting(mut self, nesting: Nesting) -> Self {
        self.nesting = nesting;
        self
    }

    /// Says what functions templates call from now on.
    ///
    /// *Assumptions*: it has every name that was there while parsing; a call of one that is not is an error.
    #[must_use]
    pub fn with_funcs(mut self, funcs: Funcs) -> Self {
        self.funcs = funcs;
        self
    }

    /// The functions that templates call.
    pub fn funcs(&self) -> &Funcs {
        &self.funcs
    }

    /// Parses a text into the template of that name and those that it defines, as Go's `Parse`.
    ///
    /// A template replaces the one of its name, unless it is blank and the other is not.
    pub fn parse(&mut self, name: &str, text: impl AsRef<[u8]>) -> Result<(), ParseError> {
        self.read(name, &text.as_ref().into()).map(|parsed| self.add(parsed))
    }

    /// Parses a text that becomes the template of that name even if it is blank, as Go's `New` and `Parse`: what `tpl`
    /// does with the name of the template that calls it.
    pub fn parse_new(&mut self, name: &str, text: impl AsRef<[u8]>) -> Result<(), ParseError> {
        for (defined, tree) in self.read(name, &text.as_ref().into())?.0 {
            let replaces = defined == name;
            self.add_one(defined, tree, replaces);
        }
        Ok(())
    }

    /// Parses a text without adding its templates: for many texts on several threads.
    pub fn read(&self, name: &str, text: &Arc<[u8]>) -> Result<Parsed, ParseError> {
        parse::parse(name, text, &self.funcs, self.nesting).map(Parsed)
    }

    /// Adds what a text came to, as [`Templates::parse`] does.
    pub fn add(&mut self, parsed: Parsed) {
        for (name, tree) in parsed.0 {
            self.add_one(name, tree, false);
        }
    }

    fn add_one(&mut self, name: Str, tree: Tree, replaces: bool) {
        if !replaces && tree.is_blank() && self.tree(name.as_bytes()).is_some() {
            return;
        }
        match Arc::get_mut(&mut self.base) {
            Some(base) if self.over.is_empty() => base.insert(name, Arc::new(tree)),
            _ => self.over.insert(name, Arc::new(tree)),
        };
    }

    /// Makes a set in which more templates can be parsed without changing this one: for `tpl`.
    #[must_use]
    pub fn overlay(&self) -> Self {
        self.clone()
    }

    /// Whether there is a template of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.tree(name.as_bytes()).is_some()
    }

    /// The name of every template, in no order.
    pub fn names(&self) -> impl Iterator<Item = &Str> {
        let hidden = |name: &&Str| !self.over.contains_key(name.as_bytes());
        self.base.keys().filter(hidden).chain(self.over.keys())
    }

    /// The template of that name as text, as Go prints its tree: normalised, without comments unless asked for.
    pub fn tree_text(&self, name: &str, comments: bool) -> Option<String> {
        self.tree(name.as_bytes()).map(|tree| print::TreeText { tree, comments }.to_string())
    }

    /// Executes a template over data and returns what it prints.
    pub fn execute(&self, name: &str, data: Value, session: &mut Session) -> Result<Str, ExecError> {
        self.print(name, data, session).map(Str::from)
    }

    /// Executes a template over data and returns the bytes that it prints, which no other template will see.
    pub fn print(&self, name: &str, data: Value, session: &mut Session) -> Result<Vec<u8>, ExecError> {
        exec::execute(self, name, data, session)
    }

    /// The template of that name, if it means the same in every rendering: what it may call is not hidden by others.
    pub(crate) fn shared(&self, name: &str) -> Option<&Arc<Tree>> {
        if self.over.is_empty() { self.base.get(name.as_bytes()) } else { None }
    }

    fn tree(&self, name: &[u8]) -> Option<&Arc<Tree>> {
        self.over.get(name).or_else(|| self.base.get(name))
    }
}
