//! `lib/kustomize/src/schema/builtin.txt`: which lists of Kubernetes' own kinds merge by which keys, made from the OpenAPI
//! document that the real kustomize carries.

use std::process::Command;

use crate::Outcome;
use crate::workspace::Workspace;

const TABLE: &str = "lib/kustomize/src/schema/builtin.txt";

/// Writes the table.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    std::fs::write(workspace.path(TABLE), make(workspace)?).map_err(|e| format!("write {TABLE}: {e}"))
}

/// Fails when the table is not what it would be if it were made now.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    if workspace.read(TABLE)?.as_bytes() == make(workspace)? {
        return Ok(());
    }
    Err(format!("{TABLE} is not current: run cargo xtask merge-keys"))
}

fn make(workspace: &Workspace) -> Result<Vec<u8>, String> {
    let made = Command::new("go")
        .args(["run", "./mergekeys"])
        .current_dir(workspace.path("oracles/kustomize"))
        .env("CGO_ENABLED", "0")
        .output()
        .map_err(|e| format!("run go: {e}"))?;
    if made.status.success() { Ok(made.stdout) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
}
