//! Patches, with the answers of kube-apiserver.

use schema::Schemas;
use serde_json::{Value, json};

use super::*;
use crate::typed::Type;

#[track_caller]
fn check_json(object: Value, patch: &Value, expected: &Value) {
    assert_eq!(json(object, patch).as_ref(), Ok(expected));
}

#[track_caller]
fn check_json_error(object: Value, patch: &Value, message: &str) {
    assert_eq!(json(object, patch).unwrap_err().message, message);
}

#[test]
fn json_patches_add_remove_and_replace() {
    check_json(
        json!({"a": 1}),
        &json!([{"op": "add", "path": "/b", "value": {"c": 2}}]),
        &json!({"a": 1, "b": {"c": 2}}),
    );
    check_json(json!({"a": [1, 3]}), &json!([{"op": "add", "path": "/a/1", "value": 2}]), &json!({"a": [1, 2, 3]}));
    check_json(json!({"a": [1]}), &json!([{"op": "add", "path": "/a/-", "value": 2}]), &json!({"a": [1, 2]}));
    check_json(json!({"a": [1]}), &json!([{"op": "add", "path": "/a/-1", "value": 2}]), &json!({"a": [1, 2]}));
    check_json(json!({"a": [1, 2]}), &json!([{"op": "remove", "path": "/a/-1"}]), &json!({"a": [1]}));
    check_json(json!({"a/b": 1, "c~": 2}), &json!([{"op": "remove", "path": "/a~1b"}]), &json!({"c~": 2}));
    check_json(json!({}), &json!([{"op": "replace", "path": "/a", "value": 1}]), &json!({"a": 1}));
    check_json(json!({"a": 1}), &json!([{"op": "move", "from": "/a", "path": "/b"}]), &json!({"b": 1}));
    check_json(json!({"a": 1}), &json!([{"op": "copy", "from": "/a", "path": "/b"}]), &json!({"a": 1, "b": 1}));
    check_json(json!({}), &json!([{"op": "copy", "from": "/a", "path": "/b"}]), &json!({"b": null}));
    check_json(json!({"a": 1}), &json!([{"op": "test", "path": "/a", "value": 1}]), &json!({"a": 1}));
    check_json(json!({}), &json!([{"op": "test", "path": "/a", "value": null}]), &json!({}));
    check_json(json!({}), &json!([{"op": "replace", "path": "", "value": [1]}]), &json!([1]));
    check_json(json!({}), &json!([{"op": "add", "path": "ignored/a"}]), &json!({"a": null}));
}

