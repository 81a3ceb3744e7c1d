//! Who set a value.

use helm::layers::Origin;
use helm::values::{Path, Step};
use helm::{Layers, strvals};
use serde_json::json;

fn path(text: &str) -> Path {
    let step = |part: &str| part.parse().map_or_else(|_| Step::Key(part.to_owned()), Step::Index);
    Path(text.split('.').map(step).collect())
}

#[test]
fn the_last_layer_that_says_it_is_named_with_its_line() {
    let mut layers = Layers::new();
    layers
        .file("-f a.yaml", b"image:\n  tag: 1\n  name: x\nlist:\n- a\n- b: 2\nbase: &b\n  m: 1\nsub:\n  <<: *b\n")
        .unwrap();
    layers.file("-f b.yaml", b"# two documents\nimage: {tag: 2}\n---\nextra: 1\n").unwrap();
    layers.line("--set", |values| strvals::set(values, "image.pull=true,list[1].c=3")).unwrap();
    layers.table("Secret/values", json!({"extra": 2}).as_object().unwrap().clone());
    let file = |name: &str, line| Some(Origin::File { name: name.to_owned(), line });
    let layer = |name: &str| Some(Origin::Layer(name.to_owned()));
    for (at, origin) in [
        ("image.tag", file("-f b.yaml", 2)),
        ("image.name", file("-f a.yaml", 3)),
        ("image.pull", layer("--set")),
        ("list.0", file("-f a.yaml", 5)),
        ("list.1.b", file("-f a.yaml", 6)),
        ("list.1.c", layer("--set")),
        ("sub.m", file("-f a.yaml", 8)),
        ("extra", layer("Secret/values")),
        ("image.other", None),
    ] {
        assert_eq!(layers.origin(&path(at)), origin, "{at}");
    }
    assert_eq!(path("list.1.b").to_string(), "list[1].b");
    let merged = json!({"tag": 2, "name": "x", "pull": true});
    assert!(helm::values::same(&layers.values()["image"], &merged));
    assert_eq!(layers.values()["extra"], 2);
}
