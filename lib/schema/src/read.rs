//! Reads JSON schemas into the arena: what OpenAPI documents and CRDs have in common.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::node::{Additional, Field, Format, Id, Limits, ListType, MapType, Node, PatchStrategy, Range, Rule, Type};
use crate::schemas::Schemas;

/// How deep schemas may nest. Nobody writes deeper ones, and reading takes stack.
const DEEPEST: usize = 64;

/// The JSON is not a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ReadError {
    /// Where, for example `openAPIV3Schema.properties.spec`.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

/// Reads into one arena, and undoes what it read unless it is told to keep it.
pub(crate) struct Reader<'a> {
    pub(crate) schemas: &'a mut Schemas,
    /// Definitions in other places of the document, by name; none where references are not allowed.
    references: bool,
    /// Nodes that are copies of another one but for some attributes.
    copies: Vec<(Id, Id, Overrides)>,
    copied: HashMap<(Id, Overrides), Id>,
    before: [usize; 5],
    kept: bool,
}

/// What the place that refers to a definition says differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Overrides {
    default: Option<u32>,
    nullable: bool,
    map: Option<MapType>,
    patch: Option<PatchStrategy>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(schemas: &'a mut Schemas, references: bool) -> Self {
        let s = &*schemas;
        let before = [s.nodes.len(), s.fields.len(), s.texts.len(), s.defaults.len(), s.limits.len()];
        Self { schemas, references, copies: Vec::new(), copied: HashMap::new(), before, kept: false }
    }

    /// Makes room for a definition, so that others may refer to it before it is read. None if it is there already.
    pub(crate) fn reserve(&mut self, name: &str) -> Option<Id> {
        if self.schemas.names.contains_key(name) {
            return None;
        }
        let id = self.push(Node::default());
        let name = self.word(name);
        self.schemas.names.insert(name, id);
        Some(id)
    }

    /// Reads a definition into the room made for it.
    pub(crate) fn define(&mut self, id: Id, schema: &Value, path: &str) -> Result<(), ReadError> {
        let target = self.read(schema, false, &Place::root(path))?;
        if target == id {
            return Err(refers_to_itself());
        }
        self.copies.push((id, target, Overrides::default()));
        Ok(())
    }

    /// Ends the reading well.
    pub(crate) fn keep(mut self) -> Result<(), ReadError> {
        let targets: HashMap<Id, (Id, Overrides)> =
            self.copies.iter().map(|(copy, target, overrides)| (*copy, (*target, overrides.clone()))).collect();
        for (copy, first) in self.copies.iter().map(|(copy, target, _)| (*copy, *target)) {
            // A definition may itself be a copy: what is nearer wins.
            let mut chain = vec![copy];
            let mut target = first;
            while let Some((next, _)) = targets.get(&target) {
                if chain.contains(&target) {
                    return Err(refers_to_itself());
                }
                chain.push(target);
                target = *next;
            }
            let mut node = self.schemas.node(target).clone();
            for overrides in chain.iter().rev().filter_map(|copy| targets.get(copy)).map(|(_, overrides)| overrides) {
                node.default = overrides.default.or(node.default);
                node.nullable |= overrides.nullable;
                node.map = overrides.map.unwrap_or(node.map);
                node.patch = overrides.patch.unwrap_or(node.patch);
            }
            self.schemas.nodes[copy.0 as usize] = node;
        }
        self.kept = true;
        Ok(())
    }

    /// Reads a schema and everything in it.
    pub(crate) fn read(&mut self, schema: &Value, unknown: bool, place: &Place<'_>) -> Result<Id, ReadError> {
        if place.depth > DEEPEST {
            return Err(place.error(format!("nests deeper than {DEEPEST} levels")));
        }
        let map = schema.as_object().ok_or_else(|| place.error("is not a schema".to_owned()))?;
        if let Some(name) = reference(map) {
            return self.refer(name, map, place);
        }
        let preserve_unknown = is_true(map, "x-kubernetes-preserve-unknown-fields");
        let unknown = unknown || preserve_unknown;
        let kind = kind(map, place)?;
        let items = match map.get("items") {
            Some(items) => Some(self.read(items, unknown, &place.at("items"))?),
            None => None,
        };
        let additional = match map.get("additionalProperties") {
            None => Additional::Unset,
            Some(Value::Bool(true)) => Additional::Any,
            Some(Value::Bool(false)) => Additional::Refused,
            Some(schema) => Additional::Of(self.read(schema, unknown, &place.at("additionalProperties"))?),
        };
        let mut node = Node {
            kind,
            format: self.format(map),
            nullable: is_true(map, "nullable"),
            preserve_unknown,
            merges_unknown: unknown,
            embedded_resource: is_true(map, "x-kubernetes-embedded-resource"),
            list: list_type(map, place)?,
            map: map_type(map, place)?.unwrap_or_default(),
            patch: patch_strategy(map, place)?.unwrap_or_default(),
            merge_key: text(map, "x-kubernetes-patch-merge-key").map(|key| self.word(key)),
            additional,
            items,
            fields: self.fields(map, unknown, place)?,
            keys: self.texts(map.get("x-kubernetes-list-map-keys"), place)?,
            required: self.texts(map.get("required"), place)?,
            default: None,
            limits: self.limits(map, place)?,
        };
        if node.embedded_resource {
            self.embed(&mut node)?;
        }
        if node.list == ListType::Map && node.keys.length == 0 {
            return Err(place.error("has no x-kubernetes-list-map-keys".to_owned()));
        }
        node.default = map.get("default").map(|default| self.default(default));
        Ok(self.shared(node))
    }

    /// A definition by its name, or a copy of it where the place that refers to it says more.
    fn refer(&mut self, name: &str, map: &Map<String, Value>, place: &Place<'_>) -> Result<Id, ReadError> {
        let known = if self.references { self.schemas.definition(name) } else { None };
        let target = known.ok_or_else(|| place.error(format!("refers to {name}, which is not there")))?;
        let overrides = Overrides {
            default: map.get("default").map(|default| self.default(default)),
            nullable: is_true(map, "nullable"),
            map: map_type(map, place)?,
            patch: patch_strategy(map, place)?,
        };
        if overrides == Overrides::default() {
            return Ok(target);
        }
        let key = (target, overrides);
        if let Some(copy) = self.copied.get(&key) {
            return Ok(*copy);
        }
        let copy = self.push(Node::default());
        self.copies.push((copy, target, key.1.clone()));
        self.copied.insert(key, copy);
        Ok(copy)
    }

    /// Declares what every object has, where a whole object is a value.
    fn embed(&mut self, node: &mut Node) -> Result<(), ReadError> {
        let text = self.shared(Node { kind: Type::String, ..Node::default() });
        let meta = self.schemas.object_meta();
        let declared = node.fields.of(&self.schemas.fields).to_vec();
        node.fields = self.with_fields(declared, &[("apiVersion", text), ("kind", text), ("metadata", meta)])?;
        let mut required = node.required.of(&self.schemas.texts).to_vec();
        for name in ["apiVersion", "kind"] {
            let name = self.word(name);
            if !required.contains(&name) {
                required.push(name);
            }
        }
        node.required = run(&mut self.schemas.texts, required)?;
        Ok(())
    }

    /// The fields, and others in place of those of the same name.
    pub(crate) fn with_fields(&mut self, declared: Vec<Field>, more: &[(&str, Id)]) -> Result<Range, ReadError> {
        let is_more = |field: &Field| more.iter().any(|(name, _)| *field.name == **name);
        let mut fields: Vec<Field> = declared.into_iter().filter(|field| !is_more(field)).collect();
        fields.extend(more.iter().map(|(name, node)| Field::new(self.word(name), *node)));
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        run(&mut self.schemas.fields, fields)
    }

    fn fields(&mut self, map: &Map<String, Value>, unknown: bool, place: &Place<'_>) -> Result<Range, ReadError> {
        let Some(properties) = map.get("properties") else { return Ok(Range::default()) };
        let place = place.at("properties");
        let properties = properties.as_object().ok_or_else(|| place.error("is not a map".to_owned()))?;
        let mut fields = Vec::with_capacity(properties.len());
        for (name, schema) in properties {
            let node = self.read(schema, unknown, &place.at(name))?;
            fields.push(Field::new(self.word(name), node));
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        run(&mut self.schemas.fields, fields)
    }

    fn limits(&mut self, map: &Map<String, Value>, place: &Place<'_>) -> Result<Option<u32>, ReadError> {
        let number = |key: &str| map.get(key).and_then(Value::as_f64);
        let count = |key: &str| map.get(key).and_then(whole);
        let mut limits = Limits {
            one_of_values: map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            pattern: text(map, "pattern").filter(|pattern| !pattern.is_empty()).map(Into::into),
            minimum: number("minimum"),
            maximum: number("maximum"),
            exclusive_minimum: is_true(map, "exclusiveMinimum"),
            exclusive_maximum: is_true(map, "exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: is_true(map, "uniqueItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            rules: rules(map, place)?,
            ..Limits::default()
        };
        limits.all_of = self.alternatives(map, "allOf", place)?;
        limits.any_of = self.alternatives(map, "anyOf", place)?;
        limits.one_of = self.alternatives(map, "oneOf", place)?;
        limits.not = match map.get("not") {
            Some(schema) => Some(self.read(schema, false, &place.at("not"))?),
            None => None,
        };
        if limits == Limits::default() {
            return Ok(None);
        }
        self.schemas.limits.push(limits);
        Ok(u32::try_from(self.schemas.limits.len() - 1).ok())
    }

    fn alternatives(&mut self, map: &Map<String, Value>, key: &str, place: &Place<'_>) -> Result<Vec<Id>, ReadError> {
        let Some(list) = map.get(key) else { return Ok(Vec::new()) };
        let place = place.at(key);
        let list = list.as_array().ok_or_else(|| place.error("is not a list".to_owned()))?;
        list.iter().map(|schema| self.read(schema, false, &place)).collect()
    }

    fn format(&mut self, map: &Map<String, Value>) -> Format {
        match text(map, "format") {
            None | Some("") => Format::None,
            Some("byte") => Format::Byte,
            Some("date-time") => Format::DateTime,
            Some("int32") => Format::Int32,
            Some("int64") => Format::Int64,
            Some(other) => Format::Other(self.word(other)),
        }
    }

    fn default(&mut self, value: &Value) -> u32 {
        let defaults = &mut self.schemas.defaults;
        let index = defaults.iter().position(|known| known == value).unwrap_or_else(|| {
            defaults.push(value.clone());
            defaults.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn texts(&mut self, list: Option<&Value>, place: &Place<'_>) -> Result<Range, ReadError> {
        let Some(list) = list else { return Ok(Range::default()) };
        let strings = list.as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        let strings = strings.ok_or_else(|| place.error("has something else where names are due".to_owned()))?;
        let words = strings.into_iter().map(|word| self.word(word)).collect();
        run(&mut self.schemas.texts, words)
    }

    /// A text, shared with all that are equal.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.schemas.words.get(text) {
            return word.clone();
        }
        let word: Arc<str> = text.into();
        self.schemas.words.insert(word.clone());
        word
    }

    /// The node, shared with all that are equal if it owns nothing.
    fn shared(&mut self, node: Node) -> Id {
        let owns = node.fields.length + node.keys.length + node.required.length > 0 || node.limits.is_some();
        if owns {
            return self.push(node);
        }
        if let Some(id) = self.schemas.leaves.get(&node) {
            return *id;
        }
        let id = self.push(node.clone());
        self.schemas.leaves.insert(node, id);
        id
    }

    fn push(&mut self, node: Node) -> Id {
        self.schemas.nodes.push(node);
        Id(u32::try_from(self.schemas.nodes.len() - 1).unwrap_or(0))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let [nodes, fields, texts, defaults, limits] = self.before;
        let is_old = |id: &Id| (id.0 as usize) < nodes;
        self.schemas.nodes.truncate(nodes);
        self.schemas.fields.truncate(fields);
        self.schemas.texts.truncate(texts);
        self.schemas.defaults.truncate(defaults);
        self.schemas.limits.truncate(limits);
        self.schemas.names.retain(|_, id| is_old(id));
        self.schemas.kinds.retain(|_, id| is_old(id));
        self.schemas.leaves.retain(|_, id| is_old(id));
    }
}

/// Where in the document a schema is.
pub(crate) struct Place<'a> {
    outer: Option<&'a Place<'a>>,
    step: &'a str,
    depth: usize,
}

impl<'a> Place<'a> {
    pub(crate) fn root(step: &'a str) -> Self {
        Self { outer: None, step, depth: 0 }
    }

    fn at<'b>(&'b self, step: &'b str) -> Place<'b> {
        Place { outer: Some(self), step, depth: self.depth + 1 }
    }

    pub(crate) fn error(&self, problem: String) -> ReadError {
        let mut steps = vec![self.step];
        let mut place = self;
        while let Some(outer) = place.outer {
            steps.push(outer.step);
            place = outer;
        }
        steps.reverse();
        ReadError { path: steps.join("."), problem }
    }
}

fn refers_to_itself() -> ReadError {
    ReadError { path: "$ref".to_owned(), problem: "refers to itself".to_owned() }
}

/// Appends items to one of the arena's vectors.
fn run<T>(all: &mut Vec<T>, items: Vec<T>) -> Result<Range, ReadError> {
    let (Ok(start), Ok(length)) = (u32::try_from(all.len()), u32::try_from(items.len())) else {
        return Err(ReadError { path: String::new(), problem: "has too many types".to_owned() });
    };
    all.extend(items);
    Ok(Range { start, length })
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

fn is_true(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// The definition that a schema refers to: by itself, or as the only one of `allOf`, which leaves room for attributes.
fn reference(map: &Map<String, Value>) -> Option<&str> {
    let all_of = || match map.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only.get("$ref"),
        _ => None,
    };
    let target = map.get("$ref").or_else(all_of)?.as_str()?;
    target.rsplit('/').next()
}

/// A count, which may be written `1.0`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count without a fraction, below 2^53")]
fn whole(value: &Value) -> Option<u64> {
    let float = value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..9e15).contains(float));
    value.as_u64().or(float.map(|float| float as u64))
}

