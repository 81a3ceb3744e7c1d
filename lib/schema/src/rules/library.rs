//! Kubernetes' own functions in CEL, beside those that every expression has: quantities, URLs, addresses, patterns, lists,
//! named formats.
//!
//! # Source
//! `k8s.io/apiserver/pkg/cel/library`. Absent: `authorizer`, which rules of CRDs cannot use
//! (`admission` adds it), `semver` and `jsonpatch`.

mod lists;
mod networks;
mod quantities;
mod urls;

use cel::common::types::{CelList, CelOptional, CelString};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use expression::{Extension, opaque};
use notation::names;

/// All of them, to be added to an environment.
pub static EXTENSIONS: [Extension; 6] =
    [quantities::extension, urls::extension, networks::extension, lists::extension, patterns, formats];

opaque!(
    /// A format by its name.
    pub(super) NamedFormat(&'static str),
    "kubernetes.NamedFormat"
);

/// `find`, `findAll`.
fn patterns(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(env, fn find: (CelString, CelString) -> Result<CelString>)?;
    cel::add_member_overload!(env, fn find_all: (CelString, CelString) -> Result<CelList>)
}

fn compiled(pattern: &str) -> Result<re2::Regex, ExecutionError> {
    re2::compile(pattern).map_err(|_| ExecutionError::function_error("find", "Illegal regex"))
}

fn find(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelString<'static>, ExecutionError> {
    let found = compiled(pattern.inner())?.find(text.inner()).map(|found| found.as_str().to_owned());
    Ok(CelString::from(found.unwrap_or_default()))
}

fn find_all(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelList<'static>, ExecutionError> {
    let regex = compiled(pattern.inner())?;
    let found = regex
        .find_iter(text.inner())
        .map(|found| -> Box<dyn Val> { Box::new(CelString::from(found.as_str().to_owned())) });
    Ok(CelList::from(found.collect::<Vec<_>>()))
}

/// `format.dns1123Label().validate(text)` and its like: nothing, or what is wrong.
fn formats(env: &mut Env) -> Result<(), DeclarationError> {
    macro_rules! format {
        ($name:literal) => {
            env.add_overload(concat!("format.", $name), $name, Vec::new(), |_| Ok(CowVal::owned(NamedFormat($name))))?;
        };
    }
    format!("dns1123Label");
    format!("dns1123Subdomain");
    format!("dns1035Label");
    format!("qualifiedName");
    format!("labelValue");
    cel::add_member_overload!(env, fn validate: (NamedFormat, CelString) -> CelOptional)
}

fn validate(format: &NamedFormat, text: &CelString<'_>) -> CelOptional<'static> {
    let rule = match format.0 {
        "dns1123Label" => names::dns_label,
        "dns1123Subdomain" => names::dns_subdomain,
        "dns1035Label" => names::dns_1035_label,
        "qualifiedName" => names::qualified_name,
        _ => names::label_value,
    };
    match rule(text.inner()) {
        problems if problems.is_empty() => CelOptional::none(),
        problems => {
            let problems = problems.into_iter().map(|problem| -> Box<dyn Val> { Box::new(CelString::from(problem)) });
            CelOptional::of(Box::new(CelList::from(problems.collect::<Vec<_>>())))
        }
    }
}
