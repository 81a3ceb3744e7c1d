//! URLs taken apart and put together as Go's `net/url` does.

use crate::funcs::{Args, Call, Fault, Funcs};
use crate::value::{Map, Str, Type, Value};

pub(super) fn register(funcs: &mut Funcs) {
    funcs.add("urlParse", &[Type::String], |_, args| {
        let text = args.text(0)?;
        let url = Url::parse(&text).map_err(|problem| {
            let quoted = crate::strconv::quote(text.as_bytes());
            Fault::message(format!("unable to parse url: parse {quoted}: {problem}"))
        })?;
        let hostname = url.hostname().to_owned();
        Ok(Map::from_iter([
            ("scheme", Str::from(url.scheme)),
            ("userinfo", url.userinfo.unwrap_or_default().into()),
            ("hostname", hostname.into()),
            ("host", url.host.into()),
            ("path", url.path.into()),
            ("query", url.query.unwrap_or_default().into()),
            ("opaque", url.opaque.into()),
            ("fragment", url.fragment.into()),
        ])
        .into())
    });
    funcs.add("urlJoin", &[Type::MAP], join);
}

/// A URL's parts; path, host and fragment with their escapes resolved.
#[derive(Default)]
struct Url {
    scheme: String,
    opaque: String,
    /// Escaped as it will be written.
    userinfo: Option<String>,
    host: String,
    path: String,
    /// The path as written, when that is not how it would be escaped anew.
    raw_path: Option<String>,
    query: Option<String>,
    fragment: String,
}

/// What a text is a part of, which decides what is escaped in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Userinfo,
    Path,
    Fragment,
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = Self { fragment: unescape(fragment, Part::Fragment)?, ..Self::default() };
        if text.is_empty() {
            return Ok(url);
        }
        if text == "*" {
            text.clone_into(&mut url.path);
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let rest = match rest.split_once('?') {
            Some((rest, query)) => {
                url.query = Some(query.to_owned());
                rest
            }
            None => rest,
        };
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|first| first.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let path = match rest.strip_prefix("//") {
            Some(authority) if !url.scheme.is_empty() || !rest.starts_with("///") => {
                let (authority, path) = authority.find('/').map_or((authority, ""), |at| authority.split_at(at));
                url.set_authority(authority)?;
                path
            }
            _ => rest,
        };
        url.path = unescape(path, Part::Path)?;
        if escape(&url.path, Part::Path) != path {
            url.raw_path = Some(path.to_owned());
        }
        Ok(url)
    }

    fn set_authority(&mut self, authority: &str) -> Result<(), String> {
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        self.host = host_of(host)?;
        let Some(userinfo) = userinfo else { return Ok(()) };
        if !userinfo.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let again = |text| unescape(text, Part::Userinfo).map(|text| escape(&text, Part::Userinfo));
        self.userinfo = Some(match userinfo.split_once(':') {
            Some((name, password)) => format!("{}:{}", again(name)?, again(password)?),
            None => again(userinfo)?,
        });
        Ok(())
    }

    fn hostname(&self) -> &str {
        if let Some(literal) = self.host.strip_prefix('[') {
            return literal.split(']').next().unwrap_or(literal);
        }
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    fn write(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.userinfo.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.userinfo.is_some() {
                    out.push_str("//");
                }
                if let Some(userinfo) = &self.userinfo {
                    out.push_str(userinfo);
                    out.push('@');
                }
                out.push_str(&escape(&self.host, Part::Host));
            }
            let path = self.raw_path.clone().unwrap_or_else(|| escape(&self.path, Part::Path));
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|first| first.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if let Some(query) = self.query.as_deref().filter(|query| !query.is_empty()) {
            out.push('?');
            out.push_str(query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            out.push_str(&escape(&self.fragment, Part::Fragment));
        }
        out
    }
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..i], &text[i + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn host_of(host: &str) -> Result<String, String> {
    let (port, before) = if host.starts_with('[') {
        let close = host.rfind(']').ok_or("missing ']' in host")?;
        (&host[close + 1..], &host[..=close])
    } else {
        host.rfind(':').map_or(("", host), |at| (&host[at..], &host[..at]))
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    if !is_port {
        return Err(format!("invalid port {} after host", crate::strconv::quote(port.as_bytes())));
    }
    Ok(format!("{}{port}", unescape(before, Part::Host)?))
}

fn unescape(text: &str, part: Part) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes().iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if part == Part::Host && byte < 0x80 && must_escape(byte, part) {
                let c = crate::strconv::quote(&[byte]);
                return Err(format!("invalid character {c} in host name"));
            }
            out.push(byte);
            continue;
        }
        let rest: Vec<u8> = bytes.clone().take(2).collect();
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(decoded) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            let bad = String::from_utf8_lossy(&rest).into_owned();
            return Err(format!("invalid URL escape {}", crate::strconv::quote(format!("%{bad}").as_bytes())));
        };
        out.push(decoded);
        bytes.nth(1);
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn escape(text: &str, part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if must_escape(byte, part) {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].map(|n| char::from_digit(n.into(), 16).unwrap_or('0').to_ascii_uppercase()),
            );
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

fn must_escape(byte: u8, part: Part) -> bool {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => false,
        b'!' | b'\'' | b'(' | b')' | b'*' | b'[' | b']' | b'<' | b'>' | b'"' if part == Part::Host => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Host => !matches!(byte, b'$' | b'&' | b'+' | b',' | b':' | b';' | b'='),
            Part::Path => byte == b'?',
            Part::Userinfo => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => false,
        },
        b'!' | b'(' | b')' | b'*' if part == Part::Fragment => false,
        _ => true,
    }
}

fn join(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let map = args.map(0)?;
    let part = |key: &str| match map.get(key) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.to_str().into_owned()),
        Some(Value::Nil) => Err(super::lists::nil_dereference()),
        Some(other) => Err(Fault::message(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind().name()
        ))),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: Some(part("query")?),
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        ..Url::default()
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let text = format!("proto://{userinfo}@host");
        let parsed = Url::parse(&text).map_err(|problem| {
            let quoted = crate::strconv::quote(text.as_bytes());
            Fault::message(format!("unable to parse userinfo in dict: parse {quoted}: {problem}"))
        })?;
        url.userinfo = parsed.userinfo;
    }
    Ok(url.write().into())
}
