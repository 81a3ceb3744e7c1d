//! What structured merge does with values.

use schema::{Kind, Schemas};
use serde_json::{Value, json};

use super::*;
use crate::fields::FieldSet;

fn schemas() -> Schemas {
    let text = json!({"type": "string"});
    let named = json!({
        "type": "object", "required": ["name"], "properties": {"name": text, "value": text, "more": {"type": "object"}},
    });
    let schema = json!({
        "type": "object",
        "properties": {
            "text": text,
            "number": {"type": "number"},
            "map": {"type": "object", "additionalProperties": text},
            "struct": {"type": "object", "properties": {"a": text, "b": text}},
            "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text},
            "list": {"type": "array", "items": text},
            "set": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "named": {"type": "array", "items": named, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            "any": {"x-kubernetes-preserve-unknown-fields": true},
        },
    });
    let mut schemas = Schemas::new();
    schemas.add_crd(Kind::default(), &schema).unwrap();
    schemas
}

fn with<T>(check: impl FnOnce(Type<'_>) -> T) -> T {
    let schemas = schemas();
    check(Type::new(&schemas, schemas.kind(&Kind::default()).unwrap()))
}

fn named(names: &[&str]) -> Value {
    json!({"named": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()})
}

#[test]
fn fields_are_leaves_items_and_entries_of_maps() {
    #[track_caller]
    fn check(value: &Value, expected: &Value) {
        assert_eq!(&with(|of| of.fields_of(value)).to_value(), expected);
    }
    check(&json!({"text": "a", "number": null}), &json!({"f:number": {}, "f:text": {}}));
    check(&json!({"map": {"x": "1"}}), &json!({"f:map": {"f:x": {}}}));
    check(&json!({"map": {}}), &json!({"f:map": {}}));
    check(&json!({"struct": {"a": "1"}}), &json!({"f:struct": {"f:a": {}}}));
    check(&json!({"whole": {"x": "1"}, "list": ["a"]}), &json!({"f:list": {}, "f:whole": {}}));
    check(&json!({"set": ["b", "a"]}), &json!({"f:set": {"v:\"a\"": {}, "v:\"b\"": {}}}));
    check(&json!({"set": []}), &json!({}));
    check(
        &json!({"named": [{"name": "b", "value": "1"}, {"name": "a"}]}),
        &json!({"f:named": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"b\"}": {".": {}, "f:name": {}, "f:value": {}}}}),
    );
    // Named twice, an item has no parts.
    check(&named(&["a", "a"]), &json!({"f:named": {"k:{\"name\":\"a\"}": {}}}));
    check(&json!({"any": {"x": [1], "y": {"z": 1}}}), &json!({"f:any": {"f:x": {}, "f:y": {".": {}, "f:z": {}}}}));
}

#[test]
fn lists_keep_the_order_that_says_something() {
    #[track_caller]
    fn check(old: &[&str], new: &[&str], expected: &[&str]) {
        assert_eq!(with(|of| of.merge(&named(old), &named(new)).into_owned()), named(expected));
        let set = |items: &[&str]| json!({"set": items});
        assert_eq!(with(|of| of.merge(&set(old), &set(new)).into_owned()), set(expected));
    }
    check(&["a", "b"], &["b", "a"], &["b", "a"]);
    check(&["a", "b", "c"], &["c", "a"], &["b", "c", "a"]);
    check(&["a", "b"], &["c"], &["a", "b", "c"]);
    check(&["a", "b"], &["c", "b"], &["a", "c", "b"]);
    check(&["a", "b", "c", "d"], &["b", "x", "d"], &["a", "b", "c", "x", "d"]);
    check(&[], &["a"], &["a"]);
    check(&["a"], &[], &["a"]);
    check(&["1", "2", "3", "4", "5", "6", "7", "8"], &["8", "1", "9"], &["2", "3", "4", "5", "6", "7", "8", "1", "9"]);
}

#[test]
fn merging_sets_and_never_removes() {
    #[track_caller]
    fn check(old: &Value, new: &Value, expected: &Value) {
        assert_eq!(&with(|of| of.merge(old, new).into_owned()), expected);
    }
    check(&json!({"map": {"a": "1"}}), &json!({"map": {"b": "2"}}), &json!({"map": {"a": "1", "b": "2"}}));
    check(&json!({"whole": {"a": "1"}}), &json!({"whole": {"b": "2"}}), &json!({"whole": {"b": "2"}}));
    check(&json!({"list": ["a"]}), &json!({"list": ["b"]}), &json!({"list": ["b"]}));
    check(&json!({"map": {"a": "1"}}), &json!({"map": null}), &json!({"map": {"a": "1"}}));
    check(&json!({"map": {}}), &json!({"map": null}), &json!({"map": null}));
    check(&json!({"text": "a"}), &json!({"text": null}), &json!({"text": null}));
    check(&json!({"any": {"x": 1}}), &json!({"any": [1]}), &json!({"any": [1]}));
    // An item that is there twice is replaced by the one that is applied.
    let twice = json!({"named": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}, {"name": "b"}]});
    check(&twice, &named(&["a"]), &json!({"named": [{"name": "a"}, {"name": "b"}]}));
    check(&twice, &named(&["b"]), &twice);
}

