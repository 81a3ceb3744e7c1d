//! Sprig's functions.

use crate::funcs::Funcs;

/// Every sprig function that a chart may call. `env`, `expandenv` are absent and `getHostByName` answers nothing.
pub fn funcs() -> Funcs {
    Funcs::new()
}
