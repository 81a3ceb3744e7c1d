//! Decisions on requests, and how they are said.

use std::collections::BTreeMap;

use super::*;

/// A cluster of objects by API version, kind and namespace.
#[derive(Default)]
struct Cluster {
    objects: BTreeMap<(&'static str, &'static str, &'static str), Vec<Value>>,
}

impl World for Cluster {
    fn namespace(&self, name: &str) -> Option<Value> {
        self.objects("v1", "Namespace", "").into_iter().find(|object| text(object, "/metadata/name") == name)
    }

    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        let mut keys = self.objects.keys().filter(|(version, one, _)| *version == api_version && *one == kind);
        keys.next().map(|(_, _, namespace)| !namespace.is_empty())
    }

    fn objects(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        self.objects.get(&(api_version, kind, namespace)).cloned().unwrap_or_default()
    }
}

/// Everybody may read, and `ops/root` may do everything.
#[derive(Debug)]
struct Readers;

impl Authorizer for Readers {
    fn check(&self, service_account: Option<(&str, &str)>, access: &Access) -> Verdict {
        let allowed = access.verb == "get" || service_account == Some(("ops", "root"));
        Verdict { allowed, reason: format!("{}/{}/{}", access.namespace, access.resource, access.name) }
    }
}

const CONFIG_MAPS: Row<'static> = Row { group: "", version: "v1", resource: "configmaps", kind: "ConfigMap" };

fn request<'a>(object: Option<&'a Value>, old: Option<&'a Value>) -> Request<'a> {
    let operation = match (object, old) {
        (Some(_), None) => Operation::Create,
        (Some(_), Some(_)) => Operation::Update,
        _ => Operation::Delete,
    };
    Request {
        operation,
        row: CONFIG_MAPS,
        equivalents: Vec::new(),
        subresource: "",
        namespace: "apps",
        name: "settings",
        user: json!({ "username": "ada", "groups": ["system:authenticated"] }),
        dry_run: false,
        options: json!({}),
        object,
        old,
    }
}

fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    let namespace = json!({ "metadata": { "name": "apps", "labels": { "team": "a" } } });
    cluster.objects.insert(("v1", "Namespace", ""), vec![namespace]);
    cluster
}

fn config_map() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "settings", "namespace": "apps", "labels": { "tier": "web" } },
        "data": { "size": "3" },
    })
}

