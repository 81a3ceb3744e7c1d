//! ConfigMaps and Secrets made of literals and files, and the hashes in their names.

use std::collections::BTreeMap;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use crate::error::{Fault, Reason};
use crate::file::{GeneratorArgs, GeneratorOptions};
use crate::go;
use crate::load::Loader;
use crate::node::{Keys, Map, Node, Quote, Scalar, Tag};
use crate::resource::Behavior;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    ConfigMap,
    Secret,
}

/// Makes the object; its name has no hash yet.
pub(crate) fn make(made: Made, args: &GeneratorArgs, loader: &Loader<'_>, keys: &mut Keys) -> Result<Node, Vec<Fault>> {
    let (mut texts, mut binaries) = (Vec::new(), Vec::new());
    for (key, bytes) in data(args, loader)? {
        let (is_text, text) = match (made, String::from_utf8(bytes)) {
            (Made::ConfigMap, Ok(text)) => (true, text),
            (Made::ConfigMap, Err(binary)) => (false, encode(binary.as_bytes())),
            (Made::Secret, Ok(text)) => (true, encode(text.as_bytes())),
            (Made::Secret, Err(binary)) => (true, encode(binary.as_bytes())),
        };
        let quote = if text.contains('\n') { Quote::Block } else { Quote::Plain };
        let value = Node::Scalar(Scalar::quoted(text, Tag::Str, quote));
        if is_text { &mut texts } else { &mut binaries }.push((keys.intern(&key), value));
    }
    let text = |text: &str| Node::Scalar(Scalar::from_string(text.to_owned()));
    let mut meta = vec![("name", text(&args.name))];
    if !args.namespace.is_empty() {
        meta.push(("namespace", text(&args.namespace)));
    }
    let kind = if made == Made::Secret { "Secret" } else { "ConfigMap" };
    let mut root = vec![("apiVersion", Node::str("v1")), ("kind", Node::str(kind))];
    if let Some(options) = &args.options {
        for (field, pairs) in [("labels", &options.labels), ("annotations", &options.annotations)] {
            if !pairs.is_empty() {
                let pairs = pairs.iter().map(|(key, value)| (keys.intern(key), Node::str(value.as_str())));
                meta.push((field, Node::Map(pairs.collect())));
            }
        }
        if options.immutable {
            root.push(("immutable", Node::Scalar(Scalar::new("true", Tag::Bool))));
        }
    }
    if made == Made::Secret {
        root.push(("type", text(if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type })));
    }
    if made == Made::Secret || !texts.is_empty() {
        root.push(("data", Node::Map(texts.into_iter().collect())));
    }
    if !binaries.is_empty() {
        root.push(("binaryData", Node::Map(binaries.into_iter().collect())));
    }
    let mut map = |fields: Vec<(&str, Node)>| -> Map {
        fields.into_iter().map(|(name, value)| (keys.intern(name), value)).collect()
    };
    root.push(("metadata", Node::Map(map(meta))));
    Ok(Node::Map(map(root)))
}

/// Options for all generators, under those of one.
pub(crate) fn merge_options(
    own: Option<GeneratorOptions>,
    global: Option<&GeneratorOptions>,
) -> Option<GeneratorOptions> {
    let Some(global) = global else { return own };
    let mut own = own.unwrap_or_default();
    for (own, global) in [(&mut own.labels, &global.labels), (&mut own.annotations, &global.annotations)] {
        for (key, value) in global {
            own.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    own.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    own.immutable |= global.immutable;
    Some(own)
}

pub(crate) fn behavior(text: &str) -> Behavior {
    match text {
        "create" => Behavior::Create,
        "replace" => Behavior::Replace,
        "merge" => Behavior::Merge,
        _ => Behavior::Unspecified,
    }
}

/// Base64 in lines of 70 characters; a single line has no end.
fn encode(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(LINE));
        lines.push_str(line);
        lines.push('\n');
        rest = behind;
    }
    lines
}

