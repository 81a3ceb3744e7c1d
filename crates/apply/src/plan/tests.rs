//! Plans as they print.

use serde_json::json;

use super::*;
use crate::request::Refusal;
use crate::{IgnoreRule, IgnoreRules, stages};

fn object(kind: &str, name: &str, more: &Value) -> Object {
    let (api_version, kind) = kind.rsplit_once(' ').unwrap();
    let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
    for (key, part) in more.as_object().unwrap() {
        match (key.as_str(), value["metadata"].as_object_mut()) {
            ("metadata", Some(metadata)) => metadata.extend(part.as_object().unwrap().clone()),
            _ => value[key] = part.clone(),
        }
    }
    Object::from_value(value).unwrap()
}

fn map(name: &str, value: &str, metadata: &Value) -> Object {
    object("v1 ConfigMap", name, &json!({"metadata": metadata, "data": {"k": value}}))
}

fn read(live: Option<Object>, would_be: Result<Object, Refusal>) -> Observation {
    Observation::Read { live: live.map(Box::new), would_be: would_be.map(Box::new), migrated: false }
}

fn refusal(code: u16, reason: &str, message: &str) -> Refusal {
    Refusal {
        code,
        reason: reason.to_owned(),
        message: message.to_owned(),
        is_manager_conflict: false,
        retry_after: None,
    }
}

/// Plans for one stage, whose objects must come in the order of apply.
fn planned(observed: Vec<(Object, Observation)>, policy: &Policy) -> Result<String, Vec<String>> {
    let settings = Settings::kustomize_controller();
    let (objects, observations): (Vec<_>, Vec<_>) = observed.into_iter().unzip();
    let stage = Stage { name: StageName::Rest, objects };
    plan(stage, Observed(observations), policy, &settings)
        .map(|plan| plan.to_string())
        .map_err(|failures| failures.iter().map(ToString::to_string).collect())
}

#[test]
fn a_plan_reads_like_a_list_of_deeds() {
    let kubectl =
        json!({"managedFields": [{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {}}}]});
    let job = |image: &str| object("batch/v1 Job", "migrate", &json!({"spec": {"image": image}}));
    let mut forced_job = job("b");
    forced_job.set_annotation("kustomize.toolkit.fluxcd.io/force", "enabled");
    let immutable = refusal(422, "Invalid", "Job \"migrate\" is invalid: spec.image: field is immutable");
    let observed = vec![
        (
            map("changed", "v", &json!({})),
            read(Some(map("changed", "w", &json!({}))), Ok(map("changed", "v", &json!({})))),
        ),
        (map("excluded", "v", &json!({})), Observation::Excluded),
        (map("new", "v", &json!({})), read(None, Ok(map("new", "v", &json!({}))))),
        (map("present", "v", &json!({})), Observation::Present),
        (
            map("same", "v", &json!({})),
            read(Some(map("same", "v", &json!({}))), Ok(map("same", "v", &json!({"uid": "1"})))),
        ),
        (map("settled", "v", &json!({})), Observation::Settled),
        (map("taken", "v", &json!({})), read(Some(map("taken", "v", &kubectl)), Ok(map("taken", "v", &kubectl)))),
        (forced_job, read(Some(job("a")), Err(immutable))),
    ];
    let expected = "\
rest:
  configure ConfigMap/shop/changed (data.k)
  skip ConfigMap/shop/excluded, which asks to be left alone
  create ConfigMap/shop/new
  skip ConfigMap/shop/present, which exists, and is only to be created
  keep ConfigMap/shop/same
  keep ConfigMap/shop/settled
  configure ConfigMap/shop/taken after cleaning up its metadata
  replace Job/shop/migrate (Job \"migrate\" is invalid: spec.image: field is immutable)
";
    assert_eq!(planned(observed, &Policy::default()).unwrap(), expected);
}