#[test]
fn json_patches_that_do_not_fit_say_why() {
    let object = || json!({"a": {}, "l": [1]});
    let one = |operation: Value| json!([operation]);
    check_json_error(object(), &json!({}), "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
    check_json_error(object(), &json!([1]), "json: cannot unmarshal number into Go value of type jsonpatch.Operation");
    check_json_error(object(), &one(json!({"op": "put"})), "Unexpected kind: put");
    check_json_error(object(), &one(json!({})), "Unexpected kind: unknown");
    check_json_error(object(), &one(json!({"op": "add"})), "add operation failed to decode path: missing value");
    check_json_error(
        object(),
        &one(json!({"op": "add", "path": "/x/y", "value": 1})),
        "add operation does not apply: doc is missing path: \"/x/y\": missing value",
    );
    check_json_error(
        object(),
        &one(json!({"op": "remove", "path": "/x"})),
        "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    );
    check_json_error(
        object(),
        &one(json!({"op": "remove", "path": "/l/1"})),
        "error in remove for path: '/l/1': Unable to access invalid index: 1: invalid index referenced",
    );
    check_json_error(
        object(),
        &one(json!({"op": "add", "path": "/l/x", "value": 1})),
        "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
    );
    check_json_error(
        object(),
        &one(json!({"op": "replace", "path": "/l/5", "value": 1})),
        "replace operation does not apply: doc is missing key: /l/5: missing value",
    );
    check_json_error(
        object(),
        &one(json!({"op": "test", "path": "/l/0", "value": 2})),
        "testing value /l/0 failed: test failed",
    );
    check_json_error(
        object(),
        &one(json!({"op": "move", "from": "/x", "path": "/y"})),
        "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
    );
}

#[test]
fn json_patches_are_bounded() {
    let operation = json!({"op": "test", "path": "/a", "value": null});
    let many = Value::Array(vec![operation; 10_001]);
    let error = json(json!({}), &many).unwrap_err();
    assert_eq!(error.status, Status::TooLarge);
    assert_eq!(error.message, "The allowed maximum operations in a JSON patch is 10000, got 10001");
    // Each copy of everything doubles it.
    let copies =
        Value::Array((0..64).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/a/{n}")})).collect());
    let error = json(json!({"a": {"text": "x".repeat(1000)}}), &copies).unwrap_err();
    assert_eq!(error.status, Status::Unprocessable);
    assert!(error.message.contains("exceeding the limit 3145728"), "{error}");
}

#[test]
fn merge_patches_merge_maps_alone() {
    #[track_caller]
    fn check(object: &Value, patch: &Value, expected: &Value) {
        assert_eq!(merge(object.clone(), patch.clone()).as_ref(), Ok(expected));
    }
    check(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"b": null, "d": 3}}), &json!({"a": {"c": 2, "d": 3}}));
    check(&json!({"a": [1]}), &json!({"a": [{"b": null}, null]}), &json!({"a": [{}, null]}));
    check(&json!({"a": {"x": 1}}), &json!({"a": [{"b": null}]}), &json!({"a": [{"b": null}]}));
    check(&json!({}), &json!({"a": {"b": null, "c": {"d": null}}}), &json!({"a": {"c": {}}}));
    for patch in [json!(1), json!("a"), json!(null), json!(true)] {
        let error = merge(json!({}), patch).unwrap_err();
        assert_eq!((error.status, error.message.as_str()), (Status::BadRequest, "Invalid JSON Patch"));
    }
}

/// A part of Kubernetes' Pod, as its OpenAPI document says it.
fn pods() -> Schemas {
    let merged = |key: &str, items: Value| {
        json!({
            "type": "array", "items": items,
            "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key,
        })
    };
    let text = json!({"type": "string"});
    let env = json!({"type": "object", "properties": {"name": text, "value": text}});
    let container = json!({
        "type": "object",
        "properties": {"name": text, "image": text, "args": {"type": "array", "items": text}, "env": merged("name", env)},
    });
    let strategy = json!({"type": "object", "properties": {"type": text, "rolling": {"type": "object", "additionalProperties": text}}});
    let spec = json!({
        "type": "object",
        "properties": {
            "containers": merged("name", container),
            "names": {"type": "array", "items": text, "x-kubernetes-patch-strategy": "merge"},
            "strategy": strategy,
            "replaced": {"type": "object", "additionalProperties": text, "x-kubernetes-patch-strategy": "replace"},
            "labels": {"type": "object", "additionalProperties": text},
        },
    });
    let document = json!({"components": {"schemas": {"example.v1.PodSpec": spec}}});
    let mut schemas = Schemas::new();
    schemas.add_openapi(&document).unwrap();
    schemas
}

fn patched(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let schemas = pods();
    let id = schemas.definition("example.v1.PodSpec").unwrap();
    strategic(Type::new(&schemas, id), object.clone(), patch.clone())
}

