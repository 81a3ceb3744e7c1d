//! From YAML to build files and configurations: Go's rules for types and field names, and every problem with its line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};
use yaml::{Content, Schema};

use crate::error::{Fault, Place, Problem, Reason, nearest};

/// What happens with a field that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is a problem.
    Refuse,
    /// It is left out and reported.
    Report,
    /// It is left out.
    Ignore,
}

/// Whose rules for types and names of fields hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// encoding/json's: a number is no text, the case of names does not matter.
    Json,
    /// sigs.k8s.io/yaml's: the same, but numbers and booleans are texts where it sees that a text is wanted.
    SigsYaml,
    /// yaml.v3's: numbers and booleans are texts where those are wanted, names are exact.
    YamlV3,
}

/// A reader of one file, and what is wrong with the file so far.
#[derive(Debug)]
pub(crate) struct Decoder {
    file: Arc<str>,
    unknown: Unknown,
    rules: Rules,
    /// The fields from the top to here.
    path: String,
    pub(crate) problems: Vec<Problem>,
    /// Fields that were left out, with their near misses.
    pub(crate) dropped: Vec<Problem>,
}

/// A value that YAML can hold.
pub(crate) trait Decode: Default {
    /// Reads the value; what does not fit becomes a problem and the default.
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self;

    /// The value as JSON; nothing where a file would not mention it.
    fn encode(&self) -> Option<Value>;
}

impl Decoder {
    /// A reader of build files, which takes a number for no text.
    pub(crate) fn new(file: &Arc<str>, unknown: Unknown) -> Self {
        let (file, rules) = (Arc::clone(file), Rules::Json);
        Self { file, unknown, rules, path: String::new(), problems: Vec::new(), dropped: Vec::new() }
    }

    /// A reader of nearly everything else: sigs.k8s.io/yaml knows from the type what a number or a boolean is to be.
    pub(crate) fn coercing(file: &Arc<str>, unknown: Unknown) -> Self {
        Self { rules: Rules::SigsYaml, ..Self::new(file, unknown) }
    }

    /// A reader of the few things that are read by yaml.v3 itself.
    pub(crate) fn exact(file: &Arc<str>, unknown: Unknown) -> Self {
        Self { rules: Rules::YamlV3, ..Self::new(file, unknown) }
    }

    /// Reads the first document of a text.
    pub(crate) fn document<T: Decode>(&mut self, text: &str) -> T {
        match yaml::node(text, &crate::read::limits(text)) {
            Ok(root) => root.map_or_else(T::default, |root| T::decode(&root, self)),
            Err(error) => {
                self.problems.push(*crate::read::malformed(&error, &self.file, 0));
                T::default()
            }
        }
    }

