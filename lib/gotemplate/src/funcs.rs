//! Functions that templates call: how they are registered, what they are given, what they return.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::session::{Moment, Session};
use crate::template::{ExecError, ParseError, Templates};
use crate::value::{List, Map, NestingTooDeep, Signature, Str, Type, Value};

/// What a function computes from its arguments.
pub type Body = dyn Fn(&mut Call<'_>, Args<'_>) -> Result<Value, Fault> + Send + Sync;

/// A function with its parameters.
#[derive(Clone)]
pub struct Func {
    signature: Signature,
    body: Arc<Body>,
}

impl Func {
    /// Makes a function.
    pub fn new(
        signature: Signature,
        body: impl Fn(&mut Call<'_>, Args<'_>) -> Result<Value, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { signature, body: Arc::new(body) }
    }

    /// What it takes.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// Calls it with arguments that fit its signature.
    pub fn invoke(&self, call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        (self.body)(call, args)
    }

    pub(crate) fn type_name(&self) -> String {
        let params: Vec<_> = self.signature.params.iter().map(ToString::to_string).collect();
        format!("func({}) interface {{}}", params.join(", "))
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name())
    }
}

/// The functions a template may call, by name. Cheap to clone; a clone may be extended without changing the other.
#[derive(Clone, Debug, Default)]
pub struct Funcs(Arc<HashMap<&'static str, Func, BuildHasherDefault<NameHasher>>>);

/// FNV-1a, which is fast for names. Templates cannot register any, so they cannot make names collide.
#[derive(Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        const PRIME: u64 = 0x0100_0000_01b3;
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    }
}

impl Funcs {
    /// No functions but the built-in ones, which need no registration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a function that takes exactly these parameters. A later one of the same name replaces it.
    ///
    /// ```
    /// use gotemplate::{Args, Call, Fault, Funcs, Type, Value};
    ///
    /// fn upper(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    ///     Ok(args.text(0)?.to_uppercase().into())
    /// }
    ///
    /// let mut funcs = Funcs::new();
    /// funcs.add("upper", &[Type::String], upper);
    /// ```
    pub fn add(
        &mut self,
        name: &'static str,
        params: &'static [Type],
        body: impl Fn(&mut Call<'_>, Args<'_>) -> Result<Value, Fault> + Send + Sync + 'static,
    ) {
        self.insert(name, Func::new(Signature::exact(params), body));
    }

    /// Registers a function whose last parameter may be given any number of times, none included.
    pub fn add_variadic(
        &mut self,
        name: &'static str,
        params: &'static [Type],
        body: impl Fn(&mut Call<'_>, Args<'_>) -> Result<Value, Fault> + Send + Sync + 'static,
    ) {
        self.insert(name, Func::new(Signature::variadic(params), body));
    }

    /// Registers a function.
    pub fn insert(&mut self, name: &'static str, func: Func) {
        Arc::make_mut(&mut self.0).insert(name, func);
    }

    /// Takes a function away: templates that call it no longer parse.
    pub fn remove(&mut self, name: &str) {
        Arc::make_mut(&mut self.0).remove(name);
    }

    /// The function of that name.
    pub fn get(&self, name: &str) -> Option<&Func> {
        self.0.get(name)
    }

    /// The name under which a function is registered, if it is.
    pub(crate) fn name(&self, name: &str) -> Option<&'static str> {
        self.0.get_key_value(name).map(|(name, _)| *name)
    }

    /// Every name, in no order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// Why a function failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The function says why, in Go's words. The executor adds where: `error calling upper: …`.
    #[error("{0}")]
    Message(String),
    /// The template itself says why, as with `fail`: its author's words, repeated as they are.
    #[error("{0}")]
    Refused(String),
    /// The rendering did more than [`crate::Limits::steps`].
    #[error("rendering took more than {0} steps")]
    Steps(u64),
    /// The rendering produced more than [`crate::Limits::bytes`].
    #[error("rendering produced more than {0} bytes")]
    Bytes(u64),
    /// More templates executed within each other than [`crate::Limits::depth`].
    #[error("exceeded maximum template depth ({0})")]
    Depth(usize),
    /// The flag of [`crate::Session::stop_when`] was set.
    #[error("rendering was stopped")]
    Stopped,
    /// A template that the function executed failed.
    #[error(transparent)]
    Template(#[from] ExecError),
    /// A template that the function parsed is none.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl Fault {
    /// Fails with these words.
    pub fn message(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// Takes values out of the words that a function fails with: what a template is given may be secret, and the error
    /// says which expression it came from. What is shorter than a word stays.
    pub(crate) fn without<'v>(self, values: impl IntoIterator<Item = &'v Value>) -> Self {
        const WORD: usize = 4;
        let Self::Message(mut message) = self else { return self };
        for text in values.into_iter().filter_map(Value::as_str).filter(|text| text.len() >= WORD) {
            if message.contains(text) {
                message = message.replace(text, "(hidden)");
            }
        }
        Self::Message(message)
    }

    /// Whether the rendering came to a limit. Such a fault ends it as it is, without naming every template on the way.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Steps(_) | Self::Bytes(_) | Self::Depth(_) | Self::Stopped => true,
            Self::Template(error) => error.is_limit(),
            Self::Message(_) | Self::Refused(_) | Self::Parse(_) => false,
        }
    }
}