#[test]
fn strategic_patches_merge_lists_by_their_key() {
    #[track_caller]
    fn check(object: &Value, patch: &Value, expected: &Value) {
        assert_eq!(patched(object, patch).as_ref(), Ok(expected));
    }
    let object = json!({"containers": [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}]});
    // New items come first, as those of the patch do.
    check(
        &object,
        &json!({"containers": [{"name": "c"}, {"name": "a", "image": "2", "args": []}]}),
        &json!({"containers": [{"name": "c"}, {"name": "a", "image": "2", "args": []}, {"name": "b"}]}),
    );
    check(
        &object,
        &json!({"containers": [{"name": "a", "$patch": "delete"}]}),
        &json!({"containers": [{"name": "b"}]}),
    );
    check(
        &object,
        &json!({"containers": [{"$patch": "replace"}, {"name": "z"}]}),
        &json!({"containers": [{"name": "z"}]}),
    );
    check(
        &object,
        &json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "image": "3"}]}),
        &json!({"containers": [{"name": "b"}, {"name": "a", "image": "3", "args": ["x"]}]}),
    );
    check(
        &json!({"names": ["a", "b", "c"]}),
        &json!({"$deleteFromPrimitiveList/names": ["b"], "$setElementOrder/names": ["c", "a", "d"], "names": ["d"]}),
        &json!({"names": ["c", "a", "d"]}),
    );
    check(&json!({"names": ["a", "b"]}), &json!({"names": ["c", "a"]}), &json!({"names": ["c", "a", "b"]}));
    check(
        &json!({"strategy": {"type": "Rolling", "rolling": {"max": "1"}}}),
        &json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}),
        &json!({"strategy": {"type": "Recreate"}}),
    );
    check(
        &json!({"labels": {"a": "1"}}),
        &json!({"labels": {"$patch": "replace", "b": "2"}}),
        &json!({"labels": {"b": "2"}}),
    );
    check(&json!({"labels": {"a": "1"}}), &json!({"labels": {"$patch": "delete"}}), &json!({"labels": {}}));
    check(&json!({"labels": {"a": "1"}}), &json!({"labels": {"a": null, "b": null}}), &json!({"labels": {}}));
    check(&json!({}), &json!({"labels": {"a": null, "b": "1"}}), &json!({"labels": {"b": "1"}}));
    check(&json!({"replaced": {"a": "1"}}), &json!({"replaced": {"b": "2"}}), &json!({"replaced": {"b": "2"}}));
    check(&json!({}), &json!({"containers": [{"name": "a", "$patch": "delete"}]}), &json!({"containers": []}));
}

#[test]
fn strategic_patches_that_do_not_fit_say_why() {
    #[track_caller]
    fn check(object: &Value, patch: &Value, status: Status, message: &str) {
        let error = patched(object, patch).unwrap_err();
        assert_eq!((error.status, error.message.as_str()), (status, message));
    }
    let object = json!({"containers": [{"name": "a"}], "names": ["a"], "labels": {}, "other": {}});
    check(
        &object,
        &json!({"containers": [{"image": "1"}]}),
        Status::Internal,
        "map: map[image:1] does not contain declared merge key: name",
    );
    check(
        &object,
        &json!({"labels": {"$patch": "burn"}}),
        Status::Internal,
        "unknown patch type: burn in map: map[$patch:burn]",
    );
    check(
        &object,
        &json!({"other": {"a": 1}}),
        Status::Internal,
        "unable to find api field in struct PodSpec for the json field \"other\"",
    );
    check(&object, &json!({"names": [["a"]]}), Status::Internal, "list element types are not identical: [[a] [[a]]]");
    check(
        &object,
        &json!({"$deleteFromPrimitiveList": ["a"]}),
        Status::BadRequest,
        "invalid patch format of primitive list",
    );
    check(
        &object,
        &json!({"$setElementOrder": ["a"]}),
        Status::BadRequest,
        "invalid patch format of setElementOrder list",
    );
    check(&object, &json!({"$retainKeys": "a"}), Status::BadRequest, "invalid patch format of retainKeys");
    check(
        &object,
        &json!({"$retainKeys": ["a"], "names": []}),
        Status::BadRequest,
        "invalid patch format of retainKeys",
    );
    check(
        &object,
        &json!({"names": ["x", "y"], "$setElementOrder/names": ["y", "x"]}),
        Status::Internal,
        "The order in patch list:\n[x y]\n doesn't match $setElementOrder list:\n[y x]\n",
    );
    check(&object, &json!(1), Status::BadRequest, "invalid JSON document");
}
