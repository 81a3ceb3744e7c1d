//! Waiting for health.

use std::sync::Arc;
use std::time::Duration;

use apply::wait::{Awaited, Verdict, Wait, vanishing};
use kube::api::{Patch, PatchParams};
use object::health::{Health, Status};
use object::inventory::Entry;
use serde_json::json;
use tokio::time::Instant;

use crate::world::{CONFIG_MAP, DEPLOYMENT, NOTHING, World, wait};

fn entry(world: &World, kind: &str, name: &str) -> Entry {
    Entry::parse(&format!("{}_{name}_{kind}", world.ns.name()), "v1").unwrap()
}

#[tokio::test]
async fn time_runs_out_and_the_sentence_is_flux() {
    let world = World::new().await;
    let changes =
        world.apply(&format!("{CONFIG_MAP}{}", DEPLOYMENT.replace("replicas: 0", "replicas: 1"))).await.unwrap();
    let error = world.wait(&changes, Duration::from_secs(2)).await.unwrap_err().replace(world.ns.name(), "NS");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[0], "timeout waiting for: [Deployment/NS/web status: 'InProgress']");
    assert!(lines[1].starts_with("  Deployment/NS/web: "), "{error}");
    let mut awaited = Awaited::new(vec![entry(&world, "apps_Deployment", "ghost")], Duration::from_millis(100));
    let error = wait(&world.cluster, awaited.clone()).await.unwrap_err().replace(world.ns.name(), "NS");
    assert_eq!(error, "timeout waiting for: [Deployment/NS/ghost status: 'NotFound']");
    awaited.entries = vec![Entry::parse("n_x_nope.example.com_Nope", "v1").unwrap()];
    let error = wait(&world.cluster, awaited).await.unwrap_err();
    assert_eq!(
        error,
        "timeout waiting for: [Nope/n/x status: 'Unknown': no matches for kind \"Nope\" in version \"nope.example.com/v1\"]"
    );
}

#[tokio::test]
async fn a_change_wakes_the_wait() {
    let world = World::new().await;
    let yaml = "
apiVersion: batch/v1
kind: Job
metadata: {name: j, namespace: NS}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}
";
    let changes = world.apply(yaml).await.unwrap();
    let mut wait = Wait::new(&world.cluster, Awaited::new(changes.to_await(), Duration::from_mins(5)));
    assert_eq!(wait.check().await, Verdict::Pending);
    let started = Instant::now();
    world.edit("batch/v1", "Job", "j", json!({"spec": {"suspend": true}})).await;
    while wait.check().await == Verdict::Pending {
        wait.changed().await;
    }
    assert_eq!(wait.check().await, Verdict::Reached);
    // Without the watch it would have looked again after a minute. The controller of Jobs takes its seconds.
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_first_failure_ends_the_wait_if_that_is_wished() {
    let world = World::new().await;
    // Nobody but the test gives Pods a status that may not be scheduled.
    let pods = ["a", "b"].map(|name| {
        format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: NS}}\nspec: {{schedulingGates: [{{name: example.com/test}}], automountServiceAccountToken: false, containers: [{{name: c, image: c}}]}}\n")
    });
    // Pods need their namespace's account.
    let changes = loop {
        match world.apply(&pods.concat()).await {
            Ok(changes) => break changes,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    let crash = json!({"status": {"phase": "Running", "containerStatuses": [{"name": "c", "image": "c", "imageID": "", "ready": false, "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    world.api("v1", "Pod").patch_status("a", &PatchParams::default(), &Patch::Merge(crash)).await.unwrap();
    let mut awaited = Awaited::new(changes.to_await(), Duration::from_secs(1));
    let error = wait(&world.cluster, awaited.clone()).await.unwrap_err().replace(world.ns.name(), "NS");
    assert!(
        error.starts_with("timeout waiting for: [Pod/NS/a status: 'Failed', Pod/NS/b status: 'InProgress']"),
        "{error}"
    );
    awaited.timeout = Duration::from_mins(1);
    awaited.fail_fast = true;
    let error = wait(&world.cluster, awaited.clone()).await.unwrap_err().replace(world.ns.name(), "NS");
    assert_eq!(
        error,
        "failed early due to stalled resources: [Pod/NS/a status: 'Failed']\n  Pod/NS/a: Containers in CrashLoop state: c"
    );
    // Nothing can come of it when all have failed.
    awaited.fail_fast = false;
    awaited.entries.truncate(1);
    assert!(wait(&world.cluster, awaited).await.unwrap_err().starts_with("failed early"));
}

#[tokio::test]
async fn objects_of_others_are_waited_for_too() {
    let world = World::new().await;
    let awaited = Awaited::new(vec![entry(&world, "_ConfigMap", "late")], Duration::from_secs(30));
    let create = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}});
        world.api("v1", "ConfigMap").patch("late", &PatchParams::apply("user"), &Patch::Apply(map)).await.unwrap();
    };
    let (done, ()) = tokio::join!(wait(&world.cluster, awaited), create);
    done.unwrap();
}

#[tokio::test]
async fn a_job_that_vanishes_has_done_its_work() {
    let world = World::new().await;
    let job =
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: NS}\nspec: {ttlSecondsAfterFinished: 0}\n";
    let objects = world.objects(job);
    let mut awaited = Awaited::new(objects.iter().map(Entry::of).collect(), Duration::from_secs(10));
    awaited.vanishing = vanishing(&objects);
    wait(&world.cluster, awaited).await.unwrap();
}

#[tokio::test]
async fn rules_of_ones_own_come_first() {
    let world = World::new().await;
    let changes = world.apply(CONFIG_MAP).await.unwrap();
    let mut awaited = Awaited::new(changes.to_await(), Duration::from_secs(30));
    awaited.rules = Some(Arc::new(|object| {
        let ready = object.field(&["data", "ready"]).is_some();
        Some(Health::new(if ready { Status::Current } else { Status::InProgress }, "data.ready"))
    }));
    let edit = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.edit("v1", "ConfigMap", "one", json!({"data": {"ready": "yes"}})).await;
    };
    let (done, ()) = tokio::join!(wait(&world.cluster, awaited), edit);
    done.unwrap();
}

#[tokio::test]
async fn what_one_saw_is_not_told_to_another() {
    let world = World::new().await;
    let changes = world.apply(CONFIG_MAP).await.unwrap();
    let awaited = || Awaited::new(changes.to_await(), Duration::from_secs(30));
    let requests = async |cluster: &apply::Cluster| {
        let mark = world.plane.mark();
        wait(cluster, awaited()).await.unwrap();
        world.requests(mark)
    };
    assert_eq!(requests(&world.cluster).await, NOTHING);
    let other = world.cluster.acting_as(world.cluster.client().clone());
    assert_eq!(requests(&other).await, "1 get");
    let other = world.cluster.acting_as(world.cluster.client().clone()).recognised_as("system:serviceaccount:a:b");
    assert_eq!(requests(&other).await, "1 get");
    let again = world.cluster.acting_as(world.cluster.client().clone()).recognised_as("system:serviceaccount:a:b");
    assert_eq!(requests(&again).await, NOTHING);
}
