//! Reading schemas.

use serde_json::{Value, json};

use super::*;

fn document(schemas: &Value) -> Value {
    json!({"openapi": "3.0.0", "components": {"schemas": schemas}})
}

fn widget() -> Value {
    json!({
        "example.Widget": {
            "type": "object",
            "x-kubernetes-group-version-kind": [{"group": "example.org", "version": "v1", "kind": "Widget"}],
            "required": ["spec"],
            "properties": {
                "metadata": {"default": {}, "allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]},
                "spec": {"default": {}, "allOf": [{"$ref": "#/components/schemas/example.Spec"}]},
            },
        },
        "example.Spec": {
            "type": "object",
            "required": ["selector", "items", "name", "count"],
            "properties": {
                "selector": {"$ref": "#/components/schemas/example.Selector"},
                "name": {"type": "string", "default": ""},
                "count": {"type": "integer", "format": "int32", "default": 0},
                "again": {"$ref": "#/components/schemas/example.Spec"},
                "items": {
                    "type": "array", "items": {"type": "string"},
                    "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name",
                },
            },
        },
        "example.Selector": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
    })
}

fn kind() -> Kind {
    Kind { group: "example.org".to_owned(), version: "v1".to_owned(), kind: "Widget".to_owned() }
}

#[test]
fn definitions_refer_to_each_other_and_to_themselves() {
    let mut schemas = Schemas::new();
    schemas.add_openapi(&document(&widget())).unwrap();
    let widget = schemas.kind(&kind()).unwrap();
    let spec = schemas.field(widget, "spec").unwrap().node;
    assert_eq!(schemas.default_of(spec), Some(&json!({})));
    let plain = schemas.definition("example.Spec").unwrap();
    assert_eq!(schemas.fields(spec), schemas.fields(plain));
    assert_eq!(schemas.field(plain, "again").unwrap().node, plain);
    let items = schemas.field(spec, "items").unwrap().node;
    assert!(schemas.is_associative(items));
    assert_eq!(schemas.item_keys(items), ["name".into()]);
    let selector = schemas.field(spec, "selector").unwrap().node;
    assert_eq!(schemas.node(selector).map, MapType::Atomic);
    assert_eq!(schemas.field(widget, "other"), None);
    assert_eq!(schemas.undeclared(widget), None);
}

#[test]
fn a_zero_value_has_what_go_always_writes() {
    let mut schemas = Schemas::new();
    schemas.add_openapi(&document(&widget())).unwrap();
    let widget = schemas.kind(&kind()).unwrap();
    let expected = json!({"metadata": {}, "spec": {"selector": null, "items": null, "name": "", "count": 0}});
    assert_eq!(schemas.zero(widget), expected);
}

#[test]
fn a_refused_document_leaves_nothing_behind() {
    #[track_caller]
    fn check(schema: &Value, message: &str) {
        let mut schemas = Schemas::new();
        let before = format!("{:?}", (schemas.nodes.len(), schemas.fields.len(), schemas.names.len()));
        let error = schemas.add_openapi(&document(&json!({"a.B": schema}))).unwrap_err();
        assert_eq!(error.to_string(), message);
        let after = format!("{:?}", (schemas.nodes.len(), schemas.fields.len(), schemas.names.len()));
        assert_eq!(before, after);
        assert_eq!(schemas.definition("a.B"), None);
    }
    check(&json!(1), "a.B: is not a schema");
    check(&json!({"type": "map"}), "a.B: has the type \"map\", which is none of JSON's");
    check(
        &json!({"properties": {"x": {"items": {"$ref": "#/components/schemas/a.C"}}}}),
        "a.B.properties.x.items: refers to a.C, which is not there",
    );
    check(&json!({"$ref": "#/components/schemas/a.B"}), "$ref: refers to itself");
    check(&json!({"x-kubernetes-list-type": "bag"}), "a.B: has the list type \"bag\", not atomic, set or map");
    check(&json!({"x-kubernetes-list-type": "map"}), "a.B: has no x-kubernetes-list-map-keys");
    let mut deep = json!({});
    for _ in 0..70 {
        deep = json!({"items": deep});
    }
    let error = Schemas::new().add_openapi(&document(&json!({"a.B": deep}))).unwrap_err();
    assert!(error.to_string().ends_with("nests deeper than 64 levels"), "{error}");
}

#[test]
fn a_crd_has_metadata_whatever_it_says() {
    let mut schemas = Schemas::new();
    let schema = json!({
        "type": "object",
        "properties": {
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^a"}}},
            "spec": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": true,
                "x-kubernetes-validations": [{"rule": "self.size() > 0", "message": "is empty"}],
                "properties": {
                    "known": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}},
                    "port": {"x-kubernetes-int-or-string": true},
                    "template": {"type": "object", "x-kubernetes-embedded-resource": true},
                },
            },
        },
    });
    let id = schemas.add_crd(kind(), &schema).unwrap();
    assert_eq!(schemas.kind(&kind()), Some(id));
    let names: Vec<_> = schemas.fields(id).iter().map(|field| field.name.to_string()).collect();
    assert_eq!(names, ["apiVersion", "kind", "metadata", "spec"]);
    assert_eq!(schemas.field(id, "metadata").unwrap().node, schemas.object_meta());
    let spec = schemas.field(id, "spec").unwrap().node;
    assert_eq!(schemas.limits(spec).unwrap().rules[0].message, "is empty");
    assert_eq!(schemas.undeclared(spec), Some(Id::DEDUCED));
    // What is below an object with unknown fields has them too, when it comes to merging.
    let known = schemas.field(spec, "known").unwrap().node;
    assert!(!schemas.node(known).preserve_unknown);
    assert_eq!(schemas.undeclared(known), Some(Id::DEDUCED));
    assert_eq!(schemas.limits(schemas.field(known, "a").unwrap().node).unwrap().minimum, Some(1.0));
    assert_eq!(schemas.node(schemas.field(spec, "port").unwrap().node).kind, Type::IntOrString);
    let template = schemas.field(spec, "template").unwrap().node;
    assert!(schemas.field(template, "metadata").is_some());
    assert_eq!(schemas.required(template), ["apiVersion".into(), "kind".into()]);
    let error = Schemas::new().add_crd(kind(), &json!({"$ref": "#/x"})).unwrap_err();
    assert_eq!(error.to_string(), "openAPIV3Schema: refers to x, which is not there");
}

#[test]
fn equal_leaves_are_kept_once() {
    let mut schemas = Schemas::new();
    let fields: serde_json::Map<_, _> =
        (0..100).map(|n| (format!("f{n}"), json!({"type": "array", "items": {"type": "string"}}))).collect();
    let before = schemas.nodes.len();
    schemas.add_crd(kind(), &json!({"type": "object", "properties": fields})).unwrap();
    assert!(schemas.nodes.len() - before <= 5, "{}", schemas.nodes.len() - before);
}
