//! Sprig's functions.
//!
//! The table here is sprig 3.3 without what a chart must not do (`env`, `expandenv` are absent, `getHostByName` answers
//! nothing) and without what needs more than this floor has: versions (`semver`, `semverCompare`) and the functions
//! that make keys, certificates and password hashes are registered by the crate `helm`, which may depend on `version`
//! and on cryptography.

mod case;
mod cast;
mod dates;
mod decimal;
mod defaults;
mod dicts;
pub mod encoding;
pub mod json;
mod lists;
mod numbers;
pub mod paths;
mod random;
mod reflection;
mod regexes;
mod strings;
mod text;
pub mod time;
mod urls;

use crate::funcs::Funcs;

pub use cast::to_int;
pub use defaults::is_empty;
pub use text::text_of;

/// Every sprig function that a chart may call and this crate has.
pub fn funcs() -> Funcs {
    let mut funcs = Funcs::new();
    dates::register(&mut funcs);
    defaults::register(&mut funcs);
    dicts::register(&mut funcs);
    encoding::register(&mut funcs);
    json::register(&mut funcs);
    lists::register(&mut funcs);
    numbers::register(&mut funcs);
    paths::register(&mut funcs);
    random::register(&mut funcs);
    reflection::register(&mut funcs);
    regexes::register(&mut funcs);
    strings::register(&mut funcs);
    urls::register(&mut funcs);
    funcs
}
