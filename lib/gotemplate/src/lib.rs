//! Go `text/template`, `fmt` verbs and sprig, over plain values.
//!
//! * [`template`]: templates, parsed and executed.
//! * [`value`]: what templates compute with, Go's kinds with Go's reference semantics.
//! * [`mod@fmt`] and [`strconv`]: printing and reading as Go's packages of these names do.
//! * [`funcs`]: how a function is registered, what it is given and what it returns.
//! * [`session`]: clock, randomness and limits of one rendering, all arguments.
//! * [`sprig`]: the functions that charts know from sprig.

pub mod fmt;
pub mod funcs;
pub mod session;
pub mod sprig;
pub mod strconv;
pub mod template;
pub mod value;

pub use funcs::{Args, Call, Fault, Func, Funcs};
pub use session::{Limits, Moment, Random, Session, Volatile};
pub use template::{ExecError, MissingKey, Nesting, ParseError, Parsed, Templates};
pub use value::{Bytes, Kind, List, Map, Object, Signature, Str, Type, Value};
