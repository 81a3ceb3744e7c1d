//! Any bytes: reading never panics, the quick way and the parser agree, and what is printed reads back equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use yaml::Schema::{V2, V3};
use yaml::{Limits, Sequences};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = yaml::text(bytes) else { return };
    let documents = yaml::read(text, &Limits::default());
    for schema in [V2, V3] {
        let direct = yaml::to_values(text, schema);
        // The lossless model is always made by the parser; values are read the quick way where that goes.
        let through: Result<Vec<Value>, _> = documents
            .clone()
            .and_then(|documents| documents.iter().map(|document| document.root.to_value(schema)).collect());
        assert_eq!(direct.is_ok(), through.is_ok(), "{direct:?} {through:?}");
        let (Ok(direct), Ok(through)) = (direct, through) else { continue };
        assert_eq!(direct, through);
        for value in direct {
            let printed = yaml::print(&value);
            let again = yaml::to_value(&printed, V2);
            assert_eq!(again.as_ref(), Ok(&value), "{printed}");
        }
    }
    // kyaml's printer has its own faults, which are kept; it must not fall over them.
    for document in documents.unwrap_or_default() {
        let _ = document.print(Sequences::Wide);
        let _ = document.print(Sequences::Compact);
    }
});
