//! Twenty Kustomizations, each of which waits for the one before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use testbed::ControlPlane;

use crate::bed::{self, Bed, ready_at};
use crate::report::Report;

const N: usize = 20;

pub(crate) async fn measure(report: &mut Report) {
    let plane = ControlPlane::start().await.unwrap();
    let world = bed::world(&plane, &[]).await;
    let bed = Bed::new(&world, "chain").await;
    let name = |n: usize| format!("link-{n:02}");
    let names: BTreeSet<String> = (0..N).map(name).collect();
    let files: BTreeMap<String, String> =
        (0..N).map(|n| (format!("{}/d.yaml", name(n)), crate::stuck::deployment(&name(n), 0))).collect();
    let commit = bed.push(files);
    let mut objects = vec![bed.source()];
    for n in 0..N {
        let before = if n == 0 { json!([]) } else { json!([{ "name": name(n - 1) }]) };
        objects.push(bed.kustomization(&name(n), &format!("./{}", name(n)), json!({ "dependsOn": before })));
    }
    let phase = bed.phase(&names, bed.apply(&objects), |k| ready_at(k, &commit)).await;
    report.phase("chain", "20 by dependsOn", &phase, Some(15.0));
}
