//! Which requests a policy or a binding is about.

use object::selector::LabelSelector;
use serde_json::Value;

use crate::{Operation, Request, Row, World};

/// `matchConstraints`, `matchResources`.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    namespaces: LabelSelector,
    objects: LabelSelector,
    rules: Vec<Rule>,
    exclude: Vec<Rule>,
    /// Whether a rule that names another version of the same objects is meant too.
    equivalent: bool,
}

#[derive(Debug)]
struct Rule {
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<String>,
    names: Vec<String>,
    scope: String,
}

impl Matching {
    pub(crate) fn read(value: Option<&Value>) -> Self {
        let Some(value) = value else { return Self::default() };
        let rules = |key: &str| {
            let rules = value.get(key).and_then(Value::as_array).into_iter().flatten();
            rules.map(Rule::read).collect()
        };
        Self {
            namespaces: value.get("namespaceSelector").map(LabelSelector::of).unwrap_or_default(),
            objects: value.get("objectSelector").map(LabelSelector::of).unwrap_or_default(),
            rules: rules("resourceRules"),
            exclude: rules("excludeResourceRules"),
            equivalent: value.get("matchPolicy").is_some_and(|policy| policy == "Equivalent"),
        }
    }

    /// The row as which a request matches, if it does.
    pub(crate) fn find<'a>(&self, request: &Request<'a>, world: &dyn World) -> Option<Row<'a>> {
        let matches = self.matches_namespace(request, world)
            && self.matches_object(request)
            && self.rule(&self.exclude, request).is_none();
        if !matches {
            return None;
        }
        if self.rules.is_empty() { Some(request.row) } else { self.rule(&self.rules, request) }
    }

    fn rule<'a>(&self, rules: &[Rule], request: &Request<'a>) -> Option<Row<'a>> {
        let equivalents: &[Row<'a>] = if self.equivalent { &request.equivalents } else { &[] };
        let mut rows = std::iter::once(&request.row).chain(equivalents);
        rows.find(|row| rules.iter().any(|rule| rule.matches(**row, request))).copied()
    }

    fn matches_namespace(&self, request: &Request<'_>, world: &dyn World) -> bool {
        let is_namespace = is_namespace(request.row);
        if self.namespaces == LabelSelector::default() || (request.namespace.is_empty() && !is_namespace) {
            return true;
        }
        if is_namespace && request.subresource.is_empty() && request.operation != Operation::Delete {
            return request.object.is_some_and(|object| self.namespaces.selects(object));
        }
        world.namespace(request.namespace).is_some_and(|namespace| self.namespaces.selects(&namespace))
    }

    fn matches_object(&self, request: &Request<'_>) -> bool {
        self.objects == LabelSelector::default()
            || [request.object, request.old].into_iter().flatten().any(|object| self.objects.selects(object))
    }
}

pub(crate) fn is_namespace(row: Row<'_>) -> bool {
    row.group.is_empty() && row.resource == "namespaces"
}

impl Rule {
    fn read(value: &Value) -> Self {
        let texts = |key: &str| {
            let texts = value.get(key).and_then(Value::as_array).into_iter().flatten();
            texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        Self {
            groups: texts("apiGroups"),
            versions: texts("apiVersions"),
            resources: texts("resources"),
            operations: texts("operations"),
            names: texts("resourceNames"),
            scope: crate::text(value, "/scope").to_owned(),
        }
    }

    fn matches(&self, row: Row<'_>, request: &Request<'_>) -> bool {
        let is_in_cluster = is_namespace(row) || request.namespace.is_empty();
        let resource = self.resources.iter().any(|rule| {
            let (resource, below) = rule.split_once('/').unwrap_or((rule, ""));
            is(resource, row.resource) && is(below, request.subresource)
        });
        let scope = match self.scope.as_str() {
            "Cluster" => is_in_cluster,
            "Namespaced" => !is_in_cluster,
            _ => true,
        };
        scope
            && resource
            && self.operations.iter().any(|one| is(one, request.operation.name()))
            && self.groups.iter().any(|one| is(one, row.group))
            && self.versions.iter().any(|one| is(one, row.version))
            && (self.names.is_empty() || self.names.iter().any(|name| name == request.name))
    }
}

fn is(rule: &str, asked: &str) -> bool {
    rule == "*" || rule == asked
}
