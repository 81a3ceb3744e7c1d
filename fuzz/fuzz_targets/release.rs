//! Any bytes as a release record: decoding never panics and holds its limit, and what was decoded is encoded and decoded
//! to the same.
#![no_main]

use helm::release::Release;
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let _ = Release::decode(bytes, LIMIT);
    if let Ok(release) = Release::from_json(bytes) {
        let json = release.to_json();
        let again = Release::from_json(json.as_bytes()).map(|release| release.to_json());
        assert_eq!(again.ok().as_deref(), Some(json.as_str()));
        let decoded = Release::decode(release.encode().as_bytes(), u64::MAX);
        assert_eq!(decoded.ok().map(|release| release.to_json()), Some(json));
    }
});
