//! All stages of an apply, one after the other.

use std::time::Duration;

use object::Object;

use crate::cluster::Cluster;
use crate::failure::Failed;
use crate::wait::{Awaited, Verdict, Wait};
use crate::{Changes, Policy, execute, observe, plan, stages};

/// How long the objects of a stage may take before the next stage.
const STAGE_TIMEOUT: Duration = Duration::from_mins(1);

/// Makes the cluster hold these objects: observes, plans and executes stage by stage, and waits after the stages that
/// others build on.
///
/// Objects are expected as [`object::normalise()`] leaves them.
///
/// # Errors
/// [`Failed`] holds every failure of the stage that stopped it, and what was done until then.
pub async fn apply(cluster: &Cluster, objects: Vec<Object>, policy: &Policy) -> Result<Changes, Failed> {
    let mut changes = Changes::default();
    for mut stage in stages(objects, &cluster.settings) {
        let name = stage.name;
        let observed = observe(cluster, &mut stage, policy).await;
        let plan = match plan(stage, observed, policy, &cluster.settings) {
            Ok(plan) => plan,
            Err(failures) => return Err(Failed { failures, wait: None, changes }),
        };
        let (done, failures) = execute(cluster, plan, policy).await;
        let entries = done.0.iter().map(|change| change.entry.clone()).collect();
        changes.0.extend(done.0);
        if !failures.is_empty() {
            return Err(Failed { failures, wait: None, changes });
        }
        if name.is_awaited()
            && let Err(message) = wait(cluster, Awaited::new(entries, STAGE_TIMEOUT)).await
        {
            return Err(Failed { failures: Vec::new(), wait: Some(message), changes });
        }
    }
    Ok(changes)
}

async fn wait(cluster: &Cluster, awaited: Awaited) -> Result<(), String> {
    let mut wait = Wait::new(cluster, awaited);
    loop {
        match wait.check().await {
            Verdict::Reached => return Ok(()),
            Verdict::Failed(unhealthy) => return Err(unhealthy.to_string()),
            Verdict::Pending => wait.changed().await,
        }
    }
}
