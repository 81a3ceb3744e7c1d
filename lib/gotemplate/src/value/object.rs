//! Go's structs, pointers and named types.

use std::any::Any;
use std::fmt::Debug;

use super::{Kind, Str, Type, Value};
use crate::funcs::{Args, Call, Fault};

/// A value with fields or methods: `.Capabilities`, `.Files`, `.Chart`, a `time.Time`.
pub trait Object: Debug {
    /// Go's type name, as `%T` prints it; a pointer's starts with `*`. Example: `*chart.Metadata`.
    fn type_name(&self) -> &str;

    /// For [`Value::downcast`].
    fn as_any(&self) -> &dyn Any;

    /// Go's kind. A pointer by its type name, else what is underneath, else a struct.
    fn kind(&self) -> Kind {
        if self.type_name().starts_with('*') {
            Kind::Pointer
        } else {
            self.underlying().map_or(Kind::Struct, |value| value.kind())
        }
    }

    /// Whether this is a nil pointer.
    fn is_nil(&self) -> bool {
        false
    }

    /// The exported field of that name.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Every field with its value, in the order of declaration: what `%v` prints.
    fn fields(&self) -> Vec<(&str, Value)> {
        Vec::new()
    }

    /// The parameters of the method of that name, if there is one.
    fn method(&self, _name: &str) -> Option<Signature> {
        None
    }

    /// Calls a method that [`Object::method`] knows, with arguments that fit its signature.
    fn invoke(&self, name: &str, _call: &mut Call<'_>, _args: Args<'_>) -> Result<Value, Fault> {
        Err(Fault::message(format!("{} has no method {name}", self.type_name())))
    }

    /// What `String()` or `Error()` returns, for types that have one.
    fn text(&self) -> Option<Str> {
        None
    }

    /// The map, list or scalar under a named type (`type VersionSet []string`), or what a pointer points to when that
    /// is not a struct. `range`, `index`, `len` and printing see it.
    fn underlying(&self) -> Option<Value> {
        None
    }
}

/// What a function or method takes.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The parameters' types.
    pub params: &'static [Type],
    /// Whether the last parameter may be given any number of times, none included.
    pub variadic: bool,
}

impl Signature {
    /// Takes exactly these.
    pub const fn exact(params: &'static [Type]) -> Self {
        Self { params, variadic: false }
    }

    /// Takes these, the last one any number of times.
    pub const fn variadic(params: &'static [Type]) -> Self {
        Self { params, variadic: true }
    }

    /// The type of the `i`th argument.
    pub(crate) fn param(&self, i: usize) -> Type {
        self.params.get(i).or(self.params.last()).copied().unwrap_or(Type::Any)
    }
}
