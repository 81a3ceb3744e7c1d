//! Variables: `$(NAME)` in certain fields becomes the value of another object's field.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply;
use crate::config::Field;
use crate::error::{Fault, Place, Problem, Reason, nearest};
use crate::file;
use crate::go;
use crate::id::{Gvk, Id, group_version};
use crate::node::{Node, Scalar, Tag};
use crate::path;
use crate::resource::Text;
use crate::set::Set;

/// A variable and where it was declared.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    var: file::Var,
    place: Place,
}

/// The variables of a build so far, by name.
pub(crate) type Vars = BTreeMap<Text, Declared>;

/// Declares variables and marks the objects that they read.
pub(crate) fn declare(set: &mut Set, vars: &mut Vars, new: &[file::Var], place: &Place) -> Result<(), Fault> {
    for var in new {
        let place = Place { line: var.line, ..place.clone() };
        mark(set, var)
            .and_then(|()| add(vars, Declared { var: var.clone(), place: place.clone() }))
            .map_err(|fault| fault.at(&place))?;
    }
    Ok(())
}

/// Takes over the variables of a base.
pub(crate) fn merge(vars: &mut Vars, other: Vars) -> Result<(), Fault> {
    other.into_values().try_for_each(|declared| add(vars, declared))
}

fn add(vars: &mut Vars, declared: Declared) -> Result<(), Fault> {
    if let Some(first) = vars.get(declared.var.name.as_str()) {
        let fault = Reason::invalid(format!("var '{}' already encountered", declared.var.name));
        return Err(fault.at(&declared.place).hint(Some(format!("the first one is at {}", first.place))));
    }
    vars.insert(declared.var.name.as_str().into(), declared);
    Ok(())
}

fn mark(set: &mut Set, var: &file::Var) -> Result<(), Fault> {
    let reference = &var.objref;
    let (group, version) = if reference.api_version.is_empty() {
        (reference.group.as_str(), reference.version.as_str())
    } else {
        match group_version(&reference.api_version) {
            ("", version) => (reference.group.as_str(), version),
            both => both,
        }
    };
    let gvk = Gvk { group, version, kind: &reference.kind };
    let wanted = Id { gvk, name: &reference.name, namespace: &reference.namespace, cluster: false };
    let fits = |id: &Id<'_>| {
        if reference.namespace.is_empty() { wanted.same_but_namespace(id) } else { wanted == *id }
    };
    let found: Vec<usize> =
        set.iter().enumerate().filter(|(_, resource)| resource.all_ids().any(|id| fits(&id))).map(|(i, _)| i).collect();
    match found.as_slice() {
        [] => Ok(()),
        [i] => {
            if let Some(resource) = set.get_mut_same_id(*i) {
                resource.vars.push(var.name.as_str().into());
            }
            Ok(())
        }
        many => {
            let what = format!("found {} resId matches for var {} (unable to disambiguate)", many.len(), var.name);
            let candidates = many.iter().filter_map(|&i| set.get(i)).map(|r| r.subject().to_string()).collect();
            Err(Reason::Ambiguous { what, candidates }.into())
        }
    }
}

/// Replaces all variables; returns those that nothing used.
pub(crate) fn resolve(set: &mut Set, vars: &Vars, fields: &[Field]) -> Result<Vec<String>, Vec<Problem>> {
    if vars.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, declared) in vars {
        match read(set, declared) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(fault) => problems.push(*fault.at(&declared.place)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut replacer = Replacer { values: &values, used: BTreeSet::new() };
    for i in 0..set.len() {
        let Some(resource) = set.get_mut_same_id(i) else { continue };
        for field in fields {
            apply::field(&mut resource.node, field, None, &mut |node| replacer.field(node))
                .map_err(|fault| vec![*fault.on(|| resource.subject())])?;
        }
        resource.spread();
    }
    set.forget();
    let used = replacer.used;
    Ok(values.keys().filter(|name| !used.contains(*name)).map(ToString::to_string).collect())
}

fn read(set: &Set, declared: &Declared) -> Result<Option<Scalar>, Fault> {
    let var = &declared.var;
    let Some(resource) = set.iter().find(|resource| resource.vars.iter().any(|name| **name == *var.name)) else {
        let what = format!("var '{}' cannot be mapped to a field in the set of known resources", var.name);
        let names = set.iter().filter(|r| r.gvk().kind == var.objref.kind).map(|r| r.original_id().name);
        let near = nearest(&var.objref.name, names).map(|near| format!("did you mean {near:?}?"));
        let hint = near.or_else(|| Some(format!("there is no {} of that name", var.objref.kind)));
        return Err(Fault::from(Reason::NoMatch { what }).hint(hint));
    };
    let path = if var.fieldref.field_path.is_empty() { "metadata.name" } else { &var.fieldref.field_path };
    let missing = || {
        Reason::apply(format!("field {path:?} of var '{}' not found in corresponding resource", var.name))
            .on(|| resource.subject())
    };
    let found = path::lookup(&resource.node, &path::split_var(path)).map_err(|_| missing())?.ok_or_else(missing)?;
    let Node::Scalar(scalar) = found else { return Ok(None) };
    let value = match scalar.tag {
        Tag::Int => scalar.text.parse::<i64>().map_err(|_| missing()).map(|n| Scalar::new(n.to_string(), Tag::Int))?,
        Tag::Float => {
            let float = scalar.text.parse::<f64>().map_err(|_| missing())?;
            Scalar::new(format!("{float}"), Tag::Float)
        }
        Tag::Bool => match &*scalar.text.to_ascii_lowercase() {
            text @ ("true" | "false") => Scalar::new(text, Tag::Bool),
            _ => return Err(missing()),
        },
        _ => Scalar::str(&*scalar.text),
    };
    Ok(Some(value))
}

struct Replacer<'v> {
    /// Values by name; none for maps and lists, which are left alone.
    values: &'v BTreeMap<Text, Option<Scalar>>,
    used: BTreeSet<Text>,
}

