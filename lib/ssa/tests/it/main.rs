//! Whatever comes: nothing panics, applying twice is applying once, merging settles.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use schema::{Kind, Schemas};
use serde_json::{Map, Value, json};
use ssa::fields::{FieldSet, PathElement};
use ssa::managed::Managed;
use ssa::typed::{Duplicates, Type};
use ssa::versions::Alike;
use ssa::write::keep_times;
use ssa::{Force, Time, Write, patch};

const NAMES: [&str; 11] = ["map", "struct", "whole", "list", "set", "named", "any", "a", "name", "port", "metadata"];

fn schemas() -> Schemas {
    let text = json!({"type": "string"});
    let item = json!({
        "type": "object", "required": ["name"],
        "properties": {"name": text, "port": {"type": "integer", "default": 1}, "map": {"type": "object", "additionalProperties": text}},
    });
    let spec = json!({
        "type": "object",
        "properties": {
            "a": text,
            "map": {"type": "object", "additionalProperties": text},
            "struct": {"type": "object", "properties": {"a": text, "set": {"type": "array", "items": text, "x-kubernetes-list-type": "set"}}},
            "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text},
            "list": {"type": "array", "items": text},
            "set": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "named": {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"]},
            "any": {"x-kubernetes-preserve-unknown-fields": true},
        },
    });
    let mut schemas = Schemas::new();
    schemas.add_crd(Kind::default(), &json!({"type": "object", "properties": {"spec": spec}})).unwrap();
    schemas
}

fn any_value() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(&NAMES[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|number| json!(f64::from(number) / 4.0)),
        name().prop_map(Value::from),
        ".{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_fields() -> impl Strategy<Value = Value> {
    let step = prop_oneof![
        prop::sample::select(&NAMES[..]).prop_map(|name| format!("f:{name}")),
        Just(".".to_owned()),
        ".{0,6}",
        any_value().prop_map(|value| format!("v:{value}")),
        any_value().prop_map(|value| format!("k:{value}")),
        any::<i64>().prop_map(|index| format!("i:{index}")),
    ];
    let leaf = prop_oneof![Just(json!({})), Just(Value::Null), any_value()];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop::collection::vec((step.clone(), inner), 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    })
}

/// A value that the schema allows.
fn fitting() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(&["x", "y", "z"][..]).prop_map(str::to_owned);
    let words = move || prop::collection::btree_set(word(), 0..3).prop_map(|words| json!(words));
    let map = move || prop::collection::btree_map(word(), word(), 0..3).prop_map(|map| json!(map));
    let item = (word(), prop::option::of(0..3), prop::option::of(map())).prop_map(|(name, port, map)| {
        let mut item = json!({"name": name});
        if let Some(port) = port {
            item["port"] = json!(port);
        }
        if let Some(map) = map {
            item["map"] = map;
        }
        item
    });
    let named = prop::collection::vec(item, 0..4).prop_map(|items| {
        let mut seen = Vec::new();
        let mut is_new = |item: &Value| {
            let name = (item["name"].clone(), item.get("port").cloned().unwrap_or_else(|| json!(1)));
            let is_new = !seen.contains(&name);
            seen.push(name);
            is_new
        };
        Value::Array(items.into_iter().filter(|item| is_new(item)).collect())
    });
    let fields = (
        prop::option::of(word()),
        prop::option::of(map()),
        prop::option::of(map()),
        prop::option::of(words()),
        prop::option::of(words()),
        prop::option::of(named),
        prop::option::of(any_value()),
    );
    fields.prop_map(|(text, map, whole, list, set, named, any)| {
        let values = [
            ("a", text.map(Value::from)),
            ("map", map),
            ("whole", whole),
            ("list", list),
            ("set", set),
            ("named", named),
            ("any", any),
        ];
        let fields: Map<String, Value> =
            values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "n"}, "spec": fields})
    })
}

