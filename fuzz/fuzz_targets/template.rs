//! Any bytes as a template that may call all that charts may: parsing and executing never panics, holds its limits, and
//! gives the same twice.
#![no_main]

use gotemplate::{Limits, List, Map, MissingKey, Moment, Session, Templates, Value};
use helm::functions;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { steps: 20_000, depth: 50, bytes: 1 << 20 };

fn data() -> Value {
    let image: Map = [("tag", Value::from("v1.2.3")), ("port", Value::Float64(8080.0))].into_iter().collect();
    let values: Map = [
        ("name", Value::from("web")),
        ("none", Value::Nil),
        ("list", List::strings(["a", "b", "c"]).into()),
        ("image", image.into()),
        ("text", "{{ .Values.name }}".into()),
    ]
    .into_iter()
    .collect();
    let top: Map = [("Values", Value::from(values)), ("n", Value::Int(3)), ("b", true.into())].into_iter().collect();
    top.into()
}

fuzz_target!(|bytes: &[u8]| {
    // Keys of a real size take seconds to make.
    if bytes.windows(3).any(|word| word == b"gen") || bytes.windows(6).any(|word| word == b"derive") {
        return;
    }
    let mut templates = Templates::new(functions::funcs(None)).missing_key(MissingKey::Zero);
    if templates.parse("fuzz", bytes).is_err() {
        return;
    }
    let run = || {
        let mut session = Session::new(Moment::default(), |bytes: &mut [u8]| bytes.fill(4), LIMITS);
        templates.execute("fuzz", data(), &mut session).map_err(|error| error.to_string())
    };
    let first = run();
    if let Ok(text) = &first {
        assert!(text.len() <= 1 << 20);
    }
    assert_eq!(first, run());
    let _ = templates.tree_text("fuzz", true);
});