impl Replacer<'_> {
    fn field(&mut self, node: &mut Node) -> Result<(), Fault> {
        match node {
            Node::Scalar(scalar) => self.scalar(scalar),
            Node::Map(map) => {
                for value in map.values_mut() {
                    if let Node::Scalar(scalar) = value {
                        self.scalar(scalar);
                    }
                }
            }
            Node::List(items) => {
                for item in items {
                    match item {
                        Node::Scalar(scalar) if scalar.is_string() => self.scalar(scalar),
                        _ => return Err(Reason::apply("invalid value type expect a string")),
                    }
                }
            }
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: &mut Scalar) {
        // kustomize writes every text anew, also one without variables.
        scalar.unfold();
        if scalar.is_string() && (scalar.text.contains('$') || scalar.tag == Tag::Unknown) {
            let value = self.expand(&scalar.text);
            scalar.become_value(value.text, value.tag);
            scalar.quote = value.quote;
        }
    }

    /// The text with its variables replaced; a text that is one variable takes over the variable's type.
    fn expand(&mut self, text: &str) -> Scalar {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(dollar) = rest.find('$').filter(|dollar| dollar + 1 < rest.len()) {
            result.push_str(&rest[..dollar]);
            let behind = &rest[dollar + 1..];
            if let Some(escaped) = behind.strip_prefix('$') {
                result.push('$');
                rest = escaped;
            } else if let Some(inside) = behind.strip_prefix('(') {
                let Some(end) = inside.find(')') else {
                    result.push_str("$(");
                    rest = inside;
                    continue;
                };
                let name = &inside[..end];
                rest = &inside[end + 1..];
                match self.value(name) {
                    Some(value) if text.len() == name.len() + 3 => return value,
                    Some(value) => result.push_str(&in_text(&value)),
                    None => {
                        result.push_str("$(");
                        result.push_str(name);
                        result.push(')');
                    }
                }
            } else {
                result.push('$');
                rest = behind;
                let next = rest.chars().next().map_or(0, char::len_utf8);
                result.push_str(&rest[..next]);
                rest = &rest[next..];
            }
        }
        result.push_str(rest);
        Scalar::str(result)
    }

    fn value(&mut self, name: &str) -> Option<Scalar> {
        let (key, value) = self.values.get_key_value(name)?;
        let value = value.clone()?;
        self.used.insert(key.clone());
        Some(value)
    }
}

/// A value as Go's `%v` prints it inside a text.
fn in_text(value: &Scalar) -> String {
    match (value.tag, value.text.parse::<f64>()) {
        (Tag::Float, Ok(float)) if !(1e-4..1e21).contains(&float.abs()) && float != 0.0 => go::format_float(float),
        _ => value.text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::Replacer;
    use crate::node::{Scalar, Tag};

    #[test]
    fn variables_are_expanded_as_in_kustomize() {
        let values: BTreeMap<_, _> = [
            ("A", Some(Scalar::str("a"))),
            ("N", Some(Scalar::new("5", Tag::Int))),
            ("REF", Some(Scalar::str("$(A)"))),
            ("MAP", None),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
        let mut replacer = Replacer { values: &values, used: BTreeSet::new() };
        for (text, expected) in [
            ("$(A)-$(N)", serde_json::json!("a-5")),
            ("$(N)", serde_json::json!(5)),
            ("$(REF)", serde_json::json!("$(A)")),
            ("$$(A)_$(A)", serde_json::json!("$(A)_a")),
            ("$$$$$$$(A)", serde_json::json!("$$$a")),
            ("$(A$(N))", serde_json::json!("$(A$(N))")),
            ("$(MAP) $(NONE)", serde_json::json!("$(MAP) $(NONE)")),
            ("foo$(Awhoops!", serde_json::json!("foo$(Awhoops!")),
            ("--$($($($(--", serde_json::json!("--$($($($(--")),
            ("$?_boo_$!", serde_json::json!("$?_boo_$!")),
            ("$(A)foo$", serde_json::json!("afoo$")),
            ("${A}", serde_json::json!("${A}")),
        ] {
            assert_eq!(replacer.expand(text).to_value().unwrap(), expected, "{text}");
        }
        assert_eq!(replacer.used.len(), 3);
    }
}
