//! What end-to-end tests play in: a control plane with our CRDs, a Git server, a sink for notifications, and `flux run`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use tempfile::TempDir;

use crate::flux::Options;
use crate::{ControlPlane, Flux, Notifications, SmartHttp, User};

/// Everything that the controllers touch, and the controllers.
#[derive(Debug)]
pub struct World<'a> {
    /// The cluster.
    pub plane: &'a ControlPlane,
    /// Serves the repositories below [`World::repositories`].
    pub git: SmartHttp,
    /// What the controllers sent as events.
    pub notifications: Notifications,
    /// The controllers.
    pub flux: Flux,
    binary: PathBuf,
    repositories: TempDir,
    folder: TempDir,
}

/// The world could not be made.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

impl<'a> World<'a> {
    /// Fills a control plane, and starts the controllers with these arguments besides those that every test needs.
    ///
    /// # Errors
    /// Whatever is in the way; a test can only report it.
    pub async fn on(plane: &'a ControlPlane, binary: &Path, args: &[&str]) -> Result<World<'a>, Error> {
        install_crds(&plane.client().await?).await?;
        let folder = tempfile::tempdir_in(plane.folder())?;
        let repositories = tempfile::tempdir_in(plane.folder())?;
        let git = SmartHttp::start(repositories.path())?;
        let notifications = Notifications::start()?;
        let options = options(plane, binary, folder.path(), &notifications, args);
        let flux = Flux::start(&options).await?;
        Ok(Self { plane, git, notifications, flux, binary: binary.to_owned(), repositories, folder })
    }

    /// The folder whose repositories the Git server serves.
    pub fn repositories(&self) -> &Path {
        self.repositories.path()
    }

    /// How the controllers would be started a second time, with a storage of their own below `name`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn second(&self, name: &str, args: &[&str]) -> std::io::Result<Options> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(options(self.plane, &self.binary, &folder, &self.notifications, args))
    }

    /// Runs a command of our binary as an administrator: `world.cli("get sources git", ns)`.
    ///
    /// # Errors
    /// The binary cannot be run.
    pub async fn cli(&self, command: &str, namespace: &str) -> std::io::Result<Output> {
        tokio::process::Command::new(&self.binary)
            .args(command.split_whitespace())
            .args(["--namespace", namespace])
            .arg("--kubeconfig")
            .arg(self.plane.kubeconfig(User::Admin))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
    }
}

fn options(
    plane: &ControlPlane,
    binary: &Path,
    folder: &Path,
    notifications: &Notifications,
    args: &[&str],
) -> Options {
    Options {
        binary: binary.to_owned(),
        kubeconfig: plane.kubeconfig(User::Flux),
        folder: folder.to_owned(),
        events_address: notifications.address(),
        args: args.iter().map(Into::into).collect(),
        env: Vec::new(),
    }
}

/// Applies our CRDs and waits until they are served.
///
/// # Errors
/// The API server refuses one.
pub async fn install_crds(client: &Client) -> Result<(), Error> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut names = Vec::new();
    for crd in api::crds() {
        let crd: CustomResourceDefinition = serde_json::from_value(crd)?;
        let name = crd.name_any();
        crds.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&crd)).await?;
        names.push(name);
    }
    for name in names {
        let established = kube::runtime::conditions::is_crd_established();
        kube::runtime::wait::await_condition(crds.clone(), &name, established).await?;
    }
    Ok(())
}