    /// What was read, unless something was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<(T, Vec<Problem>), Vec<Problem>> {
        if self.problems.is_empty() { Ok((value, self.dropped)) } else { Err(self.problems) }
    }

    fn problem(&self, node: &yaml::Node, reason: Reason) -> Fault {
        let place = Place { file: Arc::clone(&self.file), line: node.at().line };
        let path = self.path.trim_start_matches('.').to_owned();
        let fault = Fault::from(reason).at(&place);
        if path.is_empty() { fault } else { fault.field(|| path) }
    }

    fn wrong_type(&mut self, node: &yaml::Node, expected: &'static str) {
        let (found, hint) = describe(node);
        let hint = hint.filter(|_| expected == "a string");
        let problem = self.problem(node, Reason::WrongType { expected, found }).hint(hint);
        self.problems.push(*problem);
    }

    /// Reads a field of a type that is embedded in Go, where sigs.k8s.io/yaml does not see what the field's own type is.
    pub(crate) fn embedded<T: Decode>(&mut self, node: &yaml::Node) -> T {
        let rules = self.rules;
        if rules == Rules::SigsYaml {
            self.rules = Rules::Json;
        }
        let value = T::decode(node, self);
        self.rules = rules;
        value
    }

    /// Reads the fields of a map, in order; of fields with one name the last one wins.
    pub(crate) fn fields(
        &mut self,
        node: &yaml::Node,
        known: &'static [&'static str],
        mut set: impl FnMut(&'static str, &yaml::Node, &mut Self),
    ) {
        if is_null(node) {
            return;
        }
        let Some(pairs) = self.pairs(node) else { return };
        // Go's JSON decoder does not mind the case of field names. It reads them in their order as texts, so of several
        // that are the same but for that the last one in that order wins.
        let any_case = self.rules != Rules::YamlV3;
        let name_of = |key: &str| {
            let exact = known.iter().find(|name| **name == key);
            exact.or_else(|| known.iter().find(|name| any_case && name.eq_ignore_ascii_case(key)))
        };
        let mut winners: BTreeMap<&str, String> = BTreeMap::new();
        for (key, ..) in &pairs {
            if let Some(name) = name_of(key)
                && winners.get(name).is_none_or(|winner| winner < key)
            {
                winners.insert(name, key.clone());
            }
        }
        for (key, key_node, value) in pairs {
            let Some(name) = name_of(&key) else {
                self.unknown(key_node, &key, known);
                continue;
            };
            if winners.get(name).is_some_and(|winner| *winner != key) {
                continue;
            }
            let length = self.path.len();
            self.path.push('.');
            self.path.push_str(name);
            set(name, value, self);
            self.path.truncate(length);
        }
    }

    /// Reports a field that this place does not have, though its like elsewhere does.
    pub(crate) fn unknown_at(&mut self, line: u32, field: String, name: &str) {
        let place = Place { file: Arc::clone(&self.file), line };
        let fault = Fault::from(Reason::UnknownField { name: name.to_owned() }).at(&place).field(|| field);
        if self.unknown == Unknown::Refuse {
            self.problems.push(*fault);
        } else {
            self.dropped.push(*fault);
        }
    }

    fn unknown(&mut self, node: &yaml::Node, name: &str, known: &[&str]) {
        if self.unknown == Unknown::Ignore {
            return;
        }
        let hint = nearest(name, known.iter().copied()).map(|near| format!("did you mean {near:?}?"));
        let problem = *self.problem(node, Reason::UnknownField { name: name.to_owned() }).hint(hint);
        if self.unknown == Unknown::Refuse {
            self.problems.push(problem);
        } else {
            self.dropped.push(problem);
        }
    }

    /// The pairs of a map with its merges opened; a problem for anything else.
    fn pairs<'n>(&mut self, node: &'n yaml::Node) -> Option<Vec<(String, &'n yaml::Node, &'n yaml::Node)>> {
        let Some(pairs) = node.pairs() else {
            self.wrong_type(node, "a map");
            return None;
        };
        let mut result = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            if key.text() == Some("<<") && key.style() == Some(yaml::Style::Plain) {
                for source in merged(value) {
                    result.extend(self.pairs(source)?);
                }
            } else if let Some(name) = key_text(key) {
                result.push((name, key, value));
            } else {
                self.wrong_type(key, "a string as key");
            }
        }
        Some(result)
    }
}

/// The maps that `<<` merges; the first one wins, so it comes last.
fn merged(value: &yaml::Node) -> Vec<&yaml::Node> {
    match value.items() {
        Some(items) => items.iter().rev().collect(),
        None => vec![value],
    }
}

fn key_text(key: &yaml::Node) -> Option<String> {
    match key.to_value(Schema::V2).ok()? {
        Value::String(text) => Some(text),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_null(node: &yaml::Node) -> bool {
    matches!(scalar(node), Some(Value::Null))
}

/// The value of a scalar by the rules for build files.
fn scalar(node: &yaml::Node) -> Option<Value> {
    match node.resolved().content {
        Content::Scalar { .. } => node.resolved().to_value(Schema::V2).ok(),
        _ => None,
    }
}

/// What stands there, in words, and how to write it as text.
fn describe(node: &yaml::Node) -> (String, Option<String>) {
    match &node.resolved().content {
        Content::Sequence { .. } => ("a list".to_owned(), None),
        Content::Mapping { .. } => ("a map".to_owned(), None),
        Content::Alias { .. } => ("an alias".to_owned(), None),
        Content::Scalar { text, .. } => {
            let kind = match scalar(node) {
                Some(Value::Bool(_)) => "the boolean",
                Some(Value::Number(_)) => "the number",
                Some(Value::Null) => return ("null".to_owned(), None),
                _ => return (format!("the text {text:?}"), None),
            };
            (format!("{kind} {text}"), Some(format!("write it in quotes: {text:?}")))
        }
    }
}

impl Decode for String {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        match scalar(node) {
            Some(Value::String(text)) => text,
            Some(Value::Null) => String::new(),
            Some(Value::Bool(value)) if decoder.rules != Rules::Json => value.to_string(),
            Some(Value::Number(number)) if decoder.rules != Rules::Json => {
                match number.as_f64().filter(|_| number.is_f64()) {
                    Some(float) => crate::go::format_float(float),
                    None => number.to_string(),
                }
            }
            _ => {
                decoder.wrong_type(node, "a string");
                String::new()
            }
        }
    }

    fn encode(&self) -> Option<Value> {
        (!self.is_empty()).then(|| Value::String(self.clone()))
    }
}

/// What yaml.v3 takes for true and false where a boolean is wanted, as YAML 1.1 did.
const YES: [&str; 8] = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
const NO: [&str; 8] = ["n", "N", "no", "No", "NO", "off", "Off", "OFF"];

impl Decode for bool {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        match scalar(node) {
            Some(Value::Bool(value)) => value,
            Some(Value::Null) => false,
            Some(Value::String(text)) if decoder.rules == Rules::YamlV3 && YES.contains(&text.as_str()) => true,
            Some(Value::String(text)) if decoder.rules == Rules::YamlV3 && NO.contains(&text.as_str()) => false,
            _ => {
                decoder.wrong_type(node, "true or false");
                false
            }
        }
    }

    fn encode(&self) -> Option<Value> {
        self.then_some(Value::Bool(true))
    }
}

