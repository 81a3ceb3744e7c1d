//! Plays the steps of a scenario in a namespace of its own.

use std::time::{Duration, Instant};

use crate::{Namespace, Repository, User, World, kinds};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::normalize::Names;
use super::record;
use super::scenario::{Scenario, Step, Target};

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// What the recorder waited for after the last step.
const SETTLE: Duration = Duration::from_millis(2500);

struct Play<'a> {
    world: &'a World<'a>,
    ns: Namespace,
    repository: Repository,
    commits: Vec<String>,
    requests: usize,
}

/// Plays all steps and returns what is then there; or the step at which it got stuck.
pub async fn play(world: &World<'_>, scenario: &Scenario) -> Result<Value, String> {
    let client = world.plane.client().await.map_err(text)?;
    let ns = Namespace::named(&client, &scenario.namespace()).await.map_err(text)?;
    let repository = Repository::new(world.repositories(), &format!("{}.git", ns.name())).map_err(text)?;
    let mut play = Play { world, ns, repository, commits: Vec::new(), requests: 0 };

    let mut trees = scenario.script.commits.clone();
    for content in trees.iter_mut().flat_map(|files| files.values_mut()) {
        *content = play.fill(content);
    }
    play.commits = play.repository.commits(&trees).map_err(text)?;
    for step in &scenario.script.steps {
        let filled: Value = serde_json::from_str(&play.fill(&step.to_string())).map_err(text)?;
        let step = Step::parse(&filled)?;
        play.step(&step).await.map_err(|why| format!("{why}\n    at the step {filled}"))?;
    }
    sleep(SETTLE).await;
    let names = Names {
        namespace: play.ns.name().to_owned(),
        git: world.git.url(),
        commits: play.commits.clone(),
        storage: world.flux.storage().display().to_string(),
    };
    record::record(world, &play.ns, &names, &scenario.recorded).await
}

impl Play<'_> {
    /// Replaces `${NS}`, `${GIT}` and `${COMMIT1}`, and nothing else in braces.
    fn fill(&self, text: &str) -> String {
        let mut text = text.replace("${NS}", self.ns.name()).replace("${GIT}", &self.world.git.url());
        for (number, commit) in (1..).zip(&self.commits) {
            text = text.replace(&format!("${{COMMIT{number}}}"), commit);
        }
        text
    }

    fn commit(&self, number: usize) -> Result<&str, String> {
        let commit = number.checked_sub(1).and_then(|i| self.commits.get(i));
        commit.map(String::as_str).ok_or_else(|| format!("there is no commit {number}"))
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Push(number) => self.repository.set_ref("refs/heads/main", self.commit(*number)?).map_err(text),
            Step::Tag { commit, name } => {
                self.repository.set_ref(&format!("refs/tags/{name}"), self.commit(*commit)?).map_err(text)
            }
            Step::Apply(objects) => {
                for object in objects {
                    self.apply(object).await?;
                }
                Ok(())
            }
            Step::KubectlCreate(objects) => self.kubectl_apply(objects).await,
            Step::Request(target) => {
                self.requests += 1;
                let request = format!("request-{}", self.requests);
                let annotations = json!({ "reconcile.fluxcd.io/requestedAt": request });
                // The recorder named no field manager here, and this is what its HTTP client was called.
                self.merge(target, "Python-urllib", &json!({ "metadata": { "annotations": annotations } })).await
            }
            Step::Patch { target, patch } => self.merge(target, "editor", patch).await,
            Step::Annotate { target, annotations } => {
                self.merge(target, "editor", &json!({ "metadata": { "annotations": annotations } })).await
            }
            Step::Delete(target) => {
                let api = self.api(target).await?;
                api.delete(&target.name, &DeleteParams::default()).await.map(drop).map_err(text)
            }
            Step::Gone(target) => self.until(target, "it is gone", |o| o.is_none()).await,
            Step::Wait { target, status, reason } => {
                let what = format!("Ready is {status} {}", reason.as_deref().unwrap_or_default());
                self.until(target, &what, |o| o.is_some_and(|o| is_ready(o, status, reason.as_deref()))).await
            }
            Step::Revision { target, commit } => {
                let commit = self.commit(*commit)?.to_owned();
                let applied =
                    |o: &Value| o["status"]["lastAppliedRevision"].as_str().is_some_and(|r| r.ends_with(&commit));
                self.until(target, "the revision is applied", |o| o.is_some_and(applied)).await
            }
            Step::Sleep(seconds) => {
                sleep(Duration::from_secs_f64(*seconds)).await;
                Ok(())
            }
        }
    }

    async fn api(&self, target: &Target) -> Result<Api<DynamicObject>, String> {
        let kind = kinds::by_name(self.ns.client(), &target.kind, self.ns.name()).await?;
        Ok(kind.api(self.ns.client(), self.ns.name()))
    }

    async fn apply(&self, object: &Value) -> Result<(), String> {
        let kind = kinds::of(self.ns.client(), object).await?;
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(self.ns.name());
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let api = kind.api(self.ns.client(), namespace);
        let params = PatchParams::apply("user").force();
        api.patch(name, &params, &Patch::Apply(object)).await.map(drop).map_err(text)
    }

    async fn merge(&self, target: &Target, manager: &str, patch: &Value) -> Result<(), String> {
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let api = self.api(target).await?;
        api.patch(&target.name, &params, &Patch::Merge(patch)).await.map(drop).map_err(text)
    }

    async fn kubectl_apply(&self, objects: &[Value]) -> Result<(), String> {
        let file = self.world.plane.folder().join(format!("{}.json", self.ns.name()));
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        std::fs::write(&file, list.to_string()).map_err(text)?;
        let file = file.display().to_string();
        let args = ["apply", "--namespace", self.ns.name(), "--filename", &file];
        let out = self.world.plane.kubectl(User::Admin, &args).await.map_err(text)?;
        if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
    }

    async fn until(&self, target: &Target, what: &str, holds: impl Fn(Option<&Value>) -> bool) -> Result<(), String> {
        let api = self.api(target).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let object = api.get_opt(&target.name).await.map_err(text)?;
            let object = object.map(|o| serde_json::to_value(o).map_err(text)).transpose()?;
            if holds(object.as_ref()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let status = object.map_or(Value::Null, |o| o["status"].clone());
                return Err(format!(
                    "{}/{}: not within {} s: {what}; its status is {status}",
                    target.kind,
                    target.name,
                    PATIENCE.as_secs()
                ));
            }
            sleep(POLL).await;
        }
    }
}

/// Whether the object says so of its current generation and has handled the last request.
fn is_ready(object: &Value, status: &str, reason: Option<&str>) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|c| c["type"] == "Ready");
    let requested = &object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"];
    ready.is_some_and(|ready| {
        ready["status"] == status
            && ready["observedGeneration"] == object["metadata"]["generation"]
            && reason.is_none_or(|reason| ready["reason"] == reason)
            && (requested.is_null() || *requested == object["status"]["lastHandledReconcileAt"])
    })
}

fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
