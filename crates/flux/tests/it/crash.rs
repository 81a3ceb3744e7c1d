//! `kill -9` at any instant loses nothing.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{ControlPlane, World};
use tokio::time::sleep;

use crate::case::{Case, FLUX, config_map};

const KUSTOMIZATIONS: usize = 50;
const KILLS: u64 = 20;

/// Twenty times, at another instant of a run that creates an object and prunes one in each of fifty Kustomizations, the
/// controllers are killed. In the end nothing is left that Git does not hold.
#[tokio::test]
async fn kills_at_twenty_instants_lose_no_inventory_entry() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, Path::new(FLUX), &[]).await.unwrap();
    let case = Case::on(&world, "crash").await;
    push(&case, 0);
    case.source().await;
    for n in 0..KUSTOMIZATIONS {
        case.kustomization(&format!("app-{n}"), json!({ "path": format!("./app-{n}") })).await;
    }
    for round in 1..=KILLS {
        push(&case, round);
        case.request("GitRepository", "repo").await;
        // Not random, so that a failure can be played again; spread over the length of a run.
        sleep(Duration::from_millis(round * 1_733 % 4_000)).await;
        world.flux.kill();
        world.flux.restart().await.unwrap();
    }
    let last = push(&case, KILLS + 1);
    case.request("GitRepository", "repo").await;
    for n in 0..KUSTOMIZATIONS {
        let at = |o: &Value| o["status"]["lastAppliedRevision"].as_str().is_some_and(|r| r.ends_with(&last));
        case.within(Duration::from_mins(3), "Kustomization", &format!("app-{n}"), "at the last commit", at).await;
    }
    let mut left = case.owned("ConfigMap").await;
    left.retain(|name| !name.ends_with(&format!("-{}", KILLS + 1)));
    assert!(left.is_empty(), "applied once, and neither in Git nor pruned: {left:?}");
    assert_eq!(case.owned("ConfigMap").await.len(), KUSTOMIZATIONS);
}

/// In each folder one ConfigMap, whose name holds the round.
fn push(case: &Case<'_>, round: u64) -> String {
    let files: Vec<(String, String)> = (0..KUSTOMIZATIONS)
        .map(|n| (format!("app-{n}/a.yaml"), config_map(&format!("map-{n}-{round}"), "v")))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    case.push(&files)
}