fn policy(spec: &Value) -> Arc<Policy> {
    let mut spec = spec.clone();
    if spec.get("matchConstraints").is_none() {
        spec["matchConstraints"] = json!({ "matchPolicy": "Equivalent", "resourceRules": [
            { "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "*" },
        ] });
    }
    Arc::new(Policy::read(&json!({ "metadata": { "name": "rules" }, "spec": spec })))
}

fn binding(spec: &Value) -> Binding {
    let mut spec = spec.clone();
    spec["policyName"] = "rules".into();
    if spec.get("validationActions").is_none() {
        spec["validationActions"] = json!(["Deny"]);
    }
    Binding::read(&json!({ "metadata": { "name": "everywhere" }, "spec": spec }))
}

fn decided(policy_spec: &Value, binding_spec: &Value, request: &Request<'_>, cluster: &Cluster) -> Decision {
    let authorizer: Arc<dyn Authorizer> = Arc::new(Readers);
    decide(&[policy(policy_spec)], &[binding(binding_spec)], request, &authorizer, cluster)
}

/// What an expression says of a new ConfigMap: nothing when it is true.
#[track_caller]
fn refused(expression: &str) -> Option<String> {
    let object = config_map();
    let spec = json!({ "validations": [{ "expression": expression, "message": "no" }] });
    decided(&spec, &json!({}), &request(Some(&object), None), &cluster()).denied.map(|denial| denial.message)
}

const NO: &str = "ValidatingAdmissionPolicy 'rules' with binding 'everywhere' denied request: no";

#[test]
fn expressions_see_the_request() {
    for expression in [
        "object.metadata.name == 'settings' && oldObject == null",
        "int(object.data.size) < 4",
        "request.operation == 'CREATE' && request.namespace == 'apps' && request.resource.resource == 'configmaps'",
        "request.userInfo.username == 'ada' && !has(request.subResource) && request.dryRun == false",
        "namespaceObject.metadata.labels.team == 'a'",
        "params == null",
        "quantity('1Gi').isGreaterThan(quantity('1Mi'))",
        "authorizer.group('').resource('pods').namespace('apps').check('get').allowed()",
        "!authorizer.path('/healthz').check('post').allowed()",
        "authorizer.serviceAccount('ops', 'root').group('').resource('pods').check('delete').allowed()",
        "authorizer.requestResource.check('get').reason() == 'apps/configmaps/settings'",
        "!authorizer.requestResource.check('create').allowed() && !authorizer.requestResource.check('get').errored()",
    ] {
        assert_eq!(refused(expression), None, "{expression}");
    }
    for expression in ["object.data.size == '4'", "has(object.binaryData)", "request.operation == 'DELETE'"] {
        assert_eq!(refused(expression).as_deref(), Some(NO), "{expression}");
    }
}

#[test]
fn the_message_is_the_best_that_there_is() {
    let object = config_map();
    let said = |validation: Value| {
        let spec = json!({ "validations": [validation] });
        let denial = decided(&spec, &json!({}), &request(Some(&object), None), &cluster()).denied.unwrap();
        (denial.message.rsplit("denied request: ").next().unwrap().to_owned(), denial.reason)
    };
    let invalid = |text: &str| (text.to_owned(), "Invalid".to_owned());
    assert_eq!(said(json!({ "expression": " false " })), invalid("failed expression: false"));
    assert_eq!(said(json!({ "expression": "false", "message": " so " })), invalid("so"));
    let told = json!({ "expression": "false", "message": "so", "messageExpression": "'not ' + object.metadata.name" });
    assert_eq!(said(told), invalid("not settings"));
    for unfit in ["1", "object.nothing", "'a\\nb'", "'  '"] {
        let told = json!({ "expression": "false", "message": "so", "messageExpression": unfit });
        assert_eq!(said(told), invalid("so"), "{unfit}");
    }
    let reason = said(json!({ "expression": "false", "message": "so", "reason": "Forbidden" }));
    assert_eq!(reason, ("so".to_owned(), "Forbidden".to_owned()));
}

#[test]
fn what_cannot_be_told_is_refused_unless_the_policy_says_otherwise() {
    let object = config_map();
    let request = request(Some(&object), None);
    let denial = |spec: Value| decided(&spec, &json!({}), &request, &cluster()).denied.map(|denial| denial.message);
    let broken = json!([{ "expression": "object.data.nothing == 'x'" }]);
    let said = denial(json!({ "validations": broken })).unwrap();
    assert!(said.contains("denied request: expression 'object.data.nothing == 'x'' resulted in error: "), "{said}");
    assert_eq!(denial(json!({ "failurePolicy": "Ignore", "validations": broken })), None);
    let said = denial(json!({ "validations": [{ "expression": "1 +" }] })).unwrap();
    assert!(said.contains("denied request: compilation error: "), "{said}");
    let annotation = json!([{ "key": "k", "valueExpression": "1" }]);
    let said = denial(json!({ "auditAnnotations": annotation })).unwrap();
    assert!(said.contains("valueExpression '1' resulted in unsupported return type: int"), "{said}");
}

#[test]
fn variables_are_told_in_order_when_they_are_asked_for() {
    let object = config_map();
    let request = request(Some(&object), None);
    let denial = |variables: Value, expression: &str| {
        let spec = json!({ "variables": variables, "validations": [{ "expression": expression, "message": "no" }] });
        decided(&spec, &json!({}), &request, &cluster()).denied.map(|denial| denial.message)
    };
    let variables = json!([
        { "name": "size", "expression": "int(object.data.size)" },
        { "name": "twice", "expression": "variables.size * 2" },
        { "name": "never", "expression": "object.nothing.at.all" },
        { "name": "later", "expression": "variables.last" },
        { "name": "last", "expression": "1" },
    ]);
    assert_eq!(denial(variables.clone(), "variables.twice == 6"), None);
    assert_eq!(denial(variables.clone(), "variables.twice == 7").as_deref(), Some(NO));
    assert_eq!(denial(variables.clone(), "variables.size == 3 || variables.never"), None);
    let said = denial(variables.clone(), "variables.never == 1").unwrap();
    assert!(said.contains("resulted in error: composited variable \"never\" fails to evaluate: "), "{said}");
    assert!(denial(variables, "variables.later == 1").is_some());
}

#[test]
fn conditions_choose_the_requests() {
    let object = config_map();
    let request = request(Some(&object), None);
    let denial = |conditions: &[&str], fails: &str| {
        let conditions: Vec<Value> = conditions.iter().map(|one| json!({ "name": "c", "expression": one })).collect();
        let spec = json!({
            "failurePolicy": fails,
            "matchConditions": conditions,
            "validations": [{ "expression": "false", "message": "no" }],
        });
        decided(&spec, &json!({}), &request, &cluster()).denied.map(|denial| denial.message)
    };
    assert_eq!(denial(&["true"], "Fail").as_deref(), Some(NO));
    assert_eq!(denial(&["true", "false"], "Fail"), None);
    assert_eq!(denial(&["object.nothing", "false"], "Fail"), None);
    let said = denial(&["object.nothing", "true"], "Fail").unwrap();
    assert!(said.contains("denied request: expression 'object.nothing' resulted in error: "), "{said}");
    assert_eq!(denial(&["object.nothing"], "Ignore"), None);
}

#[test]
fn bindings_say_what_is_done() {
    let object = config_map();
    let request = request(Some(&object), None);
    let spec = json!({ "validations": [{ "expression": "false", "message": "no" }] });
    let said = |actions: Value| decided(&spec, &json!({ "validationActions": actions }), &request, &cluster());
    let warning = "Validation failed for ValidatingAdmissionPolicy 'rules' with binding 'everywhere': no";
    let warned = said(json!(["Warn", "Audit"]));
    assert_eq!((warned.denied, warned.warnings), (None, vec![warning.to_owned()]));
    assert_eq!(said(json!(["Audit"])), Decision::default());
    assert!(said(json!(["Deny", "Audit"])).denied.is_some());
}

#[test]
fn rules_and_selectors_say_what_is_meant() {
    let object = config_map();
    let (new, deleted) = (request(Some(&object), None), request(None, Some(&object)));
    let spec = |matching: Value| json!({ "matchConstraints": matching, "validations": [{ "expression": "false" }] });
    let rule = |operations: Value, resources: Value| json!({ "apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": resources });
    let meant = |matching: Value, request: &Request<'_>| {
        decided(&spec(matching), &json!({}), request, &cluster()).denied.is_some()
    };
    let one = |rule: Value| json!({ "resourceRules": [rule] });
    assert!(meant(one(rule(json!(["CREATE"]), json!(["configmaps"]))), &new));
    assert!(!meant(one(rule(json!(["CREATE"]), json!(["configmaps"]))), &deleted));
    assert!(meant(one(rule(json!(["DELETE"]), json!(["*"]))), &deleted));
    assert!(!meant(one(rule(json!(["*"]), json!(["configmaps/status"]))), &new));
    assert!(meant(one(rule(json!(["*"]), json!(["*/*"]))), &Request { subresource: "status", ..new.clone() }));
    let with = |key: &str, value: Value| {
        let mut matching = one(rule(json!(["*"]), json!(["configmaps"])));
        matching[key] = value;
        matching
    };
    let selector = |key: &str, value: &str| json!({ "matchLabels": { key: value } });
    assert!(meant(with("namespaceSelector", selector("team", "a")), &new));
    assert!(!meant(with("namespaceSelector", selector("team", "b")), &new));
    assert!(meant(with("objectSelector", selector("tier", "web")), &deleted));
    let absent = json!({ "matchExpressions": [{ "key": "tier", "operator": "DoesNotExist" }] });
    assert!(!meant(with("objectSelector", absent), &new));
    let mut named = rule(json!(["*"]), json!(["configmaps"]));
    named["resourceNames"] = json!(["settings"]);
    assert!(meant(one(named.clone()), &new));
    assert!(!meant(with("excludeResourceRules", json!([named])), &new));
    for (scope, is_meant) in [("Namespaced", true), ("Cluster", false)] {
        let mut scoped = rule(json!(["*"]), json!(["configmaps"]));
        scoped["scope"] = scope.into();
        assert_eq!(meant(one(scoped), &new), is_meant, "{scope}");
    }
}

