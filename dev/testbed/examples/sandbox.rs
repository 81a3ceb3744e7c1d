//! `cargo sandbox`: a control plane, a folder served as a Git repository, and `flux sandbox` on both.
//!
//! What is saved in the folder is committed within a second, so that an edit goes through as a push would.
#![allow(clippy::print_stderr, reason = "it is a command")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use testbed::world::Error;
use testbed::{ControlPlane, Repository, SmartHttp, User};

const LOOK: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(flux), Some(folder)) = (args.next().map(PathBuf::from), args.next().map(PathBuf::from)) else {
        eprintln!("usage: sandbox FLUX FOLDER [FLAG...]");
        return ExitCode::FAILURE;
    };
    let flags: Vec<_> = args.collect();
    match run(&flux, &folder, &flags).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("✗ {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flux: &Path, folder: &Path, flags: &[std::ffi::OsString]) -> Result<u8, Error> {
    let started = Instant::now();
    eprintln!("► starting a control plane");
    let plane = ControlPlane::start().await?;
    eprintln!("✔ control plane ready after {:.1} s", started.elapsed().as_secs_f64());
    let repository = Repository::new(plane.folder(), "fleet.git")?;
    repository.save(folder)?;
    let git = SmartHttp::start(plane.folder())?;
    eprintln!("✔ {} is served as {}/fleet.git", folder.display(), git.url());
    let kubeconfig = plane.kubeconfig(User::Admin);
    eprintln!("\n    export KUBECONFIG={}\n", kubeconfig.display());

    let mut child = tokio::process::Command::new(flux)
        .args(["sandbox", "--path=clusters/sandbox"])
        .arg(format!("--url={}/fleet.git", git.url()))
        .arg("--kubeconfig")
        .arg(&kubeconfig)
        .args(flags)
        .kill_on_drop(true)
        .spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(u8::try_from(status?.code().unwrap_or(1)).unwrap_or(1)),
            // Ctrl-C reaches the child too; it ends in good order, and then we do.
            _ = tokio::signal::ctrl_c() => {}
            () = tokio::time::sleep(LOOK) => {
                if let Err(error) = repository.save(folder) {
                    eprintln!("⚠️ what was saved is not committed: {error}");
                }
            }
        }
    }
}
