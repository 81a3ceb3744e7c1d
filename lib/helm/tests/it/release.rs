//! Release records.

use helm::Chart;
use helm::manifest::{Hook, HookEvent};
use helm::release::{DecodeError, HookRecord, Info, Release};
use serde_json::json;

fn release() -> Release {
    let hook = Hook {
        name: "migrate".to_owned(),
        kind: "Job".to_owned(),
        path: "x/templates/job.yaml".to_owned(),
        manifest: "kind: Job\n".to_owned(),
        events: vec![HookEvent::PreInstall],
        weight: -5,
        delete_policies: vec!["hook-succeeded".to_owned()],
        output_log_policies: Vec::new(),
    };
    let mut chart = Chart::default();
    "x".clone_into(&mut chart.metadata.name);
    "1.0.0".clone_into(&mut chart.metadata.version);
    Release {
        name: "rel".to_owned(),
        info: Info {
            first_deployed: Some("2026-11-23T20:00:00.123456789Z".to_owned()),
            status: "deployed".to_owned(),
            description: "Install complete".to_owned(),
            ..Info::default()
        },
        chart: Some(chart),
        config: json!({"a": "<&>", "n": 3}).as_object().unwrap().clone(),
        manifest: "---\nkind: ConfigMap\n".to_owned(),
        hooks: vec![HookRecord { hook, started_at: None, completed_at: None, phase: String::new() }],
        version: 2,
        namespace: "space".to_owned(),
        apply_method: "ssa".to_owned(),
    }
}

#[test]
fn a_record_is_written_field_by_field_as_go_does() {
    let expected = concat!(
        r#"{"name":"rel","info":{"first_deployed":"2026-11-23T20:00:00.123456789Z","description":"Install complete","#,
        r#""status":"deployed"},"chart":{"metadata":{"name":"x","version":"1.0.0","apiVersion":"v2"},"lock":null,"#,
        r#""templates":null,"values":null,"schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null},"#,
        r#""config":{"a":"\u003c\u0026\u003e","n":3},"manifest":"---\nkind: ConfigMap\n","hooks":[{"name":"migrate","#,
        r#""kind":"Job","path":"x/templates/job.yaml","manifest":"kind: Job\n","events":["pre-install"],"#,
        r#""last_run":{"phase":""},"weight":-5,"delete_policies":["hook-succeeded"]}],"version":2,"#,
        r#""namespace":"space","apply_method":"ssa"}"#,
    );
    assert_eq!(release().to_json(), expected);
}

#[test]
fn what_is_encoded_decodes_to_the_same() {
    let decoded = Release::decode(release().encode().as_bytes(), 1 << 20).unwrap();
    assert_eq!(decoded.to_json(), release().to_json());
}

/// What Helm 4.2.4's own types encode of the chart `shop`, without times of files, which are not kept here.
const BY_GO: &str = include_str!("record.json");

#[test]
fn a_record_that_go_wrote_is_written_again_byte_for_byte() {
    assert_eq!(Release::from_json(BY_GO.as_bytes()).unwrap().to_json(), BY_GO);
}

/// R2, R4: records that grow, or are none.
#[test]
fn r4_hostile_records_are_refused() {
    let large = Release { manifest: "x".repeat(2 << 20), ..release() }.encode();
    assert!(large.len() < 10_000, "it compresses");
    assert!(matches!(Release::decode(large.as_bytes(), 1 << 20), Err(DecodeError::TooLarge(_))));
    assert!(matches!(Release::decode(b"*", 1 << 20), Err(DecodeError::Base64(0))));
    assert!(matches!(Release::decode(b"bm8=", 1 << 20), Err(DecodeError::Json(_))));
    assert!(matches!(Release::from_json(b"{\"version\":\"x\"}"), Err(DecodeError::Field("version"))));
}