impl From<crate::fmt::Error> for Fault {
    fn from(error: crate::fmt::Error) -> Self {
        Self::Message(error.to_string())
    }
}

impl From<NestingTooDeep> for Fault {
    fn from(error: NestingTooDeep) -> Self {
        Self::Message(error.to_string())
    }
}

/// The arguments of one call.
///
/// *Guarantees*: their number and types fit the function's [`Signature`]; the accessors still answer with Go's error
/// instead of trusting it, so they also serve for parameters declared [`Type::Any`].
#[derive(Clone, Copy, Debug)]
pub struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    /// Wraps arguments, for calling one function from another.
    pub fn new(values: &'a [Value]) -> Self {
        Self(values)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn all(self) -> &'a [Value] {
        self.0
    }

    /// Those from the `i`th on.
    pub fn rest(self, i: usize) -> &'a [Value] {
        self.0.get(i..).unwrap_or_default()
    }

    /// The `i`th; nil when there are fewer.
    pub fn get(self, i: usize) -> &'a Value {
        const NIL: &Value = &Value::Nil;
        self.0.get(i).unwrap_or(NIL)
    }

    /// The `i`th, a string as bytes.
    pub fn string(self, i: usize) -> Result<&'a Str, Fault> {
        match self.get(i) {
            Value::String(s) => Ok(s),
            other => Err(wrong_type(Type::String, other)),
        }
    }

    /// The `i`th, a string as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(self, i: usize) -> Result<std::borrow::Cow<'a, str>, Fault> {
        Ok(self.string(i)?.to_str())
    }

    /// The `i`th, of any integer type.
    pub fn int(self, i: usize) -> Result<i64, Fault> {
        self.get(i).as_int().ok_or_else(|| wrong_type(Type::Int, self.get(i)))
    }

    /// The `i`th, a `float64`.
    pub fn float(self, i: usize) -> Result<f64, Fault> {
        match self.get(i) {
            Value::Float64(n) => Ok(*n),
            other => Err(wrong_type(Type::Float64, other)),
        }
    }

    /// The `i`th, a `bool`.
    pub fn bool(self, i: usize) -> Result<bool, Fault> {
        match self.get(i) {
            Value::Bool(b) => Ok(*b),
            other => Err(wrong_type(Type::Bool, other)),
        }
    }

    /// The `i`th, a slice of anything but bytes.
    pub fn list(self, i: usize) -> Result<List, Fault> {
        self.get(i).as_list().ok_or_else(|| wrong_type(Type::LIST, self.get(i)))
    }

    /// The `i`th, a map.
    pub fn map(self, i: usize) -> Result<Map, Fault> {
        self.get(i).as_map().ok_or_else(|| wrong_type(Type::MAP, self.get(i)))
    }
}

fn wrong_type(want: Type, got: &Value) -> Fault {
    let got = if matches!(got, Value::Nil) { "interface {}".into() } else { got.type_name() };
    Fault::Message(format!("wrong type for value; expected {want}; got {got}"))
}

/// What a map entry costs besides the bytes of its key, roughly.
const ENTRY_BYTES: usize = 64;

/// What a function may use while it runs: the rendering it belongs to.
pub struct Call<'a> {
    session: &'a mut Session,
    templates: Option<&'a Templates>,
}

impl<'a> Call<'a> {
    /// A call outside any template, for testing functions.
    pub fn outside(session: &'a mut Session) -> Self {
        Self { session, templates: None }
    }