impl Decode for i64 {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        let number = match scalar(node) {
            Some(Value::Null) => Some(0),
            Some(Value::Number(number)) => crate::go::json(&Value::Number(number)).parse().ok(),
            _ => None,
        };
        number.unwrap_or_else(|| {
            decoder.wrong_type(node, "a whole number");
            0
        })
    }

    fn encode(&self) -> Option<Value> {
        Some(Value::from(*self))
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        if is_null(node) {
            return Self::new();
        }
        let Some(items) = node.items() else {
            decoder.wrong_type(node, "a list");
            return Self::new();
        };
        let length = decoder.path.len();
        items
            .iter()
            .enumerate()
            .map(|(i, item)| {
                let _ = write!(decoder.path, "[{i}]");
                let value = T::decode(item, decoder);
                decoder.path.truncate(length);
                value
            })
            .collect()
    }

    fn encode(&self) -> Option<Value> {
        let items = || self.iter().map(|item| item.encode().unwrap_or_default()).collect();
        (!self.is_empty()).then(|| Value::Array(items()))
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        (!is_null(node)).then(|| T::decode(node, decoder))
    }

    fn encode(&self) -> Option<Value> {
        self.as_ref().map(|value| value.encode().unwrap_or_else(|| Value::Object(Map::new())))
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        Self::new(T::decode(node, decoder))
    }

    fn encode(&self) -> Option<Value> {
        T::encode(self)
    }
}

impl Decode for BTreeMap<String, String> {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        if is_null(node) {
            return Self::new();
        }
        let pairs = decoder.pairs(node).unwrap_or_default();
        let length = decoder.path.len();
        pairs
            .into_iter()
            .map(|(key, _, value)| {
                decoder.path.push('.');
                decoder.path.push_str(&key);
                let value = String::decode(value, decoder);
                decoder.path.truncate(length);
                (key, value)
            })
            .collect()
    }

    fn encode(&self) -> Option<Value> {
        let fields = || self.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
        (!self.is_empty()).then(|| Value::Object(fields()))
    }
}

/// A list entry with the line that it stands in, so that messages can name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The text.
    pub text: String,
    /// Counted from one; zero for entries that no file holds.
    pub line: u32,
}

impl Decode for Entry {
    fn decode(node: &yaml::Node, decoder: &mut Decoder) -> Self {
        Self { text: String::decode(node, decoder), line: node.at().line }
    }

    fn encode(&self) -> Option<Value> {
        Some(Value::String(self.text.clone()))
    }
}

impl From<&str> for Entry {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), line: 0 }
    }
}

impl From<String> for Entry {
    fn from(text: String) -> Self {
        Self { text, line: 0 }
    }
}

/// Declares a map with known fields: how it is read, how it is written, and the line that it stands in. A field `in` a Go
/// type is one of that type, which is embedded in this one.
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $ty:ty = $key:literal $(in $embedded:ident)?,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $ty,)*
            /// The line that it stands in, counted from one; zero when no file holds it.
            $vis line: u32,
        }

        impl $crate::decode::Decode for $name {
            fn decode(node: &yaml::Node, decoder: &mut $crate::decode::Decoder) -> Self {
                let mut record = Self { line: node.at().line, ..Self::default() };
                decoder.fields(node, &[$($key),*], |name, value, decoder| match name {
                    $($key => record.$field = $crate::decode::record!(@decode value decoder $ty $(, $embedded)?),)*
                    _ => {}
                });
                record
            }

            fn encode(&self) -> Option<serde_json::Value> {
                let mut fields = serde_json::Map::new();
                $(if let Some(value) = $crate::decode::Decode::encode(&self.$field) {
                    fields.insert($key.to_owned(), value);
                })*
                (!fields.is_empty()).then_some(serde_json::Value::Object(fields))
            }
        }
    };
    (@decode $value:ident $decoder:ident $ty:ty) => { <$ty as $crate::decode::Decode>::decode($value, $decoder) };
    (@decode $value:ident $decoder:ident $ty:ty, $embedded:ident) => { $decoder.embedded::<$ty>($value) };
}
pub(crate) use record;