#[test]
fn every_refusal_is_told() {
    let observed = vec![
        (map("a", "v", &json!({})), read(None, Err(refusal(403, "Forbidden", "configmaps is forbidden: nope")))),
        (map("b", "v", &json!({})), read(Some(map("b", "v", &json!({}))), Err(refusal(422, "Invalid", "no")))),
        (map("c", "v", &json!({})), read(None, Ok(map("c", "v", &json!({}))))),
        (map("d", "v", &json!({})), read(None, Err(refusal(404, "NotFound", "namespaces \"shop\" not found")))),
        (map("e", "v", &json!({})), read(None, Err(refusal(500, "", "failed to create typed patch object")))),
    ];
    let expected = [
        "ConfigMap/shop/a dry-run failed (Forbidden): configmaps is forbidden: nope",
        "ConfigMap/shop/b dry-run failed (Invalid): no",
        "ConfigMap/shop/d not found: namespaces \"shop\" not found\n  hint: create the namespace, or apply it in the same Kustomization",
        "ConfigMap/shop/e dry-run failed: failed to create typed patch object",
    ];
    assert_eq!(planned(observed, &Policy::default()).unwrap_err(), expected);
}

#[test]
fn only_what_exists_is_replaced() {
    let policy = Policy { force: true, ..Policy::default() };
    let invalid = || Err(refusal(422, "Invalid", "no"));
    let existing = vec![(map("a", "v", &json!({})), read(Some(map("a", "w", &json!({}))), invalid()))];
    assert_eq!(planned(existing, &policy).unwrap(), "rest:\n  replace ConfigMap/shop/a (no)\n");
    let new = vec![(map("a", "v", &json!({})), read(None, invalid()))];
    assert_eq!(planned(new, &policy).unwrap_err(), ["ConfigMap/shop/a dry-run failed (Invalid): no"]);
    let forbidden = Err(refusal(403, "Forbidden", "no"));
    let existing = vec![(map("a", "v", &json!({})), read(Some(map("a", "w", &json!({}))), forbidden))];
    assert!(planned(existing, &policy).is_err());
}

#[test]
fn ignored_fields_are_no_reason_to_configure() {
    let rule = IgnoreRule { paths: vec!["/data/k".to_owned()], target: None };
    let policy = Policy { ignore: IgnoreRules::new(&[rule]).unwrap(), ..Policy::default() };
    let observed =
        || vec![(map("a", "v", &json!({})), read(Some(map("a", "w", &json!({}))), Ok(map("a", "v", &json!({})))))];
    assert_eq!(planned(observed(), &policy).unwrap(), "rest:\n  keep ConfigMap/shop/a\n");
    assert_eq!(planned(observed(), &Policy::default()).unwrap(), "rest:\n  configure ConfigMap/shop/a (data.k)\n");
}

#[test]
fn merged_objects_keep_what_kubectl_set() {
    let kubectl = json!({"managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:data": {}}}],
        "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "merge", "fluxcd.io/sync-checksum": "x"}});
    let live = map("a", "v", &kubectl);
    let observed = vec![(map("a", "v", &json!({})), read(Some(live.clone()), Ok(live)))];
    assert_eq!(planned(observed, &Policy::default()).unwrap(), "rest:\n  keep ConfigMap/shop/a\n");
}

#[test]
fn a_secret_is_planned_without_its_content() {
    let secret = |value: &str| object("v1 Secret", "s", &json!({"data": {"password": value}}));
    let observed = vec![(secret("aHVudGVyMg=="), read(Some(secret("b2xk")), Ok(secret("aHVudGVyMg=="))))];
    assert_eq!(planned(observed, &Policy::default()).unwrap(), "rest:\n  configure Secret/shop/s (data.password)\n");
}

#[test]
fn stages_come_in_order() {
    let mut settings = Settings::kustomize_controller();
    settings.custom_stage_kinds.insert(object::GroupKind::new("rbac.authorization.k8s.io", "Role"));
    let objects = [
        "v1 ConfigMap",
        "rbac.authorization.k8s.io/v1 Role",
        "example.com/v1 FooClass",
        "v1 Namespace",
        "rbac.authorization.k8s.io/v1 ClusterRole",
        "example.com/v1 Namespace",
        "apiextensions.k8s.io/v1 CustomResourceDefinition",
    ];
    let objects = objects.into_iter().map(|kind| object(kind, "x", &json!({}))).collect();
    let stages: Vec<String> = stages(objects, &settings)
        .iter()
        .map(|stage| {
            format!("{}: {}", stage.name, stage.objects.iter().map(Object::kind).collect::<Vec<_>>().join(" "))
        })
        .collect();
    let expected = [
        "definitions: CustomResourceDefinition Namespace ClusterRole",
        "classes: FooClass",
        "custom: Role",
        "rest: Namespace ConfigMap",
    ];
    assert_eq!(stages, expected);
}