    /// A call from a template.
    pub(crate) fn within(session: &'a mut Session, templates: &'a Templates) -> Self {
        Self { session, templates: Some(templates) }
    }

    /// The templates among which the calling one is. `None` outside any template.
    pub fn templates(&self) -> Option<&'a Templates> {
        self.templates
    }

    /// Executes a template within this rendering: what `include` does with [`Call::templates`], and `tpl` with an
    /// [overlay](Templates::overlay) of them.
    ///
    /// What a template prints over the map that the whole file is rendered over is remembered until some map changes:
    /// charts ask for the same names and labels again and again.
    pub fn execute(&mut self, templates: &Templates, name: &str, data: Value) -> Result<Str, Fault> {
        let shared = match &data {
            Value::Map(dot) if self.session.is_root(dot) => {
                templates.shared(name).map(|tree| (tree.clone(), dot.clone()))
            }
            _ => None,
        };
        if let Some((tree, dot)) = &shared
            && let Some(text) = self.session.printed(tree, dot)
        {
            self.session.spend_bytes(text.len() as u64)?;
            return Ok(text);
        }
        let began = self.session.moment();
        self.session.enter()?;
        let result = templates.execute(name, data, self.session);
        self.session.leave();
        let text = result?;
        if let Some((tree, dot)) = shared {
            self.session.remember(began, tree, dot, &text);
        }
        Ok(text)
    }

    /// The time at which the rendering happens.
    pub fn now(&self) -> Moment {
        self.session.now()
    }

    /// Fills a slice with random bytes.
    pub fn random(&mut self, bytes: &mut [u8]) {
        self.session.random(bytes);
    }

    /// Compiles a regular expression; the rendering remembers it for a while.
    pub(crate) fn pattern(&mut self, pattern: &Str) -> Result<Arc<re2::BytesRegex>, Fault> {
        self.session.pattern(pattern).map_err(|error| Fault::message(error.to_string()))
    }

    /// Accounts for work that grows with an argument. Call it before doing the work.
    pub fn spend_steps(&mut self, steps: usize) -> Result<(), Fault> {
        self.session.spend_steps(steps as u64)
    }

    /// Accounts for memory that grows with an argument (`repeat`, `until`). Call it before allocating. What a function
    /// returns is accounted for by the executor, so only functions that could make much in one call need this.
    pub fn spend_bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.session.spend_bytes(bytes as u64)
    }

    /// How many more bytes the rendering may produce.
    pub fn bytes_left(&self) -> usize {
        self.session.bytes_left()
    }

    /// Formats as `fmt.Sprintf`.
    pub fn sprintf(&mut self, format: &[u8], args: &[Value]) -> Result<Str, Fault> {
        let text = crate::fmt::sprintf(format, args, self.session.bytes_left());
        Ok(self.printed(text)?.into())
    }

    /// Prints one value as `fmt.Sprint` does.
    pub fn print(&mut self, value: &Value) -> Result<Str, Fault> {
        if let Value::String(text) = value {
            return Ok(text.clone());
        }
        let mut out = Vec::new();
        let result = crate::fmt::append(&mut out, value, self.session.bytes_left());
        self.printed(result)?;
        Ok(out.into())
    }

    /// Says of text that became too long that the rendering came to its limit.
    pub(crate) fn printed<T>(&self, result: Result<T, crate::fmt::Error>) -> Result<T, Fault> {
        result.map_err(|error| match error {
            crate::fmt::Error::TooLong(_) => Fault::Bytes(self.session.limits().bytes),
            error => Fault::Message(error.to_string()),
        })
    }

    /// Sets a key of a map that templates already hold. Every function that changes a map does it through this: maps
    /// that come to contain themselves are taken apart when the rendering ends.
    pub fn set(&mut self, map: &Map, key: impl Into<Str>, value: Value) -> Result<(), Fault> {
        if map.is_nil() {
            return Err(Fault::message("assignment to entry in nil map"));
        }
        if matches!(value, Value::Map(_) | Value::List(_) | Value::Object(_)) {
            self.session.link(map);
        }
        let key = key.into();
        self.spend_bytes(ENTRY_BYTES + key.len())?;
        self.session.change();
        map.insert(key, value);
        Ok(())
    }

    /// Removes a key of a map that templates already hold.
    pub fn unset(&mut self, map: &Map, key: &Str) {
        self.session.change();
        map.remove(key);
    }
}