#[test]
fn another_version_of_the_same_is_meant_too() {
    let object = json!({ "apiVersion": "example.com/v1", "kind": "Thing" });
    let row = |version| Row { group: "example.com", version, resource: "things", kind: "Thing" };
    let request = Request { row: row("v1"), equivalents: vec![row("v1beta1")], ..request(Some(&object), None) };
    let denial = |matching: &str| {
        let rule = json!({ "apiGroups": ["example.com"], "apiVersions": ["v1beta1"], "operations": ["*"], "resources": ["things"] });
        let spec = json!({
            "matchConstraints": { "matchPolicy": matching, "resourceRules": [rule] },
            "validations": [{ "expression": "false", "messageExpression": "object.apiVersion + ' ' + request.requestKind.version" }],
        });
        decided(&spec, &json!({}), &request, &cluster()).denied.map(|denial| denial.message)
    };
    assert!(denial("Equivalent").unwrap().ends_with("denied request: example.com/v1beta1 v1"));
    assert_eq!(denial("Exact"), None);
}

#[test]
fn parameters_are_objects_of_the_cluster() {
    let object = config_map();
    let request = request(Some(&object), None);
    let mut cluster = cluster();
    let limit =
        |name: &str, most: i64| json!({ "metadata": { "name": name, "labels": { "for": "web" } }, "most": most });
    cluster.objects.insert(("example.com/v1", "Limit", "apps"), vec![limit("low", 2), limit("high", 9)]);
    cluster.objects.insert(("example.com/v1", "Wide", ""), vec![limit("wide", 2)]);
    let denial = |kind: &str, reference: Value, cluster: &Cluster| {
        let spec = json!({
            "paramKind": { "apiVersion": "example.com/v1", "kind": kind },
            "validations": [{ "expression": "params == null || int(object.data.size) <= params.most", "messageExpression": "'over ' + string(params.most)" }],
        });
        let denied = decided(&spec, &json!({ "paramRef": reference }), &request, cluster).denied;
        denied.map(|denial| denial.message.rsplit("denied request: ").next().unwrap().to_owned())
    };
    assert_eq!(denial("Limit", json!({ "name": "low" }), &cluster).as_deref(), Some("over 2"));
    assert_eq!(denial("Limit", json!({ "name": "high" }), &cluster), None);
    assert_eq!(
        denial("Limit", json!({ "selector": { "matchLabels": { "for": "web" } } }), &cluster).as_deref(),
        Some("over 2")
    );
    assert_eq!(denial("Wide", json!({ "name": "wide" }), &cluster).as_deref(), Some("over 2"));
    let missing = |action: &str| json!({ "name": "nothing", "parameterNotFoundAction": action });
    assert_eq!(denial("Limit", missing("Allow"), &cluster), None);
    assert_eq!(
        denial("Limit", missing("Deny"), &cluster).as_deref(),
        Some("failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction")
    );
    assert_eq!(
        denial("Wide", json!({ "name": "wide", "namespace": "apps" }), &cluster).as_deref(),
        Some("failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
    );
    assert_eq!(
        denial("Unheard", json!({ "name": "x" }), &cluster).as_deref(),
        Some(
            "failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Unheard'"
        )
    );
}