#[test]
fn differences_are_found_once() {
    #[track_caller]
    fn check(old: &Value, new: &Value, expected: &Value) {
        let found = with(|of| of.compare(old, new));
        let sets = json!([found.removed.to_value(), found.modified.to_value(), found.added.to_value()]);
        assert_eq!(&sets, expected);
    }
    check(&json!({"text": "a"}), &json!({"text": "a"}), &json!([{}, {}, {}]));
    check(&json!({"number": 1}), &json!({"number": 1.0}), &json!([{}, {}, {}]));
    check(&json!({"text": "a"}), &json!({"text": "b"}), &json!([{}, {"f:text": {}}, {}]));
    check(&json!({}), &json!({"struct": {"a": "1"}}), &json!([{}, {}, {"f:struct": {".": {}, "f:a": {}}}]));
    check(&json!({"struct": {"a": "1"}}), &json!({}), &json!([{"f:struct": {".": {}, "f:a": {}}}, {}, {}]));
    check(&json!({"struct": {}}), &json!({"struct": {"a": "1"}}), &json!([{}, {}, {"f:struct": {"f:a": {}}}]));
    check(&json!({"map": null}), &json!({"map": {}}), &json!([{}, {"f:map": {}}, {}]));
    check(&json!({"list": ["a"]}), &json!({"list": ["a", "b"]}), &json!([{}, {"f:list": {}}, {}]));
    check(
        &json!({"set": ["a", "b"]}),
        &json!({"set": ["b", "c"]}),
        &json!([{"f:set": {"v:\"a\"": {}}}, {}, {"f:set": {"v:\"c\"": {}}}]),
    );
    let (once, twice) = (named(&["a"]), named(&["a", "a"]));
    let item = json!({"f:named": {"k:{\"name\":\"a\"}": {}}});
    let parts = json!({"f:named": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}}});
    check(&once, &twice, &json!([parts, {}, item]));
    check(&twice, &once, &json!([item, {}, parts]));
    // A map in the place of a scalar is both a change and an addition.
    check(&json!({"any": 1}), &json!({"any": {"x": 1}}), &json!([{}, {"f:any": {}}, {"f:any": {"f:x": {}}}]));
}

#[test]
fn what_loses_all_it_had_becomes_null() {
    #[track_caller]
    fn check(value: &Value, fields: &Value, expected: &Value) {
        let mut value = value.clone();
        with(|of| of.remove(&mut value, &FieldSet::parse(fields).unwrap()));
        assert_eq!(&value, expected);
    }
    check(&json!({"text": "a", "number": 1}), &json!({"f:text": {}}), &json!({"number": 1}));
    check(&json!({"map": {"a": "1"}}), &json!({"f:map": {"f:a": {}}}), &json!({"map": null}));
    check(&named(&["a", "b"]), &json!({"f:named": {"k:{\"name\":\"a\"}": {}}}), &named(&["b"]));
    check(&json!({"set": ["a"]}), &json!({"f:set": {"v:\"a\"": {}}}), &json!({"set": null}));
    check(&json!({"text": "a"}), &json!({"f:text": {}}), &json!(null));
}

#[test]
fn a_part_is_extracted_as_it_was_applied() {
    let value = json!({"text": "a", "named": [{"name": "x", "value": "1"}, {"name": "y"}], "set": ["p", "q"], "whole": {"a": "1"}});
    let fields = json!({
        "f:named": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}, "f:value": {}}},
        "f:set": {"v:\"q\"": {}},
        "f:whole": {},
    });
    let fields = FieldSet::parse(&fields).unwrap().leaves();
    let expected = json!({"named": [{"name": "x", "value": "1"}], "set": ["q"], "whole": {"a": "1"}});
    assert_eq!(with(|of| of.extract(&value, &fields)), expected);
}

#[test]
fn sets_follow_what_becomes_one_value() {
    #[track_caller]
    fn check(fields: &Value, expected: Option<&Value>) {
        let fields = FieldSet::parse(fields).unwrap();
        let found = with(|of| of.reconcile(&fields)).map(|fields| fields.to_value());
        assert_eq!(found.as_ref(), expected);
    }
    check(&json!({"f:whole": {"f:a": {}}}), Some(&json!({"f:whole": {}})));
    check(&json!({"f:list": {"v:\"a\"": {}}, "f:text": {}}), Some(&json!({"f:list": {}, "f:text": {}})));
    check(&json!({"f:whole": {}, "f:list": {}}), None);
    // What has become several values stays as it was.
    check(&json!({"f:map": {}, "f:set": {}}), None);
    check(&json!({"f:unheard": {"f:a": {}}}), None);
}