fn kind(map: &Map<String, Value>, place: &Place<'_>) -> Result<Type, ReadError> {
    let is_either = is_true(map, "x-kubernetes-int-or-string") || text(map, "format") == Some("int-or-string");
    match text(map, "type") {
        _ if is_either => Ok(Type::IntOrString),
        None | Some("") => Ok(Type::Any),
        Some("boolean") => Ok(Type::Boolean),
        Some("integer") => Ok(Type::Integer),
        Some("number") => Ok(Type::Number),
        Some("string") => Ok(Type::String),
        Some("array") => Ok(Type::Array),
        Some("object") => Ok(Type::Object),
        Some(other) => Err(place.error(format!("has the type {other:?}, which is none of JSON's"))),
    }
}

fn list_type(map: &Map<String, Value>, place: &Place<'_>) -> Result<ListType, ReadError> {
    match text(map, "x-kubernetes-list-type") {
        None => Ok(ListType::Unset),
        Some("atomic") => Ok(ListType::Atomic),
        Some("set") => Ok(ListType::Set),
        Some("map") => Ok(ListType::Map),
        Some(other) => Err(place.error(format!("has the list type {other:?}, not atomic, set or map"))),
    }
}

fn map_type(map: &Map<String, Value>, place: &Place<'_>) -> Result<Option<MapType>, ReadError> {
    match text(map, "x-kubernetes-map-type") {
        None => Ok(None),
        Some("granular") => Ok(Some(MapType::Granular)),
        Some("atomic") => Ok(Some(MapType::Atomic)),
        Some(other) => Err(place.error(format!("has the map type {other:?}, not granular or atomic"))),
    }
}