/// All keys and values, none of which may come twice, or all that is wrong with the generator.
fn data(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<BTreeMap<String, Vec<u8>>, Vec<Fault>> {
    let mut data = BTreeMap::new();
    let mut faults = Vec::new();
    if args.name.is_empty() {
        faults.push(Reason::invalid("a generator must have a name"));
    }
    let mut add = |key: String, value: Vec<u8>| {
        if data.contains_key(&key) {
            return Err(Reason::invalid(format!("configmap {} illegally repeats the key `{key}`", args.name)));
        }
        data.insert(key, value);
        Ok(())
    };
    for (i, path) in args.envs.iter().enumerate() {
        let read = match loader.file(path) {
            Ok((bytes, _)) => env(&bytes, &mut add).map_err(|fault| fault.field(|| format!("envs[{i}] ({path})"))),
            Err(fault) => Err(fault),
        };
        faults.extend(read.err().map(|fault| fault.field(|| format!("envs[{i}]"))));
    }
    for (i, literal) in args.literals.iter().enumerate() {
        let added = match literal.split_once('=').filter(|(key, _)| !key.is_empty()) {
            Some((key, value)) => add(key.to_owned(), unquoted(value).as_bytes().to_vec()),
            // What stands there may be a secret, so it is not told.
            None => Err(Reason::invalid("invalid literal source, expected key=value")),
        };
        faults.extend(added.err().map(|fault| fault.field(|| format!("literals[{i}]"))));
    }
    for (i, source) in args.files.iter().enumerate() {
        let added = file_source(source).and_then(|(key, path)| add(key.to_owned(), loader.file(path)?.0));
        faults.extend(added.err().map(|fault| fault.field(|| format!("files[{i}]"))));
    }
    if faults.is_empty() { Ok(data) } else { Err(faults) }
}

/// Quotes around all of a value are the shell's, not the value's.
fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

/// Reads `PATH` or `KEY=PATH`.
fn file_source(source: &str) -> Result<(&str, &str), Fault> {
    match source.split_once('=') {
        None => Ok((go::base_name(source), source)),
        Some((_, path)) if path.contains('=') => {
            Err(Reason::invalid(format!("source {source:?} key name or file path contains '='")))
        }
        Some(("", path)) => {
            Err(Reason::invalid(format!("missing key name for file path {path:?} in source {source:?}")))
        }
        Some((key, "")) => Err(Reason::invalid(format!("missing file path for key name {key:?} in source {source:?}"))),
        Some((key, path)) => Ok((key, path)),
    }
}

/// Reads lines `KEY=VALUE`; empty ones and comments say nothing.
///
/// # Deviation
/// kustomize silently stops at a line of 64 KiB; here it is read like any other.
fn env(bytes: &[u8], add: &mut dyn FnMut(String, Vec<u8>) -> Result<(), Fault>) -> Result<(), Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|b| *b == b'\n').count();
        Reason::invalid(format!("line {line} has invalid utf8 bytes"))
    })?;
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            add(key.to_owned(), value.as_bytes().to_vec())?;
        }
    }
    Ok(())
}

/// The hash that goes behind the name of a generated object.
pub(crate) fn hash(node: &Node) -> Result<String, Fault> {
    let mut fields = serde_json::Map::new();
    let kind = node.get("kind").map_or("", Node::text);
    let value = |name: &str| -> Result<serde_json::Value, Fault> {
        match node.get(name) {
            None => Ok("".into()),
            Some(Node::Scalar(scalar)) => Ok((*scalar.text).into()),
            Some(other) => other.to_value().map_err(|error| Reason::apply(error.to_string())),
        }
    };
    fields.insert("kind".into(), kind.into());
    fields.insert("name".into(), "".into());
    fields.insert("data".into(), value("data")?);
    let optional = match kind {
        "ConfigMap" => "binaryData",
        "Secret" => {
            fields.insert("type".into(), value("type")?);
            "stringData"
        }
        _ => return Ok(digest(&go::json(&node.to_value().map_err(|error| Reason::apply(error.to_string()))?))),
    };
    if node.get(optional).is_some_and(|value| value.map().is_some()) {
        fields.insert(optional.into(), value(optional)?);
    }
    Ok(digest(&go::json(&serde_json::Value::Object(fields))))
}

/// The first ten digits of the hash, in an alphabet that spells no words.
fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(5) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect()
}
