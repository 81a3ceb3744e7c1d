//! What the real kube-apiserver says of the built-in kinds: how it serves them, into `crates/apiserver/data`, and what it makes
//! of writes, into the recordings that `prepare` is compared with.
//!
//! The making lies in examples of the testbed, so that building this program does not mean building a Kubernetes client.

use crate::workspace::{Workspace, run};
use crate::{Outcome, oracles};

/// Writes the files.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    oracles::run(workspace, &["etcd", "kubernetes"])?;
    run(workspace.cargo(&example("kinds")).arg(workspace.path("crates/apiserver/data")))?;
    let prepare = workspace.path("crates/apiserver/src/prepare");
    let mut record = workspace.cargo(&example("writes"));
    record.arg(prepare.join("cases")).arg(prepare.join("recorded"));
    let corpus = workspace.path("../shared/corpus/kustomize");
    if corpus.is_dir() {
        record.arg(corpus);
    } else {
        println!("kinds: no corpus at {}: its recording stays as it is", corpus.display());
    }
    run(&mut record)
}

fn example(name: &str) -> [&str; 7] {
    ["run", "--quiet", "--package", "testbed", "--example", name, "--"]
}