fn patch_strategy(map: &Map<String, Value>, place: &Place<'_>) -> Result<Option<PatchStrategy>, ReadError> {
    match text(map, "x-kubernetes-patch-strategy") {
        None => Ok(None),
        Some("merge") => Ok(Some(PatchStrategy::Merge)),
        Some("retainKeys") => Ok(Some(PatchStrategy::RetainKeys)),
        Some("merge,retainKeys") => Ok(Some(PatchStrategy::MergeRetainKeys)),
        Some("replace") => Ok(Some(PatchStrategy::Replace)),
        Some(other) => Err(place.error(format!("has the patch strategy {other:?}, which nobody knows"))),
    }
}

fn rules(map: &Map<String, Value>, place: &Place<'_>) -> Result<Vec<Rule>, ReadError> {
    let Some(list) = map.get("x-kubernetes-validations") else { return Ok(Vec::new()) };
    let place = place.at("x-kubernetes-validations");
    let rules = list.as_array().ok_or_else(|| place.error("is not a list".to_owned()))?;
    let read = |rule: &Value| {
        let rule = rule.as_object().ok_or_else(|| place.error("has something that is no rule".to_owned()))?;
        let of = |key: &str| text(rule, key).unwrap_or_default().to_owned();
        Ok(Rule {
            rule: of("rule"),
            message: of("message"),
            message_expression: of("messageExpression"),
            reason: of("reason"),
            field_path: of("fieldPath"),
            optional_old_self: is_true(rule, "optionalOldSelf"),
        })
    };
    rules.iter().map(read).collect()
}