fn with<T>(act: impl FnOnce(Type<'_>, Write<'_>) -> T) -> T {
    let schemas = schemas();
    let of = Type::new(&schemas, schemas.kind(&Kind::default()).unwrap());
    let versions = Alike(BTreeMap::from([("v1".to_owned(), of)]));
    let (reset, empty) = (BTreeMap::new(), json!({"apiVersion": "v1", "kind": "K"}));
    let now = Time::from_seconds(1);
    act(of, Write { versions: &versions, reset: &reset, empty: &empty, subresource: "", manager: "m", now })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_value_makes_a_walk_panic(a in any_value(), b in any_value(), fields in any_fields()) {
        with(|of, write| {
            let set = FieldSet::parse(&fields).unwrap_or_default();
            for (a, b) in [(json!({"spec": a}), json!({"spec": b})), (a.clone(), b.clone())] {
                let _ = of.check(&a, Duplicates::Refused);
                let merged = of.merge(&a, &b);
                let compared = of.compare(&a, &merged);
                let _ = (of.fields_of(&a), of.extract(&a, &set), of.reconcile(&set), compared);
                let mut less = a.clone();
                of.remove(&mut less, &set);
                let mut live = a.clone();
                if let Value::Object(live) = &mut live {
                    live.insert("metadata".to_owned(), json!({"managedFields": [{
                        "manager": "x", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
                    }]}));
                }
                let _ = write.apply(Some(&live), &b, Force::Yes);
                let _ = write.update(Some(&live), b.clone());
                let _ = patch::merge(a.clone(), b.clone());
                let _ = patch::json(a.clone(), &b);
                let _ = patch::strategic(of, a, b);
            }
        });
    }

    #[test]
    fn a_set_is_written_as_it_is_read(fields in any_fields()) {
        if let Ok(set) = FieldSet::parse(&fields) {
            let text = set.to_value();
            prop_assert_eq!(FieldSet::parse(&text).unwrap().to_value(), text);
        }
    }

    #[test]
    fn sets_are_sets(a in any_fields(), b in any_fields()) {
        let (a, b) = (FieldSet::parse(&a).unwrap_or_default(), FieldSet::parse(&b).unwrap_or_default());
        let union = a.union(&b);
        prop_assert!(a.is_subset(&union) && b.is_subset(&union));
        prop_assert_eq!(&union, &b.union(&a));
        prop_assert_eq!(&a.intersection(&b), &a.difference(&a.difference(&b)));
        prop_assert_eq!(&a.difference(&b).union(&a.intersection(&b)), &a);
        prop_assert!(a.recursive_difference(&b).is_subset(&a.difference(&b)));
        for path in a.paths() {
            prop_assert!(a.contains(&path) && a.touches(&path));
        }
    }

    #[test]
    fn merging_settles(a in fitting(), b in fitting()) {
        with(|of, _| {
            let once = of.merge(&a, &b).into_owned();
            assert_eq!(of.check(&once, Duplicates::Refused), Ok(()));
            assert_eq!(*of.merge(&once, &b), once);
            assert_eq!(*of.merge(&a, &a), a);
            assert!(of.compare(&a, &a).is_same());
        });
    }

    #[test]
    fn applying_twice_is_applying_once(a in fitting(), b in fitting()) {
        with(|_, write| {
            let other = Write { manager: "other", ..write };
            let mut live = other.apply(None, &a, Force::No).unwrap();
            live["metadata"]["uid"] = "1".into();
            let once = write.apply(Some(&live), &b, Force::Yes).unwrap();
            let later = Write { now: Time::from_seconds(9), ..write };
            let mut twice = later.apply(Some(&once), &b, Force::No).unwrap();
            keep_times(&once, &mut twice);
            assert_eq!(twice, once);
            // Whoever applies nothing more owns nothing more, and what was theirs alone is gone.
            let nothing = json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "n"}});
            let gone = write.apply(Some(&once), &nothing, Force::No).unwrap();
            let managed = Managed::decode(Some(&gone["metadata"]["managedFields"])).unwrap();
            assert!(managed.0.keys().all(|manager| manager.name != "m"), "{gone:#}");
        });
    }

    #[test]
    fn steps_are_read_as_they_are_written(text in ".{0,12}") {
        if let Ok(Some(step)) = PathElement::parse(&text) {
            prop_assert_eq!(PathElement::parse(&step.to_text()).unwrap(), Some(step));
        }
    }
}
