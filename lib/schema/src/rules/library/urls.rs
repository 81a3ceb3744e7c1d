//! `url('https://…')` and what can be asked of it.

use std::collections::BTreeMap;

use cel::common::types::{CelBool, CelString};
use cel::{DeclarationError, Env, ExecutionError};

use expression::opaque;

opaque!(
    /// An address with its scheme, or a path from the root.
    pub(super) Url(Parts),
    "kubernetes.URL"
);

/// The parts of a URL, as they are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn url: (CelString) -> Result<Url>)?;
    cel::add_overload!(env, fn is_url: (CelString) -> CelBool, name = "isURL")?;
    cel::add_member_overload!(env, fn get_scheme: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn get_host: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn get_hostname: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn get_port: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn get_escaped_path: (Url) -> CelString)?;
    env.add_member_overload(
        "getQuery",
        "url_get_query",
        <Url as cel::common::value::Val>::cel_type().to_owned(),
        Vec::new(),
        |arguments| {
            let this = arguments.first().and_then(|this| this.downcast_ref::<Url>());
            let query = this.map(|this| this.0.query.clone()).unwrap_or_default();
            let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for pair in query.split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                map.entry(unescaped(key)).or_default().push(unescaped(value));
            }
            let map: std::collections::HashMap<String, Vec<String>> = map.into_iter().collect();
            let map: Box<dyn cel::common::value::Val> = cel::Value::from(map).try_into()?;
            Ok(cel::common::value::CowVal::Owned(map))
        },
    )
}

/// `%20` as what it stands for; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let ahead = rest.clone().take(2).collect::<Vec<_>>();
        let hex = std::str::from_utf8(&ahead)
            .ok()
            .filter(|hex| hex.len() == 2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads what may stand in a request: with a scheme and `//`, or a path from the root.
fn parse(text: &str) -> Option<Parts> {
    if text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return None;
    }
    let text = text.split('#').next().unwrap_or_default();
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    let (scheme, rest) = match before.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_lowercase(), rest),
        _ if before.starts_with('/') => (String::new(), before),
        _ => return None,
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) if !scheme.is_empty() => match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        },
        _ => ("", rest),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = port(host);
    let is_fit = port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(['<', '>', '"', '\\']);
    is_fit.then(|| Parts { scheme, host: host.to_owned(), path: path.to_owned(), query: query.to_owned() })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The port behind a host, which may be an address in brackets.
fn port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((_, port)) if !port.contains(']') => port,
        _ => "",
    }
}

fn url(text: &CelString<'_>) -> Result<Url, ExecutionError> {
    let text = text.inner();
    let problem = || {
        ExecutionError::function_error(
            "url",
            format!("URL parse error during conversion from string: parse {text:?}: invalid URI for request"),
        )
    };
    parse(text).map(Url).ok_or_else(problem)
}

fn is_url(text: &CelString<'_>) -> CelBool {
    parse(text.inner()).is_some().into()
}

fn get_scheme(this: &Url) -> CelString<'static> {
    CelString::from(this.0.scheme.clone())
}

fn get_host(this: &Url) -> CelString<'static> {
    CelString::from(this.0.host.clone())
}

fn get_hostname(this: &Url) -> CelString<'static> {
    let host = &this.0.host;
    let port = port(host);
    let name = if port.is_empty() {
        host.trim_end_matches(':')
    } else {
        host.strip_suffix(port).unwrap_or(host).trim_end_matches(':')
    };
    CelString::from(name.trim_start_matches('[').trim_end_matches(']').to_owned())
}

fn get_port(this: &Url) -> CelString<'static> {
    CelString::from(port(&this.0.host).to_owned())
}

fn get_escaped_path(this: &Url) -> CelString<'static> {
    CelString::from(this.0.path.clone())
}
