//! One script of requests, sent to two API servers, and the answers compared field by field.
//!
//! A script is text: `== NAME` begins a scenario, which has a namespace of its own, `$NS`. A request is a line of method,
//! path and options, with its body on the lines below:
//!
//! | option | what it does |
//! |---|---|
//! | `type=` | the content type, or `merge`, `json`, `strategic`, `apply` for the patches |
//! | `accept=` | what is accepted, or `table`, `partial`, `partiallist`, `yaml`, `discovery` |
//! | `as=USER,group:GROUP` | whom the request acts for |
//! | `until=200` or `until=/pointer=value` | repeats the request until the answer is so |
//!
//! `=> NAME /pointer` keeps a part of the last answer, to be used as `$NAME`.

mod compare;
mod script;
mod send;

pub use compare::{Difference, Meant, differences};
pub use script::{Request, Scenario, ScriptError, parse};
pub use send::{Answer, client, run};
